"""Words of a criterion: those that go with one metric, judges, repeats and perturbations."""

from __future__ import annotations

from collections.abc import Iterator

from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed, shown
from pilotbase.scenario.form import form_faults
from pilotbase.scenario.rules.criteria import JUDGE, MEANING
from pilotbase.scenario.rules.metrics import NEEDS, SHARES, TASKS
from pilotbase.scenario.rules.need import unknown_name
from pilotbase.scenario.schema import LANGUAGE_TASKS, Criterion

JUDGED = ("judged",)
BY_RUBRIC = ("judged", "rated")
# Word → the metrics that read it; a plug-in's own metric may read any of them.
READ_BY = {
    "k": ("recall_at_k",),
    "tolerance": ("numeric_match",),
    "form": ("json_valid",),
    "rubric": BY_RUBRIC,
    "judge": JUDGED,
    "audit": JUDGED,
}
OURS = frozenset({*SHARES, *NEEDS, *TASKS, *BY_RUBRIC})
IN_TABLES = ("noise", "missing", "shift")
IN_WORDS = ("typos", "paraphrase", "injection")


def _each(draft: Draft) -> Iterator[tuple[Path, Criterion]]:
    for number, criterion in draft.criteria:
        yield ("acceptance", number), criterion


def _idle(path: Path, word: str, beside: Text, about: tuple[Path, ...]) -> Finding:
    return Finding(
        (*path, word),
        "scenario.no_effect",
        Text(f"`{word}` has no effect here", f"`{word}` 在此处不起作用"),
        Text(f"`{word}` only with {beside.en}", f"`{word}` 只与 {beside.zh} 同用"),
        at_key=True,
        about=about,
    )


def words_fit_metric(draft: Draft, known: Known) -> Iterator[Finding]:
    """k is for recall_at_k, tolerance for numeric_match, and so on."""
    for path, criterion in _each(draft):
        for word, metrics in READ_BY.items():
            given = word in criterion.model_fields_set and getattr(criterion, word) is not None
            if given and criterion.metric in OURS and criterion.metric not in metrics:
                beside = Text(listed(metrics), listed(metrics))
                yield _idle(path, word, beside, ((*path, "metric"),))


def form_usable(draft: Draft, known: Known) -> Iterator[Finding]:
    """The form of an answer is a JSON Schema that loads nothing and matches in linear time."""
    for path, criterion in _each(draft):
        if criterion.form is not None:
            for inner, said in form_faults(criterion.form):
                expected = Text(
                    "JSON Schema 2020-12 that refers to nothing outside itself",
                    "不引用外部内容的 JSON Schema 2020-12",
                )
                yield Finding((*path, "form", *inner), "scenario.form", said, expected)


def judged_by_whom(draft: Draft, known: Known) -> Iterator[Finding]:
    """A judge is declared, has a rubric, and a known share of units goes to a person."""
    names = [name for name, _ in draft.judges]
    for path, criterion in _each(draft):
        needed = {"judged": ("judge", "rubric", "audit"), "rated": ("rubric",)}
        for word in needed.get(criterion.metric, ()):
            told = NEEDS.get(criterion.metric) == word  # by the rule for all needed words
            if getattr(criterion, word) is None and not told:
                metric = criterion.metric
                yield Finding(
                    path,
                    f"scenario.no_{word}",
                    Text(f"{metric} needs `{word}`", f"{metric} 需要 `{word}`"),
                    MEANING[word],
                    about=((*path, word), (*path, "metric")),
                )
        if criterion.judge is not None and criterion.judge not in names and "judges" in draft.given:
            yield unknown_name((*path, "judge"), "judge", JUDGE, criterion.judge, names)
        elif criterion.judge is not None and "judges" not in draft.given:
            yield Finding(
                (*path, "judge"),
                "scenario.no_judges",
                Text("the file declares no judges", "文件中没有声明评判者"),
                Text(
                    "`judges:` at the top of the file, with this name",
                    "在文件顶层 `judges:` 下以此名称声明",
                ),
                about=(("judges",),),
            )
        if criterion.audit not in (None, 1) and draft.estimand == "these cases":
            yield Finding(
                (*path, "audit"),
                "scenario.audit_of_these",
                Text(
                    "a lot that a person checks tells of future cases, not of just these",
                    "人工抽查只能推断未来案例, 不能推断就是这些案例",
                ),
                Text("audit: 1, or estimand: future cases", "audit: 1, 或 estimand: future cases"),
                about=(("estimand",),),
            )


def repeats_fit(draft: Draft, known: Known) -> Iterator[Finding]:
    """Only words are asked again; and who asks for consistency asks at least twice."""
    for path, criterion in _each(draft):
        about = (("task",), (*path, "metric"))
        if criterion.metric == "consistency" and criterion.repeats < 2:
            yield Finding(
                path,
                "scenario.no_repeats",
                Text("consistency needs `repeats`", "consistency 需要 `repeats`"),
                Text("repeats: 2 to 20", "repeats: 2 到 20"),
                about=((*path, "repeats"), (*path, "metric")),
            )
        if criterion.repeats > 1 and draft.task is not None and draft.task not in LANGUAGE_TASKS:
            beside = Text(listed(LANGUAGE_TASKS), listed(LANGUAGE_TASKS))
            yield _idle(path, "repeats", beside, about)


def one_perturbation(draft: Draft, known: Known) -> Iterator[Finding]:
    """Exactly one under `under`, of those that the task can bear."""
    for path, criterion in _each(draft):
        if criterion.under is None:
            continue
        fitting = IN_WORDS if draft.task == "answer" else IN_TABLES
        given = [w for w in (*IN_TABLES, *IN_WORDS) if getattr(criterion.under, w) is not None]
        if len(given) != 1:
            yield Finding(
                (*path, "under"),
                "scenario.one_perturbation",
                Text(f"{len(given)} perturbations are declared", f"声明了 {len(given)} 种扰动"),
                Text(f"exactly one of {listed(fitting)}", f"{listed(fitting)} 中恰好一个"),
                at_key=True,
                about=tuple((*path, "under", word) for word in (*IN_TABLES, *IN_WORDS)),
            )
        elif draft.task == "act" or (draft.task is not None and given[0] not in fitting):
            tasks = "answer" if given[0] in IN_WORDS else "tables"
            beside = Text(tasks, tasks if tasks == "answer" else "表格任务")
            yield _idle((*path, "under"), given[0], beside, (("task",),))
        if criterion.under.columns and given and given[0] in IN_WORDS:
            beside = Text(listed(IN_TABLES), listed(IN_TABLES))
            yield _idle((*path, "under"), "columns", beside, ((*path, "under", given[0]),))


def injection_fits(draft: Draft, known: Known) -> Iterator[Finding]:
    """Resisting is measured under an injection; one in the documents needs documents."""
    for path, criterion in _each(draft):
        under = criterion.under
        if under is None:
            continue
        if criterion.metric == "resists_injection" and under.injection is None:
            yield Finding(
                (*path, "under"),
                "scenario.no_injection",
                Text("resists_injection needs an injection", "resists_injection 需要指令注入"),
                MEANING["under"],
                at_key=True,
                about=((*path, "under", "injection"), (*path, "metric")),
            )
        if under.injection == "documents" and "documents" not in draft.given:
            said = shown(under.injection)
            yield Finding(
                (*path, "under", "injection"),
                "scenario.no_documents",
                Text(f"there are no {said} to inject into", "没有可注入的文档"),
                Text(
                    "injection: question, or `documents:`",
                    "injection: question, 或写明 `documents:`",
                ),
                about=(("documents",),),
            )


RULES = (
    words_fit_metric,
    form_usable,
    judged_by_whom,
    repeats_fit,
    one_perturbation,
    injection_fits,
)
