"""What one can ask of the record: audit, read, sign its state, prove an entry, check a proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

KEY = (
    "The base's verifier key (vkey) as you got it from the base, not from this home.",
    "基地的验证密钥 (vkey), 应从基地另行取得, 而非取自本主目录。",
)


@dataclass(frozen=True)
class VerifyRequest:
    key: str = asked(*KEY, default="")
    held: Path | None = asked(
        "A checkpoint that you kept; the log has to extend it.",
        "您另行保存的检查点; 日志必须与之衔接。",
        default=None,
    )


@dataclass(frozen=True)
class VerifyResponse:
    """What the audit found.

    ``findings`` are ``{"severity": "fault"|"gone"|"note", "where", "index", "message"}``, where and
    message in both languages; ``first_bad_index`` is the lowest entry that shows a fault.
    """

    ok: bool
    size: int
    root: str
    checkpoints: int
    bodies: int
    first_bad_index: int | None
    findings: tuple[dict[str, Any], ...]
    findings_left_out: int
    vkey: str | None

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 3


@verb(
    "record.verify",
    summary=Text(
        "Audit every entry, hash, checkpoint and body, and name the first that is wrong.",
        "逐条核验记录、哈希、检查点与正文, 并指出最先出错之处。",
    ),
    changes=False,
    roles=("public", "regulator", "case officer"),
)
def verify(context: Context, request: VerifyRequest) -> VerifyResponse:
    from pilotbase.record import audit
    from pilotbase.record.opened import open_record
    from pilotbase.record.proofs import read_key, read_text

    key = read_key(request.key)
    held = read_text(request.held) if request.held is not None else None
    with open_record(context, create=False) as record:
        report = audit.verify(record, key, held=held)
    return VerifyResponse(
        ok=report.ok,
        size=report.size,
        root=report.root,
        checkpoints=report.checkpoints,
        bodies=report.bodies,
        first_bad_index=report.first_bad_index,
        findings=tuple(finding.as_dict() for finding in report.findings),
        findings_left_out=report.more,
        vkey=report.vkey,
    )


@dataclass(frozen=True)
class ShowRequest:
    kind: str = asked("Only entries of this kind.", "仅此类记录。", default="")
    about: str = asked("Only entries about this subject.", "仅与此主体有关的记录。", default="")
    start: int = asked("From this index on.", "从此序号开始。", default=0)
    limit: int = asked("At most this many entries.", "最多显示的条数。", default=100)


@dataclass(frozen=True)
class ShowResponse:
    """Entries as ``{"index", …envelope}``; ``size`` counts all entries of the log."""

    size: int
    entries: tuple[dict[str, Any], ...]


@verb(
    "record.show",
    summary=Text("Show entries of the record.", "显示记录条目。"),
    changes=False,
    roles=("public", "regulator", "case officer"),
)
def show(context: Context, request: ShowRequest) -> ShowResponse:
    from itertools import islice

    from pilotbase.record.opened import open_record

    if request.limit < 0:
        raise InputError(
            "record.bad_limit",
            Text("a limit is 0 or more", "条数不能为负"),
            where="--limit",
        )
    with open_record(context, create=False) as record:
        entries = record.entries(
            request.start, kind=request.kind or None, about=request.about or None
        )
        shown = tuple({"index": e.index, **e.envelope} for e in islice(entries, request.limit))
        return ShowResponse(record.size, shown)


@dataclass(frozen=True)
class CheckpointRequest:
    pass


@dataclass(frozen=True)
class CheckpointResponse:
    """A signed note of size and root: who keeps one elsewhere will notice if the log goes back."""

    checkpoint: str
    size: int
    root: str
    vkey: str


@verb(
    "record.checkpoint",
    summary=Text(
        "Sign the size and root of the record, for others to keep.",
        "签署记录的大小与根哈希, 供他人留存。",
    ),
    changes=True,
    roles=("case officer", "signatory"),
)
def checkpoint(context: Context, request: CheckpointRequest) -> CheckpointResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.record.rules.checkpoint import verify_checkpoint

    with open_record(context, create=False) as record:
        note, key = record.checkpoint(), record.verifier
    signed = verify_checkpoint(note, key)
    return CheckpointResponse(note, signed.size, signed.root.hex(), key.encode())


@dataclass(frozen=True)
class ProveRequest:
    index: int = asked("The entry's index, from 0.", "记录序号, 从 0 起。")
    out: Path | None = asked(
        "Write the proof to this file.", "将证明写入此文件。", default=None, short="-o"
    )


@dataclass(frozen=True)
class ProveResponse:
    """A proof that is checked without home and network; its JSON is the proof file itself."""

    proof: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return self.proof


@verb(
    "record.prove",
    summary=Text(
        "Make a self-contained proof that an entry is in the record.",
        "生成自包含的证明, 证明某条目在记录之中。",
    ),
    changes=True,  # it signs a checkpoint when none covers the entry yet
    roles=("case officer", "signatory", "regulator"),
)
def prove(context: Context, request: ProveRequest) -> ProveResponse:
    from pilotbase.kernel.canonical import encode
    from pilotbase.kernel.home import storage_errors, write_whole
    from pilotbase.record import proofs
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        proof = proofs.prove(record, request.index)
    if request.out is not None:
        with storage_errors(request.out):
            write_whole(request.out, encode(proof))
    return ProveResponse(proof)


@dataclass(frozen=True)
class CheckRequest:
    file: Path = asked("A proof made by `record prove`.", "由 `record prove` 生成的证明文件。")
    key: str = asked(*KEY, default="")


@dataclass(frozen=True)
class CheckResponse:
    """Whether the proof holds, for which entry, and whose word that is.

    ``trust`` says whether the key was the reader's own or only the one in the file.
    """

    ok: bool
    problem: Text | None
    trust: Text
    vkey: str
    index: int | None
    entry: dict[str, Any] | None
    size: int | None
    root: str | None

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 3


TRUSTED = Text("verified with the key you gave", "已用您提供的密钥验证")
UNTRUSTED = Text(
    "verified with the key in the file only: whoever made the file could have made that key too. "
    "Get the base's key from the base and give it with --key.",
    "仅用文件内的密钥验证: 制作文件者也可能自造密钥。请从基地取得其密钥, 并用 --key 给出。",
)


@verb(
    "record.check",
    summary=Text(
        "Check a proof file; needs no home and no network.",
        "核验证明文件, 无需主目录和网络。",
    ),
    changes=False,
    roles=("public",),
)
def check(context: Context, request: CheckRequest) -> CheckResponse:
    from pilotbase.record.proofs import read_json, read_key
    from pilotbase.record.rules.proof import check as checked

    seen = checked(read_json(request.file), read_key(request.key))
    signed = seen.checkpoint
    return CheckResponse(
        ok=seen.ok,
        problem=seen.problem,
        trust=TRUSTED if seen.trusted else UNTRUSTED,
        vkey=seen.vkey,
        index=seen.index if seen.ok else None,
        entry=seen.entry,
        size=signed.size if signed else None,
        root=signed.root.hex() if signed else None,
    )
