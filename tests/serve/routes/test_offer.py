"""Arrangements: all faults at once, secrets by reference, and what routes become of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pilotbase.catalog.sheet import read_sheet
from pilotbase.desk import events as pilot
from pilotbase.faces.cli.show_gateway import GATEWAY_FORMS
from pilotbase.kernel.canonical import digest, encode
from pilotbase.kernel.errors import InputError, SheetError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Language
from pilotbase.kernel.time import stamp
from pilotbase.serve.call import Refused, Upstream
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.drill import Probe, summed
from pilotbase.serve.routes.events import DrillBegun
from pilotbase.serve.routes.offer import offer, remarks
from pilotbase.serve.routes.proof import served_by
from pilotbase.serve.routes.sheet import ArrangementSheet
from pilotbase.serve.routes.shown import served
from pilotbase.serve.routes.verbs import DrillRequest
from pilotbase.serve.rules.tariff import tariff_of, token_price
from pilotbase.serve.worker.keeper import wanted_of
from tests.serve.routes.making import SOCKETS, Base, base, filed

ROOT = Path(__file__).parents[3]
SHEET = """\
gateway: 1
reason: the provider runs it
services:
  - filing: advice-logit-1
    upstreams:
      - {id: east, kind: chat, url: https://east.example/v1, model: m-1, weight: 3,
         key: {env: EAST_KEY}, declared: built from the commit that was tried}
      - {id: west, kind: chat, url: http://127.0.0.1:9/v1, private: true, key: {file: west.key},
         declared: the same image}
    fallback: [advice-forest-1, earlier]
    tokens: {input: 0.50 CNY per 1000000, output: 2.00 CNY per 1000000}
    caps: {output_tokens_max: 100}
    content: true
"""


CHAT = {"url": "https://m.example/v1", "model": "m", "tool": "t"}


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Base]:
    with base(tmp_path / "home") as found:
        found.try_("logit", "forest")
        found.file()
        found.file("forest")
        yield found


def arrange(made: Base, text: str, by: str = "person-1", *, development: bool = False) -> None:
    sheet = made.context.home / "sheet.yaml"
    sheet.write_text(text, "utf-8")
    offer(made.record, made.context, sheet, by, development=development)


def test_an_arrangement_becomes_a_route(made: Base) -> None:
    arrange(made, SHEET)
    route = made.compile().route("advice-logit", made.at)
    east, west = route.upstreams
    assert (east.id, east.kind, east.url, east.model) == (
        "east", "chat", "https://east.example/v1", "m-1",
    )  # fmt: skip
    assert (east.secret, east.weight, east.private) == ("env:EAST_KEY", 3, False)
    assert west.secret == f"file:{made.context.home / 'west.key'}" and west.private
    assert route.speaks == {"chat"} and route.content and route.caps.output_tokens_max == 100
    assert (route.tariff.case, route.tariff.input_token, route.tariff.output_token) == (
        20_000_000, 500, 2000,
    )  # fmt: skip
    assert [one.filing for one in route.fallback] == ["advice-forest-1"]
    assert route.fallback[0].fallback == ()
    made.act("advice-forest-1", "suspend")
    assert made.compile().route("advice-logit", made.at).fallback == ()


def test_what_was_tried_as_a_program_is_declared_where_an_address_stands_for_it(made: Base) -> None:
    undeclared = SHEET.replace(", declared: built from the commit that was tried", "")
    with pytest.raises(SheetError) as caught:
        arrange(made, undeclared)
    (fault,) = caught.value.faults
    assert fault.code == "sheet.declared" and "east" in caught.value.render("en")
    assert "程序" in caught.value.render("zh") and fault.line == 6
    own = made.compile().route("advice-logit", made.at)
    assert (own.served, own.arranged_by) == ("proven", "")
    arrange(made, SHEET)
    route = made.compile().route("advice-logit", made.at)
    assert (route.served, route.arranged_by) == ("declared", "person-1")
    (one, _) = sorted(served(made.context, development=False).services, key=lambda s: s["served"])
    assert one["declared"]["west"] == "the same image" and one["arranged_by"] == "person-1"


@pytest.mark.parametrize(
    ("upstream", "offer_", "found"),
    [
        (Upstream("a", "candidate", "unix:/x"), None, "proven"),
        (Upstream("a", "chat", "https://m.example/v1/", "m"), {"chat": CHAT}, "proven"),
        (Upstream("a", "chat", "https://m.example/v1", "n"), {"chat": CHAT}, "declared"),
        (Upstream("a", "chat", "https://n.example/v1", "m"), {"chat": CHAT}, "declared"),
        (Upstream("a", "oip", "https://m.example/v1", "m"), {"chat": CHAT}, "declared"),
        (Upstream("a", "oip", "https://m.example/v1", "m"), {"infer": CHAT}, "proven"),
        (
            Upstream("a", "oip", "https://m.example/v1", "m"),
            {"infer": {**CHAT, "version": "2"}},
            "declared",
        ),
        (Upstream("a", "mcp", "https://m.example/v1", "t"), {"mcp": CHAT}, "proven"),
        (Upstream("a", "a2a", "https://m.example/v1", "m"), {"chat": CHAT}, "declared"),
        (Upstream("a", "chat", "https://m.example/v1", "m"), {"estimator": "x"}, "declared"),
    ],
)
def test_what_a_gateway_can_tell_by_itself(
    upstream: Upstream, offer_: dict[str, Any] | None, found: str
) -> None:
    assert served_by([upstream], offer_) == found
    assert served_by([upstream, Upstream("b", "a2a", "https://b.example")], offer_) == "declared"


def test_nothing_that_answers_is_not_proven() -> None:
    assert served_by([], {"chat": CHAT}) == "declared"


def test_a_later_arrangement_holds(made: Base) -> None:
    arrange(made, SHEET)
    text = "gateway: 1\nreason: back to our own\nservices: [{filing: advice-logit-1}]\n"
    arrange(made, text)
    route = made.compile().route("advice-logit", made.at)
    assert [one.kind for one in route.upstreams] == ["candidate"] and not route.content


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_shows_a_sheet_without_faults_of_grammar(language: str, tmp_path: Path) -> None:
    page = (ROOT / "docs" / language / "gateway.md").read_text("utf-8")
    sheet = tmp_path / "sheet.yaml"
    sheet.write_text(page.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    said = read_sheet(sheet, ArrangementSheet).said
    assert [one.filing for one in said.services] == ["advice-logit-1", "loans-trees-1"]


def test_a_candidate_may_have_several_workers(made: Base) -> None:
    text = """\
gateway: 1
reason: many calls
services:
  - filing: advice-logit-1
    upstreams: [{id: one, kind: candidate}, {id: two, kind: candidate, weight: 2, folder: files}]
"""
    arrange(made, text)
    route = made.compile().route("advice-logit", made.at)
    assert [(one.id, one.weight) for one in route.upstreams] == [("one", 1), ("two", 2)]
    paths = {one.url.removeprefix("unix:") for one in route.upstreams}
    reading = Reading(made.record)
    reading.grown()
    wanted = wanted_of(reading.books(), made.at, SOCKETS, development=False)
    assert paths < set(wanted) and len(wanted) == 3
    folders = {wanted[path].folder for path in paths}
    assert folders == {"", str(made.context.home / "files")}
    drill(made, "one")
    reading.grown()
    assert wanted_of(reading.books(), made.at, SOCKETS, development=False) == wanted


def test_all_faults_are_told_at_once(made: Base) -> None:
    made.act("advice-forest-1", "stop")
    text = """\
gateway: 1
reason: wrong in many ways
services:
  - filing: advice-lojit-1
    upstreams:
      - {id: a, kind: chat}
      - {id: a, kind: chat, url: "http://models.example/v1"}
      - {id: b, kind: chat, url: "https://user:secret@models.example/v1", key: {env: A, file: b}}
      - {id: c, kind: candidate, url: "https://models.example"}
    fallback: [nobody-1]
    tokens: {input: two pence}
  - filing: advice-forest-1
    tokens: {output: 1.00 EUR per 1000}
    guards: {no_such_guard: {}}
  - filing: advice-forest-1
"""
    with pytest.raises(SheetError) as caught:
        arrange(made, text)
    codes = [fault.code for fault in caught.value.faults]
    for code in ("unknown", "no_url", "twice", "address", "key", "own_worker", "price", "ended"):
        assert f"sheet.{code}" in codes, code
    assert codes.count("sheet.price") == 2 and codes.count("sheet.ended") == 2
    said = caught.value.render("en") + caught.value.render("zh")
    assert "user:secret" not in said and "advice-logit-1" in said
    assert all(fault.line > 0 for fault in caught.value.faults)
    assert made.compile().route("advice-logit", made.at).upstreams[0].kind == "candidate"


CHOICE = "gateway: 1\nreason: r\nservices: [{filing: advice-logit-1, fallback: [%s]%s}]\n"


def other(made: Base, id_: str, **words: Any) -> None:
    """A filing of another scenario."""
    document = {
        "task": "classification",
        "data": {"dataset": "statsmodels.modechoice"},
        "candidates": [{"id": "tree", "estimator": "sklearn.svm.SVC"}],
        **words,
    }
    by = made.context.actor("case officer")
    submitted = pilot.Submitted("loans", "A3.1", "Owner", "Lin", digest(document))
    made.record.append(Draft(submitted, by, f"pilot:{id_}", {"scenario": encode(document)}))
    filing = replace(filed(id_, "tree", made.clock.at), run=id_, scenario="loans")
    made.record.append(Draft(filing, by, f"filing:{id_}"))


@pytest.mark.parametrize(
    ("fallback", "more", "words"),
    [
        ("advice-logit-1", "", "no second choice of itself"),
        ("loans-tree-1", "", "another task (regression; here classification)"),
        ("loans-tree-2", "", "takes other columns"),
        ("advice-forest-1", ", speaks: [infer, tool]", "does not answer tool"),
    ],
)
def test_a_second_choice_takes_what_the_first_does(
    made: Base, fallback: str, more: str, words: str
) -> None:
    other(made, "loans-tree-1", task="regression")
    other(made, "loans-tree-2", data={"dataset": "statsmodels.fair"})
    with pytest.raises(SheetError) as caught:
        arrange(made, CHOICE % (fallback, more))
    (fault,) = caught.value.faults
    assert fault.code == "sheet.fallback" and words in fault.message.en


def test_where_columns_cannot_be_known_it_is_said(made: Base) -> None:
    other(made, "loans-tree-1", data={"csv": "loans.csv"})
    other(made, "loans-tree-2")
    sheet = made.context.home / "sheet.yaml"
    for fallback, told in (("loans-tree-1", 1), ("loans-tree-2", 0), ("earlier", 0)):
        sheet.write_text(CHOICE % (fallback, ""), "utf-8")
        entries = offer(made.record, made.context, sheet, "person-1")
        assert len(remarks(made.record, entries)) == told


def test_who_is_to_decide_is_a_person_of_the_catalog(made: Base) -> None:
    handoff = "handoff: {before: {tiers: [minmal]}, people: [nobody, maker, person-1, persn-2]}"
    text = f"gateway: 1\nreason: misspelt\nservices: [{{filing: advice-logit-1, {handoff}}}]\n"
    with pytest.raises(SheetError) as caught:
        arrange(made, text)
    codes = [fault.code for fault in caught.value.faults]
    assert sorted(codes) == ["serve.handoff"] + 3 * ["sheet.no_person"]
    said = caught.value.render("en")
    assert "'minmal'" in said and "'maker'" in said and '"person-2"' in said


def test_a_word_that_is_unknown_or_a_key_itself_is_refused(made: Base) -> None:
    with pytest.raises(SheetError) as caught:
        arrange(made, SHEET.replace("key: {env: EAST_KEY}", "key: sk-secret"))
    assert "key" in caught.value.render("en")


def test_a_named_person_says_so(made: Base) -> None:
    for by in ("", "maker", "robot", "person-9"):
        with pytest.raises(InputError, match=r"serve\.no_person"):
            arrange(made, SHEET, by)


def test_development_names_what_is_not_filed(made: Base) -> None:
    text = SHEET.replace("advice-logit-1", "sketch")
    with pytest.raises(SheetError):
        arrange(made, text)
    for name in ("advice-logit", "advice-logit-1"):
        with pytest.raises(SheetError, match="development never stands in"):
            arrange(made, SHEET.replace("advice-logit-1", name), development=True)
    arrange(made, text, development=True)
    assert made.compile().routes(made.at)[0].source == "filed"
    with pytest.raises(Refused):
        made.gate.route("sketch", made.at)
    made.development = True
    route = made.compile().route("sketch", made.at)
    assert (route.source, route.principal, route.verdict) == ("development", "person-1", "")


def drill(made: Base, upstream: str, seconds: float = 10) -> None:
    made_at = made.clock.at
    made.clock.forward(seconds=seconds)
    begun = DrillBegun("advice-logit-1", upstream, stamp(made.clock.at), "person-1")
    made.clock.at = made_at
    by = made.context.actor("compute operator")
    made.record.append(Draft(begun, by, "filing:advice-logit-1"))


def test_a_drill_cuts_an_upstream_until_its_end(made: Base) -> None:
    arrange(made, SHEET)
    drill(made, "east")
    route = made.compile().route("advice-logit", made.at)
    assert [one.id for one in route.upstreams] == ["west"]
    made.clock.forward(seconds=10)
    assert len(made.compile().route("advice-logit", made.at).upstreams) == 2


def test_a_drill_of_the_only_upstream_leads_to_the_second_choice_or_nowhere(made: Base) -> None:
    drill(made, "own")
    made.compile()
    with pytest.raises(Refused) as caught:
        made.gate.route("advice-logit", made.at)
    assert (caught.value.code, caught.value.retry_after_s) == ("serve.drill", 10.0)
    text = "gateway: 1\nreason: a second\nservices: [{filing: advice-logit-1, fallback: [%s]}]\n"
    arrange(made, text % "advice-forest-1")
    route = made.compile().route("advice-logit", made.at)
    assert route.upstreams == () and [one.filing for one in route.fallback] == ["advice-forest-1"]


def test_what_a_drill_found_is_summed_up() -> None:
    request = DrillRequest("advice-logit-1", seconds=10)
    probes = [Probe(101.0, "advice-logit-1", ""), Probe(103.0, "", "serve.drill"),
              Probe(107.0, "advice-forest-1", ""), Probe(111.0, "advice-forest-1", "")]  # fmt: skip
    found = summed(probes, 100.0, request, "own", 7)
    assert (found.asked, found.served, found.gap_ms) == (4, 3, 6000)
    assert found.by_filing == {"advice-logit-1": 1, "advice-forest-1": 2}
    assert found.refusals == {"serve.drill": 1}
    assert summed([], 0.0, request, "own", 7).gap_ms == 10_000


def test_what_is_served_is_shown(made: Base) -> None:
    arrange(made, SHEET)
    made.act("advice-forest-1", "stop")
    found = served(made.context, development=False)
    (one,) = found.services
    assert (one["filing"], one["upstreams"], one["source"]) == (
        "advice-logit-1", ["east", "west"], "filed",
    )  # fmt: skip
    assert "EAST_KEY" not in str(found)
    assert [(r["filing"], r["code"]) for r in found.refused] == [
        ("advice-forest-1", "serve.stopped")
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_was_arranged_is_shown_without_secrets(made: Base, language: Language) -> None:
    hook = "webhook: {url: https://hooks.example/T0K3N, secret: env:HOOK_SECRET}"
    more = f"    handoff: {{before: {{tiers: [high]}}, people: [person-2], {hook}}}\n"
    arrange(made, SHEET + more + "    guards: {injection: {on: [request]}}\n")
    found = served(made.context, development=False)
    one = next(one for one in found.services if one["filing"] == "advice-logit-1")
    assert one["tokens"]["output"] == "2.00 CNY per 1000000" and one["content"] is True
    assert one["caps"]["output_tokens_max"] == 100 and one["caps"]["cases_max"] == 10_000
    assert one["guards"] == {"injection": {"on": ["request"]}}
    assert one["handoff"]["people"] == ["person-2"]
    console = Console(width=200, record=True, file=StringIO())
    GATEWAY_FORMS["gateway.show"](console, found, language)
    said = console.export_text()
    assert "output_tokens_max: 100" in said and "before: {tiers: [high]}" in said
    assert "cases_max" not in said and "injection: {on: [request]}" in said
    assert not {"T0K3N", "HOOK_SECRET"} & {*re.findall(r"\w+", said + str(found))}


@given(st.integers(0, 10**6), st.integers(0, 99), st.sampled_from([1, 10, 1000, 10**6]))
def test_a_price_of_tokens_is_exact(whole: int, cents: int, per: int) -> None:
    currency, nano = token_price(f"{whole}.{cents:02d} CNY per {per}")
    assert (currency, nano * per) == ("CNY", (whole * 100 + cents) * 10**7)


@pytest.mark.parametrize("text", ["1 CNY", "1.00 CNY per 0", "-1.00 CNY per 10", "1.00 CNY per 3"])
def test_what_is_no_price_of_tokens(text: str) -> None:
    with pytest.raises(ValueError, match=r"CNY"):
        token_price(text)


def test_a_filing_by_time_costs_nothing_by_the_call() -> None:
    tariff = tariff_of({"amount": "5.00 CNY", "per": "month"}, {})
    assert (tariff.call, tariff.case, tariff.input_token) == (0, 0, 0)
    assert tariff_of({"amount": "5.00 CNY", "per": "call"}, {}).call == 5 * 10**9
