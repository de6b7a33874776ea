"""Usage as FOCUS has it: the FinOps Open Cost and Usage Specification, version 1.2. Pure.

One row is one day, one key, one filing as it was then (version, prices), one operation, one outcome
and one meter: so many units at a unit price. All 21 mandatory
columns of version 1.2 are there, ServiceSubcategory, and of the conditional and recommended ones
those that this base has something to say in; columns of our own begin with ``x_`` (section "Column
handling"). Amounts are exact decimals; times are UTC; what has no value is null (an empty field).
``x_Calls`` counts each call on one row only, so that it may be summed up: on the first of the rows
that calls of the same day, key, filing, operation and outcome have. Calls that come to nothing are
in no row, and not counted on that of others.

A charge that is no product of units and price is an ``Adjustment``: what stays reserved for a call
that a crash left unsettled, what somebody reconciled it at, and the part above what was reserved,
which is not charged (in journals of before that part was left out of the tokens).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pilotbase.serve.call import NANO, Outcome, Tariff
from pilotbase.serve.rules.price import DUE
from pilotbase.serve.rules.window import bounds

VERSION = "1.2"
COLUMNS = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingAccountType",
    "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory", "ChargeClass",
    "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd", "ChargePeriodStart",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost",
    "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingQuantity",
    "PricingUnit", "ProviderName", "PublisherName", "ResourceId", "ResourceName", "ResourceType",
    "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceId",
    "SubAccountId", "SubAccountName", "SubAccountType", "x_Calls", "x_Operation",
    "x_Outcome",
)  # fmt: skip
UNITS = {"call": "Requests", "case": "Cases", "input_token": "Tokens", "output_token": "Tokens"}
_SUBCATEGORIES = {
    "chat": "Generative AI",
    "responses": "Generative AI",
    "embeddings": "Natural Language Processing",
    "infer": "Machine Learning",
}
_OTHER = "Other (AI and Machine Learning)"
_DAY = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Group:
    """Calls of one day that differ only in how much they used.

    Attributes:
        speaks: the operation by which the service was called first of all: it stands for what the
            service is, so that each has one subcategory.
        day: days since 1970-01-01. account: the party that answers for the caller; ``holder`` has
            the key. provider: the base. publisher: who answers for the service.
        outcome: as in `call.Outcome`, or ``unsettled``, ``reconciled``. nano: what they come to.
            calls: how many of them come to something.
    """

    day: int
    account: str
    holder: str
    key: str
    filing: str
    service: str
    version: str
    operation: str
    outcome: str
    tariff: Tariff
    provider: str
    publisher: str
    calls: int
    cases: int
    input_tokens: int
    output_tokens: int
    nano: int
    speaks: str = ""


def rows(group: Group) -> Iterator[dict[str, str]]:
    """The rows of a group; their costs add up to what the calls come to."""
    total, calls = 0, group.calls
    common = _common(group)
    for meter, quantity in _due(group).items():
        price = getattr(group.tariff, meter)
        if quantity and price:
            total += quantity * price
            yield {**common, **_usage(group, meter, quantity, price), "x_Calls": str(calls)}
            calls = 0
    if group.nano != total:
        yield {**common, **_adjustment(group, group.nano - total), "x_Calls": str(calls)}


def _due(group: Group) -> Mapping[str, int]:
    """By meter, the units that are charged."""
    if group.outcome not in DUE:
        return {}
    outcome: Outcome = group.outcome  # type: ignore[assignment]
    whole, tokens = DUE[outcome]
    return {
        "call": group.calls if whole else 0,
        "case": group.cases if whole else 0,
        "input_token": group.input_tokens if tokens else 0,
        "output_token": group.output_tokens if tokens else 0,
    }


def _usage(group: Group, meter: str, quantity: int, price: int) -> dict[str, str]:
    cost, unit = decimal(quantity * price), UNITS[meter]
    return {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost),
        **dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), decimal(price)),
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), str(quantity)),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), unit),
        "ChargeCategory": "Usage",
        "ChargeDescription": f"{group.service}: {meter.replace('_', ' ')}s ({group.outcome})",
        "ChargeFrequency": "Usage-Based",
        "PricingCategory": "Standard",
        "SkuId": f"{group.filing}:{meter}",
        "SkuMeter": meter.replace("_", " "),
        "SkuPriceId": f"{group.filing}:{meter}:{price}",
    }


def _adjustment(group: Group, nano: int) -> dict[str, str]:
    why = {
        "unsettled": "reserved for calls whose end is not known",
        "reconciled": "calls whose end was not known, as decided",
    }.get(group.outcome, "beyond what was reserved, not charged")
    cost = decimal(nano)
    return {
        **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), cost),
        "ChargeCategory": "Adjustment",
        "ChargeDescription": f"{group.service}: {why}",
        "ChargeFrequency": "Usage-Based",
    }


def _common(group: Group) -> dict[str, str]:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=group.day)
    begin, end = bounds("P1M", day.timestamp())
    said = {
        "BillingAccountId": group.account,
        "BillingAccountName": group.account,
        "BillingAccountType": "Party",
        "BillingCurrency": group.tariff.currency,
        "BillingPeriodStart": datetime.fromtimestamp(begin, UTC).strftime(_DAY),
        "BillingPeriodEnd": datetime.fromtimestamp(end, UTC).strftime(_DAY),
        "ChargePeriodStart": day.strftime(_DAY),
        "ChargePeriodEnd": (day + timedelta(days=1)).strftime(_DAY),
        "InvoiceIssuerName": group.provider,
        "ProviderName": group.provider,
        "PublisherName": group.publisher,
        "ResourceId": group.version,
        "ResourceName": group.filing,
        "ResourceType": "Filed service",
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": group.service,
        "ServiceSubcategory": _SUBCATEGORIES.get(group.speaks, _OTHER),
        "SubAccountId": group.key,
        "SubAccountName": group.holder,
        "SubAccountType": "Key",
        "x_Operation": group.operation,
        "x_Outcome": group.outcome,
    }
    return {name: said.get(name, "") for name in COLUMNS}


def decimal(nano: int) -> str:
    """Nano-units as an exact decimal number of the currency's unit, without an exponent.

    >>> decimal(20_000_000), decimal(-5), decimal(3 * 10**9)
    ('0.02', '-0.000000005', '3')
    """
    said = f"{Decimal(nano) / NANO:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said
