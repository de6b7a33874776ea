"""What the PostgreSQL log and vault share: connecting, the schema, and what errors mean.

A home names its database in `record.toml` (see `pilotbase.record.stores`). All tables of a home are
in one schema, so that several bases can share a database. Texts are kept as UTF-8 in ``bytea``:
PostgreSQL's ``text`` cannot hold U+0000, which JSON can.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from pilotbase.kernel.errors import HomeError, PilotbaseError, RecordError
from pilotbase.kernel.text import Text

BUSY_SECONDS = 30.0
VERSION = 1
_SCHEMA = """
CREATE TABLE entry (
  leaf_index bigint PRIMARY KEY,
  data bytea NOT NULL,
  key bytea NOT NULL,
  kind bytea NOT NULL,
  count bigint NOT NULL,
  about bytea NOT NULL
);
CREATE UNIQUE INDEX entry_key ON entry (sha256(key));
CREATE INDEX entry_kind ON entry (sha256(kind), leaf_index);
CREATE INDEX entry_about ON entry (sha256(about), leaf_index);
CREATE TABLE node (block bigint PRIMARY KEY, hashes bytea NOT NULL);
CREATE TABLE checkpoint (size bigint PRIMARY KEY, note bytea NOT NULL);
CREATE TABLE body (commitment text PRIMARY KEY, salt bytea NOT NULL, data bytea NOT NULL);
CREATE TABLE version (version integer PRIMARY KEY);
INSERT INTO version VALUES (1)
"""
Connection = psycopg.Connection[tuple[Any, ...]]


class Database:
    """Where a home's tables are; makes connections whose search path is its schema."""

    def __init__(self, dsn: str, schema: str) -> None:
        self.dsn = dsn
        self.schema = schema
        self.where = _place(dsn, schema)

    def connect(self) -> Connection:
        """A connection in autocommit mode.

        Raises:
            HomeError: the server cannot be reached or refuses.
        """
        with self.errors():
            connection = psycopg.connect(self.dsn, autocommit=True, connect_timeout=10)
            try:
                path = sql.SQL("SET search_path = {}").format(sql.Identifier(self.schema))
                connection.execute(path)
                # Whatever the server's default: an acknowledged commit has reached its disk.
                connection.execute("SET synchronous_commit = on")
                connection.execute(f"SET lock_timeout = {int(BUSY_SECONDS * 1000)}")
            except BaseException:
                connection.close()
                raise
            return connection

    def prepare(self, connection: Connection) -> bool:
        """Make the schema and its tables, unless they are there; whether they were made now.

        Raises:
            HomeError: no right to, or tables that a newer version made.
        """
        with self.errors(), connection.transaction():
            # Two processes that are first at the same time: one makes it, the other finds it.
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (self.schema,))
            name = sql.Identifier(self.schema)
            made = not self.exists(connection)
            if made:
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
                connection.execute(_SCHEMA)
            (found,) = one(connection, "SELECT max(version) FROM version") or (0,)
        if found > VERSION:
            message = _NEWER.format(found=found, known=VERSION)
            raise HomeError("home.newer", message, where=self.where, next_step=_UPGRADE)
        return made

    def drop(self, connection: Connection) -> None:
        """Remove the tables with all that is in them; the schema itself stays."""
        with self.errors(), connection.transaction():
            for table in _COLUMNS:
                connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(table)))

    def exists(self, connection: Connection) -> bool:
        """Whether the home's tables are there."""
        query = "SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'version'"
        return one(connection, query, (self.schema,)) is not None

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn PostgreSQL's errors into errors that say what to do."""
        try:
            yield
        except psycopg.Error as error:
            raise translated(error, self.where) from error


def _place(dsn: str, schema: str) -> str:
    """Hosts, ports, database and schema as an address; nothing of who connects, and how."""
    known = psycopg.conninfo.conninfo_to_dict(dsn)
    hosts = [quote(host, safe=":") for host in str(known.get("host", "")).split(",")]
    hosts = [f"[{host}]" if ":" in host else host for host in hosts]
    ports = [f":{port}" if port else "" for port in str(known.get("port", "")).split(",")]
    # One port is that of all hosts.
    ports = ports * len(hosts) if len(ports) == 1 else ports
    places = ",".join(map("".join, zip(hosts, ports, strict=False)))
    database = f"/{known['dbname']}" if known.get("dbname") else ""
    return f"postgresql://{places}{database}#{schema}"


def one(connection: Connection, query: str, values: Any = ()) -> tuple[Any, ...] | None:
    """The first row of a query."""
    return connection.execute(query.encode(), values).fetchone()


def translated(error: psycopg.Error, where: str) -> PilotbaseError:
    """The error in our tree for one of PostgreSQL's, by its SQLSTATE."""
    code = error.sqlstate or ""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if code in ("53100", "53400"):
        return HomeError("home.disk_full", _FULL, where=where, next_step=_FREE_SPACE)
    if code in ("25006", "42501"):
        message = _READ_ONLY.format(reason=reason)
        return HomeError("home.not_writable", message, where=where, next_step=_RIGHTS)
    if code in ("55P03", "57014", "40P01"):
        return HomeError("home.busy", _BUSY, where=where, next_step=_WAIT)
    if isinstance(error, psycopg.OperationalError) and code[:2] not in ("XX", "58"):
        message = _UNREACHABLE.format(reason=reason)
        return HomeError("home.store_unreachable", message, where=where, next_step=_START)
    if code[:2] == "58":
        message = _IO.format(reason=reason)
        return HomeError("home.io_error", message, where=where, next_step=_FREE_SPACE)
    message = _DAMAGED.format(reason=reason)
    return RecordError("record.damaged", message, where=where, next_step=_RESTORE)


_STRUCTURE = (
    "SELECT format('%%s.%%s %%s %%s', table_name, column_name, data_type, is_nullable) "
    "FROM information_schema.columns "
    "WHERE table_schema = %(schema)s AND table_name = ANY(%(ours)s)",
    "SELECT replace(indexdef, format('%%I.', schemaname), '') FROM pg_indexes "
    "WHERE schemaname = %(schema)s AND tablename = ANY(%(ours)s)",
    "SELECT format('CREATE RULE %%s ON %%s', rulename, tablename) FROM pg_rules "
    "WHERE schemaname = %(schema)s AND tablename = ANY(%(ours)s)",
    "SELECT format('CREATE POLICY %%s ON %%s', policyname, tablename) FROM pg_policies "
    "WHERE schemaname = %(schema)s AND tablename = ANY(%(ours)s)",
    "SELECT format('CREATE TRIGGER %%s ON %%s', tgname, relname) FROM pg_trigger "
    "JOIN pg_class c ON c.oid = tgrelid JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE NOT tgisinternal AND nspname = %(schema)s AND relname = ANY(%(ours)s)",
    "SELECT format('CREATE TABLE %%s INHERITS (%%s)', inhrelid::regclass, relname) "
    "FROM pg_inherits JOIN pg_class c ON c.oid = inhparent "
    "JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE nspname = %(schema)s AND relname = ANY(%(ours)s)",
)


def structure(connection: Connection, schema: str) -> set[str]:
    """What the record's tables in a schema are made of, and what acts on them, one line each.

    Other tables may stand there too, as the gateways' ledger does: they are none of the record's.
    """
    values = {"schema": schema, "ours": list(_COLUMNS)}
    found = [connection.execute(query.encode(), values).fetchall() for query in _STRUCTURE]
    return {line for lines in found for (line,) in lines}


_COLUMNS = {
    "entry": "leaf_index bigint, data bytea, key bytea, kind bytea, count bigint, about bytea",
    "node": "block bigint, hashes bytea",
    "checkpoint": "size bigint, note bytea",
    "body": "commitment text, salt bytea, data bytea",
    "version": "version integer",
}
EXPECTED = {
    *(
        f"{table}.{column} NO"
        for table, columns in _COLUMNS.items()
        for column in columns.split(", ")
    ),
    *(
        f"CREATE UNIQUE INDEX {table}_pkey ON {table} USING btree ({columns.split(' ')[0]})"
        for table, columns in _COLUMNS.items()
    ),
    "CREATE UNIQUE INDEX entry_key ON entry USING btree (sha256(key))",
    "CREATE INDEX entry_kind ON entry USING btree (sha256(kind), leaf_index)",
    "CREATE INDEX entry_about ON entry USING btree (sha256(about), leaf_index)",
}


def structure_faults(connection: Connection, schema: str) -> Iterator[str]:
    """Differences from our tables and indexes, and a server that does not keep what it says."""
    found = structure(connection, schema)
    for line in sorted(found ^ EXPECTED):
        yield f"{'missing' if line in EXPECTED else 'unknown'}: {line}"
    for setting in ("fsync", "full_page_writes"):
        (value,) = one(connection, f"SHOW {setting}") or ("",)
        if value != "on":
            yield f"the server runs with {setting} = {value}: a power cut may lose what was said"


_FULL = Text("the database server's disk is full", "数据库服务器的磁盘已满")
_FREE_SPACE = Text(
    "See to the server's disk and run the same command again; what was recorded is kept.",
    "请处理服务器磁盘后重新运行同一命令; 已记录的内容均已保留。",
)
_READ_ONLY = Text("cannot write to this database: {reason}", "无法写入该数据库: {reason}")
_RIGHTS = Text(
    "Give the database user the right to use and create in the schema, or correct `record.toml`.",
    "请授予数据库用户在该模式中使用和建表的权限, 或更正 `record.toml`。",
)
_BUSY = Text(
    f"another process has been writing for {BUSY_SECONDS:.0f} seconds",
    f"另一进程已持续写入 {BUSY_SECONDS:.0f} 秒",
)
_WAIT = Text("Wait for it to finish and try again.", "请等待其结束后重试。")
_UNREACHABLE = Text("the database cannot be reached: {reason}", "无法连接数据库: {reason}")
_START = Text(
    "Start the server, or correct `record.toml`; then run the same command again.",
    "请启动数据库服务, 或更正 `record.toml`, 然后重新运行同一命令。",
)
_IO = Text("the database server reports an error: {reason}", "数据库服务器报告错误: {reason}")
_DAMAGED = Text("the database is damaged: {reason}", "数据库已损坏: {reason}")
_RESTORE = Text(
    "Run `pilotbase record verify`; put the database back from a backup. Do not edit the tables.",
    "请运行 `pilotbase record verify`, 并从备份恢复数据库。请勿改动数据表。",
)
_NEWER = Text(
    "these tables have version {found}; this Pilotbase knows versions up to {known}",
    "这些数据表的版本为 {found}, 本程序只认识到 {known}",
)
_UPGRADE = Text(
    "Upgrade Pilotbase, or choose another --home. Nothing was changed.",
    "请升级 Pilotbase, 或用 --home 另选目录。未作任何改动。",
)
