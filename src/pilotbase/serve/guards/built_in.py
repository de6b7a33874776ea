"""The guards that come along, made from their settings. Entry points ``pilotbase.guards``.

A maker takes the settings of an arrangement and gives a `Guard`; Unfit says what is wrong with
them. A setting that a maker does not know is an error: a misspelt one must not leave a door open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from pilotbase.serve.guards.forms import Limits, Shape
from pilotbase.serve.guards.grounded import Grounded, Grounding
from pilotbase.serve.guards.pattern import ACTIONS, Action, Patterns, without
from pilotbase.serve.rules.bounded import LENGTH_MAX, bounds_of
from pilotbase.serve.rules.finder import Finder, folded_evenly, having
from pilotbase.serve.rules.forms import INJECTIONS, PERSONAL, SECRETS
from pilotbase.serve.rules.unfit import Unfit

Settings = Mapping[str, Any]
WORDS_MAX, FORMS_MAX = 2_000, 100


def personal_data(settings: Settings) -> Patterns:
    """``kinds`` (all by default), ``allow``: texts that are let pass, ``action`` (mask)."""
    _known(settings, "kinds", "allow", "action")
    finders = _chosen(PERSONAL, settings)
    return Patterns("personal_data", finders, _action(settings, "mask"))


def secrets(settings: Settings) -> Patterns:
    """``kinds``, ``allow``, ``action`` (refuse)."""
    _known(settings, "kinds", "allow", "action")
    return Patterns("secrets", _chosen(SECRETS, settings), _action(settings, "refuse"))


def injection(settings: Settings) -> Patterns:
    """Phrases of known attacks, a heuristic: ``kinds``, ``allow``, ``action`` (flag)."""
    _known(settings, "kinds", "allow", "action")
    finders = _chosen(INJECTIONS, settings)
    return Patterns("injection (heuristic)", finders, _action(settings, "flag"))


def lists(settings: Settings) -> Patterns:
    """``words`` and ``forms`` that may not stand in a text, ``allow`` exceptions, ``action``."""
    _known(settings, "words", "forms", "allow", "action")
    words = _texts(settings, "words", WORDS_MAX)
    forms = _texts(settings, "forms", FORMS_MAX)
    if not words and not forms:
        raise Unfit("words or forms: at least one is needed", "words 与 forms 至少须有其一")
    finders = (*(_of_words(words) if words else ()), *(_of_form(form) for form in forms))
    allowed = _texts(settings, "allow", WORDS_MAX)
    return Patterns("lists", without(finders, allowed), _action(settings, "refuse"))


def size(settings: Settings) -> Limits:
    """``texts_max``, ``characters_max`` of one text, ``whole_max`` characters of all texts."""
    names = ("texts_max", "characters_max", "whole_max")
    _known(settings, *names)
    texts_max, characters_max, whole_max = (_number(settings, name) for name in names)
    return Limits(texts_max, characters_max, whole_max)


def schema(settings: Settings) -> Shape:
    """``form``: a JSON Schema for the request, or for each text of an answer."""
    _known(settings, "form")
    return Shape(settings.get("form"))


def grounded(settings: Settings) -> Grounded:
    """``share_min`` of sentences (1.0), ``refusals``, ``passages``, ``action`` (decline)."""
    _known(settings, "share_min", "refusals", "passages", "action")
    action = settings.get("action", "decline")
    if action not in ("decline", "refuse", "flag"):
        raise Unfit("action: decline, refuse or flag", "action: 须为 decline、refuse 或 flag")
    refusals = _texts(settings, "refusals", 20)
    if action == "decline" and not refusals:
        raise Unfit("refusals: what is said instead has to be given",
                    "refusals: 须写明改为如何答复")  # fmt: skip
    share = settings.get("share_min", 1.0)
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share <= 1:
        raise Unfit("share_min: above 0, at most 1", "share_min: 须大于 0, 至多 1")
    passages = settings.get("passages", {})
    if not isinstance(passages, Mapping):
        raise Unfit("passages: from id to text", "passages: 须由编号对应文本")
    kept = {str(name): str(text) for name, text in passages.items()}
    return Grounded(Grounding(float(share), refusals, kept, action))


def _of_words(words: Iterable[str]) -> tuple[Finder, ...]:
    """Words in one form; Latin ones only as whole words."""
    kept = sorted({folded_evenly(word) for word in words}, key=lambda word: (-len(word), word))
    longest = len(kept[0])
    if longest > LENGTH_MAX:
        raise Unfit(f"words: at most {LENGTH_MAX} characters each",
                    f"words: 每项至多 {LENGTH_MAX} 个字符")  # fmt: skip
    latin = [re.escape(word) for word in kept if word[0].isascii() and word[-1].isascii()]
    other = [re.escape(word) for word in kept if not (word[0].isascii() and word[-1].isascii())]
    found = []
    if latin:
        whole = re.compile(rf"(?<![0-9a-z_])(?:{'|'.join(latin)})(?![0-9a-z_])")
        found.append(Finder("denied", whole, longest, shortest=len(kept[-1]), maybe=_quick(kept)))
    if other:
        found.append(Finder("denied", re.compile("|".join(other)), longest))
    return tuple(found)


def _quick(words: Sequence[str]) -> Callable[[str], object]:
    """A quick look while the words are few; many are looked for at once by their form alone."""
    return having(*words) if len(words) <= 30 else lambda text: True


def _of_form(form: str) -> Finder:
    return Finder("denied", re.compile(form, re.IGNORECASE), bounds_of(form).longest)


def _known(settings: Settings, *names: str) -> None:
    strange = sorted(settings.keys() - set(names))
    if strange:
        told, known = ", ".join(strange), ", ".join(names)
        raise Unfit(f"{told}: not known here; known are {known}",
                    f"{told}: 没有这样的设置项; 可用: {known}")  # fmt: skip


def _chosen(finders: tuple[Finder, ...], settings: Settings) -> tuple[Finder, ...]:
    wanted = _texts(settings, "kinds", 100)
    strange = set(wanted) - {finder.kind for finder in finders}
    if strange:
        known = ", ".join(dict.fromkeys(finder.kind for finder in finders))
        told = ", ".join(sorted(strange))
        raise Unfit(f"kinds: {told} not among {known}", f"kinds: {told} 不在 {known} 之列")
    kept = tuple(finder for finder in finders if not wanted or finder.kind in wanted)
    return without(kept, _texts(settings, "allow", WORDS_MAX))


def _action(settings: Settings, usual: Action) -> Action:
    action = settings.get("action", usual)
    if action not in ACTIONS:
        raise Unfit(f"action: {', '.join(ACTIONS)}", f"action: 须为 {'、'.join(ACTIONS)} 之一")
    return cast(Action, action)


def _texts(settings: Settings, name: str, most: int) -> tuple[str, ...]:
    given = settings.get(name, ())
    if isinstance(given, str) or not isinstance(given, (list, tuple)) or len(given) > most:
        raise Unfit(
            f"{name}: a list of at most {most} texts", f"{name}: 须为至多 {most} 个文本的列表"
        )
    if not all(isinstance(one, str) and one.strip() for one in given):
        raise Unfit(f"{name}: texts that are not empty", f"{name}: 文本不得为空")
    return tuple(given)


def _number(settings: Settings, name: str) -> int:
    given = settings.get(name, 0)
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise Unfit(f"{name}: a whole number", f"{name}: 须为非负整数")
    return given
