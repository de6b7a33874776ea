"""Settling a call whose gateway process is gone: its intent is in that process's journal, which is
complete, so its end is put into the record; once, at most at what was reserved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.event import Draft
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.serve.call import Call, Charge, Grant, Outcome, Tariff, Usage
from pilotbase.serve.metering.events import SettledLate
from pilotbase.serve.metering.ledger_file import open_store
from pilotbase.serve.metering.reconcile import weights
from pilotbase.serve.metering.recount import counting
from pilotbase.serve.metering.sealing import GATEWAY
from pilotbase.serve.metering.usage import UNSETTLED, usage_of
from pilotbase.serve.metering.views import JOURNALS
from pilotbase.serve.rules.price import bound, comes_back, due, price

_PRICES = ("call", "case", "input_token", "output_token")


@dataclass(frozen=True, slots=True)
class Begun:
    """Under what a call was begun.

    Attributes:
        gateway: whose journal has its intent. at_ms: when it came. accounts: on which it weighs.
        upstream: the id of the one that was asked, empty where none was.
    """

    usage: str
    gateway: str
    at_ms: int
    accounts: tuple[str, ...]
    tariff: Tariff
    most: Usage
    upstream: str = ""
    operation: str = ""

    @property
    def reserved(self) -> int:
        """In nano-units."""
        return price(self.tariff, self.most)

    def charge(self, usage: Usage, outcome: Outcome) -> Charge:
        """What it comes to; ``usage`` is bounded by what was reserved."""
        if usage.input_tokens > self.most.input_tokens or (
            usage.output_tokens > self.most.output_tokens
        ):
            bound(usage, self.most)
        nano = due(self.tariff, usage, outcome, self.reserved)
        return Charge(self.tariff.currency, nano)


def said_of(call: Call, gateway: str) -> dict[str, Any]:
    """What `begun_of` has to know of a call that is begun, as JSON."""
    tariff, most = call.route.tariff, call.most
    prices = {name: str(getattr(tariff, name)) for name in _PRICES}
    return {
        "gateway": gateway,
        "at": int(call.at * 1000),
        "upstream": call.upstream,
        "links": list(call.grant.links),
        "tariff": {"currency": tariff.currency, **prices},
        "most": {
            "input_tokens": most.input_tokens,
            "output_tokens": most.output_tokens,
            "cases": most.cases,
        },
    }


def begun_of(
    usage: str, said: Mapping[str, Any], grant: Grant, service: str, operation: str
) -> Begun:
    """What `said_of` said; ``grant`` needs key, holder and principal only."""
    prices = {name: int(said["tariff"][name]) for name in _PRICES}
    tariff = Tariff(said["tariff"]["currency"], **prices)
    accounts = tuple(dict.fromkeys(grant.accounts(service)))
    return Begun(usage, said["gateway"], said["at"], accounts, tariff, Usage(**said["most"]),
                 said.get("upstream", ""), operation)  # fmt: skip


def settle(record: Record, begun: Begun, usage: Usage, outcome: Outcome) -> Charge:
    """Settle it, and give back what it did not spend; blocks. What was said before stands.

    Raises:
        HomeError, RecordError: the record or the ledger cannot be written.
    """
    stands = _stands(record, begun)
    if stands is not None:
        return stands
    charge = begun.charge(usage, outcome)
    happened = SettledLate(
        begun.gateway, begun.usage, outcome, charge.currency, str(charge.nano), usage.input_tokens,
        usage.output_tokens, usage.cases, usage.bytes_in, usage.bytes_out, usage.chunks,
        usage.counted, begun.upstream,
    )  # fmt: skip
    by = record.context.actor("compute operator")
    record.append(Draft(happened, by, GATEWAY + begun.gateway, key=f"settled:{begun.usage}"))
    _credit(record, begun, usage, charge, outcome)
    return charge


def _stands(record: Record, begun: Begun) -> Charge | None:
    """What it comes to already, by its own journal, by somebody's word or by an earlier settling.

    A process may have been killed after it settled a call and before it told people so.
    """
    # Damage to other journals is no reason to leave this call without an end.
    with usage_of(record, damaged=True) as usage:
        words = "SELECT outcome, nano FROM usage WHERE usage_id = ?"
        row = usage.execute(words, (begun.usage,)).fetchone()
    if row is not None:
        return None if row[0] == UNSETTLED else Charge(begun.tariff.currency, row[1])
    # Its journal lies on another machine, which has the same record.
    journal = catch_up(record, [JOURNALS])[JOURNALS.name].get(begun.gateway, {})
    late = journal.get("late", {}).get(begun.usage, {"nano": None})
    nano = journal.get("reconciled", {}).get(begun.usage, late["nano"])
    return None if nano is None else Charge(begun.tariff.currency, int(nano))


def _credit(record: Record, begun: Begun, usage: Usage, charge: Charge, outcome: Outcome) -> None:
    """Reservations were taken as spent when the process's leases were ended."""
    most = begun.most.input_tokens + begun.most.output_tokens
    tokens = max(0, most - usage.input_tokens - usage.output_tokens)
    store = open_store(record.home)
    try:
        found = weights(
            begun.accounts, charge.currency, begun.reserved - charge.nano, tokens,
            counting(record, store.used(), begun.at_ms),
        )  # fmt: skip
        store.credit([(window, n) for window, n in found if window.unit != "requests" and n])
        again = comes_back(outcome, begun.operation)
        (store.free if again else store.settled)([begun.usage])
    finally:
        store.close()
