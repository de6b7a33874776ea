"""The page on reading a report: its script for verifying by hand does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.register.conftest import SMALL

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_script_by_hand_verifies_a_report_with_nothing_installed(
    report: Callable[..., str], tmp_path: Path, language: str
) -> None:
    page = (DOCS / language / "read-a-report.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    script, file = tmp_path / "verify.py", tmp_path / "report.html"
    script.write_text(code, "utf-8")

    def verified(html: str) -> list[str]:
        file.write_text(html, "utf-8")
        command = [sys.executable, "-I", "-S", str(script), str(file)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )

    html = report(**SMALL)
    lines = [line for line in verified(html) if line]
    assert len(lines) > 10 and all(line.endswith(" True") for line in lines)
    changed = html.replace('\\"rows\\":442', '\\"rows\\":443', 1)
    assert [line for line in verified(changed) if line.endswith("False")] == ["body plan False"]
