"""Keeping a home: back it up, restore it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class BackupRequest:
    out: Path = asked("A new file, or a folder to make one in.", "新文件, 或用于存放的文件夹。")
    with_keys: bool = asked(
        "With the base's secret keys: whoever has the file can sign as the base.",
        "包含基地私钥: 持有该文件者即可冒用基地签名。",
        default=False,
    )


@dataclass(frozen=True)
class BackupResponse:
    """The archive, when it was made, how many entries it has, their root, and its files."""

    file: Path
    made_at: str
    size: int
    root: str
    with_keys: bool
    files: int
    bytes: int


@verb(
    "backup",
    summary=Text(
        "Back up the home into one file, while it is in use.",
        "在使用中将主目录备份为一个文件。",
    ),
    changes=False,
    roles=("data steward", "case officer"),
)
def backup(context: Context, request: BackupRequest) -> BackupResponse:
    from pilotbase.record.backup import back_up
    from pilotbase.record.opened import open_record

    with open_record(context, create=False) as record:
        file, made = back_up(record, request.out.expanduser().absolute(), keys=request.with_keys)
    total = file.stat().st_size
    return BackupResponse(
        file, made.made_at, made.size, made.root, made.keys, len(made.files), total
    )


@dataclass(frozen=True)
class RestoreRequest:
    file: Path = asked("A file made by `backup`.", "由 `backup` 生成的文件。")
    held: Path | None = asked(
        "The newest checkpoint that anyone keeps, to show what the backup lacks.",
        "任何人保存的最新检查点, 用于显示备份所缺的部分。",
        default=None,
    )


@dataclass(frozen=True)
class RestoreResponse:
    """What was restored and audited.

    ``behind`` is how many entries the held checkpoint has more; ``notices`` say what is not in a
    state of that moment; ``findings`` are the audit's notes (see ``record.verify``).
    """

    home: Path
    made_at: str
    size: int
    root: str
    with_keys: bool
    bodies: int
    behind: int
    notices: tuple[Text, ...]
    findings: tuple[dict[str, Any], ...]


@verb(
    "restore",
    summary=Text(
        "Make a home from a backup, and audit all of it.",
        "由备份恢复主目录, 并全面核验。",
    ),
    changes=True,
    roles=("data steward", "case officer"),
)
def restore(context: Context, request: RestoreRequest) -> RestoreResponse:
    from pilotbase.record.inputs import read_checkpoint
    from pilotbase.record.restore import restore as restored

    held = read_checkpoint(request.held) if request.held is not None else None
    done = restored(context, request.file, held=held)
    notices = [OLDER.format(at=done.manifest.made_at)]
    if done.behind:
        notices.append(BEHIND.format(n=done.behind))
    if not done.manifest.keys:
        notices.append(NO_KEYS)
    return RestoreResponse(
        home=context.home,
        made_at=done.manifest.made_at,
        size=done.manifest.size,
        root=done.manifest.root,
        with_keys=done.manifest.keys,
        bodies=done.report.bodies,
        behind=done.behind,
        notices=tuple(notices),
        findings=tuple(finding.as_dict() for finding in done.report.findings),
    )


@dataclass(frozen=True)
class MigrateRequest:
    to: Path = asked("The new home: a new or empty folder.", "新主目录: 新的或空的文件夹。")
    store: str | None = asked(
        "A PostgreSQL DSN without a password (default: SQLite files in the new home).",
        "不含口令的 PostgreSQL DSN (默认: 新主目录中的 SQLite 文件)。",
        default=None,
    )
    schema: str = asked("The schema in that database.", "该数据库中的模式名。", default="pilotbase")


@dataclass(frozen=True)
class MigrateResponse:
    """The new home, audited: entries, root, bodies, findings; and what to do with the old one."""

    home: Path
    ok: bool
    size: int
    root: str
    bodies: int
    findings: tuple[dict[str, Any], ...]
    notice: Text

    @property
    def exit_code(self) -> int:
        return 0 if self.ok else 3


@verb(
    "migrate",
    summary=Text(
        "Move the record to another store or the newest layout: every byte and hash is kept.",
        "将记录迁移到其他存储或最新格式: 每个字节与哈希均保持不变。",
    ),
    changes=True,
    roles=("data steward", "case officer"),
)
def migrate(context: Context, request: MigrateRequest) -> MigrateResponse:
    from pilotbase.record.migrate import migrate as migrated
    from pilotbase.record.opened import open_record
    from pilotbase.record.stores import checked

    to = request.to.expanduser().absolute()
    store = None
    if request.store is not None:
        store = checked(request.store, request.schema, "--store")
    with open_record(context, create=False) as record:
        report = migrated(record, to, store)
    return MigrateResponse(
        home=to,
        ok=report.ok,
        size=report.size,
        root=report.root,
        bodies=report.bodies,
        findings=tuple(finding.as_dict() for finding in report.findings),
        notice=MOVED,
    )


MOVED = Text(
    "The old home is as it was. Use only the new one from now on: two homes that both go on are a "
    "fork. Remove the old one when the new one is backed up; erasures do not reach it.",
    "旧主目录未改动。此后只应使用新主目录: 二者都继续使用即构成分叉。新主目录备份后请移除旧目录; "
    "删除操作不会作用于旧目录。",
)
OLDER = Text(
    "This is the state of {at}. What was recorded later is not in it, erasures too: make those "
    "again. If a later checkpoint was given to anyone, going on from here is a fork, which they "
    "will notice: tell them first.",
    "这是 {at} 的状态。此后的记录不在其中, 包括删除: 请重新执行。若此后已向他人提供检查点, "
    "由此继续即构成分叉, 对方会发现: 请先告知。",
)
BEHIND = Text(
    "The held checkpoint has {n} entries more: they are lost with the old home.",
    "另行保存的检查点多出 {n} 条记录: 已随旧主目录丢失。",
)
NO_KEYS = Text(
    "The backup has no secret keys; put keys/base.key back before anything is signed.",
    "备份不含私钥; 签署之前请放回 keys/base.key。",
)
