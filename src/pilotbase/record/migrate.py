"""Moving a home: into the newest layout, or to another store. The old home stays as it is."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from pilotbase.kernel.errors import InputError, PilotbaseError
from pilotbase.kernel.home import only_one, open_home, storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.adapters.sqlite_log import SqliteLog
from pilotbase.record.adapters.sqlite_vault import SqliteVault
from pilotbase.record.audit import VerifyReport, verify
from pilotbase.record.backup import files_beside
from pilotbase.record.copying import copy_log, copy_vault, not_copied
from pilotbase.record.encryption import EncryptedVault
from pilotbase.record.erasure import LOCK
from pilotbase.record.opened import Record, open_record
from pilotbase.record.ports import Log, Vault
from pilotbase.record.stores import Postgres


def migrate(record: Record, to: Path, store: Postgres | None) -> VerifyReport:
    """Copy the home, keys and all, into a new one whose record is in ``store`` (None: SQLite).

    Nothing is appended to the old home meanwhile; whoever waited to append does so afterwards, so
    stop the programs that use it first. The new home is audited as a whole.

    All or nothing: the new folder has its name, and the database its tables, only when all of it is
    there and audited. A kill may leave a hidden folder beside, or tables that no home names.

    Raises:
        InputError: the new home, or the database, holds something. RecordError: the copy does not
            hold.
    """
    with storage_errors(to):
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise _not_empty(to)
        to.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{to.name}.", suffix=".part", dir=to.parent))
    try:
        if store is not None and not stores.begin_postgres(store):
            raise _in_use(store)
        with _all_or_nothing(store):
            report = _migrated(record, part, store)
            with storage_errors(to):
                if to.exists():
                    to.rmdir()
                os.rename(part, to)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return report


@contextmanager
def _all_or_nothing(store: Postgres | None) -> Iterator[None]:
    """Take back what this migration has written into a database, if it fails."""
    try:
        yield
    except BaseException:
        if store is not None:
            # What made it fail may keep this from working too; what failed is what to tell.
            with suppress(PilotbaseError):
                stores.discard_postgres(store)
        raise


def _migrated(record: Record, to: Path, store: Postgres | None) -> VerifyReport:
    open_home(to)
    if store is not None:
        stores.choose(to, store)
    with ExitStack() as stack:
        stack.enter_context(only_one(record.home / LOCK))
        # The turn to write is held, so that nothing is recorded that the new home would lack.
        source = stack.enter_context(record.log.transaction())
        log, vault = _new_stores(to, store)
        stack.enter_context(closing(log))
        stack.enter_context(closing(vault))
        assert isinstance(record.vault, EncryptedVault)
        label = Text("copying the record", "复制记录")
        with record.context.progress.task(label, source.size()) as progress:
            copy_vault(record.vault.inner, vault)
            copy_log(source, log, progress)
        _copy_files(record.home, to)
        root, size = record.root(), record.size
    return _audited(replace(record.context, home=to), size, root)


def _new_stores(to: Path, store: Postgres | None) -> tuple[Log, Vault]:
    # Files when files were asked for, whatever PILOTBASE_STORE says of new homes.
    if store is not None:
        return stores.open_postgres(store)
    return SqliteLog(to / stores.LOG), SqliteVault(to / stores.VAULT)


def _audited(context: Context, size: int, root: bytes) -> VerifyReport:
    with open_record(context, create=False) as moved:
        report = verify(moved)
    if (report.size, report.root) != (size, root.hex()):
        raise not_copied("the copy has another root", "副本的根哈希不同")
    return report


def _copy_files(home: Path, to: Path) -> None:
    for name in files_beside(home, keys=True):
        target = to / name
        with storage_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(home / name, target)


def _not_empty(to: Path) -> InputError:
    return InputError(
        "migrate.not_empty",
        Text("there is something here already", "此处已有内容"),
        where=str(to),
        next_step=Text("Give a folder that is new or empty.", "请指定新的或空的文件夹。"),
    )


def _in_use(store: Postgres) -> InputError:
    drop = f"DROP SCHEMA {json.dumps(store.schema)} CASCADE"
    return InputError(
        "migrate.in_use",
        Text("this schema of the database holds a record", "数据库的该模式中已有记录"),
        where=f"{store.dsn} #{store.schema}",
        next_step=Text(
            "Name another with --schema. If no home uses it, as when a migration was killed, its "
            f"owner may remove it: {drop}.",
            "请用 --schema 指定其他模式。如无主目录使用它 (例如迁移被中断), "
            f"可由其所有者删除: {drop}。",
        ),
    )
