"""Verify: audit the whole record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.record.verbs.words import KEY


@dataclass(frozen=True)
class VerifyRequest:
    key: str = asked(*KEY, default="")
    held: Path | None = asked(
        "A checkpoint that you kept, in a file; the log has to extend it.",
        "您另行保存的检查点 (文件); 日志必须与之衔接。",
        default=None,
    )
    since: Path | None = asked(
        "A checkpoint up to which you trust the log: only what came after is audited.",
        "您已信任至此的检查点: 仅核验其后的内容。",
        default=None,
    )
    tiles: Path | None = asked(
        "A folder that the log was published to: its files have to be the log's.",
        "日志已发布到的文件夹: 其中的文件必须与日志一致。",
        default=None,
    )
    hashes: bool = asked(
        "Only hash the entries again and compare with what was signed: many times as fast.",
        "仅重新计算条目的哈希并与签署的比较: 快许多倍。",
        default=False,
    )


@dataclass(frozen=True)
class VerifyResponse:
    """What the audit found. ``record_ok`` where there is no fault but of the published files.

    ``findings`` are ``{"severity": "fault"|"note", "where", "index", "message"}``, where and
    message in both languages; ``first_bad_index`` is the lowest entry that shows a fault;
    ``unsigned`` counts the entries after the newest good checkpoint, which are under no signature
    yet: no fault.
    """

    ok: bool
    record_ok: bool
    size: int
    root: str
    checkpoints: int
    unsigned: int
    bodies: int
    views: int
    tiles: int
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
        "Audit every entry, hash, checkpoint, body and view, and name the first that is wrong.",
        "逐条核验记录、哈希、检查点、正文与视图, 并指出最先出错之处。",
    ),
    changes=False,
    roles=("public", "regulator", "case officer"),
)
def verify(context: Context, request: VerifyRequest) -> VerifyResponse:
    from pilotbase.record.audit import verify as verify_all
    from pilotbase.record.hash_audit import verify_hashes
    from pilotbase.record.inputs import log_folder, read_checkpoint, read_key
    from pilotbase.record.opened import open_record

    key = read_key(request.key)
    held = read_checkpoint(request.held) if request.held is not None else None
    since = read_checkpoint(request.since) if request.since is not None else None
    tiles = log_folder(request.tiles) if request.tiles is not None else None
    if request.hashes and (since is not None or request.tiles is not None):
        raise InputError("record.hashes_alone", _ALONE, where="--hashes")
    with open_record(context, create=False) as record:
        if request.hashes:
            report = verify_hashes(record, key, held=held)
        else:
            report = verify_all(record, key, held=held, since=since, published=tiles)
    return VerifyResponse(
        ok=report.ok,
        record_ok=report.record_ok,
        size=report.size,
        root=report.root,
        checkpoints=report.checkpoints,
        unsigned=report.unsigned,
        bodies=report.bodies,
        views=report.views,
        tiles=report.tiles,
        first_bad_index=report.first_bad_index,
        findings=tuple(finding.as_dict() for finding in report.findings),
        findings_left_out=report.more,
        vkey=report.vkey,
    )


_ALONE = Text(
    "--hashes goes through all hashes and nothing else: leave out --since and --tiles",
    "--hashes 只核验全部哈希: 请去掉 --since 与 --tiles",
)
