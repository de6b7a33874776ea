"""What a witness is asked and when it may say yes (c2sp.org/tlog-witness, add-checkpoint).

A request is text::

    old <size the witness cosigned last>
    <consistency proof, a base64 hash a line>
                                              (an empty line)
    <the new checkpoint, a signed note>

The protocol runs over HTTP; the same bytes may as well travel as files. Every refusal carries the
status that the protocol gives it.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules.checkpoint import Checkpoint
from pilotbase.record.rules.merkle import EMPTY_ROOT, HASH_SIZE, SIZE_MAX, verify_consistency
from pilotbase.record.rules.note import VerifierKey, exact_base64, verify

PROOF_LINES_MAX = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Request:
    """A checkpoint to cosign, with the proof that it extends the first ``old`` entries."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str

    def encode(self) -> str:
        hashes = "".join(f"{base64.b64encode(node).decode()}\n" for node in self.proof)
        return f"old {self.old}\n{hashes}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> Request:
        """Raises Refused (400) for what is no request."""
        head, empty, checkpoint = text.partition("\n\n")
        first, *lines = head.split("\n")
        said = _OLD.fullmatch(first)
        proof = [exact_base64(line) for line in lines]
        if said is None or not empty or len(lines) > PROOF_LINES_MAX:
            raise Refused(400, _NO_REQUEST)
        hashes = tuple(node for node in proof if node is not None and len(node) == HASH_SIZE)
        if len(hashes) != len(lines) or int(said[1]) > SIZE_MAX:
            raise Refused(400, _NO_REQUEST)
        return cls(int(said[1]), hashes, checkpoint)


class Refused(Exception):
    """A witness does not sign; with the protocol's HTTP status, and the body where it has one."""

    def __init__(self, status: int, reason: Text, body: str = "") -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.body = body


def origin_of(checkpoint: str) -> str:
    """The log that a checkpoint says it is of; nothing is verified yet."""
    return checkpoint.partition("\n")[0]


def verified(request: Request, keys: tuple[VerifierKey, ...]) -> tuple[Checkpoint, str]:
    """The checkpoint that a known key of its log has signed, and the exact text that is signed.

    Raises:
        Refused: 404 for an unknown log, 403 when no known key has signed, 400 for no checkpoint.
    """
    if not keys:
        raise Refused(404, _UNKNOWN_LOG)
    try:
        signed = verify(request.checkpoint, keys)
    except RecordError as error:
        status = 400 if error.code == "note.malformed" else 403
        raise Refused(status, error.message) from error
    try:
        checkpoint = Checkpoint.parse(signed.text)
    except RecordError as error:
        raise Refused(400, error.message) from error
    if checkpoint.origin not in {key.name for key in keys}:
        raise Refused(404, _UNKNOWN_LOG)
    return checkpoint, signed.text


def judge(request: Request, checkpoint: Checkpoint, seen: Checkpoint | None) -> None:
    """Whether a witness that has last cosigned ``seen`` of this log may cosign the checkpoint.

    Raises:
        Refused: 400 when the old size is above the new one; 409 with the size cosigned last as
            body when the old size is another; 409 when a tree of the same size has another root (a
            fork); 422 when the proof does not hold (a fork, a rollback, or a faulty proof).
    """
    size, root = (seen.size, seen.root) if seen else (0, EMPTY_ROOT)
    if request.old > checkpoint.size:
        raise Refused(400, _BACKWARDS)
    if request.old != size:
        raise Refused(409, _other_size(size), f"{size}\n")
    if size == checkpoint.size and root != checkpoint.root:
        raise Refused(409, _FORK, f"{size}\n")
    if not verify_consistency(size, checkpoint.size, request.proof, root, checkpoint.root):
        raise Refused(422, _NOT_CONSISTENT)


def _other_size(size: int) -> Text:
    return Text(
        f"this witness has last cosigned this log at size {size}; ask again from there",
        f"本见证人上次为该日志签署的大小为 {size}; 请以此为起点重新请求",
    )


_NO_REQUEST = Text("this is no request for a cosignature", "这不是见证签名请求")
_UNKNOWN_LOG = Text("this log is not known to the witness", "见证人不认识该日志")
_BACKWARDS = Text("the old size is larger than the checkpoint's", "起始大小大于检查点的大小")
_FORK = Text(
    "a log of the same size was seen with another root: the log has forked",
    "曾见过同样大小而根哈希不同的日志: 该日志已分叉",
)
_NOT_CONSISTENT = Text(
    "the checkpoint is not shown to extend the one cosigned last",
    "未能证明该检查点与上次签署的检查点衔接",
)
