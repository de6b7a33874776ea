"""The tier of a service by declared rules, each with its reason; the highest one counts.

The rules sort by risk to people, after the AI Act (Regulation (EU) 2024/1689: Annex III, article
50), the rules on personal data (GDPR, articles 9 and 22; Personal Information Protection Law of
China, articles 24 and 28) and 分类分级 (grading by class and tier). They are a base's first sorting
and no legal classification: a named person may set another tier, for a reason that is recorded
beside what the rules said. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pilotbase.kernel.text import Text

Tier = Literal["minimal", "limited", "high"]
TIERS: tuple[Tier, ...] = ("minimal", "limited", "high")
Fact = bool | str


@dataclass(frozen=True)
class TierRule:
    """If every named fact has the value (or one of the values), the tier is at least this."""

    id: str
    tier: Tier
    when: Mapping[str, tuple[Fact, ...]]
    reason: Text


def _rule(id_: str, tier: Tier, en: str, zh: str, **when: Fact | tuple[Fact, ...]) -> TierRule:
    wanted = {k: v if isinstance(v, tuple) else (v,) for k, v in when.items()}
    return TierRule(id_, tier, wanted, Text(en, zh))


FACTS: dict[str, Text] = {
    "owner_tier": Text("the tier in the scenario file", "场景文件中的等级"),
    "item": Text("the item of the AI+ Opinions", "“人工智能+” 意见条目"),
    "task": Text("the scenario's task", "场景的任务类型"),
    "affects_people": Text("people are affected by the answers", "结果对人有影响"),
    "personal_data": Text("personal data are used", "使用个人信息"),
    "sensitive_data": Text("sensitive personal data are used", "使用敏感个人信息"),
    "talks_to_people": Text("people talk with it directly", "与人直接交互"),
    "decides_alone": Text("it decides without a person in between", "无人工介入而自行决定"),
}
"""What the rules look at."""

RULES: tuple[TierRule, ...] = (
    _rule("owner-limited", "limited", "the owner says limited", "需求方定为 limited",
          owner_tier="limited"),
    _rule("owner-high", "high", "the owner says high", "需求方定为 high", owner_tier="high"),
    _rule("work", "high", "it bears on people's work (AI Act, Annex III(4))",
          "影响人的就业 (欧盟人工智能法附件三第 4 项)", item="A4.1", affects_people=True),
    _rule("learning", "high", "it bears on people's education (AI Act, Annex III(3))",
          "影响人的受教育 (欧盟人工智能法附件三第 3 项)", item="A4.2", affects_people=True),
    _rule("health", "high", "it bears on people's health or care (AI Act, Annex III(5))",
          "影响人的健康或照护 (欧盟人工智能法附件三第 5 项)", item="A4.3", affects_people=True),
    _rule("safety", "high", "it serves public safety (AI Act, Annex III(2) and (5)(d))",
          "用于公共安全 (欧盟人工智能法附件三第 2 项、第 5 项 (d))", item="A5.2"),
    _rule("alone", "high",
          "it decides over people without a person in between (GDPR 22; PIPL 24)",
          "无人工介入而对人作出决定 (GDPR 第 22 条; 个人信息保护法第 24 条)",
          decides_alone=True, affects_people=True),
    _rule("agent-alone", "high", "it acts by tools without a person in between",
          "智能体自行调用工具且无人工介入", task="act", decides_alone=True),
    _rule("sensitive", "high", "it uses sensitive personal data (GDPR 9; PIPL 28)",
          "使用敏感个人信息 (GDPR 第 9 条; 个人信息保护法第 28 条)", sensitive_data=True),
    _rule("affects", "limited", "people are affected by its answers", "结果对人有影响",
          affects_people=True),
    _rule("personal", "limited", "it uses personal data", "使用个人信息", personal_data=True),
    _rule("talks", "limited", "people talk with it directly (AI Act 50(1))",
          "与人直接交互 (欧盟人工智能法第 50 条第 1 款)", talks_to_people=True),
    _rule("words", "limited", "it makes text (AI Act 50(2); labelling of generated content)",
          "生成文本 (欧盟人工智能法第 50 条第 2 款; 生成合成内容标识)", task="answer"),
    _rule("agent", "limited", "it acts by tools", "智能体调用工具", task="act"),
)  # fmt: skip


def matching(facts: Mapping[str, Fact]) -> list[TierRule]:
    """The rules whose conditions all hold, the highest tier first, else in their order.

    Raises:
        KeyError: a fact is not known: an unknown fact must not lower a tier.
    """
    found = [r for r in RULES if all(facts[name] in values for name, values in r.when.items())]
    return sorted(found, key=lambda rule: -TIERS.index(rule.tier))


def tier_of(facts: Mapping[str, Fact]) -> Tier:
    """The highest tier of the matching rules; *minimal* where none matches.

    >>> nothing = {"owner_tier": "minimal", "item": "A2.2", "task": "detection",
    ...            "affects_people": False, "personal_data": False, "sensitive_data": False,
    ...            "talks_to_people": False, "decides_alone": False}
    >>> tier_of(nothing), tier_of({**nothing, "affects_people": True, "decides_alone": True})
    ('minimal', 'high')
    """
    return max((rule.tier for rule in matching(facts)), key=TIERS.index, default="minimal")
