"""Prove, and check a proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.record.verbs.words import KEY


@dataclass(frozen=True)
class ProveRequest:
    index: int | None = asked(
        "The entry's index, from 0.", "记录序号, 从 0 起。", default=None, word=True
    )
    out: Path | None = asked(
        "Write the proof to this file; one that ends in .tlog-proof gets the form of "
        "c2sp.org/tlog-proof.",
        "将证明写入此文件; 以 .tlog-proof 结尾者采用 c2sp.org/tlog-proof 格式。",
        default=None,
        short="-o",
    )
    hash: str = asked(
        "The entry with this leaf hash (64 hex digits) instead of an index.",
        "以叶哈希 (64 位十六进制) 指定条目, 代替序号。",
        default="",
    )
    from_: str = asked(
        "Prove instead that the log only grew since this checkpoint: its size, or a file with it.",
        "改为证明日志自此检查点以来只增不改: 其大小, 或含有它的文件。",
        default="",
    )


@dataclass(frozen=True)
class ProveResponse:
    """A proof that is checked without home and network; its JSON is the proof file itself.

    ``file`` is where it was written, None where no file was asked for.
    """

    proof: dict[str, Any]
    file: Path | None = None

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
    from pilotbase.record import inputs, proofs
    from pilotbase.record.opened import open_record
    from pilotbase.record.rules.tlog_proof import SUFFIX

    if sum((request.index is not None, bool(request.hash), bool(request.from_))) != 1:
        raise InputError(
            "record.what_to_prove",
            Text("give one of INDEX, --hash and --from", "请给出序号、--hash、--from 三者之一"),
        )
    with open_record(context, create=False) as record:
        if request.from_:
            size, held = inputs.read_since(request.from_)
            proof, text = proofs.prove_consistency(record, size, held), ""
        else:
            index = request.index
            if index is None:
                index = proofs.index_of(record, inputs.read_hash(request.hash))
            as_tlog = request.out is not None and request.out.suffix == SUFFIX
            proof = proofs.prove(record, index)
            text = proofs.prove_as_tlog(record, index) if as_tlog else ""
    if request.out is not None:
        with storage_errors(request.out):
            write_whole(request.out, text.encode() or encode(proof))
    return ProveResponse(proof, request.out)


@dataclass(frozen=True)
class CheckRequest:
    file: Path = asked(
        "A proof made by `record prove`, or a checkpoint.",
        "由 `record prove` 生成的证明文件, 或检查点。",
    )
    key: str = asked(*KEY, default="")
    policy: Path | None = asked(
        "A trust policy (c2sp.org/tlog-policy): the checkpoint needs the quorum's cosignatures.",
        "信任策略 (c2sp.org/tlog-policy): 检查点须具备法定数量的见证签名。",
        default=None,
    )


@dataclass(frozen=True)
class CheckResponse:
    """Whether the proof holds, for which entry, and whose word that is.

    ``trust`` says whether the key was the reader's own or only the one in the file; ``from_size``
    is the size of the earlier checkpoint in a proof of consistency; ``witnesses`` are those of the
    policy who have cosigned.
    """

    ok: bool
    problem: Text | None
    trust: Text
    vkey: str
    index: int | None
    entry: dict[str, Any] | None
    size: int | None
    root: str | None
    from_size: int | None = None
    witnesses: tuple[str, ...] = ()

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
    from pilotbase.record.checking import check_file, with_policy
    from pilotbase.record.inputs import read_key, read_policy

    key, policy = read_key(request.key), read_policy(request.policy)
    keys = [key] if key else list(policy.logs) if policy else []
    seen = check_file(request.file, keys)
    witnesses: tuple[str, ...] = ()
    if policy is not None and seen.ok:
        seen, witnesses = with_policy(seen, policy)
    signed, index = seen.checkpoint, seen.index
    return CheckResponse(
        ok=seen.ok,
        problem=seen.problem,
        trust=TRUSTED if seen.trusted else UNTRUSTED,
        vkey=seen.vkey,
        index=index if seen.ok and index >= 0 else None,
        entry=seen.entry if seen.ok else None,
        size=signed.size if signed else None,
        root=signed.root.hex() if signed else None,
        from_size=seen.earlier.size if seen.earlier else None,
        witnesses=witnesses,
    )
