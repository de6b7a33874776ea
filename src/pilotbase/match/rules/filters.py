"""Hard filters: a product that fails one is not ranked for the need, whatever its trials say. Pure.

They are declared as data, so that a receipt can name the one that bound and what would satisfy it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.match.lists import FILINGS, Need, Product


@dataclass(frozen=True)
class Bound:
    """A filter that a pair fails.

    Attributes:
        filter: its name; ``asked``: what the need asks; ``has``: what the product has.
        missing: the smallest change of either side that satisfies it, one word each: what the
            product would have to add, or the need to do without.
    """

    filter: str
    asked: tuple[str, ...]
    has: tuple[str, ...]
    missing: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {name: value if isinstance(value, str) else list(value)
                for name, value in vars(self).items()}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """A declared filter.

    Attributes:
        name: also the column of both lists that it reads.
        reason: said of a pair that fails it; takes ``{asked}``, ``{has}`` and ``{missing}``.
        relax: what would satisfy it.
        missing: (need, product) → what is missing; empty where the pair passes.
    """

    name: str
    reason: Text
    relax: Text
    missing: Callable[[Need, Product], tuple[str, ...]]


def within(region: str, wider: str) -> bool:
    """Whether a region lies in another.

    >>> within("CN-BJ", "CN"), within("CN", "CN-BJ")
    (True, False)
    """
    return region == wider or region.startswith(wider + "-")


def _residency(need: Need, product: Product) -> tuple[str, ...]:
    fits = any(within(own, asked) for own in product.residency for asked in need.residency)
    return () if fits or not need.residency else need.residency[:1]


def _licence(need: Need, product: Product) -> tuple[str, ...]:
    fits = not need.licence or set(need.licence) & set(product.licence)
    return () if fits else need.licence[:1]


def _certification(need: Need, product: Product) -> tuple[str, ...]:
    return tuple(one for one in need.certification if one not in product.certification)


def _filing(need: Need, product: Product) -> tuple[str, ...]:
    fits = FILINGS.index(product.filing) >= FILINGS.index(need.filing)
    return () if fits else (need.filing,)


def _load(need: Need, product: Product) -> tuple[str, ...]:
    fits = not need.load or (product.load is not None and product.load >= need.load)
    return () if fits else (str(need.load),)


def _item(need: Need, product: Product) -> tuple[str, ...]:
    fits = not need.item or not product.items or need.item in product.items
    return () if fits else (need.item,)


FILTERS: tuple[Filter, ...] = (
    Filter(
        "item",
        Text("the product is meant for other items ({has})", "产品面向其他事项 ({has})"),
        Text("the product is also meant for item {missing}", "产品也面向事项 {missing}"),
        _item,
    ),
    Filter(
        "residency",
        Text("it cannot process data in {asked}", "不能在 {asked} 处理数据"),
        Text("data can be processed in {missing}", "可在 {missing} 处理数据"),
        _residency,
    ),
    Filter(
        "licence",
        Text("it is not offered under {asked}", "未以 {asked} 许可提供"),
        Text("it is offered under {missing}", "以 {missing} 许可提供"),
        _licence,
    ),
    Filter(
        "certification",
        Text("it lacks the certificate {missing}", "缺少认证 {missing}"),
        Text("it obtains {missing}", "取得认证 {missing}"),
        _certification,
    ),
    Filter(
        "filing",
        Text("filing: asked {asked}, has {has}", "备案: 要求 {asked}, 现为 {has}"),
        Text("its filing becomes {missing}", "备案状态达到 {missing}"),
        _filing,
    ),
    Filter(
        "load",
        Text("it carries {has} requests a day of {asked}", "日请求量可达 {has}, 要求 {asked}"),
        Text("it carries {missing} requests a day", "日请求量达到 {missing}"),
        _load,
    ),
)
BY_NAME = {one.name: one for one in FILTERS}


def bounds_of(need: Need, product: Product) -> list[Bound]:
    """Every filter that the pair fails, in the declared order.

    >>> from pilotbase.kernel.text import Text
    >>> need = Need("n", Text("", ""), Text("", ""), residency=("CN",), filing="filed")
    >>> product = Product("p", "b", Text("", ""), Text("", ""), residency=("CN-BJ",))
    >>> [(bound.filter, bound.missing) for bound in bounds_of(need, product)]
    [('filing', ('filed',))]
    """
    found = []
    for one in FILTERS:
        missing = one.missing(need, product)
        if missing:
            asked, has = _values(need, one.name), _values(product, one.name)
            found.append(Bound(one.name, asked, has, missing))
    return found


def said(bound: Bound, *, relax: bool = False) -> Text:
    """The filter's reason, or with ``relax`` what would satisfy it, filled in."""
    one = BY_NAME[bound.filter]
    words = {"asked": bound.asked, "has": bound.has, "missing": bound.missing}
    en = {name: ", ".join(value) or "nothing stated" for name, value in words.items()}
    zh = {name: "、".join(value) or "未说明" for name, value in words.items()}
    text = one.relax if relax else one.reason
    return Text(text.en.format(**en), text.zh.format(**zh))


def _values(row: Need | Product, name: str) -> tuple[str, ...]:
    if name == "item" and isinstance(row, Product):
        return row.items
    value = getattr(row, name)
    if value is None or value == "":
        return ()
    return value if isinstance(value, tuple) else (str(value),)
