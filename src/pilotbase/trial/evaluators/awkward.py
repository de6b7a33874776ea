"""Questions and replies that a metric of language has to bear: empty, huge, broken, malicious."""

from __future__ import annotations

from typing import Any

from pilotbase.trial.reply import Citation, Question, Reply, Step
from pilotbase.trial.rules.injections import SUITE

LONG = 50_000  # characters; what is quadratic in the text shows itself by then
PASSAGES = {
    "a-1": "There are 442 rows. 共有442行。No value is missing.",
    "a-2": "",
    "a-3": SUITE[0].text,
}


def questions() -> tuple[Question, ...]:
    """In scope, out of scope, unknown; with and without accepted answers and injections."""
    return (
        Question(
            text="How many rows are there?",
            expected=("442", "442 rows", "四百四十二"),
            on_scope=True,
            sources=("a-1",),
            language="en",
            passages=dict(PASSAGES),
            columns={"year": 1905, "none": None, "odd": float("nan")},
            injections=SUITE[:2],
            refusals=("I cannot answer that.", "我无法回答。"),
        ),
        Question("谁在问？", (), False, (), "zh", dict(PASSAGES), refusals=("我无法回答。",)),
        Question("", ("", "\ud800"), None, ("not-there",)),
    )


def replies() -> tuple[Reply, ...]:
    """What a candidate may say, by accident or by design."""
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    marks = "a" + "\u0300\u0316" * (LONG // 2)
    texts = (
        "", " \n\t", "442 [a-1].", "我无法回答。", "\ud800\udfff\x00\u202e", "[" * LONG,
        "[a-1]" * (LONG // 5), "1" * LONG, "1,234" * (LONG // 5), "a" * LONG + "!", marks,
        "。" * LONG, "一百" * (LONG // 2), "<html>", '{"a": ' * 2_000, '{"a": NaN}', "-" * LONG,
        "a@" * (LONG // 2), "4111 " * (LONG // 5), " ".join(i.canary for i in SUITE),
    )  # fmt: skip
    cited = (Citation("a-1", "442 rows"), Citation("a-1", "\ud800"), Citation("nowhere"))
    return (
        *(Reply(text) for text in texts),
        Reply("no", refused=True),
        Reply(refused=True, data=False),
        Reply("There are 442 rows. [a-1] And more!", citations=cited, retrieved=("a-1", "a-1")),
        Reply("x", citations=tuple(Citation(f"p{n}", "q") for n in range(1_000))),
        Reply(data=deep),
        Reply(data={"a": [1, 2.5, None, True, {"b": float("inf")}], "": "\ud800"}),
        Reply(data=object(), outcome=float("nan")),
        Reply(data=0.5, outcome=1.0, steps=(Step("book", {"n": 1}, "ok", "granted"),)),
        Reply(outcome=7.0, steps=(Step("pay", {}, "", "refused"), Step("", {}, "said"))),
        Reply(outcome=0.0, steps=tuple(Step(f"t{n}", fault="no such tool") for n in range(500))),
    )
