"""Publish the log as static files, and read a published one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.record.verbs.words import KEY


@dataclass(frozen=True)
class PublishRequest:
    folder: Path = asked(
        "The folder to bring up to date; any file server can serve it.",
        "要更新的文件夹; 可由任何文件服务器提供。",
    )


@dataclass(frozen=True)
class PublishResponse:
    """The checkpoint that the folder holds now, its size, and the number of files written."""

    checkpoint: str
    size: int
    files: int
    folder: Path


@verb(
    "record.publish",
    summary=Text(
        "Write the log as static files (C2SP tiles) that anyone can serve and check.",
        "将日志写成静态文件 (C2SP 分块), 任何人均可提供与核验。",
    ),
    changes=True,
    roles=("case officer", "signatory"),
)
def publish(context: Context, request: PublishRequest) -> PublishResponse:
    from pilotbase.record import publish as publishing
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        made = publishing.publish(record, request.folder)
    return PublishResponse(made.checkpoint, made.size, made.files, request.folder)


@dataclass(frozen=True)
class FetchRequest:
    source: str = asked("URL or folder of a published log.", "已发布日志的网址或文件夹。")
    key: str = asked(*KEY, default="")
    held: Path | None = asked(
        "A checkpoint that you kept, in a file; the log has to extend it.",
        "您另行保存的检查点 (文件); 日志必须与之衔接。",
        default=None,
    )
    policy: Path | None = asked(
        "A trust policy (c2sp.org/tlog-policy): the checkpoint needs the quorum's cosignatures.",
        "信任策略 (c2sp.org/tlog-policy): 检查点须具备法定数量的见证签名。",
        default=None,
    )
    out: Path | None = asked(
        "Keep a copy of the log here; a later fetch has to extend it.",
        "在此保存日志副本; 以后再次读取时须与之衔接。",
        default=None,
        short="-o",
    )


@dataclass(frozen=True)
class FetchResponse:
    """What was found; findings as in `VerifyResponse`."""

    ok: bool
    size: int
    root: str
    checkpoint: str
    vkey: str
    first_bad_index: int | None
    findings: tuple[dict[str, Any], ...]
    findings_left_out: int

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 3


@verb(
    "record.fetch",
    summary=Text(
        "Read a published log and verify it whole; needs no home.",
        "读取已发布的日志并全面核验, 无需主目录。",
    ),
    changes=False,
    roles=("public", "regulator"),
)
def fetch(context: Context, request: FetchRequest) -> FetchResponse:
    from pilotbase.record import fetch as fetching
    from pilotbase.record.inputs import read_checkpoint, read_key, read_policy
    from pilotbase.record.rules.tiles import CHECKPOINT
    from pilotbase.record.static import StaticLog, source_of

    key, policy = read_key(request.key), read_policy(request.policy)
    if key is None and policy is not None and len(policy.logs) == 1:
        key = policy.logs[0]
    if key is None:
        raise _key_needed()
    mirrored = request.out / CHECKPOINT if request.out is not None else None
    kept = [request.held] if request.held is not None else []
    if mirrored is not None and mirrored.exists():
        kept.append(mirrored)
    found = fetching.fetch(
        StaticLog(source_of(request.source)),
        key,
        context.progress,
        held=[read_checkpoint(file) for file in kept],
        policy=policy,
        mirror=request.out,
    )
    findings = found.findings
    return FetchResponse(
        ok=found.ok,
        size=found.size,
        root=found.root.hex(),
        checkpoint=found.note,
        vkey=(found.chain.newest if found.chain else key).encode(),
        first_bad_index=findings.first_bad_index,
        findings=tuple(finding.as_dict() for finding in findings.listed),
        findings_left_out=findings.more,
    )


def _key_needed() -> InputError:
    return InputError(
        "record.key_needed",
        Text("a log is only as good as the key it is checked with", "核验日志必须有其密钥"),
        where="--key",
        next_step=Text(
            "Get the base's verifier key from the base and give it with --key.",
            "请向基地取得其验证密钥, 并用 --key 给出。",
        ),
    )
