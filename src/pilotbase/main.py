"""main: the ``pilotbase`` command puts the faces and the rooms' verbs together."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import Context, Verb, verbs_of
from pilotbase.record.verbs import SUBJECTS

SUMMARIES = {
    "": Text(
        "Pilotbase: one scenario file in; matched, tried, judged and provable to someone who was "
        "not there.",
        "Pilotbase: 一个场景文件, 从需求到可问责的智能服务; 每个数字都可向未在场者证明。",
    ),
    "scenario": Text("Write and check scenario files.", "编写与检查场景文件。"),
    "catalog": Text("Parties, delegations, keys and assets.", "主体、委托、密钥与资产。"),
    "catalog.label": Text(
        "Label the rows of a data set, by several people.", "由多人为数据集的各行做标注。"
    ),
    "catalog.rights": Text("Register the three rights over a data set.", "登记数据集的三项权利。"),
    "catalog.terms": Text("Terms of use, as ODRL 2.2.", "以 ODRL 2.2 表达的使用条款。"),
    "catalog.croissant": Text(
        "Descriptions of data sets as Croissant.", "以 Croissant 描述数据集。"
    ),
    "catalog.key": Text("API keys of parties.", "主体的 API 密钥。"),
    "match": Text("Needs and products meet.", "需求与产品的匹配。"),
    "register": Text("Filings: what may be served.", "备案: 可提供哪些服务。"),
    "gateway": Text(
        "Services: how they are arranged, used and paid for.", "服务的安排、用量与计费。"
    ),
    "gateway.receipt": Text("Signed receipts of calls.", "调用的签名回执。"),
    "record": Text("The append-only record and its proofs.", "只追加的记录及其证明。"),
    "vault": Text("Evidence and personal data, erasable.", "证据与个人信息, 可删除。"),
    "sealed": Text("Test sets that the base keeps sealed.", "由基地封存的测试集。"),
    "evidence": Text(
        "Evidence of a run in formats of other tools.", "以其他工具的格式导出试验证据。"
    ),
    "witness": Text(
        "Sign another base's plans as an outside witness.", "作为外部见证人为计划签名。"
    ),
}


_RECORD = "pilotbase.record.verbs"
MODULES = {
    "": (
        "pilotbase.desk.verbs",
        "pilotbase.scenario.verbs",
        "pilotbase.serve.routes.verbs",
        f"{_RECORD}.keeping",
    ),
    "scenario": ("pilotbase.desk.verbs", "pilotbase.scenario.verbs"),
    "catalog": (
        "pilotbase.catalog.assets.verbs",
        "pilotbase.catalog.parties.verbs",
        "pilotbase.catalog.profile.verbs",
        "pilotbase.catalog.croissant.verbs",
        "pilotbase.catalog.rights.verbs.registering",
        "pilotbase.catalog.rights.verbs.terms",
        "pilotbase.catalog.openness.verbs",
        "pilotbase.desk.provenance.verbs",
        "pilotbase.desk.data.verbs",
    ),
    "sealed": ("pilotbase.catalog.verbs",),
    "match": ("pilotbase.desk.matching",),
    "register": ("pilotbase.desk.filing.verbs", "pilotbase.register.verbs"),
    "gateway": (
        "pilotbase.serve.routes.verbs",
        "pilotbase.serve.metering.verbs",
        "pilotbase.serve.people.verbs",
        "pilotbase.serve.receipts.verbs",
        "pilotbase.serve.telemetry.verbs",
    ),
    "evidence": (
        "pilotbase.desk.verbs",
        "pilotbase.desk.handed_over",
    ),
    "witness": ("pilotbase.desk.verbs",),
    "record": tuple(f"{_RECORD}.{subject}" for subject in SUBJECTS),
    "vault": (f"{_RECORD}.vault",),
}
"""By first word of a command, the modules that declare it; "" holds the commands of one word. The
order is the one in which a user meets them."""


def verbs_in(group: str) -> list[Verb[Any, Any]]:
    """The verbs whose commands begin with the group's word."""
    return [
        verb
        for module in MODULES[group]
        for verb in verbs_of(import_module(module))
        if verb.name.rpartition(".")[0].partition(".")[0] == group
    ]


def declared_verbs() -> list[Verb[Any, Any]]:
    """Every verb of every room."""
    return [verb for group in MODULES for verb in verbs_in(group)]


def commands(invoke: Any) -> Any:
    """The click group of all commands; ``invoke`` runs a verb."""
    from pilotbase.faces.cli.project import project

    return project(verbs_in, tuple(MODULES), SUMMARIES, invoke, sys.argv[1:])


def _invoke(verb: Verb[Any, Any], request: Any, *how: Any) -> int:
    """Run a verb with every room there: an audit knows all events and views that are declared."""
    from pilotbase.faces.cli.call import invoke

    declared_verbs()
    pages = {"rate": _rating_page, "catalog.label.give": _label_page}
    with_pages = partial(
        invoke, pages=pages, lasting={"serve": _serve, "up": _up, "gateway.calls": _calls}
    )
    return with_pages(verb, request, *how)


def _serve(context: Context, request: Any, language: Language, as_json: bool) -> int:
    """The gateway, until SIGTERM or Ctrl-C."""
    from pilotbase.faces.cli.serving import serve

    return serve(context, request, language, as_json)


def _up(context: Context, request: Any, language: Language, as_json: bool) -> int:
    """The gateway of this machine alone, with a key made on the spot."""
    from pilotbase.faces.cli.serving import up

    return up(context, request, language, as_json)


def _calls(context: Context, request: Any, language: Language, as_json: bool) -> int | None:
    """Calls as they end, until Ctrl-C; None where only those of now are wanted."""
    if not request.follow:
        return None
    from pilotbase.faces.cli.calls import follow

    return follow(context, request, language, as_json)


def _rating_page(context: Context, request: Any, language: Language) -> None:
    """The page on which somebody rates answers, until Ctrl-C."""
    from pilotbase.desk.rating import Desk
    from pilotbase.faces.web.rating import serve

    desk = Desk.of(context, request.run, request.as_)
    with suppress(KeyboardInterrupt):  # how the page is meant to end
        serve(desk, language, lambda address: print(address, flush=True))


def _label_page(context: Context, request: Any, language: Language) -> None:
    """The page on which somebody labels rows, until Ctrl-C."""
    from pilotbase.desk.data.labelling import LabelDesk
    from pilotbase.faces.web.rating import serve

    desk = LabelDesk.of(context, request.task, request.as_)
    with suppress(KeyboardInterrupt):  # how the page is meant to end
        serve(desk, language, lambda address: print(address, flush=True))


def main() -> None:
    """Run the command line and exit with its code: 0 done, 2 faulty input, 3 could not be done."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or file that cannot hold Chinese gets "?" in its place, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(commands(_invoke).main(prog_name="pilotbase", standalone_mode=True))


if __name__ == "__main__":
    main()
