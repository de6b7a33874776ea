"""The record of a home, opened: append, read, prove, sign.

>>> with open_record(context) as record:                     # doctest: +SKIP
...     entry = record.append(Draft(Submitted("a"), by))
...     record.body(entry, "scenario")
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft, Entry, Fact
from pilotbase.kernel.home import open_home, storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record import cosignatures, keys, rotation, stores
from pilotbase.record.batch import Batch
from pilotbase.record.bulk import in_parts
from pilotbase.record.encryption import EncryptedVault, read_key
from pilotbase.record.erased import RESTORE, Erasures
from pilotbase.record.forks import put_back, refuse_fork
from pilotbase.record.group_commit import GroupCommit
from pilotbase.record.ports import Log, LogReader, LogWriter, Row, Sealed, Vault
from pilotbase.record.rules import dsse, jws, merkle, note
from pilotbase.record.rules.checkpoint import Checkpoint, is_checkpoint, sign_checkpoint
from pilotbase.record.rules.commitment import SALT_SIZE, commit
from pilotbase.record.rules.rotation import KeyChain
from pilotbase.record.tree import root_of

LOG, VAULT = stores.LOG, stores.VAULT
LATEST = "checkpoint"
"""A copy of the newest checkpoint beside the log: a log put back to an older state shows."""

_BAD = Text("the entry cannot be read", "该条记录无法读取")


def open_record(context: Context, *, create: bool = True, name: str = "") -> Record:
    """The record of the context's home; close it, or use it as a context manager.

    Args:
        create: make home and record when they are missing; otherwise that is an error.
        name: the name of the base's key when it has yet to be made (see `keys.make`).

    Raises:
        HomeError: newer version, not writable, disk full. RecordError: no record, a damaged one, or
            another vault key than the vault's. InputError: the vault's key file is none.
    """
    home = context.home
    if not create and not stores.begun(home):
        raise RecordError(
            "record.missing",
            Text("there is no record here", "此处没有记录"),
            where=str(home),
            next_step=Text(
                "Name the home with --home, or begin one with `pilotbase run FILE`.",
                "请用 --home 指定主目录, 或用 `pilotbase run 文件` 新建。",
            ),
        )
    open_home(home)
    key = read_key(context.vault_key)
    log, vault = stores.open_stores(home)
    try:
        return Record(context, log, EncryptedVault(vault, home, key), name=name)
    except BaseException:
        log.close()
        vault.close()
        raise


class Record:
    """An append-only log of entries, its proofs and checkpoints, and the vault of bodies.

    Threads may share it, and processes may open the same home at once; the order is total.
    """

    def __init__(self, context: Context, log: Log, vault: Vault, *, name: str = "") -> None:
        self.context = context
        self.home: Path = context.home
        self.log = log
        self.vault = vault
        self._name = name
        self._may_append = False
        self._tree: merkle.CompactRange | None = None
        self._erasures = Erasures(log)
        self._group = GroupCommit(self._commit)

    def __enter__(self) -> Record:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.log.close()
        self.vault.close()

    # Appending

    def append(self, draft: Draft) -> Entry:
        """Record an event; durable when this returns. The same key again gives the first entry."""
        return self._group.do([Fact.of(draft)])[0]

    def append_many(self, drafts: Iterable[Draft]) -> list[Entry]:
        """Record events in one transaction: all of them or none, side by side in the order given.

        Threads that append at the same time share transactions (see `group_commit`).

        A draft whose idempotency key is in the log already, or earlier in the list, adds nothing
        and gives the entry that has the key, whatever else the draft says.

        Raises:
            HomeError: disk full, not writable, busy. RecordError: the log is damaged or put back.
            ValueError, TypeError: an event that canonical JSON cannot hold. Then nothing is kept.
        """
        # Encoded here, by each caller for itself; only what depends on the order is left to do.
        return self._group.do([Fact.of(draft) for draft in drafts])

    def append_each(self, facts: Sequence[Fact]) -> list[Entry | Exception]:
        """Record events of callers that do not know each other: to each its entry or its error.

        They share a transaction; if it fails, each is tried alone.
        """
        try:
            return [*self._group.do(facts)]
        except Exception as error:
            if len(facts) == 1:
                return [error]
        return [result for fact in facts for result in self.append_each([fact])]

    def append_encoded(self, rows: Iterable[Row]) -> int:
        """Append entries exactly as another log encoded them; how many.

        Every `bulk.PART` entries are durable together; what was appended before an error stays.

        Raises:
            ValueError: an index or a counter that does not follow, or a key that is known.
            HomeError, RecordError: as `append_many`.
        """
        return sum(in_parts(self.log, rows, self._add_encoded))

    def _add_encoded(self, log: LogWriter, rows: Sequence[Row], leaves: Sequence[bytes]) -> None:
        self._refuse_older(log)
        batch = Batch(log, self.context.clock, self.context.entropy, [])
        batch.add_encoded(rows)
        log.extend_new(batch.rows, batch.hashes(leaves))

    def _commit(self, works: Sequence[Sequence[Fact]]) -> list[list[Entry]]:
        """Append the work of several callers in one transaction, in their order."""
        facts = [fact for work in works for fact in work]
        keys = [fact.key for fact in facts]
        # Taken away: what a batch that fails did to it was never in the log.
        tree, self._tree = self._tree, None
        with self.log.transaction() as log:
            self._refuse_older(log)
            batch = Batch(log, self.context.clock, self.context.entropy, keys, tree)
            indexes = batch.add(facts)
            # The vault first: an entry must never refer to a body that a crash could take away.
            if batch.bodies:
                self.vault.put(batch.bodies)
            log.extend(batch.rows, batch.hashes())
            added, at = [Entry(row[0], row[1]) for row in batch.rows], batch.first
            if len(added) < len(facts):
                before = {i: self._entry(self._row(log, i)) for i in indexes if i < at}
                added = [before[i] if i < at else added[i - at] for i in indexes]
        self._tree, given = batch.tree, iter(added)
        return [list(islice(given, len(work))) for work in works]

    # Reading

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.log.size()

    def entries(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        kind: str | None = None,
        about: str | None = None,
    ) -> Iterator[Entry]:
        """Entries with ``start <= index < stop``, of one kind and about one subject where given."""
        rows = self.log.rows(max(start, 0), stop, kind=kind, about=about)
        return (self._entry(row) for row in rows)

    def entry(self, index: int) -> Entry:
        """The entry at an index. Raises RecordError when there is none."""
        return self._entry(self._row(self.log, index))

    def body(self, entry: Entry, name: str) -> bytes:
        """A body of an entry from the vault, checked as in `opening`."""
        return self.opening(entry, name).body

    def opening(self, entry: Entry, name: str) -> Sealed:
        """Body and salt, with which anyone can check the entry's commitment.

        Raises:
            RecordError: the entry has no such body (``record.no_body``), it was erased or lost
                (``record.body_gone``), or is not what was committed to (``record.body_changed``).
        """
        said = entry.envelope["vault"].get(name)
        where = f"{self.home / VAULT}: entry {entry.index}, {name!r}"
        if said is None:
            names = ", ".join(entry.envelope["vault"]) or "-"
            raise RecordError(
                "record.no_body",
                Text("the entry has no such body", "该记录没有此正文"),
                where=where,
                next_step=Text(f"It has: {names}.", f"已有: {names}。"),
            )
        kept = self.vault.get(said["commitment"])
        if kept is None:
            raise self._erasures.gone(said["commitment"], where)
        fits = len(kept.salt) == SALT_SIZE and len(kept.body) == said["size"]
        if not fits or commit(kept.salt, kept.body) != said["commitment"]:
            changed = Text("the body is not what was recorded", "正文与当时记录的不一致")
            raise RecordError("record.body_changed", changed, where=where, next_step=RESTORE)
        return kept

    # Proving

    def root(self, size: int | None = None) -> bytes:
        """The Merkle root of the first ``size`` entries, or of all."""
        return root_of(self.log, self._size(size))

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The inclusion proof of an entry in the first ``size`` entries (RFC 9162, 2.1.3)."""
        ranges = merkle.inclusion_ranges(index, self._size(size))
        return merkle.hash_ranges(ranges, self.log.nodes)

    def consistency(self, size1: int, size2: int | None = None) -> list[bytes]:
        """The proof that the first ``size2`` entries extend the first ``size1`` (2.1.4)."""
        ranges = merkle.consistency_ranges(size1, self._size(size2))
        return merkle.hash_ranges(ranges, self.log.nodes)

    # Signing

    @property
    def verifier(self) -> note.VerifierKey:
        """The base's public key; the key is made on first use."""
        return keys.load_public(self.home) or self._signing_key().verifier

    @property
    def vkey(self) -> str:
        """The text of the base's public key, for others to verify with."""
        return self.verifier.encode()

    def sign(self, text: str) -> str:
        """A note of the text signed with the base's key; the text ends in a newline.

        Raises:
            RecordError: a text that could pass for a checkpoint, which only `checkpoint` signs.
        """
        key = self._signing_key()
        if is_checkpoint(text) or text.split("\n", 1)[0] == key.name:
            raise RecordError(
                "record.sign_checkpoint",
                Text("this text could pass for a checkpoint", "该文本可能被当作检查点"),
                next_step=Text("Say in its first line what it is.", "请在首行写明文本的用途。"),
            )
        return note.sign(text, [key])

    def seal(self, kind: str, body: bytes) -> dict[str, Any]:
        """A DSSE envelope of the body, signed with the base's key (see `rules.dsse`)."""
        key = self._signing_key()
        return dsse.envelope(kind, body, key.verifier, key.sign(dsse.pae(kind, body)).value)

    def jws(self, kind: str, payload: bytes) -> tuple[str, str]:
        """Protected header and signature of a detached JSON Web Signature (see `rules.jws`)."""
        return jws.made(kind, payload, self._signing_key())

    def checkpoint(self) -> str:
        """The signed checkpoint of the log as it is now; each one made extends all made before.

        Raises:
            RecordError: the log no longer extends what was signed, or the key is lost.
        """
        self._signing_key()
        with self.log.transaction() as log:
            # Read again under the lock: another process may have rotated the key.
            key, size = self._key_in_force(log), log.size()
            chain = rotation.chain(log, key.verifier)
            refuse_fork(log, chain, self._beside(), self.log.where)
            last = log.last_checkpoint()
            if last is None or last[0] != size:
                made = Checkpoint(key.name, size, root_of(log, size))
                last = (size, sign_checkpoint(made, key))
                log.add_checkpoint(*last)
        self._publish()
        return last[1]

    def latest(self) -> str | None:
        """The copy of the newest checkpoint that lies beside the log, as it stands there."""
        path = self.home / LATEST
        with storage_errors(path):
            return path.read_text("utf-8", "replace") if path.exists() else None

    def _beside(self) -> list[str]:
        """Checkpoints that lie beside the log: the copy, and the largest that was cosigned."""
        largest = max(cosignatures.sizes(self.home), default=-1)
        found = (self.latest(), cosignatures.cosigned(self.home, largest))
        return [text for text in found if text is not None]

    def _publish(self) -> None:
        # Under the log's lock, so that no other process puts an older copy over a newer one; and
        # after the row is durable, so that a copy without its row is never the work of a crash.
        with self.log.transaction() as log, storage_errors(self.home / LATEST):
            last = log.last_checkpoint()
            if last is not None:
                write_whole(self.home / LATEST, last[1].encode())

    def rotate_key(self, reason: str, by: Actor) -> Entry:
        """Hand over to a new key; its recording entry. Checkpoints signed so far stay good.

        Raises:
            RecordError: the key is lost, or another process rotates at the same time.
        """
        self.checkpoint()
        old = self._signing_key()
        with self.log.transaction():
            draft = rotation.introduce(self.home, old, self.context.entropy(32), reason, by)
        entry = self.append(draft)
        self._signing_key()
        rotation.won(entry, draft)
        return entry

    def chain(self) -> KeyChain:
        """The base's keys, past and present, and which of them signs which checkpoints."""
        return rotation.chain(self.log, self.verifier)

    def _signing_key(self) -> note.SigningKey:
        # Under the log's lock, so that two processes do not each make a key.
        with self.log.transaction() as log:
            return self._key_in_force(log)

    def _key_in_force(self, log: LogReader) -> note.SigningKey:
        rotation.finish(self.home, log)
        key = keys.load(self.home)
        if key is None and log.last_checkpoint() is not None:
            raise keys.lost(self.home)
        return key or keys.make(self.home, self.context.entropy, self._name)

    def _refuse_older(self, log: LogReader) -> None:
        """Refuse to append to a log that was put back to before its newest checkpoint: a fork."""
        if self._may_append:
            return
        last = log.last_checkpoint()
        sizes = [last[0]] if last else []
        for text in self._beside():
            with suppress(RecordError):
                sizes.append(Checkpoint.parse(note.parse(text).text).size)
        if max(sizes, default=0) > log.size():
            raise put_back(self.log.where)
        self._may_append = True

    def _size(self, size: int | None) -> int:
        entries = self.log.size()
        if size is not None and not 0 <= size <= entries:
            raise IndexError(f"the log has {entries} entries, not {size}")
        return entries if size is None else size

    def _row(self, log: LogReader, index: int) -> Row:
        row = next(log.rows(index, index + 1), None)
        if row is None:
            raise RecordError(
                "record.no_entry",
                Text(f"there is no entry {index}", f"没有第 {index} 条记录"),
                where=self.log.where,
                next_step=Text(
                    f"There are {log.size()}, from 0; `pilotbase record show` lists them.",
                    f"共 {log.size()} 条, 从 0 起; `pilotbase record show` 可列出。",
                ),
            )
        return row

    def _entry(self, row: Row) -> Entry:
        try:
            entry = Entry(row.index, row.data)
            _ = entry.envelope
            return entry
        except (ValueError, TypeError) as error:
            where = f"{self.log.where}: entry {row.index}"
            raise RecordError("record.bad_entry", _BAD, where=where, next_step=RESTORE) from error
