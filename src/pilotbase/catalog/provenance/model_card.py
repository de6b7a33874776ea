"""A model card as CycloneDX has it, from what a trial found: nothing is said that was not recorded.

Pure. Texts are in one language, because the format holds one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pilotbase.kernel.text import Language, Text

Said = Mapping[str, Any]
NO_CERTIFICATE = Text(
    "This is what one trial found, not a certificate of conformity.",
    "本卡片仅说明一次试验的发现, 不是合格证书。",
)
ESTIMANDS = {
    "these cases": Text(
        "The figures speak of these cases only; nothing is said beyond them.",
        "各项数字仅就这些案例而言, 不外推。",
    ),
    "future cases": Text(
        "The figures speak of future cases of the same kind, drawn as these were.",
        "各项数字就以同样方式抽取的未来同类案例而言。",
    ),
}
SYNTHETIC_DATA = Text(
    "{rows} of {of} rows of the trial's data are synthetic: nothing is shown of observed ones.",
    "试验数据 {of} 行中有 {rows} 行为合成数据: 不能说明在实际数据上的表现。",
)
STAND_IN = Text("A stand-in: a script, not a real system.", "替身: 脚本, 并非真实系统。")
OPEN = Text("Not met or open: {title}", "未达到或未定: {title}")
WATCHED = Text("The verdict's condition: {what}", "结论所附条件: {what}")
GAP = Text(
    "{metric} differs between groups; measured {value}, from {low} to {high}",
    "{metric} 在各组之间存在差异; 实测 {value}, 区间 {low} 至 {high}",
)


def model_card(
    scenario: Said, plan: Said, candidate: Said, data_ref: str, language: Language
) -> dict[str, Any]:
    """The card of one candidate of one run.

    Args:
        scenario, plan: the recorded documents, with all their words. candidate: its entry in the
            verdict.
        data_ref: the reference of the data set's component.
    """
    offered = next(o for o in scenario["candidates"] if o["id"] == candidate["id"])
    estimator = offered.get("estimator")
    approach = {"approach": {"type": "supervised"}, "modelArchitecture": estimator}
    inputs = [{"format": f"column {name}"} for name in scenario.get("features") or ()]
    return {
        "modelParameters": {
            **(approach if estimator else {}),
            "task": plan["task"],
            "datasets": [{"ref": data_ref}],
            **({"inputs": inputs} if inputs else {}),
        },
        "quantitativeAnalysis": {"performanceMetrics": list(_metrics(plan, candidate))},
        "considerations": _considerations(scenario, plan, candidate, language),
        "properties": list(_bounds(candidate)),
    }


def _metrics(plan: Said, candidate: Said) -> Iterator[dict[str, Any]]:
    """Each criterion, each of its parts where there are several, then the reading beside."""
    readings = [(plan["estimand"], candidate["criteria"])]
    if candidate.get("future"):
        readings.append((candidate["future"]["estimand"], candidate["future"]["criteria"]))
    for estimand, criteria in readings:
        for criterion in criteria:
            words = (estimand, f"criterion {criterion['criterion']}", _compared(plan, criterion))
            yield _metric(criterion, criterion["metric"], _slice(*words))
            parts = criterion.get("parts") or ()
            for part in parts if len(parts) > 1 else ():
                yield _metric(part, criterion["metric"], _slice(*words, part["label"]))


def _slice(*words: str) -> str:
    return "; ".join(word for word in words if word)


def _compared(plan: Said, criterion: Said) -> str:
    """What a criterion compares: a metric alone would read as if it were of everybody."""
    number, by = criterion["criterion"], criterion.get("by") or ""
    asked = plan["criteria"][number] if number < len(plan["criteria"]) else {}
    words = ("gap_by", "ratio_by", "worst_of", "against")
    how = next((word for word in words if asked.get(word)), "")
    return f"{how.replace('_', ' ')} {by}".strip()


def _metric(said: Said, metric: str, label: str) -> dict[str, Any]:
    value, interval = said.get("estimate"), said.get("interval")
    made = {
        "type": metric,
        "value": "not measured" if value is None else _number(value),
        "slice": label,
    }
    if not interval:
        return made
    bounds = {"lowerBound": _number(interval[0]), "upperBound": _number(interval[1])}
    return {**made, "confidenceInterval": bounds}


def _number(value: Any) -> str:
    return f"{float(value):.9g}"


def _considerations(
    scenario: Said, plan: Said, candidate: Said, language: Language
) -> dict[str, Any]:
    def said(text: Text | Mapping[str, str]) -> str:
        return text.in_language(language) if isinstance(text, Text) else text[language]

    titles = [c["title"] for c in candidate["criteria"] if c["verdict"] != "meets"]
    risks = list(_risks(candidate, said))
    groups = list(_fairness(candidate, language))
    return {
        "users": [scenario["owner"]["name"]],
        "useCases": [said(scenario["need"])],
        "technicalLimitations": [
            said(NO_CERTIFICATE),
            *(said(text) for text in limitations(plan, candidate)),
            *(said(note) for note in scenario.get("notes") or ()),
        ],
        **(
            {"performanceTradeoffs": [said(OPEN.format(title=Text(**t))) for t in titles]}
            if titles
            else {}
        ),
        **({"ethicalConsiderations": risks} if risks else {}),
        **({"fairnessAssessments": groups} if groups else {}),
    }


def limitations(plan: Said, candidate: Said) -> Sequence[Text]:
    """What the figures do not speak of."""
    synthetic = plan["data"].get("synthetic")
    return [
        ESTIMANDS[plan["estimand"]],
        *([SYNTHETIC_DATA.format(**synthetic)] if synthetic else []),
        *([STAND_IN] if candidate["stand_in"] else []),
    ]


def _risks(candidate: Said, said: Any) -> Iterator[dict[str, str]]:
    if candidate["condition"]:
        condition = WATCHED.format(what=Text(**candidate["condition"]))
        yield {"name": candidate["verdict"], "mitigationStrategy": said(condition)}


def _fairness(candidate: Said, language: Language) -> Iterator[dict[str, str]]:
    for criterion in candidate["criteria"]:
        if not criterion.get("by") or criterion["estimate"] is None:
            continue
        low, high = criterion["interval"] or (None, None)
        gap = GAP.format(
            metric=criterion["metric"],
            value=_number(criterion["estimate"]),
            low="–" if low is None else _number(low),
            high="–" if high is None else _number(high),
        )
        yield {
            "groupAtRisk": criterion["by"],
            "harms": gap.in_language(language),
            "mitigationStrategy": f"{criterion['title'][language]}: {criterion['verdict']}",
        }


def _bounds(candidate: Said) -> Iterator[dict[str, str]]:
    """The verdict, and what each criterion asked: the format has no place for a bound."""
    yield {"name": "pilotbase:verdict", "value": candidate["verdict"]}
    for criterion in candidate["criteria"]:
        bound = criterion["threshold"]
        shown = " to ".join(map(_number, bound)) if isinstance(bound, list) else _number(bound)
        asked = f"{criterion['direction']} {shown}: {criterion['verdict']}"
        yield {"name": f"pilotbase:criterion:{criterion['criterion']}", "value": asked}
