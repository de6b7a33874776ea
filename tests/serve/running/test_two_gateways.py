"""Two gateways in homes of their own on one PostgreSQL: a stop at one closes both."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pilotbase.record import stores
from pilotbase.serve.routes.offer import offer
from tests.record.cluster import MISSING, programs, running
from tests.serve.routes.making import base
from tests.serve.running.gateway import gateway, until, upstream

SHEET = """\
gateway: 1
reason: one provider
services:
  - filing: advice-logit-1
    upstreams: [{id: one, kind: chat, url: "%s", model: m, private: true}]
"""


def test_a_stop_at_one_closes_both(tmp_path: Path) -> None:
    folder = programs()
    if folder is None:
        assert not os.environ.get("CI"), MISSING
        pytest.skip(MISSING)
    with running(folder) as started, upstream("one") as found:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            stores.choose(tmp_path / name, stores.Postgres(started.dsn, "gateways"))
        with base(tmp_path / "a", real_time=True) as made:
            made.try_("logit")
            made.file()
            key = made.key()
            sheet = tmp_path / "sheet.yaml"
            sheet.write_text(SHEET % found.url, "utf-8")
            offer(made.record, made.context, sheet, "person-1")
            with gateway(tmp_path / "a", "serve") as one, gateway(tmp_path / "b", "serve") as two:
                assert one.chat(key, "advice-logit")[0] == two.chat(key, "advice-logit")[0] == 200
                made.act("advice-logit-1", "stop")
                for each in (one, two):
                    until(lambda each=each: each.chat(key, "advice-logit")[0] == 410)  # type: ignore[misc]
                assert one.end() == two.end() == 0
