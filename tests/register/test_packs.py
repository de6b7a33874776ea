"""The reports of all built-in scenarios, run for real, verify themselves in the browser."""

from __future__ import annotations

import json

from pilotbase.register.documents.report import render_report
from tests.conftest import Toured
from tests.register.conftest import Reader


def test_the_reports_of_all_packs_verify_themselves(toured: Toured, reader: Reader) -> None:
    files = sorted(toured.reports.glob("*.json"))
    assert len(files) == len(toured.runs) >= 7
    for file in files:
        page = reader.open(render_report(json.loads(file.read_text("utf-8"))))
        assert page.inner_text("#alarm") == "", file.name
    assert reader.said == []
