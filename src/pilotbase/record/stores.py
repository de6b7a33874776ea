"""Which store a home's record is kept in: SQLite files in the home, or a PostgreSQL database.

A home without `record.toml` uses SQLite. With it, for example::

    store = "postgresql"
    dsn = "postgresql://pilotbase@db.example/pilotbase"
    schema = "pilotbase"

The file holds no password: PostgreSQL's own ways give it (``PGPASSWORD``, ``~/.pgpass``, a service
file). ``PILOTBASE_STORE`` with a DSN decides for a home whose record has yet to begin; the choice
is then written into the home, so that one home never has two records.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pilotbase.kernel.errors import HomeError, InputError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.record.ports import Log, Vault

if TYPE_CHECKING:
    from pilotbase.record.adapters.postgres import Database

LOG = "record.db"
VAULT = "vault.db"
SETTING = "record.toml"
VARIABLE = "PILOTBASE_STORE"
SCHEMA = "pilotbase"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL database as a home's store; `dsn` is a libpq connection string or URI."""

    dsn: str
    schema: str = SCHEMA


def store_of(home: Path, environment: Mapping[str, str] = os.environ) -> Postgres | None:
    """The home's PostgreSQL store, None for SQLite.

    Raises:
        InputError: a `record.toml` that is malformed, or holds a password.
    """
    setting = home / SETTING
    with storage_errors(setting):
        said = setting.read_bytes() if setting.exists() else None
    if said is not None:
        return _parsed(said, str(setting))
    dsn = environment.get(VARIABLE, "")
    if dsn and not (home / LOG).exists():
        return checked(dsn, SCHEMA, VARIABLE)
    return None


def choose(home: Path, store: Postgres) -> None:
    """Write the choice of a store into the home.

    Raises:
        InputError: the DSN holds a password.
    """
    checked(store.dsn, store.schema, SETTING)
    # JSON's and TOML's basic strings agree for all that can stand in a DSN.
    lines = ["postgresql", store.dsn, store.schema]
    names = ("store", "dsn", "schema")
    text = "".join(f"{n} = {json.dumps(v)}\n" for n, v in zip(names, lines, strict=True))
    with storage_errors(home / SETTING):
        write_whole(home / SETTING, text.encode())


def begun(home: Path) -> bool:
    """Whether the home has a record.

    Raises:
        HomeError: the database cannot be reached, or psycopg is missing.
    """
    store = store_of(home)
    if store is None:
        return (home / LOG).exists()
    if not (home / SETTING).exists():
        return False
    database = _database(store)
    connection = database.connect()
    try:
        with database.errors():
            return database.exists(connection)
    finally:
        connection.close()


def open_stores(home: Path) -> tuple[Log, Vault]:
    """The home's log and vault; made when they are missing.

    Raises:
        HomeError, RecordError: as the stores say.
    """
    from pilotbase.record.adapters.sqlite_log import SqliteLog
    from pilotbase.record.adapters.sqlite_vault import SqliteVault

    store = store_of(home)
    log: Log
    if store is None:
        log = SqliteLog(home / LOG)
        return log, _or_close(log, lambda: SqliteVault(home / VAULT))
    log, vault = open_postgres(store)
    if not (home / SETTING).exists():
        choose(home, store)
    return log, vault


def open_postgres(store: Postgres) -> tuple[Log, Vault]:
    """Log and vault in a PostgreSQL database; made when they are missing."""
    database = _database(store)
    from pilotbase.record.adapters.postgres_log import PostgresLog
    from pilotbase.record.adapters.postgres_vault import PostgresVault

    log = PostgresLog(database)
    return log, _or_close(log, lambda: PostgresVault(database))


def begin_postgres(store: Postgres) -> bool:
    """Make the tables of a new record; False when there is a record already."""
    database = _database(store)
    connection = database.connect()
    try:
        return database.prepare(connection)
    finally:
        connection.close()


def discard_postgres(store: Postgres) -> None:
    """Remove a record from a database, with all that is in it."""
    database = _database(store)
    connection = database.connect()
    try:
        database.drop(connection)
    finally:
        connection.close()


def _or_close(log: Log, open_vault: Callable[[], Vault]) -> Vault:
    try:
        vault = open_vault()
    except BaseException:
        log.close()
        raise
    return vault


def _database(store: Postgres) -> Database:
    _driver()
    from pilotbase.record.adapters.postgres import Database

    return Database(store.dsn, store.schema)


def _driver() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise HomeError(
            "home.no_driver",
            Text(
                f"this home's record is in PostgreSQL, and its driver is missing: {error}",
                f"该主目录的记录存于 PostgreSQL, 但缺少驱动: {error}",
            ),
            where=SETTING,
            next_step=Text(
                "Run: pip install 'pilotbase[postgres]'",
                "请运行: pip install 'pilotbase[postgres]'",
            ),
        ) from error


def _parsed(said: bytes, where: str) -> Postgres | None:
    try:
        setting = tomllib.loads(str(said, "utf-8"))
    except (ValueError, RecursionError) as error:  # no TOML, or no UTF-8
        raise _malformed(where, str(error)) from error
    kind = setting.get("store")
    if kind == "sqlite":
        return None
    dsn, schema = setting.get("dsn"), setting.get("schema", SCHEMA)
    if kind != "postgresql" or not (isinstance(dsn, str) and dsn and isinstance(schema, str)):
        raise _malformed(where, 'store = "postgresql" | "sqlite", dsn = "…", schema = "…"')
    return checked(dsn, schema, where)


def checked(dsn: str, schema: str, where: str) -> Postgres:
    """The store that somebody named; ``where`` says how.

    Raises:
        InputError: no DSN, one that holds a password, or no schema. HomeError: psycopg is missing.
    """
    for name, word in (("dsn", dsn), ("schema", schema)):
        if not word:
            raise _malformed(where, f'{name} = ""')
    _driver()
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        known = conninfo_to_dict(dsn)
    except ProgrammingError as error:
        raise _malformed(where, "dsn") from error
    if known.get("password") or known.get("sslpassword"):
        raise InputError(
            "record.store_password",
            Text("the DSN holds a password", "DSN 中含有口令"),
            where=where,
            next_step=Text(
                "Take it out; give it by PGPASSWORD, ~/.pgpass or a service file instead.",
                "请将其移除, 改用 PGPASSWORD、~/.pgpass 或服务文件提供。",
            ),
        )
    return Postgres(dsn, schema)


def _malformed(where: str, detail: str) -> InputError:
    return InputError(
        "record.bad_store",
        Text(f"the store's setting cannot be used: {detail}", f"存储设置无法使用: {detail}"),
        where=where,
        next_step=_WRITE if where.endswith(SETTING) else _GIVE,
    )


_WRITE = Text(
    'Write store = "postgresql" and dsn = "postgresql://user@host/database".',
    '请写为 store = "postgresql" 与 dsn = "postgresql://user@host/database"。',
)
_GIVE = Text(
    "Give a PostgreSQL DSN such as postgresql://user@host/database, or leave it out for files.",
    "请给出 PostgreSQL 的 DSN, 如 postgresql://user@host/database; 不给出则用文件存储。",
)
