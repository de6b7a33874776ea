"""Questions in words, endpoints, judges and frozen candidates: each fault with its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pilotbase.kernel.errors import Fault, ScenarioError
from pilotbase.scenario.draft import Known
from pilotbase.scenario.read import scenario_of

GOOD = (Path(__file__).parent / "files" / "answer.yaml").read_text("utf-8")
MARK = "«"
SECRET = "sk-live4f9aK2mQx81Zp77"
LONG = "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z"
INJECTED = "    under: {injection: documents}"

# old, new with the place marked, code, nearest word (None: none is near)
CASES = [
    ("question: question\n", "", "no_question", None),
    ("task: answer", "task: classification", "no_effect", None),
    ("refusal: {en", "«environment: desk\nrefusal: {en", "no_effect", None),
    ("scope: scope\n", "", "no_scope", None),
    ("sources: sources\n", "", "no_sources", None),
    ("documents:\n  data: {csv: passages.csv}\n", "", "no_documents", None),
    ("data: {csv: passages.csv}", "data: {csv: «../passages.csv}", "path_outside", None),
    ("data: {csv: passages.csv}", "«data: {}", "no_source", None),
    ("data: {csv: passages.csv}", "data: {«sealed: a}", "sealed", None),
    ("data: {csv: passages.csv}", "data: {csv: a, «sql: SELECT 1}", "several_sources", None),
    ("  csv: questions.csv", "  results: «/var/log/run.eval", "path_outside", None),
    ("target: answer", "target: question", "target_used", None),
    ("  by: frozen", "  by: «random", "split_unfit", "frozen"),
    ("  by: frozen", "  by: frozen\n  «folds: 3", "no_effect", None),
    ("  by: frozen", "  by: frozen\n  «holdout: 0.2", "no_effect", None),
    ("    plugin: note-reader", "    «estimator: sklearn.svm.SVC", "nothing_to_learn", None),
    ("    plugin: note-reader", "    «estimator: sklearn.svm.SVC", "kind_unfit", None),
    ("    plugin: note-reader", "    plugin: note-reader\n    «acts_for: A", "no_effect", None),
    ("    plugin: note-reader", "    «infer: {url: 'https://a', model: m}", "kind_unfit", None),
    ("    plugin: note-reader", "    results: score", "reported", None),
    ("    k: 3\n", "", "no_k", None),
    ("    tolerance: 0.5\n", "", "no_tolerance", None),
    ("    form: {type: object, properties: {rows: {type: integer}}}\n", "", "no_form", None),
    (INJECTED + "\n", "", "no_under", None),
    (INJECTED, "    «under: {typos: 0.1}", "no_injection", None),
    ("    under: {typos: 0.1}", "    under: {«noise: 0.1}", "no_effect", None),
    ("    under: {typos: 0.1}", "    «under: {typos: 0.1, paraphrase: true}",
     "one_perturbation", None),
    ("    under: {typos: 0.1}", "    under: {typos: 0.1, «columns: [a]}", "no_effect", None),
    ("    under: {typos: 0.1}", "    «against: majority", "nothing_to_learn", None),
    ("    repeats: 3\n", "", "no_repeats", None),
    ("  - metric: grounded", "  - metric: grounded\n    «k: 3", "no_effect", None),
    ("  - metric: grounded", "  - metric: grounded\n    «tolerance: 3", "no_effect", None),
    ("  - metric: grounded", "  - metric: grounded\n    «rubric: Good.", "no_effect", None),
    ("  - metric: grounded", "  - metric: «mae\n    cap: 1", "metric_unfit", None),
    ("  - metric: grounded", "  - metric: «success", "metric_unfit", None),
    ("    judge: careful", "    judge: «carefull", "unknown_judge", "careful"),
    ("    judge: careful\n", "", "no_judge", None),
    ("    rubric: Right, short and polite.\n", "", "no_rubric", None),
    ("    audit: 4\n", "", "no_audit", None),
    ("estimand: future cases", "estimand: these cases", "audit_of_these", None),
    ("  careful:\n", "  «other: {plugin: x}\n  careful:\n", "no_effect", None),
    ("  careful:\n    chat:", "  «careful:\n    plugin: x\n    chat:", "judge_kind", None),
    ("type: integer}", "type: «int}", "form", None),
    ("type: integer}", "$ref: «https://example.org/a.json}", "form", None),
    ("type: integer}", "pattern: «(?=a)b}", "form", None),
    ("type: integer}", "«patternProperties: {a: {}}}", "form", None),
    ("https://api.example.org/v1", "«http://api.example.org/v1", "not_https", None),
    ("https://api.example.org/v1", "«ftp://api.example.org/v1", "url", None),
    ("https://api.example.org/v1", "«https://me:word@api.example.org/v1", "secret", None),
    ("https://api.example.org/v1", "«https://api.example.org/v1?api_key=a", "secret", None),
    ("key: {env: EXAMPLE_KEY}", "«key: {env: EXAMPLE_KEY, file: key.txt}", "one_key", None),
    ("{env: EXAMPLE_KEY}", "{}", "one_key", None),
    ("{env: EXAMPLE_KEY}", f"{{env: «{SECRET}}}", "secret", None),
    ("{env: EXAMPLE_KEY}", f"{{env: «{LONG}}}", "secret", None),
    ("{env: EXAMPLE_KEY}", f"{{file: «{SECRET}}}", "secret", None),
    ("    plugin: note-reader", f"    plugin: note-reader\n    parameters: {{key: «{SECRET}}}",
     "secret", None),
    ("      model: example-1", f"      model: example-1\n      system: «Bearer {LONG}",
     "secret", None),
    ('"{documents} Question: {question}"', '«"{documents} {"', "prompt_brace", None),
    ('"{documents} Question: {question}"', '«"{answer}"', "prompt_name", None),
    ('"{documents} Question: {question}"', '«"{scope}"', "prompt_name", None),
    ("unit: topic", "unit: topic\nfeatures: [kind]", "prompt_name", None),
    ("input: 1.00 CNY", "input: «cheap", "money", None),
    ("output: 4.00 CNY", "output: «4.00 EUR", "currency", None),
    ("      url: http://localhost:8080/mcp\n      private: true\n", "", "mcp_server", None),
    ("      url: http://localhost:8080/mcp\n      private: true\n",
     "      «command: [sh]\n", "needs_trust", None),
    ("      url: http://localhost:8080/mcp\n", "      command: [sh]\n", "no_effect", None),
]  # fmt: skip


def faults(text: str, known: Known) -> tuple[Fault, ...]:
    try:
        scenario_of(text, Path("scenario.yaml"), known=known, trust=known.trust)
    except ScenarioError as error:
        return error.faults
    return ()


def edited(old: str, new: str) -> tuple[str, tuple[int, int] | None]:
    assert GOOD.count(old) >= 1, f"{old!r} is not in the file"
    if "features:" in new:
        text = GOOD.replace("{documents} Question: {question}", "{colour}").replace(old, new, 1)
    else:
        text = GOOD.replace(old, new, 1)
    at = text.find(MARK)
    if at < 0:
        return text, None
    return text.replace(MARK, ""), (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def test_the_good_file_is_good(known: Known) -> None:
    assert [fault.render("en") for fault in faults(GOOD, known)] == []


@pytest.mark.parametrize(
    ("old", "new", "code", "nearest"), CASES, ids=[f"{c[2]}-{n}" for n, c in enumerate(CASES)]
)
def test_each_fault_has_its_code_place_and_both_languages(
    old: str, new: str, code: str, nearest: str | None, known: Known
) -> None:
    text, place = edited(old, new)
    said = faults(text, known)
    found = [fault for fault in said if fault.code == f"scenario.{code}"]
    assert found, [fault.render("en") for fault in said]
    if place is not None:
        assert place in [(fault.line, fault.column) for fault in found]
    assert nearest in [fault.nearest for fault in found]
    for fault in said:
        assert re.search("[\u4e00-\u9fff]", fault.message.zh)
        assert not re.search("[\u4e00-\u9fff]", fault.message.en)
        assert fault.expected is not None or fault.nearest is not None


@pytest.mark.parametrize("secret", [SECRET, LONG])
def test_a_secret_in_the_wrong_place_is_not_repeated(secret: str, known: Known) -> None:
    for place in (f"{{env: {secret}}}", f"{{file: {secret}}}"):
        for fault in faults(GOOD.replace("{env: EXAMPLE_KEY}", place), known):
            assert secret not in fault.render("en") and secret not in fault.render("zh")


def test_names_and_paths_of_keys_are_no_secrets(known: Known) -> None:
    for key in (
        "{env: _MY_PROVIDER_2_API_KEY}",
        "{file: keys/provider-2024-key.txt}",
        "{file: /run/secrets/Example_Analytics_Key}",
    ):
        assert faults(GOOD.replace("{env: EXAMPLE_KEY}", key), known) == (), key


def test_a_local_endpoint_is_declared_private(known: Known) -> None:
    local = GOOD.replace("https://api.example.org/v1", "http://127.0.0.1:9/v1\n      private: true")
    assert faults(local, known) == ()


ACT = """
id: clerk
title: {en: Clerk, zh: 办事员}
need: {en: Bookings are made., zh: 完成预订。}
item: A2.1
owner: {name: River Valley Clinics, principal: Lin Mei}
affects_people: true
task: act
data: {csv: goals.csv}
target: goal_state
question: goal
environment: desk
split: {by: frozen}
acceptance:
  - {metric: success, at_least: 0.8}
  - {metric: within_steps, limit: 10, at_least: 0.9}
  - {metric: asks_approval, at_least: 0.99}
candidates:
  - {id: a, plugin: note-reader, acts_for: Lin Mei}
"""


def test_an_agent_acts_in_an_environment_for_somebody(known: Known) -> None:
    assert [fault.render("en") for fault in faults(ACT, known)] == []
    wrong = {
        "environment: desk\n": ("", "no_environment"),
        "environment: desk": ("environment: dusk", "unknown_environment"),
        ", acts_for: Lin Mei": ("", "no_principal"),
        "plugin: note-reader": ("mcp: {url: 'https://a', tool: t}", "kind_unfit"),
        "limit: 10, ": ("", "no_limit"),
        "question: goal\n": ("question: goal\nscope: a\n", "no_effect"),
        "metric: success": ("metric: grounded", "metric_unfit"),
        "at_least: 0.8}": ("at_least: 0.8, under: {noise: 1}}", "no_effect"),
    }
    for old, (new, code) in wrong.items():
        codes = [fault.code for fault in faults(ACT.replace(old, new), known)]
        assert f"scenario.{code}" in codes, (old, codes)


def test_reported_results_are_scored_as_reported(known: Known) -> None:
    log = ACT.replace("plugin: note-reader, acts_for: Lin Mei", "results: score")
    log = re.sub(r"  - \{metric: (within|asks).*\n", "", log)
    assert {fault.code for fault in faults(log, known)} == {"scenario.reported"}
    assert faults(log.replace("metric: success", "metric: reported"), known) == ()


def test_tables_may_be_frozen_and_asked_of_an_endpoint(known: Known) -> None:
    table = """
id: grade
title: {en: Grade, zh: 定级}
need: {en: Grades., zh: 定级。}
item: A1.1
owner: {name: Observatory, principal: Lin Hai}
affects_people: false
task: detection
positive: 1
data: {csv: a.csv}
target: y
split: {by: frozen}
acceptance:
  - {metric: recall, at_least: 0.5, repeats: 1}
candidates:
  - {id: a, infer: {url: 'https://a.example', model: m, score: s}, cutoff: {score: 0.5}}
"""
    assert faults(table, known) == ()
    wrong = {
        "score: s": ("value: s", "no_output"),
        "cutoff: {score: 0.5}": ("cutoff: {called_share: 0.5}", "nothing_to_learn"),
        "repeats: 1": ("repeats: 2", "no_effect"),
        "at_least: 0.5": ("at_least: 0.5, under: {typos: 0.1}", "no_effect"),
        "positive: 1": ("positive: 1\nquestion: q", "no_effect"),
    }
    for old, (new, code) in wrong.items():
        codes = [fault.code for fault in faults(table.replace(old, new), known)]
        assert f"scenario.{code}" in codes, (old, codes)
