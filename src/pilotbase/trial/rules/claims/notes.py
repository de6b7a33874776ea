"""What evidence has to say in words: who is in no group, what there was none of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pilotbase.kernel.text import Text
from pilotbase.trial.rules.claims.groups import Groups

NOUNS = {
    "units": "单元",
    "positive units": "阳性单元",
    "called units": "被判出的单元",
    "pairs": "阴阳案例对",
    "pairs of units": "单元对",
}


def outside(groups: Groups, *, compares: bool) -> Iterator[Text]:
    """Units that no group counts."""
    if groups.unknown:
        yield Text(
            f"{groups.unknown} units have no known value of {groups.by} and are in no group.",
            f"有 {groups.unknown} 个单元的 {groups.by} 未知, 未归入任何组。",
        )
    if groups.several:
        yield Text(
            f"{groups.several} units have several values of {groups.by} and are in no group.",
            f"有 {groups.several} 个单元的 {groups.by} 取值不一, 未归入任何组。",
        )
    if len(groups.names) < (2 if compares else 1):
        count = len(groups.names)
        yield Text(
            f"{groups.by} has {count} known group{'s' if count != 1 else ''}: there is nothing to "
            "compare.",
            f"{groups.by} 只有 {count} 个已知组, 无从比较。",
        )


def none_of(noun: str, label: str) -> Text:
    """A group, or the whole set, without a single item."""
    place = (f" in {label}", f"{label} 中") if label else ("", "")
    return Text(
        f"There are no {noun}{place[0]}: nothing can be said about it.",
        f"{place[1]}没有{NOUNS[noun]}, 无法作出判断。",
    )


def waits(label: str) -> Text:
    """A comparison of calls between groups while answers are pending."""
    return Text(
        f"How many units are called in each group of {label} is known only when every answer is "
        "in; until then this comparison waits.",
        f"{label} 各组被判出的单元数须待全部回答到齐后才可知, 在此之前暂不比较。",
    )


def joined(texts: Sequence[Text]) -> dict[str, str] | None:
    """All of it as one text per language; None if there is nothing to say."""
    said = list(dict.fromkeys(texts))
    if not said:
        return None
    return {"en": " ".join(t.en for t in said), "zh": "".join(t.zh for t in said)}
