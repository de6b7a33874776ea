"""Proof that something did not happen in time: a duty that was not met, or was met late.

A proof file is a JSON object::

    {"format": "pilotbase-absence/1",
     "rule": {...},                      the duty's rule (`rules.duties.DutyRule`)
     "opening": ENTRY,                   the entry that opened the duty
     "tally": ENTRY,                     counts, for each kind, its entries among the first `size`
     "last": ENTRY,                      the last of those, whose time is past the deadline
     "closings": {"kind": [ENTRY, ...]}, of each kind that closes: the entries up to the last
     "checkpoint": "...", "vkey": "..."} signed note, and whose signature it is said to be
    ENTRY = {"index": 3, "entry": "{...}", "proof": ["<hex>", ...]}

Each entry carries the number that it is of its kind. Shown are all of a kind up to the tally's
count, without a gap; they begin with the first of the kind, or with one from before the opening. So
if none of them is about the subject, none was recorded up to the last one.

What it rests on, beyond hashes and a signature: that the numbers and the tally are right, which an
audit of the whole log checks (`record verify`), and which a single entry that does not fit them
disproves under the base's own signature; and that the base's clock was right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.kernel.time import parse, stamp
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from pilotbase.record.rules.duties import DutyRule
from pilotbase.record.rules.merkle import leaf_hash, verify_inclusion
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.proof import Checked

FORMAT = "pilotbase-absence/1"
TALLIED = "record.tallied/1"
_FIELDS = {"format", "rule", "opening", "tally", "last", "closings", "checkpoint", "vkey"}


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry that was shown to be in the log, and what it says."""

    index: int
    said: Mapping[str, Any]


def shown_entry(index: int, entry: bytes, proof: Sequence[bytes]) -> dict[str, Any]:
    """An ENTRY of the file."""
    return {"index": index, "entry": entry.decode(), "proof": [node.hex() for node in proof]}


def check(document: object, key: VerifierKey | None = None) -> Checked:
    """Verify a proof's JSON with the key, or with the key in it; never raises.

    ``index`` is then that of the opening and ``entry`` what is shown: ``{"duty", "subject",
    "opened_at", "deadline", "state": "not met"|"met late", "closed", "closed_at", "until"}``,
    with ``until`` the time of the last entry, up to which it is shown.
    """
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        return Checked(_NO_PROOF, key is not None, "")
    if document["format"] != FORMAT or not isinstance(document["checkpoint"], str):
        return Checked(_NO_PROOF, key is not None, "")
    try:
        known = key or VerifierKey.parse(str(document["vkey"]))
        signed = verify_checkpoint(document["checkpoint"], known)
    except RecordError as error:
        return Checked(error.message, key is not None, str(document["vkey"]))
    vkey = known.encode()
    try:
        index, claim = _claim(document, signed)
    except _Refused as refused:
        return Checked(refused.why, key is not None, vkey)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return Checked(_NO_PROOF, key is not None, vkey)
    return Checked(None, key is not None, vkey, index, claim, signed, document["checkpoint"])


def _claim(document: Mapping[str, Any], signed: Checkpoint) -> tuple[int, dict[str, Any]]:
    rule = DutyRule.of(document["rule"])
    opening, tally = _entry(document["opening"], signed), _entry(document["tally"], signed)
    deadline = rule.deadline(opening.said)
    if deadline is None:
        raise _Refused(_NO_DUTY)
    last, body = _entry(document["last"], signed), tally.said["body"]
    fits = last.index + 1 == body["size"] <= tally.index and last.index > opening.index
    if tally.said["kind"] != TALLIED or not fits:
        raise _Refused(_NO_TALLY)
    closings = []
    for kind in rule.closed_by:
        entries = [_entry(item, signed) for item in document["closings"][kind]]
        _gapless(kind, entries, opening.index, body["counts"][kind], body["size"])
        closings += [entry for entry in entries if entry.index > opening.index]
    subject = opening.said["about"]
    own = [entry for entry in closings if entry.said["about"] == subject]
    closed = min(own, key=lambda entry: entry.index, default=None)
    if parse((closed or last).said["at"]) < deadline:
        raise _Refused(_IN_TIME if closed else _TOO_EARLY)
    return opening.index, _summary(rule, opening, last, closed, deadline)


def _summary(
    rule: DutyRule, opening: Shown, last: Shown, closed: Shown | None, deadline: datetime
) -> dict[str, Any]:
    return {
        "duty": rule.as_dict(),
        "subject": opening.said["about"],
        "opened_at": opening.said["at"],
        "deadline": stamp(deadline),
        "state": "met late" if closed else "not met",
        "closed": closed.index if closed else None,
        "closed_at": closed.said["at"] if closed else None,
        "until": last.said["at"],
    }


def _gapless(kind: str, entries: Sequence[Shown], opened: int, total: object, size: int) -> None:
    """Refuse unless these are all of the kind among the first ``size`` since the opening."""
    counts = [entry.said["count"] for entry in entries]
    indexes = [entry.index for entry in entries]
    if any(entry.said["kind"] != kind for entry in entries):
        raise _Refused(_GAP)
    if type(total) is not int or any(type(count) is not int for count in counts):
        raise _Refused(_GAP)
    begins = not entries or counts[0] == 0 or indexes[0] < opened
    follow = counts == list(range(total - len(counts), total)) and (counts or total == 0)
    rising = all(a < b for a, b in pairwise([*indexes, size]))
    if not (begins and follow and rising):
        raise _Refused(_GAP)


def _entry(item: Mapping[str, Any], signed: Checkpoint) -> Shown:
    data, index = item["entry"].encode(), item["index"]
    proof = [bytes.fromhex(node) for node in item["proof"]]
    if not verify_inclusion(leaf_hash(data), index, signed.size, proof, signed.root):
        raise _Refused(_NOT_INCLUDED)
    said = decode(data)
    parse(said["at"])
    return Shown(index, said)


class _Refused(Exception):
    def __init__(self, why: Text) -> None:
        self.why = why


_NO_PROOF = Text(f"this is no proof of the format {FORMAT}", f"这不是 {FORMAT} 格式的证明")
_NOT_INCLUDED = Text(
    "an entry is not in the log that was signed: entry, index or proof was changed",
    "其中一条记录不在已签署的日志中: 内容、序号或证明被改动",
)
_NO_DUTY = Text("the opening entry opens no such duty", "所示条目并未产生该义务")
_NO_TALLY = Text(
    "the tally is none, or does not count up to an entry after the opening",
    "计数条目无效, 或未计至义务产生之后的条目",
)
_GAP = Text(
    "the closing entries are not all that there are: their numbers have a gap, or do not reach the "
    "tally's count",
    "所示的履行条目不完整: 编号有缺口, 或未达到计数",
)
_IN_TIME = Text("the duty was met in time", "该义务已按期履行")
_TOO_EARLY = Text(
    "the last entry that was counted is from before the deadline, so it shows nothing yet",
    "所计的最后一条早于期限届满, 尚不能证明任何事",
)
