"""Make a matching from two files and keep it in the record."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from typing import Any

from pilotbase.kernel.canonical import digest, encode
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.match.answers import NeedsRequest, NeedsResponse
from pilotbase.match.events import Made
from pilotbase.match.read import Read, read_needs, read_products
from pilotbase.match.rules.open_needs import open_needs
from pilotbase.match.rules.pairing import Pairing, pair
from pilotbase.match.rules.ranking import Evidence
from pilotbase.match.rules.receipt import receipt
from pilotbase.record.opened import Record, open_record

RECEIPTS_MAX = 2_000
"""Pairs of two lists up to which every one gets its receipt unasked."""
PAIRS_MAX = 2_000_000
MADE = "match.made/1"
FROM_LISTS = "digest of the lists"


def make(context: Context, request: NeedsRequest, evidence: Evidence) -> NeedsResponse:
    """Read, match, explain, record.

    Raises:
        SheetError: faulty lists. InputError: a capacity, a need or a size that does not hold.
    """
    needs, products = read_needs(request.needs), read_products(request.products)
    _check_size(needs, products)
    capacity, named = _capacities(request.capacity, products)
    if request.need and request.need not in {need.id for need in needs.rows}:
        raise _unknown_need(request)
    inputs = {
        "needs": needs.digest,
        "products": products.digest,
        "evidence": digest(_plain(evidence)),
    }
    seed = request.seed or digest([needs.digest, products.digest])
    made = pair(
        needs.rows, products.rows,
        evidence=evidence, seed=seed, capacity=capacity, capacities=named,
    )  # fmt: skip
    answer = _answer(made, needs, products, request, inputs)
    entry = _keep(context, request, answer, evidence)
    if request.need:
        asked = [receipt(made, request.need, product.id).as_dict() for product in products.rows]
        answer |= {"receipts": tuple(asked), "receipts_of": f"need {request.need}"}
    return NeedsResponse(**answer, entry=entry.index)


def _answer(
    made: Pairing, needs: Read, products: Read, request: NeedsRequest, inputs: dict[str, str]
) -> dict[str, Any]:
    receipts, which = _receipts(made, needs, products)
    other = {need: product for product, held in made.other.items() for need in held}
    return {
        "id": digest([inputs, made.seed, dict(made.places)]).removeprefix("sha256:")[:12],
        "seed": made.seed,
        "seed_from": "given" if request.seed else FROM_LISTS,
        "pairs": dict(made.partner),
        "product_optimal": other,
        "blocking": tuple(made.blocking),
        "receipts": tuple(receipts),
        "receipts_of": which,
        "open": tuple(one.as_dict() for one in open_needs(made)),
        "inputs": inputs,
        "titles": {
            **{need.id: need.title.as_dict() for need in needs.rows},
            **{product.id: product.title.as_dict() for product in products.rows},
        },
    }


def _receipts(made: Pairing, needs: Read, products: Read) -> tuple[list[dict[str, Any]], str]:
    if len(needs.rows) * len(products.rows) <= RECEIPTS_MAX:
        every = [(need.id, product.id) for need in needs.rows for product in products.rows]
        return [receipt(made, *one).as_dict() for one in every], "every pair"
    near = [(need, product) for need, listed in made.choices.items() for product in listed]
    return [receipt(made, *one, search=False).as_dict() for one in near], "choices"


def _keep(
    context: Context, request: NeedsRequest, answer: Mapping[str, Any], evidence: Evidence
) -> Entry:
    happened = Made(
        **answer["inputs"],
        seed=answer["seed"],
        seed_from=answer["seed_from"],
        settings={"capacity": request.capacity},
        matched=len(answer["pairs"]),
        open=len(answer["open"]),
        blocking=len(answer["blocking"]),
    )
    bodies = {
        "needs": request.needs.read_bytes(),
        "products": request.products.read_bytes(),
        "evidence": encode(_plain(evidence)),
        "match": gzip.compress(encode(dict(answer)), mtime=0),
    }
    draft = Draft(happened, context.actor("case officer"), f"match:{answer['id']}", bodies)
    with open_record(context) as record:
        return record.append(draft)


def kept(record: Record, wanted: str) -> dict[str, Any]:
    """The answer of a recorded matching, by id or its beginning; of the newest where empty.

    Raises:
        InputError: there is none. RecordError: its body was erased.
    """
    fitting = [
        entry
        for entry in record.entries(kind=MADE)
        if entry.about.removeprefix("match:").startswith(wanted)
    ]
    if not fitting:
        raise InputError(
            "match.unknown",
            Text(f"no matching {wanted or 'yet'}", f"没有匹配记录 {wanted}".rstrip()),
            where=str(record.home),
            next_step=Text(
                "Make one with `pilotbase match needs NEEDS PRODUCTS`.",
                "请先运行 `pilotbase match needs 需求清单 产品清单`。",
            ),
        )
    body = gzip.decompress(record.body(fitting[-1], "match"))
    answer: dict[str, Any] = json.loads(body)
    return answer


def _plain(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {"scenario": scenario, "candidate": candidate, **tried.as_dict()}
        for (scenario, candidate), tried in sorted(evidence.items())
    ]


def _capacities(said: str, products: Read) -> tuple[int, dict[str, int]]:
    """A number for all that state none, and those of single products, which overrule the list."""
    known = {product.id for product in products.rows}
    capacity, named = 1, dict[str, int]()
    for part in (one.strip() for one in said.split(",")):
        name, equals, number = part.rpartition("=")
        if not (number.isascii() and number.isdigit()) or len(number) > 9:
            raise _bad_capacity(part)
        if equals and name not in known:
            raise _bad_capacity(part, known=False)
        if equals:
            named[name] = int(number)
        else:
            capacity = int(number)
    return capacity, named


def _bad_capacity(part: str, known: bool = True) -> InputError:
    said = (
        Text(f"{part!r} is no number of places", f"{part!r} 不是名额数")
        if known
        else Text(f"{part!r} names no product of the list", f"{part!r} 所指产品不在清单中")
    )
    return InputError(
        "match.capacity",
        said,
        where="--capacity",
        next_step=Text("Write e.g. `--capacity 2` or `--capacity p1=3,p2=0`.",
                       "请写作 `--capacity 2` 或 `--capacity p1=3,p2=0`。"),
    )  # fmt: skip


def _check_size(needs: Read, products: Read) -> None:
    count = len(needs.rows) * len(products.rows)
    if count > PAIRS_MAX:
        raise InputError(
            "match.too_many_pairs",
            Text(
                f"{count:,} pairs of need and product; at most {PAIRS_MAX:,} are read",
                f"需求与产品共 {count:,} 对, 上限为 {PAIRS_MAX:,} 对",
            ),
            next_step=Text("Match item by item.", "请按事项分别匹配。"),
        )


def _unknown_need(request: NeedsRequest) -> InputError:
    return InputError(
        "match.unknown_need",
        Text(f"no need {request.need!r} in the list", f"清单中没有需求 {request.need!r}"),
        where="--need",
    )
