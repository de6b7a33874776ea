"""Prove, and check a proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.record.verbs.words import KEY


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
