"""What matching asks and answers, as plain dataclasses: the command line reads them for help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import asked


@dataclass(frozen=True)
class NeedsRequest:
    needs: Path = asked("The list of needs: CSV, XLSX or YAML.", "需求清单: CSV、XLSX 或 YAML。")
    products: Path = asked(
        "The list of products: CSV, XLSX or YAML.", "产品清单: CSV、XLSX 或 YAML。"
    )
    capacity: str = asked(
        "Places: a number for products that state none, or ID=NUMBER,… for single ones.",
        "名额: 一个数 (用于未注明的产品), 或 编号=数,… (逐个指定)。",
        default="1",
    )
    seed: str = asked(
        "Seed of the lottery, published beforehand; the lists' digests if left out.",
        "事先公布的抽签种子; 不写则取清单的摘要。",
        default="",
    )
    need: str = asked(
        "Show the receipts of this need with every product.",
        "显示该需求与每个产品的凭据。",
        default="",
    )


@dataclass(frozen=True)
class NeedsResponse:
    """Both stable matchings with receipts.

    Attributes:
        id: of the matching; the same lists, evidence, seed and capacities have the same.
        seed, seed_from: of the lottery: ``given``, or ``digest of the lists``.
        pairs: need → product, best for every need among all stable matchings.
        product_optimal: the same, best for every product; the sides agree where it is equal.
        blocking: pairs that would rather have each other: none, which certifies stability.
        receipts: for every pair of the lists where they are short, else for the choices of each
            need; see `pilotbase.match.rules.receipt.Receipt`. ``receipts_of`` says which.
        open: the open-needs list. entry: the index in the record. inputs: digests of what went in.
    """

    id: str
    seed: str
    seed_from: str
    pairs: dict[str, str]
    product_optimal: dict[str, str]
    blocking: tuple[tuple[str, str], ...]
    receipts: tuple[dict[str, Any], ...]
    receipts_of: str
    open: tuple[dict[str, Any], ...]
    inputs: dict[str, str]
    entry: int
    titles: dict[str, dict[str, str]]


@dataclass(frozen=True)
class OpenNeedsRequest:
    match: str = asked(
        "The matching's id; the newest if left out.",
        "匹配编号; 不写则取最新一次。",
        default="",
        word=True,
    )


@dataclass(frozen=True)
class OpenNeedsResponse:
    """Needs without a product, and pilots that ended in a no-go, with the reasons.

    ``needs`` are as in `NeedsResponse.open`; ``pilots`` those that ended without a product that
    passed: ``{"scenario", "title", "run", "verdicts"}``.
    """

    match: str
    needs: tuple[dict[str, Any], ...]
    pilots: tuple[dict[str, Any], ...]
    meaning: Text

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "needs": list(self.needs), "pilots": list(self.pilots),
                "meaning": self.meaning.as_dict()}  # fmt: skip
