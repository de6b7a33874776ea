"""How the answers about rights, terms and openness are printed for a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import Console

from pilotbase.catalog.openness.rules.score import CLASSES, COMPONENTS
from pilotbase.catalog.openness.verbs import OpennessResponse
from pilotbase.catalog.rights.rules.states import RIGHT_NAMES, STAGE_NAMES
from pilotbase.catalog.rights.verbs.registering import ListResponse, RegistrationResponse
from pilotbase.catalog.rights.verbs.terms import (
    FulfilResponse,
    MayResponse,
    SetResponse,
    ShowResponse,
    UsedResponse,
    WithdrawResponse,
)
from pilotbase.faces.cli.show_keeping import _say
from pilotbase.faces.cli.tables import table
from pilotbase.kernel.text import Language, Text

ANSWERS = {
    "yes": Text("Yes", "可以"),
    "duty": Text("Not yet", "尚不可以"),
    "no": Text("No", "不可以"),
}

MARKS = {True: Text("yes", "是"), False: Text("no", "否")}


def _registration(console: Console, found: RegistrationResponse, language: Language) -> None:
    said = found.in_force or found.asked
    head = Text(
        "{id}: {right} over {asset}, {holder}: {stage}{code}",
        "{id}: {asset} 的{right}, {holder}: {stage}{code}",
    )
    code = Text(f" ({found.code})", f" ({found.code})") if found.code else Text("", "")
    _say(console, head, language, id=found.registration, right=RIGHT_NAMES[found.right],
         asset=found.asset, holder=said["holder"], stage=STAGE_NAMES[found.stage],
         code=code)  # fmt: skip
    if found.until:
        until = Text("Published until {until}.", "公示期至 {until}。")
        _say(console, until, language, until=found.until)
    for one in found.disputes:
        under = Text("Under dispute {id} by {who}: {why}", "争议 {id}, {who} 提出: {why}")
        _say(console, under, language, id=one["dispute"], who=one["person"], why=one["reason"])
    rows = [
        (h["entry"], h["at"], h["action"], STAGE_NAMES[h["stage"]].in_language(language),
         h["person"], h["reason"])
        for h in found.history
    ]  # fmt: skip
    heads = (
        Text("entry", "条目"), Text("at", "时间"), Text("step", "步骤"), Text("stage", "状态"),
        Text("by", "经办人"), Text("reason", "理由"),
    )  # fmt: skip
    table(console, [head.in_language(language) for head in heads], rows)


def _registrations(console: Console, found: ListResponse, language: Language) -> None:
    if not found.registrations:
        _say(console, Text("No right is registered.", "尚无权利登记。"), language)
        return
    rows = [
        (one["registration"], one["asset"], RIGHT_NAMES[one["right"]].in_language(language),
         one["holder"], STAGE_NAMES[one["stage"]].in_language(language), one["code"] or None,
         one["disputes"] or None)
        for one in found.registrations
    ]  # fmt: skip
    heads = (
        Text("id", "编号"), Text("data set", "数据集"), Text("right", "权利"),
        Text("holder", "权利人"), Text("stage", "状态"), Text("code", "登记码"),
        Text("disputes", "争议"),
    )  # fmt: skip
    table(console, [head.in_language(language) for head in heads], rows)


def _set(console: Console, found: SetResponse, language: Language) -> None:
    said = Text(
        "{policy} is part of the terms of {asset} (entry {entry}).",
        "{policy} 已成为 {asset} 的使用条款 (第 {entry} 条)。",
    )
    _say(console, said, language, policy=found.policy, asset=found.asset, entry=found.entry)
    for remark in found.remarks:
        console.print(f"• {remark.render(language)}", markup=False, soft_wrap=True)


def _terms(console: Console, found: ShowResponse, language: Language) -> None:
    if found.file:
        console.print(str(found.file), markup=False, soft_wrap=True)
        return
    if not found.policies:
        none = Text("{asset} has no terms.", "{asset} 没有使用条款。")
        _say(console, none, language, asset=found.asset)
    shown = [{k: v for k, v in one.items() if k != "@context"} for one in found.policies]
    said = {"policies": shown, "uses": found.uses, "fulfilled": found.fulfilled}
    console.print_json(json.dumps(said, ensure_ascii=False))


def _withdrawn(console: Console, found: WithdrawResponse, language: Language) -> None:
    said = Text("{policy} was withdrawn from {asset}.", "已从 {asset} 撤下 {policy}。")
    _say(console, said, language, policy=found.policy, asset=found.asset)


def _may(console: Console, found: MayResponse, language: Language) -> None:
    said = Text("{answer}: {why}.", "{answer}: {why}。")
    _say(console, said, language, answer=ANSWERS[found.answer], why=found.why)
    for heading, owed in (
        (Text("to be done first: {duty} ({action})", "须先履行: {duty} ({action})"), found.duties),
        (Text("owed besides: {duty} ({action})", "另须履行: {duty} ({action})"), found.owed),
    ):
        for one in owed:
            _say(console, heading, language, duty=one["duty"], action=one["action"])
    if found.but:
        but = Text("but not: {actions}", "但不包括: {actions}")
        _say(console, but, language, actions=", ".join(found.but))


def _used(console: Console, found: UsedResponse, language: Language) -> None:
    said = Text("Recorded in entry {entry}.", "已记入第 {entry} 条。")
    _say(console, said, language, entry=found.entry)
    _may(console, found.decision, language)


def _fulfilled(console: Console, found: FulfilResponse, language: Language) -> None:
    said = Text("{duty} is fulfilled.", "{duty} 已履行。")
    if not found.met:
        said = Text(
            "Recorded, but {duty} asks for more: it is not met.",
            "已记录, 但尚未满足 {duty} 的要求。",
        )
    _say(console, said, language, duty=found.duty)


def _openness(console: Console, found: OpennessResponse, language: Language) -> None:
    rows = [
        (one["question"][language], MARKS[one["yes"]].in_language(language), one["why"][language],
         one["source"])
        for one in found.parts
    ]  # fmt: skip
    heads = (Text("question", "问题"), Text("", ""), Text("why", "依据"), Text("after", "出处"))
    table(console, [head.in_language(language) for head in heads], rows)
    said = Text("{what}: open in {yes} of {asked} respects.", "{what}: {asked} 项中 {yes} 项开放。")
    _say(console, said, language, what=found.what, yes=found.yes, asked=found.asked)
    if found.kind == "model":
        reached = CLASSES.get(found.model_class or 0, Text("below Class III", "未达 III 类"))
        names = [COMPONENTS[one][1] for one in found.lacks]
        more = Text("Model Openness Framework: {reached}.", "模型开放度框架 (MOF): {reached}。")
        _say(console, more, language, reached=reached)
        if names:
            lacks = Text("The next class still needs: {names}.", "达到上一级尚缺: {names}。")
            _say(console, lacks, language, names=", ".join(n.in_language(language) for n in names))


RIGHTS_FORMS: dict[str, Callable[[Console, Any, Language], None]] = {
    **dict.fromkeys(
        (
            f"catalog.rights.{word}"
            for word in (
                "apply", "accept", "review", "publish", "code", "refuse", "change", "correct",
                "cancel", "dispute", "settle", "show",
            )
        ),
        _registration,
    ),
    "catalog.rights.list": _registrations,
    "catalog.terms.set": _set,
    "catalog.terms.show": _terms,
    "catalog.terms.withdraw": _withdrawn,
    "catalog.may": _may,
    "catalog.used": _used,
    "catalog.fulfil": _fulfilled,
    "catalog.openness": _openness,
}  # fmt: skip
