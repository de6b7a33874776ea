"""What waits for people, as a terminal shows it."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pilotbase.faces.cli.show_handoff import HANDOFF_FORMS
from pilotbase.kernel.text import Language
from pilotbase.serve.people.verbs import QueueResponse


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ("tier:high", "flag:injection", "audit")),
        ("zh", ("等级: 高", "标记: injection", "抽查")),
    ],
)
def test_why_and_until_when_a_call_waits(language: Language, words: tuple[str, ...]) -> None:
    why = ["tier:high", "flag:injection", "audit"]
    call = {"usage": "4f1c-1", "filing": "f-1", "stage": "before", "why": why, "late": "refuse",
            "manual": False, "remark": None, "until": "2026-11-22T10:32:05.123Z"}  # fmt: skip
    out = StringIO()
    HANDOFF_FORMS["gateway.queue"](Console(file=out, width=200), QueueResponse((call,)), language)
    for word in (*words, "2026-11-22T10:32:05Z"):
        assert word in out.getvalue()
