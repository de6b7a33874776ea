"""What a gateway process tells a scraper: counts of calls, and how its parts stand.

Every sample carries the process's id (``gateway``, as in usage ids), so that a process that is
replaced begins series of its own and no sum ever goes back.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from pilotbase.serve.call import NANO, Route
from pilotbase.serve.gateway.server import Server
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.metering.journal import Journal
from pilotbase.serve.routes.watch import Watch
from pilotbase.serve.rules.exposition import Family, Histogram, Kind, Sample
from pilotbase.serve.telemetry.counting import SECONDS, Cell, Counts

Named = tuple[str, str, str, str]
VERSION = version("pilotbase")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Parts:
    """The parts of one gateway process that are looked at."""

    gateway: str
    counts: Counts
    serving: Serving
    server: Server
    journal: Journal[Any]
    watch: Watch
    began: float


def families(parts: Parts) -> list[Family]:
    """All metrics of the process, as they are now."""
    return [*_calls(parts), *_money(parts), *_flow(parts), *_upstreams(parts), *_process(parts)]


def _family(
    parts: Parts,
    name: str,
    kind: Kind,
    about: str,
    lines: Iterable[tuple[Mapping[str, str], float]],
) -> Family:
    mine = {"gateway": parts.gateway}
    samples = [Sample({**mine, **labels}, value) for labels, value in lines]
    return Family(f"pilotbase_{name}", kind, about, samples)


def _labels(named: Named) -> dict[str, str]:
    filing, door, operation, outcome = named
    return {"filing": filing, "door": door, "operation": operation, "outcome": outcome}


def _calls(parts: Parts) -> list[Family]:
    cells = sorted(parts.counts.cells.items())
    refusals = sorted(parts.counts.refusals.items())
    mine = {"gateway": parts.gateway}
    lasted, first = list[Sample](), list[Sample]()
    for named, cell in cells:
        labels = {**mine, **_labels(named)}
        lasted += _histogram(cell).samples(labels)
        if cell.first is not None:
            first += cell.first.samples(labels)
    return [
        _family(parts, "calls_total", "counter", "Calls that were begun and have ended.",
                [(_labels(named), cell.calls) for named, cell in cells]),
        _family(parts, "refusals_total", "counter", "Calls refused before they were begun.",
                [({"code": code}, count) for code, count in refusals]),
        Family("pilotbase_call_seconds", "histogram",
               "From a request's last byte to its answer's last.", lasted),
        Family("pilotbase_first_piece_seconds", "histogram",
               "From a request's last byte to the first piece of a stream.", first),
    ]  # fmt: skip


def _histogram(cell: Cell) -> Histogram:
    found = Histogram(SECONDS)
    found.counts, found.sum = list(cell.buckets), cell.seconds
    return found


def _money(parts: Parts) -> list[Family]:
    cells = sorted(parts.counts.cells.items())
    tokens, sizes, charges = [], [], []
    for named, cell in cells:
        labels = _labels(named)
        for way, count in (("input", cell.tokens_in), ("output", cell.tokens_out)):
            tokens.append(({**labels, "direction": way}, float(count)))
        for way, count in (("request", cell.bytes_in), ("answer", cell.bytes_out)):
            sizes.append(({**labels, "direction": way}, float(count)))
        for currency, nano in sorted(cell.charges.items()):
            charges.append(({**labels, "currency": currency}, nano / NANO))
    return [
        _family(parts, "tokens_total", "counter", "Tokens, or their bound by bytes.", tokens),
        _family(parts, "bytes_total", "counter", "Bytes of requests and answers.", sizes),
        _family(parts, "charged_total", "counter",
                "What calls came to, in units of the currency; bills come from the journal.",
                charges),
    ]  # fmt: skip


def _flow(parts: Parts) -> list[Family]:
    live, journal, server = parts.serving.live, parts.journal, parts.server

    def one(name: str, kind: Kind, about: str, value: float) -> Family:
        return _family(parts, name, kind, about, [({}, value)])

    return [
        one("live_calls", "gauge", "Calls under way.", len(live)),
        one("parked_calls", "gauge", "Of these, calls that wait for a person.",
            sum(call.waits for call in live)),
        one("connections", "gauge", "Connections of clients.", server.connections),
        one("faulty_requests_total", "counter", "What came and was no request.", server.faults),
        one("routes", "gauge", "Services that are live.", len(_routes(parts))),
        one("record_age_seconds", "gauge", "Since the record was last looked at.",
            parts.watch.age_s),
        one("journal_waiting", "gauge", "Usage records that wait for the disk.", journal.waiting),
        one("journal_lag_seconds", "gauge", "How long the disk is at work on a group.",
            journal.lag_s),
        one("journal_groups_total", "counter", "Groups of usage records made durable.",
            journal.groups),
        one("journal_group_seconds_total", "counter", "Seconds that took.", journal.group_s),
        one("journal_failures_total", "counter", "Groups that the disk refused.",
            journal.failures),
        _family(parts, "journal_way", "gauge", "By whom usage records are made durable.",
                [({"way": journal.way}, 1.0)]),
        one("journal_writable", "gauge", "1 where the disk took the latest group.",
            float(journal.writable)),
    ]  # fmt: skip


def _routes(parts: Parts) -> list[Route]:
    return list(parts.serving.gate.routes(parts.counts.clock()))


def states(parts: Parts) -> dict[str, dict[str, str]]:
    """By filing and upstream: ``closed``, ``open``, ``probing`` (see `rules.breaker`), ``held``
    for a drill or by an operator, ``unused`` where no call has gone to it yet."""
    now = parts.server.ticks.now
    found = dict[str, dict[str, str]]()
    for route in _routes(parts):
        said = found[route.filing] = {}
        for upstream in route.upstreams:
            replica = parts.serving.replicas.known(upstream)
            if replica is None:
                said[upstream.id] = "unused"
            elif replica.held:
                said[upstream.id] = "held"
            elif replica.breaker.closed:
                said[upstream.id] = "closed"
            else:
                said[upstream.id] = "probing" if now >= replica.breaker.until else "open"
    return found


def _upstreams(parts: Parts) -> list[Family]:
    breakers, links = [], []
    for filing, said in states(parts).items():
        for name, state in said.items():
            labels = {"filing": filing, "upstream": name, "state": state}
            breakers.append((labels, 1.0))
    for route in _routes(parts):
        for upstream in route.upstreams:
            replica = parts.serving.replicas.known(upstream)
            labels = {"filing": route.filing, "upstream": upstream.id}
            links.append((labels, float(replica.pool.links) if replica else 0.0))
    return [
        _family(parts, "upstream_state", "gauge", "The state an upstream's breaker is in.",
                breakers),
        _family(parts, "upstream_connections", "gauge", "Connections to upstreams.", links),
    ]  # fmt: skip


def _process(parts: Parts) -> list[Family]:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    mine = {"gateway": parts.gateway}

    def one(name: str, kind: Kind, about: str, value: float) -> Family:
        return Family(f"process_{name}", kind, about, [Sample(mine, value)])

    return [
        _family(parts, "build_info", "gauge", "The version, always 1.",
                [({"version": VERSION}, 1.0)]),
        one("cpu_seconds_total", "counter", "Processor time.", spent.ru_utime + spent.ru_stime),
        one("resident_memory_bytes", "gauge", "Memory in use.", resident()),
        one("open_fds", "gauge", "Files and sockets that are open.", open_files()),
        one("start_time_seconds", "gauge", "When it began, seconds since 1970.", parts.began),
    ]  # fmt: skip


def resident() -> float:
    """Bytes of memory in use; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return float(int(file.read().split()[1]) * _PAGE)
    except OSError:
        return 0.0


def open_files() -> float:
    """How many descriptors are open; 0 where the system does not say."""
    try:
        return float(len(os.listdir("/proc/self/fd")))
    except OSError:
        return 0.0
