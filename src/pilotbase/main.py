"""main: the ``pilotbase`` command puts the faces and the rooms' verbs together."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from functools import partial
from typing import Any

from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import Context, Verb, verbs_of

SUMMARIES = {
    "": Text(
        "Pilotbase: one scenario file in; matched, tried, judged and provable to someone who was "
        "not there.",
        "Pilotbase: 一个场景文件, 从需求到可问责的智能服务; 每个数字都可向未在场者证明。",
    ),
    "scenario": Text("Write and check scenario files.", "编写与检查场景文件。"),
    "catalog": Text("Parties, delegations, keys and assets.", "主体、委托、密钥与资产。"),
    "catalog.key": Text("API keys of parties.", "主体的 API 密钥。"),
    "match": Text("Needs and products meet.", "需求与产品的匹配。"),
    "register": Text("Filings: what may be served.", "备案: 可提供哪些服务。"),
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


def declared_verbs() -> list[Verb[Any, Any]]:
    """Every verb of every room, in the order a user meets them."""
    from pilotbase.catalog import verbs as catalog
    from pilotbase.catalog.assets import verbs as assets
    from pilotbase.catalog.parties import verbs as parties
    from pilotbase.desk import matching
    from pilotbase.desk import verbs as desk
    from pilotbase.desk.filing import verbs as filing
    from pilotbase.record import verbs as record
    from pilotbase.register import verbs as register
    from pilotbase.scenario import verbs as scenario

    rooms = (desk, scenario, assets, parties, catalog, matching, filing, register, record)
    return [verb for room in rooms for verb in verbs_of(room)]


def _rating_page(context: Context, request: Any, language: Language) -> None:
    """The page on which somebody rates answers, until Ctrl-C."""
    from pilotbase.desk.rating import Desk
    from pilotbase.faces.web.rating import serve

    desk = Desk.of(context, request.run, request.as_)
    with suppress(KeyboardInterrupt):  # how the page is meant to end
        serve(desk, language, lambda address: print(address, flush=True))


def main() -> None:
    """Run the command line and exit with its code: 0 done, 2 faulty input, 3 could not be done."""
    from pilotbase.faces.cli.call import invoke
    from pilotbase.faces.cli.project import project

    for stream in (sys.stdout, sys.stderr):
        # A terminal or file that cannot hold Chinese gets "?" in its place, not a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    with_pages = partial(invoke, pages={"rate": _rating_page})
    command = project(declared_verbs(), SUMMARIES, with_pages)
    sys.exit(command.main(prog_name="pilotbase", standalone_mode=True))


if __name__ == "__main__":
    main()
