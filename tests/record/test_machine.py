"""The log against a list: whatever is done in whatever order, the two say the same."""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.event import Draft, event
from pilotbase.kernel.verb import Context
from pilotbase.record import stores
from pilotbase.record.adapters import blocks, sqlite_index
from pilotbase.record.audit import verify
from pilotbase.record.opened import open_record
from pilotbase.record.rules import merkle
from pilotbase.record.rules.checkpoint import Checkpoint, verify_checkpoint
from tests.record.cluster import Cluster


@event("machine.moved/1")
@dataclass(frozen=True)
class Moved:
    """The machine made a move."""

    n: int


@event("machine.rested/1")
@dataclass(frozen=True)
class Rested:
    """The machine rested."""

    n: int


_SCHEMAS = itertools.count()
BY = Actor("machine", "evaluator")
drafts = st.builds(
    lambda kind, n, about, bodies: Draft(kind(n), BY, about, bodies),
    st.sampled_from([Moved, Rested]),
    st.integers(0, 30),
    st.sampled_from(["", "pilot:a", "pilot:乙"]),
    st.dictionaries(st.sampled_from(["a", "b"]), st.binary(max_size=40), max_size=2),
)


class LogMachine(RuleBasedStateMachine):
    """In a SQLite file, or in PostgreSQL when there is a `cluster`.

    `expected` is the draft at each index, `signed` every checkpoint ever handed out."""

    cluster: ClassVar[Cluster | None] = None

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        if self.cluster is not None:
            schema = f"machine_{next(_SCHEMAS)}"
            stores.choose(home, stores.Postgres(self.cluster.dsn, schema))
        self.record = open_record(Context(home))
        self.expected: list[Draft] = []
        self.signed: list[Checkpoint] = []

    def teardown(self) -> None:
        if hasattr(self, "record"):
            self.record.close()
            self.folder.cleanup()

    @rule(batch=st.lists(drafts, max_size=6))
    def append_many(self, batch: list[Draft]) -> None:
        entries = self.record.append_many(batch)
        keys = [draft.idempotency_key() for draft in self.expected]
        for draft, entry in zip(batch, entries, strict=True):
            key = draft.idempotency_key()
            if key not in keys:
                keys.append(key)
                self.expected.append(draft)
            assert entry.index == keys.index(key) and entry.envelope["key"] == key

    @rule(draft=drafts)
    def append(self, draft: Draft) -> None:
        self.append_many([draft])

    @rule(choose=st.randoms(use_true_random=False))
    def append_again(self, choose: object) -> None:
        if self.expected:
            draft = self.expected[choose.randrange(len(self.expected))]  # type: ignore[attr-defined]
            assert self.record.append(draft).index == self.expected.index(draft)

    @rule()
    def reopen(self) -> None:
        self.record.close()
        self.record = open_record(self.record.context, create=False)

    @rule()
    def checkpoint(self) -> None:
        made = verify_checkpoint(self.record.checkpoint(), self.record.verifier)
        assert made.size == len(self.expected)
        self.signed.append(made)

    @rule()
    def read_bodies(self) -> None:
        for entry, draft in zip(self.record.entries(), self.expected, strict=True):
            for name, body in draft.bodies.items():
                assert self.record.body(entry, name) == body

    @rule()
    def audit(self) -> None:
        report = verify(self.record)
        assert report.ok and report.findings == ()
        assert report.bodies == sum(len(draft.bodies) for draft in self.expected)
        assert report.checkpoints == len({c.size for c in self.signed})

    @invariant()
    def same_as_the_list(self) -> None:
        entries = list(self.record.entries())
        assert [e.index for e in entries] == list(range(len(self.expected)))
        counts: dict[str, int] = {}
        for entry, draft in zip(entries, self.expected, strict=True):
            said = entry.envelope
            assert (said["kind"], said["about"]) == (draft.kind, draft.about)
            assert said["body"] == draft.body() and set(said["vault"]) == set(draft.bodies)
            assert said["count"] == counts.get(draft.kind, 0)
            counts[draft.kind] = said["count"] + 1

    @invariant()
    def every_checkpoint_is_a_prefix(self) -> None:
        leaves = [merkle.leaf_hash(entry.data) for entry in self.record.entries()]
        assert self.record.root() == merkle.root(leaves)
        for one in self.signed:
            proof = self.record.consistency(one.size)
            assert merkle.verify_consistency(
                one.size, len(leaves), proof, one.root, self.record.root()
            )


def test_in_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_index, "TAIL_MIN", 6)
    monkeypatch.setattr(blocks, "NODES", 8)
    how = settings(max_examples=25, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(LogMachine, settings=how)  # type: ignore[no-untyped-call]


def test_in_postgres(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogMachine, "cluster", cluster)
    monkeypatch.setattr(blocks, "NODES", 8)
    how = settings(max_examples=8, stateful_step_count=15, deadline=None)
    run_state_machine_as_test(LogMachine, settings=how)  # type: ignore[no-untyped-call]
