"""Whatever is changed in the file, and wherever: the page says so and names the place."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.register.conftest import SMALL, Reader

Report = Callable[..., str]
BLOCK = r'(<script type="application/json" id="data-{}">)(.*?)(</script>)'


def with_block(html: str, name: str, change: Callable[[Any], None]) -> str:
    """The file with a block of embedded data changed."""
    found = re.search(BLOCK.format(name), html, re.DOTALL)
    assert found is not None
    data = json.loads(found[2])
    change(data)
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    assert text != found[2]
    return html[: found.start(2)] + text + html[found.end(2) :]


def turned(digit: str) -> str:
    """Another hex digit."""
    return "0" if digit != "0" else "1"


def body(name: str, old: str, new: str) -> Callable[[Any], None]:
    def change(bodies: Any) -> None:
        found = next(b for b in bodies if b["name"] == name)
        assert old in found["body"]
        found["body"] = found["body"].replace(old, new, 1)

    return change


def salt(bodies: Any) -> None:
    bodies[1]["salt"] = turned(bodies[1]["salt"][0]) + bodies[1]["salt"][1:]


def entry(record: Any) -> None:
    text = record["entries"][3]["text"]
    record["entries"][3]["text"] = text.replace('"count":0', '"count":1', 1)


def proof(record: Any) -> None:
    first = record["entries"][1]["proof"][0]
    record["entries"][1]["proof"][0] = turned(first[0]) + first[1:]


def root(record: Any) -> None:
    record["root"] = turned(record["root"][0]) + record["root"][1:]


def signature(record: Any) -> None:
    note = record["checkpoint"]
    letter = "A" if note[-12] != "A" else "B"
    record["checkpoint"] = note[:-12] + letter + note[-11:]


def key(record: Any) -> None:
    letter = "A" if record["vkey"][-9] != "A" else "B"
    record["vkey"] = record["vkey"][:-9] + letter + record["vkey"][-8:]


def size(record: Any) -> None:
    record["size"] += 1


def earlier(frame: Any) -> None:
    frame["earlier"]["plans_on_same_data"] = 0


def witness(frame: Any) -> None:
    frame["witness"] = "witnessed before the start by somebody"


def seed(frame: Any) -> None:
    frame["order"]["seed"] = turned(frame["order"]["seed"][0]) + frame["order"]["seed"][1:]


def swapped(bodies: Any) -> None:
    order = next(b for b in bodies if b["name"] == "order")
    data = json.loads(order["body"])
    data["units"][4], data["units"][5] = data["units"][5], data["units"][4]
    order["body"] = json.dumps(data)


EMBEDDED: list[tuple[str, Callable[[Any], None], list[str]]] = [
    (
        "bodies",
        body("evidence:boosted", '"x":[1', '"x":[0'),
        ["body “evidence:boosted” of entry 4"],
    ),
    (
        "bodies",
        body("plan", '"alpha":0.05', '"alpha":0.06'),
        ["body “plan” of entry 2", "plan and"],
    ),
    ("bodies", body("verdict", '"meets"', '"fails"'), ["body “verdict” of entry 5", "Recall"]),
    ("bodies", body("scenario", "Lakeside", "Seaside"), ["body “scenario” of entry 0"]),
    ("bodies", salt, ["body “plan” of entry 2"]),
    ("bodies", swapped, ["body “order” of entry 3", "unit 6 stands in the wrong place"]),
    ("record", entry, ["entry 3 (pilot.started/1)"]),
    ("record", proof, ["entry 1 (pilot.eligible/1)"]),
    ("record", root, ["root and size in the checkpoint"]),
    ("record", size, ["root and size in the checkpoint"]),
    ("record", signature, ["signature of the checkpoint"]),
    ("record", key, ["signature of the checkpoint"]),
    ("frame", earlier, ["embedded data: frame", "plan and its entry"]),
    ("frame", witness, ["attestation"]),
    ("frame", seed, ["seed from plan and receipt"]),
]


def broken(reader: Reader, html: str) -> str:
    """What the page says is broken."""
    page = reader.open(html)
    assert page.locator("#status.broken").count() == 1
    said: str = page.inner_text("#alarm") + "\n" + page.evaluate(FAILING)
    assert "Do not rely on this file" in page.inner_text("#checks-summary")
    return said


FAILING = """[...document.querySelectorAll("#checks li:has(.is-no)")]
  .map((li) => li.querySelector(":scope > [lang='en']").textContent + li.textContent).join("\\n")"""


@pytest.mark.parametrize(
    ("block", "change", "named"), EMBEDDED, ids=lambda v: getattr(v, "__name__", None)
)
def test_a_change_in_the_data_is_named(
    reader: Reader, report: Report, block: str, change: Callable[[Any], None], named: list[str]
) -> None:
    said = broken(reader, with_block(report(**SMALL), block, change))
    for place in named:
        assert place in said


SHOWN = [
    (r'(data-at="verdict/[^"]*/estimate"[^>]*>)[\d.]+%', r"\g<1>99.9%", "finding"),
    (r'(data-at="plan/data/units"[^>]*>)\d', r"\g<1>9", "finding"),
    (r'(class="interval is-meets"[^>]* x2=")\d+', r"\g<1>1", "finding"),
    (r"One operator acted in every role", "Two people acted in every role", "limits"),
    (r"What has to be reached", "What should be reached", "glossary"),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "replacement", "section"), SHOWN)
def test_a_change_in_what_is_shown_is_named(
    reader: Reader, report: Report, pattern: str, replacement: str, section: str
) -> None:
    html, count = re.subn(pattern, replacement, report(**SMALL), count=1)
    assert count == 1 and html != report(**SMALL)
    said = broken(reader, html)
    assert f"section “{section}”: is not as it was written" in said
    if "data-at" in pattern or "interval" in pattern:
        assert "differ from the documents" in said


def test_any_digit_of_the_data_that_is_changed_is_noticed(reader: Reader, report: Report) -> None:
    html, chosen = report(**SMALL), random.Random(20261121)
    for name in ("bodies", "bodies", "record", "frame"):
        found = re.search(BLOCK.format(name), html, re.DOTALL)
        assert found is not None
        digits = [found.start(2) + m.start() for m in re.finditer(r"\d", found[2])]
        at = chosen.choice(digits)
        other = str((int(html[at]) + chosen.randint(1, 9)) % 10)
        broken(reader, html[:at] + other + html[at + 1 :])


def test_a_changed_script_is_blocked_and_the_page_says_that_it_is_unchecked(
    reader: Reader, report: Report
) -> None:
    html = report(**SMALL).replace("const BLOCK = 32;", "const BLOCK = 33;")
    page = reader.open(html, wait=False)
    assert page.is_visible(".alarm.unscripted")
    assert "Not checked yet" in page.inner_text("#status")
    assert any("Content Security Policy" in said for said in reader.said)


def test_a_changed_style_is_named(reader: Reader, report: Report) -> None:
    said = broken(reader, report(**SMALL).replace("--paper: #fbfaf7", "--paper: #fbfaf8", 1))
    assert "style sheet" in said


FORGED = {
    "estimate": "estimate",
    "interval": "interval",
    "log_evalue_meets": "e-value for meets",
    "verdict": "verdict",
    "units": "units",
    "bound": "bound",
    "candidate": "verdict on Boosted trees: does not follow from its criteria",
}


@pytest.mark.parametrize("what", FORGED)
def test_a_wrong_verdict_that_the_base_signed_itself_fails_the_arithmetic(
    reader: Reader, report: Report, what: str
) -> None:
    said = broken(reader, report(candidates=("boosted",), criteria=2, forged=what))
    assert FORGED[what] in said
    assert "signature" not in said and "commitment" not in said and "section" not in said
    if what != "candidate":
        assert "Recall of Boosted trees: recomputed differently" in said
