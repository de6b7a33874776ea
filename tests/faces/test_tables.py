"""Tables on a narrow terminal: amounts and headings stay whole, or every row becomes a block."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from pilotbase.catalog.parties.verbs import KeyListResponse
from pilotbase.faces.cli.show import show
from pilotbase.faces.cli.show_usage import LIMITS, USED
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import LANGUAGES, Language, Text
from pilotbase.record.verbs.asking import QueryResponse
from pilotbase.record.verbs.vault import ListResponse as VaultListResponse
from pilotbase.register.verbs import ListResponse as RegisterListResponse
from pilotbase.serve.people.verbs import ShareResponse
from pilotbase.serve.routes.verbs import ServedResponse

USAGE = ("travel-mode-forest", 12, 0, 345, 1000, 12, "0.00 CNY", "0.00 CNY")
LIMIT = ("key:1a2b3c4d5e6f", "P1D", "1.00 CNY", "0.05 CNY", "2026-11-22T00:00:00Z", "reviewer-li")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [40, 60, 76, 80, 90, 120])
def test_no_heading_and_no_amount_is_broken(language: Language, width: int) -> None:
    for heads, row in (((Text("service", "服务"), *USED), USAGE), (LIMITS, LIMIT)):
        out = StringIO()
        said = [head.in_language(language) for head in heads]
        table(Console(file=out, width=width), said, [row])
        text = out.getvalue()
        blocks = "─" not in text
        words = said[1:] if blocks else [word for head in said for word in head.split()]
        for word in (*words, *(str(cell) for cell in row)):
            assert word in text, (word, width)


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_there_is_nothing_the_heads_stand_and_nothing_is_said_to_be_found(
    capsys: pytest.CaptureFixture[str], language: Language
) -> None:
    answers: tuple[tuple[str, object, str, dict[Language, str]], ...] = (
        ("record.query", QueryResponse(("kind",), (), False), "kind",
         {"en": "No row was found.", "zh": "没有找到任何行。"}),
        ("record.query", QueryResponse(("1",), (), True), "1",
         {"en": "There are more rows: --limit.", "zh": "还有更多行: --limit。"}),
        ("vault.list", VaultListResponse(None, ()), {"en": "subject", "zh": "主体"}[language],
         {"en": "No body was found.", "zh": "没有找到正文。"}),
        ("gateway.share", ShareResponse(()), {"en": "waiting", "zh": "等待"}[language],
         {"en": "No call was found.", "zh": "没有找到调用。"}),
        ("gateway.show", ServedResponse((), ()), {"en": "service", "zh": "服务"}[language],
         {"en": "No service is served.", "zh": "没有在提供的服务。"}),
        ("register.list", RegisterListResponse(()), {"en": "tier", "zh": "等级"}[language],
         {"en": "No filing was found.", "zh": "没有找到备案。"}),
        ("catalog.key.list", KeyListResponse(()), {"en": "scopes", "zh": "范围"}[language],
         {"en": "No key was found.", "zh": "没有找到密钥。"}),
    )  # fmt: skip
    for verb, answer, head, said in answers:
        show(verb, answer, language)
        heads, _, last = capsys.readouterr().out.strip().rpartition("\n")
        assert head in heads and last == said[language], verb
