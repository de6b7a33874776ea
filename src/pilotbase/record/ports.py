"""What the record asks of its storage: dumb, durable, ordered. All hashing is done above it.

A store keeps rows exactly as they are given and gives them back exactly; it knows no Merkle tree,
no envelope and no signature. Whatever it calls durable has reached the disk.

Every method may raise `HomeError` (disk full, not writable, busy) or `RecordError` (damaged).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

FIRST = -(2**63)
"""A start for `LogReader.rows` below every index that even damaged storage can hold."""


class Row(NamedTuple):
    """An entry as it is stored: its bytes, and copies of what is looked up by."""

    index: int  # type: ignore[assignment]
    data: bytes
    key: str
    kind: str
    count: int  # type: ignore[assignment]
    about: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A body in the vault with the salt of its commitment."""

    salt: bytes
    body: bytes


class LogReader(Protocol):
    """Reading one state of the log."""

    def size(self) -> int:
        """The number of entries, by the highest index."""
        ...

    def rows(
        self, start: int, stop: int | None, *, kind: str | None = None, about: str | None = None
    ) -> Iterator[Row]:
        """Rows with ``start <= index < stop`` by ascending index, without holding all in memory."""
        ...

    def entry_runs(self, start: int) -> Iterator[tuple[int, list[bytes]]]:
        """The entries' bytes alone from ``start`` on: those side by side, with the first's index.

        Where indexes do not follow, or overlap, storage is damaged.
        """
        ...

    def find(self, keys: Sequence[str]) -> dict[str, int]:
        """The indexes of the entries with these idempotency keys, by key; without those unknown."""
        ...

    def nodes(self, numbers: Sequence[int]) -> list[bytes]:
        """Node hashes by number (`merkle.node_number`). Raises RecordError for a missing one."""
        ...

    def all_nodes(self) -> Iterator[tuple[int, bytes]]:
        """Number and hash of every stored node, ascending."""
        ...

    def node_runs(self) -> Iterator[tuple[int, bytes]]:
        """The same hashes joined: those side by side, with the first one's number."""
        ...

    def node_total(self) -> int:
        """One more than the highest node number."""
        ...

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """Size and signed note of every checkpoint made, ascending by size."""
        ...

    def last_checkpoint(self) -> tuple[int, str] | None: ...

    def faults(self) -> Iterator[str]:
        """What the store itself finds wrong with its own structure, in its own words."""
        ...


class LogWriter(LogReader, Protocol):
    """One transaction, alone in writing; what it adds is durable and visible when it ends well."""

    def next_count(self, kind: str) -> int:
        """The counter that the next entry of a kind gets."""
        ...

    def extend(self, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        """Add rows and, in order of completion, the hashes of the nodes that they complete.

        Their keys were looked up before and are new.

        Raises:
            RecordError: their indexes do not follow on the last one.
        """
        ...

    def extend_new(self, rows: Sequence[Row], hashes: Sequence[bytes]) -> None:
        """As `extend`, for rows whose keys differ among each other and were not looked up.

        Raises:
            ValueError: a key is in the log already.
        """
        ...

    def add_checkpoint(self, size: int, note: str) -> None: ...


class Log(LogReader, Protocol):
    """The store of the log."""

    @property
    def where(self) -> str:
        """The file or database, as a person would name it; without secrets."""
        ...

    def transaction(self) -> AbstractContextManager[LogWriter]:
        """Wait for the turn to write, then all or nothing; one writer among all processes."""
        ...

    def snapshot(self) -> AbstractContextManager[LogReader]:
        """One unchanging state for a long read, beside which writing goes on."""
        ...

    def close(self) -> None: ...


class Vault(Protocol):
    """The store of bodies, from which a body can be erased."""

    def put(self, bodies: Mapping[str, Sealed]) -> None:
        """Keep bodies by commitment; durable when this returns."""
        ...

    def get(self, commitment: str) -> Sealed | None: ...

    def keeps(self, commitment: str) -> bool:
        """Whether the body is there, without reading it."""
        ...

    def commitments(self) -> Iterator[str]:
        """What is kept, ascending, without holding all in memory; erasing meanwhile is allowed."""
        ...

    def erase(self, commitments: Sequence[str]) -> int:
        """Destroy bodies with their salts; how many there were. What is not there is no error.

        When this returns, the bytes are no longer in the store's files, as far as the store can
        reach: what the disk or the file system keeps below it is out of its hands.

        Raises:
            HomeError: ``home.busy``: gone from the store, yet a long reader keeps old pages alive;
                erasing again finishes it.
        """
        ...

    def replace(self, bodies: Mapping[str, Sealed]) -> None:
        """Keep these instead of what is kept under the same commitments, all of them or none.

        What was there before may stay in the store's files until `scrub`.
        """
        ...

    def scrub(self) -> None:
        """Remove what erased and replaced bodies left in the store's files; see `erase`."""
        ...

    def total(self) -> int:
        """How many bodies there are."""
        ...

    def faults(self) -> Iterator[str]: ...

    def close(self) -> None: ...
