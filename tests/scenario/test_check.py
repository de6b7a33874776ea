"""Every kind of fault: its code, line, column, nearest word and both languages.

A case edits the good file: ``old`` becomes ``new``, in which ``«`` marks where the fault belongs.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from pilotbase.kernel.errors import Fault, ScenarioError
from pilotbase.scenario.check import FAULTS_MAX
from pilotbase.scenario.draft import Known
from pilotbase.scenario.read import scenario_of

FILE = Path("scenario.yaml")
MARK = "«"

# old, new with the place marked, code, nearest word (None: none is near)
GRAMMAR = [
    ("item: A4.3", "item: «A4.33", "choice", "A4.3"),
    ("task: detection", "task: «detecton", "choice", "detection"),
    ("tier: high", "tier: «highest", "choice", "high"),
    ("pilotbase: 1", "pilotbase: «2", "choice", None),
    ("principal: Lin Mei", "«principle: Lin Mei", "unknown_key", "principal"),
    ("  name: River Valley Clinics\n", "", "missing_key", None),
    ("tier: high", "«colour: red", "unknown_key", None),
    ("id: follow-up-triage", "id: «Follow up!", "pattern", "follow-up"),
    ("affects_people: true", "affects_people: «yes", "type", "true"),
    ("affects_people: true", "«affects_people:", "type", None),
    ("target: progressed", "target: «2024", "type", '"2024"'),
    ("  en: Follow-up triage", "  «en: [a]", "type", None),
    ("  folds: 5", "  folds: «1", "range", None),
    ("  folds: 5", '  folds: «"5"', "type", "5"),
    ("  folds: 5", "  folds: «5.5", "type", None),
    ("  holdout: 0.3", "  holdout: «0.6", "range", None),
    ("    at_least: 0.85", "    at_least: «85%", "type", "0.85"),
    ("    at_least: 0.85", "    at_least: «.inf", "range", None),
    ("positive: 1", "«positive: {a: 1}", "type", None),
    ("    between: [0.7, 1]", "    «between: [0.7]", "type", None),
    ("    between: [0.7, 1]", "    «between: [0.7, 1, 2]", "length", None),
    ("  name: River Valley Clinics", "  name: «''", "length", None),
    ("  name: River Valley Clinics", f"  name: «{'x' * 201}", "length", None),
    ("  alpha: 0.05", "  alpha: «0.5", "range", None),
    ("features: [age, sex, bmi, pressure]", "features: «age", "type", None),
    ("features: [age, sex, bmi, pressure]", "features: [age, «[sex]]", "type", None),
    ("{called_share: 0.4}", "{called_share: «1}", "range", None),
    ("parameters: {strategy: median}", "parameters: {«strategy: {a: 1}}", "type", None),
    ("  sex:\n    column: sex", '  «"":\n    column: sex', "length", None),
    ("tier: high", "tier: high\n«tier: low", "duplicate_key", None),
]
NEED = [
    ("  csv: visits.csv\n", "", "no_source", None),
    ("  csv: visits.csv", "  csv: visits.csv\n  «sql: SELECT 1", "several_sources", None),
    ("  csv: visits.csv", "  csv: visits.csv\n  «sheet: a", "no_effect", None),
    ("  csv: visits.csv", "  csv: «../visits.csv", "path_outside", None),
    ("  csv: visits.csv", "  csv: «/etc/passwd", "path_outside", None),
    ("  csv: visits.csv", "  csv: «C:\\visits.csv", "path_outside", None),
    ("  csv: visits.csv", "  csv: «https://example.org/a.csv", "path_outside", None),
    ("  csv: visits.csv", "  csv: «a\\..\\..\\b.csv", "path_outside", None),
    ("unit: patient", "unit: «progressed", "target_used", None),
    ("barred: [note]", "barred: [note, «progressed]", "target_used", None),
    ("barred: [note]", "barred: [note, «note]", "repeated", None),
    ("[age, sex, bmi, pressure]", "[age, sex, bmi, pressure, «age]", "repeated", None),
    ("[age, sex, bmi, pressure]", "[age, sex, bmi, «progressed]", "target_feature", None),
    ("[age, sex, bmi, pressure]", "[age, sex, bmi, «note]", "barred_feature", None),
    ("[age, sex, bmi, pressure]", "[age, sex, bmi, «patient]", "unit_feature", None),
    ("[age, sex, bmi, pressure]", "[age, sex, bmi, «case]", "label_feature", None),
    ("positive: 1\n", "", "no_positive", None),
    ("unit: patient\n", "", "split_no_unit", None),
    ("  by: unit", "  by: «rolling", "split_unfit", None),
    ("  stratify: true", "  «origins: 20", "no_effect", None),
    ("  stratify: true", "  «block: year", "no_effect", None),
]
CRITERIA = [
    ("  - metric: auc", "  - metric: «acu", "unknown_metric", "auc"),
    ("  - metric: auc", "  - metric: «happiness", "unknown_metric", None),
    ("    at_least: 0.85\n", "", "no_bound", None),
    ("    at_least: 0.85", "    at_least: 0.85\n    «at_most: 1", "several_bounds", None),
    ("    at_least: 0.85", "    at_least: «85", "bound_range", "0.85"),
    ("    at_least: 0.85", "    at_least: «nan", "type", None),
    ("    at_least: 0.85", "    at_least: «Infinity", "type", None),
    ("    at_least: 0.85", "    at_least: «-0.1", "bound_range", None),
    ("    between: [0.7, 1]", "    between: [0.7, «70]", "bound_range", "0.7"),
    ("    between: [0.7, 1]", "    «between: [1, 0.7]", "band_order", "[0.7, 1]"),
    ("    limit: 200\n", "", "no_limit", None),
    ("    cap: 10\n", "", "no_cap", None),
    ("    at_most: 2", "    at_most: «20", "bound_range", None),
    ("    gap_by: sex", "    gap_by: «sexe", "unknown_group", "sex"),
    ("    gap_by: sex", "    ratio_by: sex", "direction", "at_least"),
    ("    worst_of: sex", "    «worst_of: sex\n    gap_by: sex", "several_comparisons", None),
    ("    worst_of: sex\n", "", "no_effect", None),
    ("    against: majority", "    against: «persistence", "no_time", None),
    ("{noise: 0.5, columns: [bmi]}", "{columns: [bmi]}", "one_perturbation", None),
    ("{noise: 0.5, columns", "{noise: 0.5, shift: 1, columns", "one_perturbation", None),
    ("  - metric: auc", "  - metric: «rmse\n    cap: 2", "metric_unfit", None),
    ("  choose: auc", "  choose: «aucc", "choose_unknown", "auc"),
    ("  choose: auc", "  choose: «lift", "choose_unknown", None),
    ("budget: {units: 1000", "budget: {units: «300", "budget_below_cap", None),
    ("money: 200.00 CNY", "money: «200 yuan", "money", None),
    ("money: 200.00 CNY", "money: «-1.00 CNY", "money", None),
    ("cost_per_unit: 0.02 CNY", "cost_per_unit: «0.02 EUR", "currency", None),
    ("cost_per_unit: 0.02 CNY", "cost_per_unit: «0.005 CNY", "money", None),
]
OFFERS = [
    ("  - id: strong", "  - id: «simple", "duplicate_id", None),
    ("    plugin: note-reader\n", "", "no_kind", None),
    (
        "    plugin: note-reader",
        "    «plugin: note-reader\n    estimator: sklearn.a.B",
        "several_kinds",
        None,
    ),
    ("    plugin: note-reader", "    plugin: «note-raeder", "unknown_plugin", "note-reader"),
    ("    plugin: note-reader", "    callable: «mine:answer", "needs_trust", None),
    ("    plugin: note-reader", "    «command: [python, answer.py]", "needs_trust", None),
    ("    cutoff: {score: 0.25}", "    «sandbox: {memory_mb: 64}", "no_effect", None),
    (
        "    plugin: note-reader",
        "    plugin: a\n    sandbox: {processes: «0}",
        "range",
        None,
    ),
    (
        "sklearn.linear_model.LogisticRegression",
        "«sklern.linear_model.LogisticRegression",
        "needs_trust",
        "sklearn.linear_model.LogisticRegression",
    ),
    ("sklearn.preprocessing.StandardScaler", "«os.system", "needs_trust", None),
    ("{estimator: sklearn.ensemble", "{estimator: «subprocess.ensemble", "needs_trust", None),
    ("sklearn.linear_model.LogisticRegression", "«LogisticRegression", "estimator_name", None),
    ("    columns: [age, bmi]", "    columns: [age, «progressed]", "column", None),
    ("    columns: [age, bmi]", "    columns: [age, «note]", "column", None),
    ("    columns: [age, bmi]", "    columns: [age, «height]", "column", None),
    ("    columns: [age, bmi]", "    columns: [age, «age]", "repeated", None),
    ("    columns: [age, bmi]", "    columns: [«age]\n    drop: [age]", "column", None),
    ("    uses_barred: [note]", "    uses_barred: [«notes]", "not_barred", "note"),
    (
        "    cutoff: {score: 0.25}",
        "    «cutoff: {score: 0.25, called_share: 0.4}",
        "one_cutoff",
        None,
    ),
    ("    cutoff: {score: 0.25}", "    «cutoff: {}", "one_cutoff", None),
    (
        "{metric: recall, value: 0.82}",
        "{metric: «reccall, value: 0.82}",
        "unknown_metric",
        "recall",
    ),
    ("{metric: recall, value: 0.82}", "{metric: recall, value: «82}", "bound_range", "0.82"),
    ("value: 0.08, gap_by: sex}", "value: 0.08, gap_by: «age}", "unknown_group", None),
    (
        "    plugin: note-reader",
        "    plugin: note-reader\n    «steps: [{estimator: sklearn.a.B}]",
        "no_effect",
        None,
    ),
]
CASES = [*GRAMMAR, *NEED, *CRITERIA, *OFFERS]


def faults(text: str, known: Known) -> tuple[Fault, ...]:
    """The faults of a text, none where it is good."""
    try:
        scenario_of(text, FILE, known=known, trust=known.trust)
    except ScenarioError as error:
        return error.faults
    return ()


def edited(good: str, old: str, new: str) -> tuple[str, tuple[int, int] | None]:
    """The good file with one edit, and the marked place."""
    assert good.count(old) >= 1, f"{old!r} is not in the good file"
    text = good.replace(old, new, 1)
    at = text.find(MARK)
    if at < 0:
        return text, None
    return text.replace(MARK, ""), (text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


@pytest.mark.parametrize(
    ("old", "new", "code", "nearest"), CASES, ids=[f"{c[2]}-{n}" for n, c in enumerate(CASES)]
)
def test_each_fault_has_its_code_place_and_nearest_word(
    old: str, new: str, code: str, nearest: str | None, good: str, known: Known
) -> None:
    text, place = edited(good, old, new)
    found = [fault for fault in faults(text, known) if fault.code == f"scenario.{code}"]
    assert found, [fault.render("en") for fault in faults(text, known)]
    if place is not None:
        assert place in [(fault.line, fault.column) for fault in found]
        found = [fault for fault in found if (fault.line, fault.column) == place]
    assert nearest in [fault.nearest for fault in found]
    assert all(fault.line > 0 and fault.column > 0 for fault in found)


JARGON = re.compile(
    r"pydantic|Input should|valid (?:integer|string|dictionary)|model_|_type\b|\bdict\b|None\b|"
    r"Literal|extra_|\[key\]|tuple|NoneType"
)


@pytest.mark.parametrize(("old", "new"), [(case[0], case[1]) for case in CASES])
def test_each_fault_speaks_both_languages_and_no_jargon(
    old: str, new: str, good: str, known: Known
) -> None:
    for fault in faults(edited(good, old, new)[0], known):
        said = [fault.message, *([fault.expected] if fault.expected else [])]
        for text in said:
            assert not JARGON.search(text.en) and not JARGON.search(text.zh), text
        assert re.search("[\u4e00-\u9fff]", fault.message.zh)
        assert not re.search("[\u4e00-\u9fff]", fault.message.en)
        assert fault.expected is not None or fault.nearest is not None
        assert fault.render("zh", "文件") and fault.as_dict()["line"] == fault.line


def test_where_data_is_missing_one_source_is_asked_for(good: str, known: Known) -> None:
    (found,) = (one for one in faults(good.replace("\ndata:", "\nwhence:"), known)
                if one.code == "scenario.missing_key")  # fmt: skip
    assert found.expected is not None
    assert found.expected.en.startswith("a section with exactly one of dataset, csv, xlsx, parquet")
    assert found.expected.zh.endswith("sealed, results 中恰好一个的小节")


def test_most_faults_are_told_once_and_alone(good: str, known: Known) -> None:
    """A fault is told once, and not with all that follows from it."""
    alone = [
        ("  csv: visits.csv", "  cvs: visits.csv"),
        ("    at_least: 0.85", "    at_lest: 0.85"),
        ("    at_least: 0.85", "    at_least: high"),
        ("task: detection", "task: detecting"),
        ("task: detection", "taks: detection"),
        ("positive: 1", "postive: 1"),
        ("    plugin: note-reader", "    plug-in: note-reader"),
        ("    limit: 200", "    limit: fast"),
        ("  by: unit", "  by: person"),
        ("  - metric: auc", "  - metrik: auc"),
        ("    blocking: false", "    blocking: nope"),
        ("  holdout: 0.3", "  holdout: a third"),
        ("barred: [note]", "barred: [[note]]"),
    ]
    for old, new in alone:
        found = faults(edited(good, old, new)[0], known)
        assert len(found) == 1, [fault.render("en") for fault in found]


def test_all_faults_come_at_once_in_the_order_of_the_file(good: str, known: Known) -> None:
    text = good
    edits = [
        ("item: A4.3", "item: A9.9"),
        ("  principal: Lin Mei\n", ""),
        ("  csv: visits.csv", "  csv: ../visits.csv"),
        ("  folds: 5", "  folds: 1"),
        ("  - metric: auc", "  - metric: acu"),
        ("    limit: 200\n", ""),
        ("    plugin: note-reader", "    command: [sh]"),
    ]
    for old, new in edits:
        text = text.replace(old, new, 1)
    found = faults(text, known)
    assert [fault.code.removeprefix("scenario.") for fault in found] == [
        "choice",
        "missing_key",
        "path_outside",
        "range",
        "unknown_metric",
        "no_limit",
        "choose_unknown",
        "needs_trust",
    ]
    places = [(fault.line, fault.column) for fault in found]
    assert places == sorted(places)


def test_the_error_prints_every_fault_and_what_to_do_next(good: str, known: Known) -> None:
    text = good.replace("item: A4.3", "item: A9.9").replace("folds: 5", "folds: 1")
    with pytest.raises(ScenarioError) as caught:
        scenario_of(text, FILE, known=known)
    assert caught.value.render("en").split("\n")[:3] == [
        "scenario.yaml:13:7: item: “A9.9” is no choice here "
        "(expected: one of 17 items A1.1 … A6.2)",
        "scenario.yaml:40:10: split.folds: 1 is out of range "
        "(expected: a whole number from 2 to 50)",
        "scenario.yaml: 2 faults in the scenario file",
    ]
    assert "应为: 17 项之一: A1.1 … A6.2" in caught.value.render("zh")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    plugin: note-reader", "    callable: mine:answer"),
        ("    plugin: note-reader", "    command: [python, answer.py]"),
        ("sklearn.linear_model.LogisticRegression", "xgboost.XGBClassifier"),
        ("  csv: visits.csv", "  csv: ../elsewhere/visits.csv"),
        ("  csv: visits.csv", "  csv: /data/visits.csv"),
    ],
)
def test_trust_admits_code_and_files_of_ones_own(
    old: str, new: str, good: str, known: Known
) -> None:
    text = edited(good, old, new)[0]
    codes = {fault.code for fault in faults(text, known)}
    assert codes <= {"scenario.needs_trust", "scenario.path_outside"} and codes
    assert faults(text, replace(known, trust=True)) == ()


@pytest.mark.parametrize("named", ["callable: mine:answer", "command: [python, answer.py]"])
def test_a_sandbox_needs_no_trust(named: str, good: str, known: Known) -> None:
    text = edited(good, "    plugin: note-reader", f"    {named}\n    sandbox: {{}}")[0]
    assert faults(text, known) == ()


def test_a_refusal_of_code_says_why(good: str, known: Known) -> None:
    text = edited(good, "    plugin: note-reader", "    command: [rm, -rf]")[0]
    (fault,) = faults(text, known)
    assert fault.expected is not None
    assert "a scenario file is data" in fault.expected.en and "--trust" in fault.expected.en
    assert "场景文件只是数据" in fault.expected.zh and "--trust" in fault.expected.zh


def test_a_forecast_is_split_in_time_and_has_its_baselines(known: Known) -> None:
    forecast = """
id: co2
title: {en: CO2, zh: 二氧化碳}
need: {en: One month ahead., zh: 提前一个月。}
item: A1.1
owner: {name: Observatory, principal: Lin Hai}
affects_people: false
task: forecast
data: {dataset: statsmodels.co2}
target: co2
split: {by: rolling, column: month, origins: 60, season: 12}
acceptance:
  - {metric: mae, cap: 3, against: seasonal_naive, at_most: 0.5}
candidates:
  - {id: a, estimator: statsmodels.tsa.api.ExponentialSmoothing, refit_every: 12}
"""
    assert faults(forecast, known) == ()
    wrong = {
        "by: rolling, column: month, origins: 60": ("by: random", "split_unfit"),
        "column: month, ": ("", "split_no_column"),
        "season: 12": ("season: 1", "no_season"),
        "against: seasonal_naive": ("against: majority", "baseline_unfit"),
        "statsmodels.co2": ("statsmodels.co", "unknown_dataset"),
        "{metric: mae, cap: 3,": ("{metric: accuracy,", "metric_unfit"),
        "origins: 60": ("origins: 60, stratify: true", "stratify_unfit"),
        "season: 12}": ("season: 12, holdout: 0.2}", "holdout_in_time"),
        "at_most: 0.5}": ("at_most: 0.5, blocking: false}", "nothing_blocks"),
        "target: co2": ("target: co2\npositive: 1", "no_effect"),
        "refit_every: 12": ("cutoff: {score: 1}", "no_effect"),
    }
    for old, (new, code) in wrong.items():
        codes = [fault.code for fault in faults(forecast.replace(old, new), known)]
        assert f"scenario.{code}" in codes, (old, codes)


def test_future_cases_need_units_that_no_candidate_was_fitted_on(good: str, known: Known) -> None:
    future = good.replace("estimand: these cases", "estimand: future cases")
    assert faults(future, known) == ()
    (fault,) = faults(future.replace("holdout: 0.3", "holdout: 0"), known)
    assert (fault.code, fault.path) == ("scenario.no_holdout", "split.holdout")
    (fault,) = faults(future.replace("  holdout: 0.3\n", ""), known)
    assert good.split("\n")[fault.line - 1] == "split:"
    # A candidate that comes ready-made was never fitted here.
    ready = future[: future.index("  - id: simple")] + "  - {id: ready, plugin: note-reader}\n"
    assert faults(ready.replace("holdout: 0.3", "holdout: 0"), known) == ()


def test_no_metric_installed_is_said_and_no_crash(good: str) -> None:
    codes = {fault.code for fault in faults(good, Known((), (), ()))}
    assert codes == {"scenario.unknown_metric", "scenario.unknown_plugin"}


def test_very_many_faults_are_cut_with_a_last_word(good: str, known: Known) -> None:
    found = faults(good + "".join(f"word{n}: 1\n" for n in range(5_000)), known)
    assert len(found) == FAULTS_MAX + 1
    assert found[-1].code == "scenario.more_faults" and "更多" in found[-1].message.zh
