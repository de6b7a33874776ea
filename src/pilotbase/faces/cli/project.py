"""Verbs become commands: ``record.verify`` is ``pilotbase record verify``, ``catalog.key.create``
``pilotbase catalog key create``.

A request's fields without a default are arguments, the others options; every command also takes
``--home``, ``--vault-key``, ``--lang`` and ``--json``, and so do the words before it:
``pilotbase --lang zh record verify``. Where one is said twice, the later holds.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import click

from pilotbase.kernel.home import default_home
from pilotbase.kernel.text import LANGUAGES, Language, Text, language_of
from pilotbase.kernel.verb import Verb

Invoke = Callable[[Verb[Any, Any], Any, Path, Language, bool, Path | None], int]

HOME = Text("Home folder (default: {home}).", "主目录 (默认: {home})。")
VAULT_KEY = Text(
    "Key file of an encrypted vault (default: $PILOTBASE_VAULT_KEY).",
    "加密保险库的密钥文件 (默认: $PILOTBASE_VAULT_KEY)。",
)
LANG = Text("Language of what is printed.", "输出语言。")
JSON = Text("Print one JSON object.", "输出一个 JSON 对象。")
COMMON = ("home", "vault_key", "lang", "json")
ASK = Text("Type `pilotbase COMMAND --help` for more.", "键入 `pilotbase 命令 --help` 查看详情。")


def project(
    verbs_in: Callable[[str], Sequence[Verb[Any, Any]]],
    groups: Sequence[str],
    summaries: Mapping[str, Text],
    invoke: Invoke,
    typed: Sequence[str] = (),
) -> click.Group:
    """One click group of all verbs; ``invoke`` runs a verb and returns the exit code.

    Args:
        verbs_in: the verbs whose commands begin with a word; asked only when the word is typed.
        groups: the words; "" holds the commands of one word.
        typed: the command line, for the language that help is in.
    """
    language = _language_in(typed) or language_of()
    project = _Projection(verbs_in, summaries, language, invoke)
    root = click.Group(
        "pilotbase",
        help=summaries[""].in_language(language),
        epilog=ASK.in_language(language),
        params=_common(language),
    )
    root = click.version_option(package_name="pilotbase")(root)
    for one in verbs_in(""):
        root.add_command(_VerbCommand(one.name, one, language, invoke))
    for word in groups:
        if word:
            root.add_command(_Room(word, project))
    return root


@dataclasses.dataclass(frozen=True)
class _Projection:
    """What every group of one projection shares."""

    verbs_in: Callable[[str], Sequence[Verb[Any, Any]]]
    summaries: Mapping[str, Text]
    language: Language
    invoke: Invoke


class _Room(click.Group):
    """The commands that begin with one word; their verbs are read when the word is typed."""

    def __init__(self, word: str, shared: _Projection) -> None:
        help_ = shared.summaries[word].in_language(shared.language)
        super().__init__(word, help=help_, params=_common(shared.language))
        self._word, self._shared, self._read = word, shared, False

    def list_commands(self, ctx: click.Context) -> list[str]:
        self._fill()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        self._fill()
        return super().get_command(ctx, cmd_name)

    def _fill(self) -> None:
        if self._read:
            return
        self._read = True
        shared = self._shared
        inner: dict[str, click.Group] = {self._word: self}
        for one in shared.verbs_in(self._word):
            room, _, name = one.name.rpartition(".")
            if room not in inner:  # ``catalog.key`` below ``catalog``
                help_ = shared.summaries[room].in_language(shared.language)
                name_ = room.rpartition(".")[2]
                inner[room] = click.Group(name_, help=help_, params=_common(shared.language))
                self.add_command(inner[room])
            command = _VerbCommand(name, one, shared.language, shared.invoke)
            inner[room].add_command(command)


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
        common = {name: _latest(ctx, name) for name in COMMON}
        request = self._verb.request(**{k: v for k, v in ctx.params.items() if k not in COMMON})
        home = Path(common["home"] or default_home())
        language = common["lang"] or self._language
        as_json, vault_key = bool(common["json"]), common["vault_key"]
        ctx.exit(self._invoke(self._verb, request, home, language, as_json, vault_key))


def _latest(ctx: click.Context, name: str) -> Any:
    """What was said last of an option that every command takes; None where nothing was."""
    at: click.Context | None = ctx
    while at is not None:
        if at.params.get(name):
            return at.params[name]
        at = at.parent
    return None


def _language_in(typed: Sequence[str]) -> Language | None:
    """The language that a command line asks for.

    >>> _language_in(["--lang", "zh", "run"]), _language_in(["run", "--lang=en"]), _language_in([])
    ('zh', 'en', None)
    """
    words = [part for word in typed for part in word.split("=", 1)]
    said = {after for word, after in pairwise(words) if word == "--lang"}
    return next((one for one in LANGUAGES if said == {one}), None)


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
