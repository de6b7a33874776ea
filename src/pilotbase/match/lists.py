"""What stands on the two lists: needs and products, as bases publish them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.kernel.text import Text

Party = Literal["organisation", "person"]
Filing = Literal["none", "registered", "filed"]
FILINGS: tuple[Filing, ...] = ("none", "registered", "filed")
"""From less to more: nothing, registered (登记), filed (备案)."""


@dataclass(frozen=True)
class Need:
    """A row of the list of needs. Empty requirements bind nobody.

    Attributes:
        owner: who has the need; ``owner_kind`` whether that is an organisation.
        item: of the 17 items, empty where not said.
        residency: regions (ISO 3166, ``CN`` holds ``CN-BJ``) in one of which data may be processed.
        licence: licences, one of which the product has to offer.
        certification: certificates, all of which the product has to hold.
        filing: what the service has to have at least.
        load: requests a day that have to be carried.
        scenario: id of the scenario whose trials count as evidence for this need.
    """

    id: str
    title: Text
    text: Text
    owner: str = ""
    owner_kind: Party = "organisation"
    item: str = ""
    residency: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    certification: tuple[str, ...] = ()
    filing: Filing = "none"
    load: int = 0
    scenario: str = ""

    def words(self) -> str:
        """All its text, in both languages."""
        return "\n".join((self.title.en, self.title.zh, self.text.en, self.text.zh))


@dataclass(frozen=True)
class Product:
    """A row of the list of products.

    Attributes:
        provider: who offers it; ``provider_kind`` whether that is an organisation.
        items: of the 17 items it is meant for; empty for any.
        residency: regions where it can process data. licence: licences it is offered under.
        certification: certificates it holds. filing: what it has. load: requests a day it carries.
        capacity: how many needs its provider can take up with it; None where not said.
        candidate: id under which it stands in trials.
    """

    id: str
    provider: str
    title: Text
    text: Text
    provider_kind: Party = "organisation"
    items: tuple[str, ...] = ()
    residency: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    certification: tuple[str, ...] = ()
    filing: Filing = "none"
    load: int | None = None
    capacity: int | None = None
    candidate: str = ""

    def words(self) -> str:
        """All its text, in both languages."""
        return "\n".join((self.title.en, self.title.zh, self.text.en, self.text.zh))


@dataclass(frozen=True)
class Column:
    """A column of a list: what it is called in either language, and how a cell is read."""

    name: str
    title: Text
    also: tuple[str, ...] = ()
    kind: str = "text"
    needed: bool = False


def _columns(*columns: Column) -> tuple[Column, ...]:
    return columns


REQUIREMENTS = _columns(
    Column("residency", Text("data residency", "数据所在地"), ("数据驻留",), "regions"),
    Column("licence", Text("licence", "许可"), ("license", "许可证"), "words"),
    Column("certification", Text("certification", "认证"), ("资质",), "words"),
    Column("filing", Text("filing", "备案"), ("备案要求", "备案状态"), "filing"),
    Column("load", Text("requests a day", "日请求量"), (), "count"),
)
TEXTS = _columns(
    Column("title_en", Text("title (English)", "英文名称"), ("title",)),
    Column("title_zh", Text("title (Chinese)", "名称"), ("中文名称", "标题")),
    Column("text_en", Text("text (English)", "英文说明"), ("text", "description")),
    Column("text_zh", Text("text (Chinese)", "说明"), ("中文说明", "内容", "需求内容")),
)
NEED_COLUMNS = _columns(
    Column("id", Text("id", "编号"), ("需求编号",), "id", True),
    *TEXTS,
    Column("owner", Text("owner", "需求单位"), ("需求方",)),
    Column("owner_kind", Text("kind of owner", "需求方类型"), (), "party"),
    Column("item", Text("item", "事项"), ("所属事项",), "item"),
    *REQUIREMENTS,
    Column("scenario", Text("scenario", "场景"), ("场景编号",)),
)
PRODUCT_COLUMNS = _columns(
    Column("id", Text("id", "编号"), ("产品编号",), "id", True),
    Column("provider", Text("provider", "供给方"), ("供给单位", "供应商"), "text", True),
    Column("provider_kind", Text("kind of provider", "供给方类型"), (), "party"),
    *TEXTS,
    Column("items", Text("items", "事项"), ("item", "适用事项"), "items"),
    *REQUIREMENTS,
    Column("capacity", Text("capacity", "可承接数"), ("容量",), "count"),
    Column("candidate", Text("candidate", "候选方案"), ("候选编号",)),
)


def need_of(cells: dict[str, Any]) -> Need:
    """A need from cells that were read; one language stands in for the other."""
    known = {name: value for name, value in cells.items() if value is not None}
    title, text = _both(known, "title"), _both(known, "text")
    return Need(title=title, text=text, **{"scenario": known["id"], **known})


def product_of(cells: dict[str, Any]) -> Product:
    """A product from cells that were read; one language stands in for the other."""
    known = {name: value for name, value in cells.items() if value is not None}
    title, text = _both(known, "title"), _both(known, "text")
    return Product(title=title, text=text, **{"candidate": known["id"], **known})


def _both(known: dict[str, Any], name: str) -> Text:
    en, zh = known.pop(f"{name}_en", ""), known.pop(f"{name}_zh", "")
    return Text(en or zh, zh or en)
