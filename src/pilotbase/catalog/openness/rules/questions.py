"""The questions on an asset and on a scenario. Pure: what the catalog knows is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pilotbase.catalog.openness.rules.licences import ACTIONS, FREEDOMS, Freedom, freedoms
from pilotbase.catalog.openness.rules.score import FAIR, OPEN_DEFINITION, OSAID, OWN, Part
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Candidate
from pilotbase.scenario.schema import Data, Scenario

Card = Mapping[str, Any]
Permission = Literal["yes", "if", "no"]
May = Callable[[str, str], Permission]
ANYBODY = "anybody"
_ASKED: dict[Freedom, Text] = {
    "use": Text("May anybody use it, for any purpose?", "任何人可为任何目的使用它吗?"),
    "study": Text("May anybody read and study it?", "任何人可阅读和研究它吗?"),
    "modify": Text("May anybody change it?", "任何人可修改它吗?"),
    "share": Text("May anybody pass it on?", "任何人可传播它吗?"),
}


@dataclass(frozen=True)
class Known:
    """What the catalog knows of an asset beside its card.

    Attributes:
        has_terms: whether there are terms of use (ODRL). may: whether a party gets a yes to an
            action, or would ``if`` conditions were met; the empty id stands for anybody. named: the
            parties that the terms name.
        open_parts: by id, whether each part that is an asset may be used by anybody; None for one
            that the catalog does not have.
    """

    has_terms: bool = False
    may: May = field(default=lambda party, action: "no")
    named: tuple[str, ...] = ()
    open_parts: Mapping[str, bool | None] = field(default_factory=dict)


def asset_parts(card: Card, known: Known) -> Iterator[Part]:
    """The questions on an asset: who may do what, whether it can be had, whether it is
    described."""
    for freedom in FREEDOMS:
        yield _freedom(freedom, card, known)
    source = f"{OPEN_DEFINITION}, 1.2"
    question = Text("Is it said where it can be had?", "是否说明从何处取得?")
    # RFC 6920: a name of content, given where there is no place to have it from.
    had = bool(card.get("url")) and not str(card["url"]).startswith("ni:")
    yield Part("url", question, source, had, _yes_no(had))
    yield _said(card, "digest", Text("Is its content named by a hash?", "内容是否以哈希标识?"), OWN)
    yield _said(card, "text", Text("Is it said what it is for?", "是否说明其用途?"), f"{FAIR}, F2")
    yield _said(
        card, "provider", Text("Is it said whose it is?", "是否说明供给方?"), f"{FAIR}, R1.2"
    )
    licence = Text("Is there a licence, or terms a machine reads?", "是否有许可证或机器可读条款?")
    has = known.has_terms or bool(card.get("licence"))
    yield Part("terms", licence, f"{FAIR}, R1.1", has, _yes_no(has))
    yield from _parts(card, known)


def _freedom(freedom: Freedom, card: Card, known: Known) -> Part:
    """Terms decide where there are any; else the licence, as far as it is known here."""
    question = _ASKED[freedom]
    if known.has_terms:
        return _by_terms(freedom, known)
    licence = str(card.get("licence", ""))
    given = freedoms(licence) if licence else frozenset()
    if given is None:
        why = Text(f"{licence}: not known here", f"{licence}: 本基地不认识")
        return Part(freedom, question, OSAID, False, why)
    yes = freedom in given
    why = Text(licence or "no licence, no terms", licence or "无许可证, 无条款")
    return Part(freedom, question, OSAID, yes, why, (ANYBODY,) if yes else ())


def _by_terms(freedom: Freedom, known: Known) -> Part:
    question, action = _ASKED[freedom], ACTIONS[freedom]
    if known.may("", action) == "yes":
        why = Text(f"the terms permit {action}", f"条款允许 {action}")
        return Part(freedom, question, OSAID, True, why, (ANYBODY,))
    answers = {party or ANYBODY: known.may(party, action) for party in ("", *known.named)}
    some = tuple(party for party, said in answers.items() if said == "yes")
    others = tuple(party for party, said in answers.items() if said == "if")
    en = f"the terms permit {action} to: {', '.join(some) or 'nobody'}"
    zh = f"条款允许 {action} 的主体: {', '.join(some) or '无'}"
    if others:
        en += f"; under conditions to: {', '.join(others)}"
        zh += f"; 附条件允许: {', '.join(others)}"
    return Part(freedom, question, OSAID, False, Text(en, zh), some + others)


def _said(card: Card, word: str, question: Text, source: str) -> Part:
    return Part(word, question, source, bool(card.get(word)), _yes_no(bool(card.get(word))))


def _yes_no(yes: bool) -> Text:
    return Text("it is said", "已说明") if yes else Text("it is not said", "未说明")


def _parts(card: Card, known: Known) -> Iterator[Part]:
    """What it rests on; a data set need not rest on anything, so it is asked only if it does."""
    parts = card.get("parts", ())
    if not parts and card["kind"] in ("dataset", "knowledge", "compute"):
        return
    listed = Text("Is it listed what it rests on?", "是否列明其组成?")
    yield Part("parts", listed, OWN, bool(parts), _yes_no(bool(parts)))
    if known.open_parts:
        closed = sorted(id_ for id_, yes in known.open_parts.items() if not yes)
        question = Text("May anybody use what it rests on?", "任何人可使用其组成部分吗?")
        names = ", ".join(closed)
        every = Text("anybody may use all of it", "任何人可使用全部组成部分")
        why = Text(f"not: {names}", f"不可: {names}") if closed else every
        yield Part("open-parts", question, OWN, not closed, why)


@dataclass(frozen=True)
class KnownData:
    """What the catalog knows of a scenario's data: the asset they are, whether anybody may use it,
    and whether that is so by terms that a machine reads."""

    asset: str = ""
    open: bool = False
    by_terms: bool = False


def scenario_parts(scenario: Scenario, data: KnownData) -> Iterator[Part]:
    """The questions on a scenario: whether somebody else could run it again, and compare."""
    question = Text("Can anybody get the data?", "任何人可取得数据吗?")
    had, why = _data(scenario.data, data)
    yield Part("data", question, f"{OPEN_DEFINITION}, 1.2", had, why)
    if scenario.documents is not None:
        question = Text("Can anybody get the documents?", "任何人可取得文档吗?")
        had, why = _data(scenario.documents.data, KnownData())
        yield Part("documents", question, f"{OPEN_DEFINITION}, 1.2", had, why)
    noted = Text("Is it said what a reader has to know of the data?", "是否说明数据的注意事项?")
    yield Part("notes", noted, f"{FAIR}, R1", bool(scenario.notes), _yes_no(bool(scenario.notes)))
    by_people = sorted({one.metric for one in scenario.acceptance} & {"judged", "rated"})
    rule = Text("Can anybody recompute every criterion?", "任何人可复算每项指标吗?")
    names = ", ".join(by_people)
    told = Text(f"judged by a model or people: {names}", f"由模型或人评判: {names}")
    why = told if by_people else Text("each is computed by a rule", "各项均按规则计算")
    yield Part("criteria", rule, OWN, not by_people, why)
    yield from _candidates(scenario)


def _candidates(scenario: Scenario) -> Iterator[Part]:
    again = [one.id for one in scenario.candidates if _runs_anywhere(one)]
    why = Text(", ".join(again) or "none", ", ".join(again) or "无")
    one = Text("Can anybody run one of the candidates again?", "任何人可重新运行其中一个方案吗?")
    yield Part("one-candidate", one, OWN, bool(again), why)
    every = Text("Can anybody run all of them again?", "任何人可重新运行全部方案吗?")
    yes = len(again) == len(scenario.candidates)
    yield Part("all-candidates", every, OWN, yes, why)


def _runs_anywhere(one: Candidate) -> bool:
    """Estimators and installed plug-ins come with packages; endpoints, programs and reported scores
    stay with whoever has them."""
    return one.estimator is not None or one.plugin is not None


def _data(said: Data, known: KnownData) -> tuple[bool, Text]:
    if said.dataset is not None and not (known.by_terms and not known.open):
        return True, Text(
            f"{said.dataset} comes with an installed package",
            f"{said.dataset} 随已安装的软件包提供",
        )
    if said.sealed is not None:
        return False, Text("the base keeps them sealed", "由基地封存")
    if known.asset:
        word = Text("anybody may use", "任何人可使用") if known.open else Text("not open", "未开放")
        return known.open, Text(f"asset {known.asset}: {word.en}", f"资产 {known.asset}: {word.zh}")
    return False, Text("they are no asset of the catalog", "未在目录中登记为资产")
