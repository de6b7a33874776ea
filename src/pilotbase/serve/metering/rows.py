"""Records of a journal as rows of the database of usage: put there, and held against what stands
there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import Any

import msgspec

from pilotbase.serve.rules.usage_id import of_sequence

UNSETTLED = "unsettled"
_TERMS = ("key", "holder", "principal", "links", "filing", "service", "version", "operation",
          "source", "currency", "call", "case", "input_token", "output_token",
          "accounts")  # fmt: skip
_BEGUN = "usage_id, at, terms, reserved, reserved_tokens"
_SETTLED = (
    "outcome, nano, input_tokens, output_tokens, cases, bytes_in, bytes_out, chunks, counted,"
    " upstream"
)
_USED = 8
"""How many fields stand behind a settling's amount: tokens to ``counted``, and the upstream, which
journals of format 1 do not have."""

Row = tuple[Any, ...]


def take(connection: Connection, gateway: str, segment: int, said: Sequence[Any]) -> None:
    """Put a record into the database."""
    word, number, *rest = said
    if word == "terms":
        words = f"INSERT OR REPLACE INTO terms VALUES (?, ?, {', '.join('?' * len(_TERMS))})"
        connection.execute(words, (gateway, number, *_terms(rest[0])))
    elif word == "intent":
        usage_id, at, terms, nano, tokens = _begun(gateway, number, rest)
        words = f"INSERT OR IGNORE INTO usage VALUES ({', '.join('?' * 19)})"
        row = (usage_id, gateway, number, segment, 0, at, terms, nano, tokens, UNSETTLED, nano)
        connection.execute(words, (*row, 0, 0, 0, 0, 0, 0, 0, ""))
    elif word == "settle":
        names = ", ".join(f"{name} = ?" for name in _SETTLED.split(", "))
        words = f"UPDATE usage SET settled = ?, {names} WHERE gateway = ? AND sequence = ?"
        row = (segment, *_settled(rest), gateway, number)
        connection.execute(f"{words} AND settled = 0", row)


class Rows:
    """What a segment's records come to in the database, each row as a whole."""

    def __init__(self) -> None:
        self._begun, self._settled = list[Row](), list[Row]()
        self._terms = dict[int, Row]()

    def take(self, gateway: str, said: Sequence[Any]) -> None:
        """The next record."""
        word, number, *rest = said
        if word == "terms":
            self._terms[number] = _terms(rest[0])
        elif word == "intent":
            self._begun.append((number, *_begun(gateway, number, rest)))
        elif word == "settle":
            self._settled.append((number, *_settled(rest)))

    def stand(self, connection: Connection, gateway: str, segment: int) -> bool:
        """Whether the database has these rows of the segment, and no others.

        What calls came to that no segment settles is not looked at: it is told by the record, each
        time that somebody asks.
        """
        for wanted, names, of in (
            (self._begun, _BEGUN, "begun"),
            (self._settled, _SETTLED, "settled"),
        ):
            words = f"SELECT sequence, {names} FROM usage WHERE gateway = ? AND {of} = ?"
            stands = connection.execute(words, (gateway, segment)).fetchall()
            if sorted(stands, key=_sequence) != sorted(wanted, key=_sequence):
                return False
        columns = ", ".join(f'"{name}"' for name in _TERMS)
        words = f"SELECT number, {columns} FROM terms WHERE gateway = ?"
        terms = {number: tuple(row) for number, *row in connection.execute(words, (gateway,))}
        return all(terms.get(number) == row for number, row in self._terms.items())


def _sequence(row: Row) -> int:
    return int(row[0])


def _terms(said: Mapping[str, Any]) -> Row:
    listed = {name: msgspec.json.encode(said[name]).decode() for name in ("links", "accounts")}
    row = {"source": "filed", **said, **listed}
    return tuple(row[name] for name in _TERMS)


def _begun(gateway: str, number: int, rest: Sequence[Any]) -> Row:
    at, terms, nano, tokens, *named = rest
    return named[0] if named else of_sequence(gateway, number), at, terms, nano, tokens


def _settled(rest: Sequence[Any]) -> Row:
    outcome, _, nano, *used = rest
    used = used if len(used) >= _USED else [*used, ""]
    return (outcome, nano, *used[:_USED])
