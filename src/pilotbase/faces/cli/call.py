"""Run a verb from the command line: context, progress, output and exit codes.

Exit codes: 0 done, 2 faulty input, 3 could not be done, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from pilotbase.faces.cli.ask import completed
from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.home import default_vault_key
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import Context, Silent, Verb, as_data

Page = Callable[[Context, Any, Language], None]
Lasting = Callable[[Context, Any, Language, bool], int | None]
"""Also told whether JSON is wanted; prints by itself and returns the exit code, or None where the
request does not ask for what lasts."""
BY_HAND = ("rate", "catalog.label.give")
"""Verbs for which a person at the terminal is asked where the request holds no answers."""
INTERRUPTED = Text(
    "Interrupted. What is finished is kept; the same command goes on from there.",
    "已中断。已完成的部分已保存; 再次运行同一命令即可继续。",
)


def invoke(
    verb: Verb[Any, Any],
    request: Any,
    home: Path,
    language: Language,
    as_json: bool,
    vault_key: Path | None = None,
    pages: Mapping[str, Page] = MappingProxyType({}),
    lasting: Mapping[str, Lasting] = MappingProxyType({}),
) -> int:
    """Run one verb and print its answer; returns the exit code.

    Args:
        pages: by verb, what serves a page for a request that asks for one.
        lasting: by verb, what runs in its place until it is ended.
    """
    context = Context(
        home=home.expanduser().absolute(),
        operator=os.environ.get("PILOTBASE_OPERATOR", "single operator"),
        language=language,
        progress=_progress(language, as_json),
        vault_key=vault_key or default_vault_key(),
        remark=_remarks(language),
    )
    try:
        request = completed(verb.name, request, language, as_json)
        if verb.name in lasting:
            code = lasting[verb.name](context, request, language, as_json)
            if code is not None:
                return code
        _by_hand(verb.name, context, request, as_json, pages)
        response = verb(context, request)
    except PilotbaseError as error:
        return _refused(error, language, as_json)
    except Exception as error:  # ours: say so, keep the traceback for whoever mends it
        return _unexpected(error, language, as_json)
    except KeyboardInterrupt:
        click.echo(INTERRUPTED.in_language(language), err=True)
        return 130
    return _tell(verb.name, response, language, as_json)


def _by_hand(
    verb: str, context: Context, request: Any, as_json: bool, pages: Mapping[str, Page]
) -> None:
    """What a person does on a page or at the terminal before the verb can answer."""
    if verb in pages and request.page:
        pages[verb](context, request, context.language)
    elif verb in BY_HAND and not as_json and request.answers is None and _is_terminal():
        _rate(verb, context, request, context.language)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _rate(verb: str, context: Context, request: Any, language: Language) -> None:
    from pilotbase.desk.data.labelling import LabelDesk
    from pilotbase.desk.rating import Choosing, Desk
    from pilotbase.faces.cli.rate import rate_here

    desk: Choosing
    if verb == "rate":
        desk = Desk.of(context, request.run, request.as_)
    else:
        desk = LabelDesk.of(context, request.task, request.as_)
    rate_here(desk, language)


def _tell(verb: str, response: Any, language: Language, as_json: bool) -> int:
    """Print the answer; returns the exit code that it comes to."""
    try:
        if as_json:
            click.echo(_json(as_data(response)))
        else:
            from pilotbase.faces.cli.show import show

            show(verb, response, language)
    except OSError:  # of the output: whoever reads it has gone
        raise
    except Exception as error:
        return _unexpected(error, language, as_json)
    return int(getattr(response, "exit_code", 0))


def _refused(error: PilotbaseError, language: Language, as_json: bool) -> int:
    if as_json:
        click.echo(_json(error.as_dict()))
    click.echo(error.render(language), err=True)
    return error.exit_code


def _json(data: Any) -> str:
    """One line; escaped where the output is not UTF-8, so that nothing is lost."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(data, ensure_ascii=encoding != "utf8")


def _unexpected(error: Exception, language: Language, as_json: bool) -> int:
    reason = f"{type(error).__name__}: {error}"
    fault = PilotbaseError(
        "internal",
        Text(f"a fault of Pilotbase itself: {reason}", f"Pilotbase 自身的错误: {reason}"),
        next_step=Text(
            "Nothing that was finished is lost. Please report it with the lines above.",
            "已完成的内容不会丢失。请附上以上信息报告此问题。",
        ),
    )
    traceback.print_exception(error)
    return _refused(fault, language, as_json)


def _remarks(language: Language) -> Callable[[Text], None]:
    """Says each remark once, where it does not stand in the answer."""
    said = set[Text]()

    def remark(text: Text) -> None:
        if text not in said:
            said.add(text)
            click.echo(text.in_language(language), err=True)

    return remark


def _progress(language: Language, as_json: bool) -> Any:
    if as_json or not sys.stderr.isatty():
        return Silent()
    from pilotbase.faces.cli.bar import Bar

    return Bar(language)
