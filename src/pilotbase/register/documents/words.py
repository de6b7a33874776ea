"""Sentences of the report that depend on what was found; all others stand in the templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pilotbase.kernel.text import LANGUAGES, Language, Text
from pilotbase.register.documents.papers import Papers
from pilotbase.trial.rules import injections, wording
from pilotbase.trial.rules.claims.notes import NOUNS

VERDICTS = {
    "go": Text("may go ahead", "通过"),
    "conditional": Text("may go ahead on a condition", "附条件通过"),
    "no-go": Text("may not go ahead", "不通过"),
    "insufficient": Text("not enough evidence", "证据不足"),
    "meets": Text("meets", "达到"),
    "fails": Text("fails", "未达到"),
    "undecided": Text("undecided", "未定"),
}
SHAPES = {
    "go": "yes", "conditional": "partly", "no-go": "no", "insufficient": "open",
    "meets": "yes", "fails": "no", "undecided": "open",
}  # fmt: skip

_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def finding(papers: Papers) -> Text:
    """The finding in one sentence: how many may go ahead, and how the others stand."""
    verdicts = [str(c["verdict"]) for c in papers.candidates]
    if len(verdicts) == 1:
        return _ALONE[verdicts[0]]
    counts = {word: verdicts.count(word) for word in ("go", "conditional", "no-go", "insufficient")}
    parts = [_SEVERAL[word](count) for word, count in counts.items() if count or word == "go"]
    return Text(
        f"Of {_number(len(verdicts))} candidates, " + "; ".join(part.en for part in parts) + ".",
        f"{len(verdicts)} 个候选方案中, " + "; ".join(part.zh for part in parts) + "。",
    )


_ALONE = {
    "go": Text("The one candidate may go ahead.", "唯一的候选方案通过。"),
    "conditional": Text(
        "The one candidate may go ahead on a condition.", "唯一的候选方案附条件通过。"
    ),
    "no-go": Text("The one candidate may not go ahead.", "唯一的候选方案不通过。"),
    "insufficient": Text(
        "The evidence on the one candidate does not suffice yet.", "唯一的候选方案证据尚不足。"
    ),
}
_SEVERAL = {
    "go": lambda n: Text(f"{_number(n)} may go ahead", f"{n} 个通过" if n else "没有一个通过"),
    "conditional": lambda n: Text(f"{_number(n)} may on a condition", f"{n} 个附条件通过"),
    "no-go": lambda n: Text(f"{_number(n)} may not", f"{n} 个不通过"),
    "insufficient": lambda n: Text(
        f"on {_number(n)} the evidence does not suffice yet", f"{n} 个证据尚不足"
    ),
}


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def reach(papers: Papers) -> Text:
    """Beyond which cases nothing is said."""
    if papers.verdict["estimand"] == "future cases":
        return Text(
            "It speaks about future cases of the same kind, from cases that no candidate had seen.",
            "结论针对同类的未来案例, 所用案例均为各候选方案此前未见过的。",
        )
    return Text(
        "It speaks about these cases only, and says nothing beyond them.",
        "结论仅就这些案例而言, 对此外的案例不作任何断言。",
    )


def attested(witness: str) -> Text:
    """Whether somebody outside saw the plan before the start."""
    said = witness.removeprefix("witnessed before the start by ")
    if said != witness:
        return Text(f"Witnessed before the start by {said}", f"试验开始前已由 {said} 见证")
    return Text("Self-attested: could have been rerun", "自我声明: 可能曾经重跑")


def verdict_sentence(criterion: Mapping[str, Any]) -> Text:
    """Why a criterion meets, fails or is undecided, from interval and bound alone."""
    verdict = str(criterion["verdict"])
    if criterion["interval"] is None:
        return Text("Nothing could be counted, so it stays undecided.", "无可计数, 因此未定。")
    if criterion["exact"]:
        return _EXACT[verdict]
    inside = _inside(criterion["threshold"], criterion["interval"])
    return _BY_RULE[verdict] if inside and verdict in _BY_RULE else _BY_INTERVAL[verdict]


def _inside(bound: Any, interval: Sequence[Any]) -> bool:
    bounds = bound if isinstance(bound, list) else [bound]
    low, high = (float(end) for end in interval)
    # Recorded ends are rounded outwards at the ninth digit.
    slack = 1e-8 * max(1.0, *(abs(float(b)) for b in bounds))
    return any(low + slack < float(b) < high - slack for b in bounds)


_EXACT = {
    "meets": Text(
        "All of them were counted: about these cases nothing is left open, and the bound is met.",
        "已全部计数: 就这些案例而言已无不确定性, 达到门槛。",
    ),
    "fails": Text(
        "All of them were counted: about these cases nothing is left open, and the bound is "
        "missed.",
        "已全部计数: 就这些案例而言已无不确定性, 未达到门槛。",
    ),
    "undecided": Text(
        "All were counted, but answers lost by the base could tip it either way.",
        "已全部计数, 但基地自身中断所缺的回答可能左右结果。",
    ),
}
_BY_INTERVAL = {
    "meets": Text(
        "Everything the evidence leaves open lies on the good side of the bound.",
        "证据尚未排除的全部取值都在门槛的合格一侧。",
    ),
    "fails": Text(
        "Everything the evidence leaves open lies on the wrong side of the bound.",
        "证据尚未排除的全部取值都在门槛的不合格一侧。",
    ),
    "undecided": Text(
        "The bound lies inside what the evidence leaves open: nobody can tell yet.",
        "门槛落在证据尚未排除的范围之内: 目前无法断定。",
    ),
}
_BY_RULE = {
    "meets": Text(
        "Alone it would still be open; read together with the other candidates it meets.",
        "单独看尚未定; 与其他候选方案合并判读后为达到。",
    ),
    "fails": Text(
        "Alone it would still be open; read together with the other criteria it fails.",
        "单独看尚未定; 与其他指标合并判读后为未达到。",
    ),
}


def counted(items: str) -> Text:
    """What was counted, e.g. units or pairs."""
    return Text(items, NOUNS.get(items, items))


def counting(criterion: Mapping[str, Any]) -> Text:
    """What the number of items counted says: all, so many until decided, or so many so far."""
    if criterion["exact"]:
        return Text("All counted: ", "已全部计数: ")
    if criterion["decided_at"] is not None:
        return Text("Decided after ", "判定时已计数: ")
    return Text("Counted so far: ", "目前已计数: ")


def level(papers: Papers) -> tuple[float, int]:
    """The error level at which each criterion of a candidate is read for *meets*, and among how
    many candidates the plan's alpha is shared for it."""
    candidates = max(1, len(papers.plan["candidates"]))
    return float(papers.plan["alpha"]) / candidates, candidates


def part_label(label: str, groups: Mapping[str, Any]) -> Text:
    """A part's label in the scenario's own words: ``sex=1 - sex=2`` → women − men.

    Labels are ``group=value``, two of them joined by " - " or " / ", or a side of a band.
    """
    return Text(*(_label_in(language, label, groups) for language in LANGUAGES))


def _label_in(language: Language, label: str, groups: Mapping[str, Any]) -> str:
    for name, group in groups.items():
        mark = re.escape(f"{name}=")
        label = label.replace(f" - {name}=", f" − {name}=")
        value = re.compile(rf"{mark}(.*?)(?= [−/] {mark}|, (?:lower|upper) side|$)")
        label = value.sub(partial(_value_in, language, name, group), label)
    for side, text in _SIDES.items():
        label = label.replace(side, text.in_language(language))
    return label


def _value_in(language: Language, name: str, group: Mapping[str, Any], found: re.Match[str]) -> str:
    """A group's value in words, or under the group's title where it has none of its own."""
    named = (group.get("labels") or {}).get(found[1])
    title = group.get("title") or {}
    return str(named[language]) if named else f"{title.get(language, name)}: {found[1]}"


_SIDES = {
    "lower side": Text("lower side", "下限一侧"),
    "upper side": Text("upper side", "上限一侧"),
}


def covered(criteria: Sequence[Mapping[str, Any]]) -> list[Text]:
    """What the perturbations of the plan's criteria cover and what not, each once."""
    said: list[Text] = []
    for criterion in criteria:
        under = criterion.get("under") or {}
        found = [text for kind, text in wording.COVERS.items() if under.get(kind)]
        found += [injections.COVERS] if under.get("injection") else []
        said += [text for text in found if text not in said]
    return said
