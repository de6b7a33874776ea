"""From a name in a scenario file to an installed class with its parameters. Runs in a worker."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.trial.candidates.answer import reason_of

LIBRARIES = ("sklearn", "statsmodels")


def class_named(path: str, *, trust: bool) -> type[Any]:
    """The class at a dotted path.

    Raises:
        CandidateError: a library that is neither scikit-learn nor statsmodels (without trust), or
            no such class; then with the nearest name.
    """
    module_name, _, name = path.rpartition(".")
    if not trust and path.split(".")[0] not in LIBRARIES:
        raise CandidateError(
            "candidate.untrusted",
            Text(
                f"{path!r} is not from scikit-learn or statsmodels",
                f"{path!r} 不属于 scikit-learn 或 statsmodels",
            ),
            where=path,
            next_step=Text(
                "Choose an installed estimator or plug-in, or allow code with --trust.",
                "请选用已安装的估计器或插件, 或用 --trust 允许运行该代码。",
            ),
        )
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise _unknown(path) from error
    if not inspect.isclass(found):
        raise _unknown(path)
    return found


def built(path: str, parameters: Mapping[str, Any], *, seed: int, trust: bool = False) -> Any:
    """An instance with the parameters of the file.

    A parameter ``{"estimator": path, "parameters": {...}}`` is built in the same way, so that one
    estimator may stand inside another. ``random_state`` is the plan's seed where it is not given;
    ``n_jobs`` becomes 1 where it is, because the base decides how many processes run.

    Raises:
        CandidateError: an unknown class or parameter, with the nearest name.
    """
    found = class_named(path, trust=trust)
    accepted = accepted_parameters(found)
    check_parameters(path, parameters, accepted)
    values = {
        name: _value(value, accepted.get(name), seed, trust) for name, value in parameters.items()
    }
    if "random_state" in accepted:
        values.setdefault("random_state", seed)
    if "n_jobs" in values:
        values["n_jobs"] = 1
    try:
        return found(**values)
    except (TypeError, ValueError) as error:
        raise CandidateError(
            "candidate.parameters",
            Text(f"cannot be built: {reason_of(error)}", f"无法构造: {reason_of(error)}"),
            where=path,
        ) from error


def _value(value: Any, parameter: inspect.Parameter | None, seed: int, trust: bool) -> Any:
    if isinstance(value, Mapping) and "estimator" in value:
        return built(value["estimator"], value.get("parameters", {}), seed=seed, trust=trust)
    # YAML has lists only; scikit-learn and statsmodels insist on tuples where they default to one.
    if isinstance(value, list) and parameter is not None and isinstance(parameter.default, tuple):
        return tuple(value)
    return value


def accepted_parameters(found: type[Any]) -> Mapping[str, inspect.Parameter]:
    """Named parameters of the class, and of its bases as far as it passes keywords on."""
    accepted: dict[str, inspect.Parameter] = {}
    for base in inspect.getmro(found):
        if "__init__" not in vars(base):
            continue
        own = dict(inspect.signature(vars(base)["__init__"]).parameters)
        kinds = {parameter.kind for parameter in own.values()}
        for name, parameter in own.items():
            if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                accepted.setdefault(name, parameter)
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            break
    accepted.pop("self", None)
    return accepted


def check_parameters(
    path: str, given: Iterable[str], accepted: Mapping[str, inspect.Parameter]
) -> None:
    """Raises CandidateError for a parameter that the class does not take."""
    for name in given:
        if name not in accepted:
            near = nearest(name, list(accepted))
            raise CandidateError(
                "candidate.unknown_parameter",
                Text(f"has no parameter {name!r}", f"没有参数 {name!r}"),
                where=path,
                next_step=Text(f"Perhaps {near!r}.", f"是否应为 {near!r}?"),
            )


def nearest(word: str, words: Sequence[str]) -> str:
    """The most similar of the words, or the first few when none is similar."""
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.5)
    return near[0] if near else ", ".join(words[:6])


def _unknown(path: str) -> CandidateError:
    words = _known_paths(path)
    by_name = {word.rpartition(".")[2]: word for word in words}
    near = difflib.get_close_matches(path.rpartition(".")[2], list(by_name), n=1, cutoff=0.5)
    shown = by_name[near[0]] if near else "sklearn.linear_model.LogisticRegression"
    return CandidateError(
        "candidate.unknown_class",
        Text(f"no class is called {path!r}", f"没有名为 {path!r} 的类"),
        where=path,
        next_step=Text(f"Perhaps {shown}.", f"是否应为 {shown}?"),
    )


def _known_paths(path: str) -> list[str]:
    if path.startswith("statsmodels"):
        module = importlib.import_module("statsmodels.tsa.api")
        classes = [value for value in vars(module).values() if inspect.isclass(value)]
    else:
        classes = [found for _, found in importlib.import_module("sklearn.utils").all_estimators()]
    return [_public_path(found) for found in classes]


def _public_path(found: type[Any]) -> str:
    modules = [part for part in found.__module__.split(".") if not part.startswith("_")]
    return ".".join([*modules, found.__qualname__])
