"""The report as text: what it says, what it must never carry, and which dossiers it refuses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable

import pytest

from pilotbase.kernel.errors import RecordError
from pilotbase.register.documents.papers import Papers
from pilotbase.register.documents.report import render_report
from pilotbase.register.documents.seal import section_digests
from pilotbase.register.documents.words import attested, finding, part_label, verdict_sentence
from tests.register.conftest import SMALL
from tests.register.making import Json

Dossier = Callable[..., Json]
Report = Callable[..., str]
HOSTILE_SMALL = {"hostile": True, "candidates": ("boosted", "scripted"), "criteria": 3}
DATA = re.compile(r'<script type="application/json".*?</script>', re.DOTALL)


def test_the_same_dossier_gives_the_same_bytes(dossier: Dossier) -> None:
    assert render_report(dossier(**SMALL)) == render_report(dossier(**SMALL))


def test_nothing_is_loaded_from_anywhere(report: Report) -> None:
    html = report(**HOSTILE_SMALL)
    shown = DATA.sub("", html)
    assert not re.search(r"<(?:link|img|iframe|object|embed|base|form)\b", shown)
    assert set(re.findall(r"<script[^>]*>", html)) == {
        *(f'<script type="application/json" id="data-{n}">' for n in ("frame", "record", "bodies")),
        '<script type="application/json" id="seal">',
        "<script>",
    }
    assert not re.search(r'\b(?:src|style|on[a-z]+)="', shown)
    assert {h[0] for h in re.findall(r'href="([^"]*)"', shown)} == {"#"}
    assert "url(" not in html and "@import" not in html
    assert html.count("</script") == html.count("<script") == 5


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(report: Report) -> None:
    html = report(**SMALL)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    said = policy[1].replace("&#39;", "'")
    for name in ("script", "style"):
        text = re.search(rf"<{name}>(.*?)</{name}>", html, re.DOTALL)
        assert text is not None
        digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in said
    assert said.startswith("default-src 'none'; ") and "unsafe" not in said


def test_an_empty_report_is_small(report: Report) -> None:
    html = report(candidates=("boosted",), criteria=1)
    assert len(DATA.sub("", html).encode()) <= 200_000


def test_hostile_text_is_escaped_in_every_place(report: Report) -> None:
    html = report(**HOSTILE_SMALL)
    assert "<img src=x" not in html and "<script>document" not in html
    assert html.count("&lt;/script&gt;") > 5
    assert "\\u003c/script\\u003e" in html


def test_the_finding_is_said_first_and_stand_ins_are_named_everywhere(report: Report) -> None:
    html = report()
    lead = html.index("Of three candidates, one may go ahead; one may not; on one the evidence")
    assert lead < html.index("<table") and "3 个候选方案中, 1 个通过" in html
    matrix = html[html.index('<table class="matrix"') : html.index("</table>")]
    assert matrix.count("stand-in: a scripted model") == 1
    article = html[html.index('<article id="c2"') :]
    assert "stand-in: a scripted model" in article[:2500]
    assert "That a stand-in works" in html and "Not a certificate of conformity" in html


@pytest.mark.parametrize(
    ("verdicts", "en", "zh"),
    [
        (["go"], "The one candidate may go ahead.", "唯一的候选方案通过。"),
        (
            ["no-go", "no-go"],
            "Of two candidates, none may go ahead; two may not.",
            "2 个候选方案中, 没有一个通过; 2 个不通过。",
        ),
        (
            ["go", "conditional", "insufficient"],
            "Of three candidates, one may go ahead; one may on a condition; on one the evidence "
            "does not suffice yet.",
            "3 个候选方案中, 1 个通过; 1 个附条件通过; 1 个证据尚不足。",
        ),
    ],
)
def test_the_finding_in_one_sentence(
    dossier: Dossier, verdicts: list[str], en: str, zh: str
) -> None:
    read = Papers.read(dossier(**SMALL))
    verdict = {**read.verdict, "candidates": [{"verdict": v} for v in verdicts]}
    said = finding(Papers(**{**vars(read), "verdict": verdict}))
    assert (said.en, said.zh) == (en, zh)


def test_labels_of_groups_read_in_both_languages() -> None:
    groups = {
        "sex": {"title": None, "labels": {"1": {"en": "women", "zh": "女性"}}},
        "income": {"title": {"en": "Income", "zh": "收入"}, "labels": {}},
    }
    assert part_label("sex=1 - sex=2", groups).en == "women − sex: 2"
    assert part_label("sex=1 / sex=2", groups).zh == "女性 / sex: 2"
    assert part_label("income=low, third", groups).en == "Income: low, third"
    assert part_label("income=low - x - income=high", groups).zh == "收入: low - x − 收入: high"
    assert part_label("income=low, upper side", groups).zh == "收入: low, 上限一侧"
    assert part_label("lower side", groups).zh == "下限一侧"
    assert part_label("", groups).en == ""


def test_who_saw_the_plan() -> None:
    assert attested("witnessed before the start by w.example").zh == "试验开始前已由 w.example 见证"
    assert attested("self-attested: could have been rerun").en.startswith("Self-attested")


def test_a_verdict_that_only_the_rule_over_all_gives_is_explained() -> None:
    said = {"verdict": "meets", "interval": [0.69, 0.9], "threshold": 0.7, "exact": False}
    assert "together with the other candidates" in verdict_sentence(said).en
    on_the_bound = {**said, "interval": [0.699999999, 0.9]}
    assert "good side" in verdict_sentence(on_the_bound).en
    band = {**said, "verdict": "undecided", "threshold": [0.5, 0.8]}
    assert "nobody can tell yet" in verdict_sentence(band).en
    assert "nothing is left open" in verdict_sentence({**said, "exact": True}).en


def test_bodies_left_out_of_the_vault_are_read_from_the_dossier(dossier: Dossier) -> None:
    made = dossier(**SMALL)
    made["bodies"] = [b for b in made["bodies"] if b["name"] not in ("scenario", "order")]
    html = render_report(made)
    frame = re.search(r'id="data-frame">(.*?)</script>', html)
    assert frame is not None
    assert set(json.loads(frame[1])) >= {"scenario", "order"}


def test_dossiers_that_do_not_hold_are_refused(dossier: Dossier) -> None:
    made = dossier(**SMALL)
    changes: list[tuple[Json, str]] = [
        ({"format": "pilotbase/report/9"}, "pilotbase/report/9"),
        ({"bodies": [b for b in made["bodies"] if b["name"] != "plan"]}, "'plan' is missing"),
        ({"verdict": {**made["verdict"], "chosen": None}}, "the verdict in the dossier differs"),
        ({"bodies": [{**made["bodies"][0], "body": "{"}]}, "is not JSON"),
    ]
    for change, message in changes:
        with pytest.raises(RecordError) as raised:
            render_report({**made, **change})
        assert raised.value.code == "report.faulty_dossier"
        assert message in raised.value.message.en and raised.value.message.zh


def test_the_seal_reads_start_tags_and_text_and_no_white_space() -> None:
    html = '<p>x</p><section B="2" data-seal="a"> one &amp;\n<br>two<svg viewBox="0"/></section>y'
    expected = '<section b="2" data-seal="a">one&<br>two<svg viewbox="0">'
    assert section_digests(html) == {"a": hashlib.sha256(expected.encode()).hexdigest()}
