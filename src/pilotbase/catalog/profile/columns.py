"""One column measured: its type, gaps, range, and the groups it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.catalog.profile.rules.sensitive import Guess, guess, hidden
from pilotbase.catalog.profile.source import DATA, Source
from pilotbase.catalog.table import MISSING_WORDS

VALUES_LOOKED_AT = 1_000
GROUPS_MAX = 50
SMALL_GROUP = 10
"""A group of fewer rows is pooled with others: its value could mean one person."""
BINS = 20
ODD_SHARE_MAX = 0.05
TYPES = ("empty", "integer", "float", "truth", "date", "text")
_NUMBER = r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{5,15}(?:Z|[+-][0-9:]{5})?)?"
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT",
             "UINTEGER", "UBIGINT", "UHUGEINT")  # fmt: skip
_FLOATS = ("FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class _Counted:
    """How a column is stored, turned into what `profiled` goes by; ``cell`` is SQL for a cell that
    is NULL where missing, ``number`` SQL for it as a number."""

    type: str
    missing: int
    odd: int
    cell: str
    number: str = ""


def profiled(source: Source, at: int, rows: int) -> dict[str, Any]:
    """What is known of a column, as JSON data.

    ``guess`` is None where nothing tells that it is sensitive. Values of columns by which somebody
    may be known are left out (``hidden``), and groups of fewer than `SMALL_GROUP` rows pooled.
    """
    counted = _counted(source, at, rows)
    distinct = _one(source, f"count(DISTINCT {counted.cell})")[0]
    found = _guess(source, at, counted)
    made: dict[str, Any] = {
        "name": source.names[at],
        "type": counted.type,
        "missing": counted.missing,
        "odd": counted.odd,
        "distinct": distinct,
        "guess": vars(found) if found else None,
        "hidden": found is not None and hidden([found.kind]),
        "range": None,
        "groups": None,
    }
    if not made["hidden"]:
        made["range"] = _range(source, counted)
        made["groups"] = _groups(source, counted, distinct, rows)
    return made


def type_of(source: Source, at: int, rows: int) -> str:
    """One of `TYPES`."""
    return _counted(source, at, rows).type


def _counted(source: Source, at: int, rows: int) -> _Counted:
    is_text = source.kind == "csv" and source.stored[at] == "VARCHAR"
    return _text(source, at, rows) if is_text else _typed(source, at, rows)


def _one(source: Source, what: str, table: str = DATA) -> tuple[Any, ...]:
    row = source.connection.execute(f"SELECT {what} FROM {table}").fetchone()
    assert row is not None  # an aggregate without groups has one row
    return tuple(row)


def _text(source: Source, at: int, rows: int) -> _Counted:
    """A column of text as it stands in a CSV file, by the rules of `csv_file.read_csv`."""
    cell, plain = f"c{at}", "trim(v)"
    words = ", ".join(f"'{word}'" for word in sorted(MISSING_WORDS))
    said = f"lower({plain}) NOT IN ({words})"
    number = f"{said} AND regexp_full_match({plain}, '{_NUMBER}')"
    # Each different value is looked at once.
    values = f"(SELECT {cell} AS v, count(*) AS n FROM {DATA} GROUP BY v)"
    filled, known, numbers, broken, digits, truths = _one(
        source,
        f"sum(n) FILTER (v IS NOT NULL), sum(n) FILTER ({said}), sum(n) FILTER ({number}), "
        f"sum(n) FILTER ({said} AND (contains({plain}, '.') OR contains(lower({plain}), 'e'))), "
        f"max(length({plain})), sum(n) FILTER (lower({plain}) IN ('true', 'false'))",
        values,
    )
    if not filled or not known:
        return _Counted("empty", rows, 0, f"nullif({cell}, {cell})")
    if numbers == known:
        whole_numbers = known == rows and not broken and digits <= 18
        kept = cell if known == filled else (
            f"CASE WHEN lower(trim({cell})) NOT IN ({words}) THEN {cell} END"
        )  # fmt: skip
        kind = "integer" if whole_numbers else "float"
        return _Counted(kind, rows - int(known), 0, kept, f"try_cast(trim({cell}) AS DOUBLE)")
    if truths == rows:
        return _Counted("truth", 0, 0, cell)
    if not numbers and _are_dates(source, cell):
        return _Counted("date", rows - int(filled), 0, cell)
    odd = int(known - (numbers or 0))
    mistyped = odd if numbers and odd <= ODD_SHARE_MAX * known else 0
    return _Counted("text", rows - int(filled), mistyped, cell)


def _are_dates(source: Source, cell: str) -> bool:
    date = f"regexp_full_match(v, '{_DATE}') AND try_cast(v AS TIMESTAMP) IS NOT NULL"
    values = f"(SELECT DISTINCT trim({cell}) AS v FROM {DATA} WHERE {cell} IS NOT NULL)"
    return bool(_one(source, f"bool_and({date})", values)[0])


def _typed(source: Source, at: int, rows: int) -> _Counted:
    stored, cell = source.stored[at].split("(")[0], f"c{at}"
    if stored in _FLOATS:
        cell = f"CASE WHEN NOT isnan({cell}::DOUBLE) THEN {cell} END"
    missing = rows - _one(source, f"count({cell})")[0]
    number = f"({cell})::DOUBLE"
    if missing == rows:
        return _Counted("empty", rows, 0, cell)
    if stored in _INTEGERS:
        return _Counted("float" if missing else "integer", missing, 0, cell, number)
    if stored in _FLOATS:
        return _Counted("float", missing, 0, cell, number)
    if stored == "BOOLEAN":
        return _Counted("truth", missing, 0, cell)
    if stored.startswith(("DATE", "TIMESTAMP")):
        return _Counted("date", missing, 0, f"{cell}::VARCHAR")
    if stored == "VARCHAR" and _are_dates(source, cell):
        return _Counted("date", missing, 0, cell)
    return _Counted("text", missing, 0, f"{cell}::VARCHAR")


def _guess(source: Source, at: int, counted: _Counted) -> Guess | None:
    numbers = counted.type == "integer"
    values: list[str] = []
    if counted.type in ("integer", "text"):
        looked = (
            f"SELECT DISTINCT ({counted.cell})::VARCHAR AS v FROM {DATA} "
            f"WHERE {counted.cell} IS NOT NULL ORDER BY hash(v), v LIMIT {VALUES_LOOKED_AT}"
        )
        values = [str(row[0]) for row in source.connection.execute(looked).fetchall()]
    return guess(source.names[at], values, numbers=numbers)


def _range(source: Source, counted: _Counted) -> Mapping[str, Any] | None:
    if counted.type in ("integer", "float"):
        return _numbers(source, counted.number)
    if counted.type == "date":
        low, high = _one(source, f"min({counted.cell}), max({counted.cell})")
        return {"low": low, "high": high}
    if counted.type == "text":
        shortest, longest = _one(
            source, f"min(length({counted.cell})), max(length({counted.cell}))"
        )
        return {"shortest": shortest, "longest": longest}
    return None


def _numbers(source: Source, number: str) -> Mapping[str, Any]:
    finite = f"FILTER (isfinite({number}))"
    low, high, mean, sd, quarters, infinite = _one(
        source,
        f"min({number}) {finite}, max({number}) {finite}, avg({number}) {finite}, "
        f"stddev_samp({number}) {finite}, quantile_disc({number}, [0.25, 0.5, 0.75]) {finite}, "
        f"count({number}) FILTER (NOT isfinite({number}))",
    )
    made = {
        "low": low,
        "high": high,
        "mean": _rounded(mean),
        "sd": _rounded(sd),
        "quarters": quarters or [],
        "infinite": infinite,
        "bins": [],
    }
    if low is not None and low < high:
        made["bins"] = _bins(source, number, low, high)
    return made


def _bins(source: Source, number: str, low: float, high: float) -> list[int]:
    """Counts in `BINS` parts of the range, of equal width."""
    part = f"least({BINS - 1}, floor(({number} - {low!r}) / {high - low!r} * {BINS}))::INTEGER"
    found = source.connection.execute(
        f"SELECT {part} AS part, count(*) FROM {DATA} WHERE isfinite({number}) GROUP BY part"
    ).fetchall()
    counts = dict(found)
    return [int(counts.get(place, 0)) for place in range(BINS)]


def _rounded(value: float | None) -> float | None:
    """To nine places: the last ones of a sum hang on the order in which threads add up."""
    return None if value is None else float(f"{value:.9g}")


def _groups(
    source: Source, counted: _Counted, distinct: int, rows: int
) -> Mapping[str, Any] | None:
    """Values with their counts, most frequent first, where there are few; small ones pooled."""
    if not 2 <= distinct <= min(GROUPS_MAX, max(rows // 2, 2)):
        return None
    found = source.connection.execute(
        f"SELECT ({counted.cell})::VARCHAR AS v, count(*) AS n FROM {DATA} "
        f"WHERE {counted.cell} IS NOT NULL GROUP BY v ORDER BY n DESC, v"
    ).fetchall()
    large = [(str(value), int(count)) for value, count in found if count >= SMALL_GROUP]
    small = [int(count) for _, count in found if count < SMALL_GROUP]
    return {
        "values": [{"value": value[:200], "rows": count} for value, count in large],
        "pooled": {"values": len(small), "rows": sum(small)},
    }
