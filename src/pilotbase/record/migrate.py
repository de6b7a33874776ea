"""Moving a home: into the newest layout, or to another store. The old home stays as it is."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from pilotbase.kernel.errors import InputError
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

    Raises:
        InputError: the new home is not empty. RecordError: the copy does not hold. The new folder
            is then removed; what was written into a database stays there.
    """
    with storage_errors(to):
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise _not_empty(to)
    try:
        return _migrated(record, to, store)
    except BaseException:
        shutil.rmtree(to, ignore_errors=True)
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
