"""The 17 items of the AI+ Opinions, in six areas.

Source: State Council, *Opinions on deeply implementing the "AI+" initiative* (国发〔2025〕11号, 26
August 2025), part two. Chinese titles are the headings of its paragraphs; the numbers are ours
(``A2.3`` = action 2, item 3), and so is the English.
"""

from __future__ import annotations

from dataclasses import dataclass

from pilotbase.kernel.text import Text


@dataclass(frozen=True, slots=True)
class Area:
    """One of the six key actions."""

    id: str
    title: Text


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an action."""

    id: str
    title: Text

    @property
    def area(self) -> Area:
        return next(area for area in AREAS if area.id == self.id.partition(".")[0])


AREAS = (
    Area("A1", Text("Science and technology", "科学技术")),
    Area("A2", Text("Industry", "产业发展")),
    Area("A3", Text("Consumption", "消费提质")),
    Area("A4", Text("People's livelihood", "民生福祉")),
    Area("A5", Text("Governance", "治理能力")),
    Area("A6", Text("Global cooperation", "全球合作")),
)

ITEMS = (
    Item("A1.1", Text("Faster scientific discovery", "加速科学发现进程")),
    Item("A1.2", Text("From research to product", "驱动技术研发模式创新和效能提升")),
    Item("A1.3", Text("Methods of philosophy and social science", "创新哲学社会科学研究方法")),
    Item("A2.1", Text("AI-native business", "培育智能原生新模式新业态")),
    Item("A2.2", Text("Industry, all factors", "推进工业全要素智能化发展")),
    Item("A2.3", Text("Agriculture", "加快农业数智化转型升级")),
    Item("A2.4", Text("Services", "创新服务业发展新模式")),
    Item("A3.1", Text("Service consumption", "拓展服务消费新场景")),
    Item("A3.2", Text("Product consumption", "培育产品消费新业态")),
    Item("A4.1", Text("Work", "创造更加智能的工作方式")),
    Item("A4.2", Text("Learning", "推行更富成效的学习方式")),
    Item("A4.3", Text("Quality of life", "打造更有品质的美好生活")),
    Item("A5.1", Text("Social governance", "开创社会治理人机共生新图景")),
    Item("A5.2", Text("Public safety", "打造安全治理多元共治新格局")),
    Item("A5.3", Text("Ecology", "共绘美丽中国生态治理新画卷")),
    Item("A6.1", Text("Inclusive sharing", "推动人工智能普惠共享")),
    Item("A6.2", Text("Joint governance", "共建人工智能全球治理体系")),
)

ITEM_IDS = tuple(item.id for item in ITEMS)


def item(id_: str) -> Item:
    """The item with an id. Raises KeyError."""
    for one in ITEMS:
        if one.id == id_:
            return one
    raise KeyError(id_)
