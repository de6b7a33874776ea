"""What can be asked of usage: sums by party, service, key or day, single calls, FOCUS rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.serve.call import Tariff
from pilotbase.serve.metering.usage import UNSETTLED, usage_of
from pilotbase.serve.rules import focus
from pilotbase.serve.rules.budget import shown

BY = {
    "party": "t.holder",
    "service": "t.service",
    "key": "t.key",
    "day": "date(u.at / 1000, 'unixepoch')",
    "call": "u.usage_id",
    "upstream": "t.filing || CASE u.upstream WHEN '' THEN '' ELSE '/' || u.upstream END",
}
_JOIN = "FROM usage u JOIN terms t ON t.gateway = u.gateway AND t.number = u.terms"


@dataclass(frozen=True)
class Asked:
    """Which calls are meant: of one usage id or key, or that began in ``[since, until)`` (in ms;
    0: open)."""

    usage_id: str = ""
    since: int = 0
    until: int = 0
    key: str = ""

    def where(self) -> tuple[str, list[Any]]:
        parts, values = ["1"], list[Any]()
        for value, words in (
            (self.usage_id, "u.usage_id = ?"), (self.since, "u.at >= ?"), (self.until, "u.at < ?"),
            (self.key, "t.key = ?"),
        ):  # fmt: skip
            if value:
                parts.append(words)
                values.append(value)
        return " AND ".join(parts), values


def sums(usage: Connection, by: str, asked: Asked) -> Iterator[dict[str, Any]]:
    """Sums of calls by one of `BY`, each name with its currencies."""
    where, values = asked.where()
    order = "min(u.gateway), min(u.sequence)" if by == "call" else "1, 2"
    words = (
        f"SELECT {BY[by]}, t.currency, count(*), sum(u.outcome = '{UNSETTLED}'),"
        " sum(u.input_tokens), sum(u.output_tokens), sum(u.cases), sum(u.nano),"
        f" sum(CASE WHEN u.outcome = '{UNSETTLED}' THEN u.nano ELSE 0 END),"
        f" min(u.outcome) {_JOIN} WHERE {where} GROUP BY 1, 2 ORDER BY {order}"
    )
    names = ("calls", "unsettled", "input_tokens", "output_tokens", "cases")
    for name, currency, *counts, nano, open_, outcome in usage.execute(words, values):
        yield {
            by: name,
            **dict(zip(names, counts, strict=True)),
            "charged": shown(nano, currency),
            "of_it_unsettled": shown(open_, currency),
            **({"outcome": outcome} if by == "call" else {}),
        }


def sums_of_key(record: Record, key: str) -> list[dict[str, Any]]:
    """Sums of a key's calls by service."""
    with usage_of(record) as usage:
        return list(sums(usage, "service", Asked(key=key)))


def focus_rows(
    usage: Connection, asked: Asked, provider: str, publishers: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """The rows of `rules.focus`; ``publishers`` says by filing who answers for it."""
    for group in _groups(usage, asked, provider, publishers):
        yield from focus.rows(group)


def _groups(
    usage: Connection, asked: Asked, provider: str, publishers: Mapping[str, str]
) -> Iterator[focus.Group]:
    where, values = asked.where()
    keys = (
        "u.at / 86400000, t.principal, t.holder, t.key, t.filing, t.service, t.version,"
        ' t.operation, u.outcome, t.currency, t.call, t."case", t.input_token, t.output_token'
    )
    words = (
        f"SELECT {keys}, sum(u.nano > 0), sum(u.cases), sum(u.input_tokens), sum(u.output_tokens),"
        f" sum(u.nano) {_JOIN} WHERE {where} GROUP BY {keys} ORDER BY {keys}"
    )
    first = f"SELECT t.service, t.operation, min(u.at) {_JOIN} GROUP BY t.service"
    speaks = {service: operation for service, operation, _ in usage.execute(first)}
    for row in usage.execute(words, values):
        publisher = publishers.get(row[4], provider)
        said = speaks[row[5]]
        parts = (*row[:9], Tariff(*row[9:14]), provider, publisher, *row[14:], said)
        yield focus.Group(*parts)


def is_ours(file: Path) -> bool:
    """Whether a file of FOCUS rows stands there, which may be replaced; False where nothing does.

    Raises:
        InputError: something else stands there, or there is no such folder.
    """
    if not file.parent.is_dir():
        raise InputError(
            "serve.no_folder",
            Text(f"there is no folder {file.parent}", f"没有文件夹 {file.parent}"),
            where=str(file),
            next_step=Text("Name a folder that is there.", "请指定已有的文件夹。"),
        )
    head = ",".join(focus.COLUMNS).encode()
    with storage_errors(file):
        if not file.exists():
            return False
        if file.is_file():
            with file.open("rb") as opened:
                if opened.read(len(head)) == head:
                    return True
    raise InputError(
        "serve.file_in_the_way",
        Text(
            "another file is there, and it is not replaced",
            "该处已有其他文件, 不予覆盖",
        ),
        where=str(file),
        next_step=Text("Name a file that is not there yet.", "请指定尚不存在的文件。"),
    )


def write_focus(rows: Iterator[dict[str, str]], file: Path) -> int:
    """Write rows as CSV; how many. Raises HomeError when it cannot be written, InputError where a
    file is in the way that is none of ours."""
    is_ours(file)
    text, count = io.StringIO(newline=""), 0
    writer = csv.DictWriter(text, focus.COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row)
        count += 1
    with storage_errors(file):
        write_whole(file, text.getvalue().encode())
    return count
