"""Verbs become commands: ``record.verify`` is ``pilotbase record verify``, ``catalog.key.create``
``pilotbase catalog key create``.

A request's fields without a default are arguments, the others options; every command also takes
``--home``, ``--vault-key``, ``--lang`` and ``--json``.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from pilotbase.kernel.home import default_home
from pilotbase.kernel.text import Language, Text, language_of
from pilotbase.kernel.verb import Verb

Invoke = Callable[[Verb[Any, Any], Any, Path, Language, bool, Path | None], int]

HOME = Text("Home folder (default: {home}).", "主目录 (默认: {home})。")
VAULT_KEY = Text(
    "Key file of an encrypted vault (default: $PILOTBASE_VAULT_KEY).",
    "加密保险库的密钥文件 (默认: $PILOTBASE_VAULT_KEY)。",
)
LANG = Text("Language of what is printed.", "输出语言。")
JSON = Text("Print one JSON object.", "输出一个 JSON 对象。")
ASK = Text("Type `pilotbase COMMAND --help` for more.", "键入 `pilotbase 命令 --help` 查看详情。")


def project(
    verbs: Sequence[Verb[Any, Any]], summaries: Mapping[str, Text], invoke: Invoke
) -> click.Group:
    """One click group of all verbs; ``invoke`` runs a verb and returns the exit code."""
    language = language_of()
    root = click.Group(
        "pilotbase", help=summaries[""].in_language(language), epilog=ASK.in_language(language)
    )
    groups: dict[str, click.Group] = {"": root}
    for one in verbs:
        room, _, name = one.name.rpartition(".")
        parent = _group(groups, room, summaries, language)
        parent.add_command(_VerbCommand(name, one, language, invoke))
    return root


def _group(
    groups: dict[str, click.Group], room: str, summaries: Mapping[str, Text], language: Language
) -> click.Group:
    """The group of ``catalog`` or, below that, of ``catalog.key``; made on first use."""
    if room not in groups:
        above, _, name = room.rpartition(".")
        groups[room] = click.Group(name, help=summaries[room].in_language(language))
        _group(groups, above, summaries, language).add_command(groups[room])
    return groups[room]


class _VerbCommand(click.Command):
    """A command whose parameters are read from the verb only when it is called."""

    def __init__(self, name: str, verb: Verb[Any, Any], language: Language, invoke: Invoke) -> None:
        summary = verb.summary.in_language(language)
        super().__init__(name, help=summary, short_help=summary)
        self._verb, self._language, self._invoke = verb, language, invoke

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if not self.params:
            self.params = [*_asked(self._verb, self._language), *_common(self._language)]
        return super().get_params(ctx)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        self.get_params(click.Context(self))
        return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> None:
        values = dict(ctx.params)
        home = Path(values.pop("home") or default_home())
        language, as_json = values.pop("lang") or self._language, values.pop("json")
        vault_key = values.pop("vault_key")
        request = self._verb.request(**values)
        ctx.exit(self._invoke(self._verb, request, home, language, as_json, vault_key))


def _common(language: Language) -> list[click.Parameter]:
    home = HOME.format(home=default_home()).in_language(language)
    vault_key = VAULT_KEY.in_language(language)
    return [
        click.Option(["--home"], type=click.Path(file_okay=False, path_type=Path), help=home),
        click.Option(["--vault-key"], type=click.Path(path_type=Path), help=vault_key),
        click.Option(["--lang"], type=click.Choice(["en", "zh"]), help=LANG.in_language(language)),
        click.Option(["--json"], is_flag=True, help=JSON.in_language(language)),
    ]


def _asked(verb: Verb[Any, Any], language: Language) -> list[click.Parameter]:
    hints = typing.get_type_hints(verb.request)
    return [
        _parameter(field, hints[field.name], language) for field in dataclasses.fields(verb.request)
    ]


def _parameter(field: dataclasses.Field[Any], hint: Any, language: Language) -> click.Parameter:
    text = field.metadata["help"].in_language(language)
    kind = _click_type(hint)
    if field.metadata.get("many"):
        return click.Argument([field.name], nargs=-1, type=kind, required=False)
    if field.default is dataclasses.MISSING:
        return click.Argument([field.name], type=kind)
    if field.metadata.get("word"):
        return click.Argument([field.name], type=kind, default=field.default, required=False)
    # A name that Python keeps for itself has a trailing "_" there and none here.
    names = [f"--{field.name.rstrip('_').replace('_', '-')}", field.name]
    if field.metadata.get("short"):
        names.insert(0, field.metadata["short"])
    if kind is click.BOOL:
        return click.Option(names, is_flag=True, default=field.default, help=text)
    shown = field.default not in (None, "")
    return click.Option(names, type=kind, default=field.default, help=text, show_default=shown)


def _click_type(hint: Any) -> click.ParamType[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _click_type(next(a for a in arguments if a is not type(None)))
    if origin is tuple:
        return _click_type(arguments[0])
    if origin is Literal:
        return click.Choice([str(a) for a in arguments])
    if hint is Path:
        return click.Path(path_type=Path)
    return {bool: click.BOOL, int: click.INT, float: click.FLOAT}.get(hint, click.STRING)
