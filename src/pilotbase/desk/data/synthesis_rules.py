"""Two plain ways to make synthetic rows; page: docs, "Synthetic rows". Pure, drawn from a seed.

``rows`` resamples whole rows and blurs them: relations between columns stay, and so may people be
recognised. ``columns`` draws every column by itself: relations are gone, each column's own
distribution stays. Neither is anonymous, neither is data that were observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from pilotbase.catalog.profile.rules.sensitive import guess, hidden
from pilotbase.catalog.rules.synthetic import MARKER
from pilotbase.trial.rules.draws import normals, uniforms

Method = Literal["rows", "columns"]
VALUES_MAX = 1_000
"""So many different values of a column are looked at, as for a profile."""
DISTINCT_SHARE, DISTINCT_LEAST = 0.5, 20
DECIMALS_MAX = 12
Ints = np.ndarray[Any, np.dtype[np.int64]]


def synthesised(
    frame: pd.DataFrame,
    method: Method,
    *,
    rows: int,
    seed: int,
    noise: float,
    known: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Synthetic rows, all of them marked, and the columns whose values were withheld.

    Args:
        frame: in plain types, at least one row. rows: how many to make, at least 1.
        noise: for ``rows``: standard deviation of what is added to a number, in standard deviations
            of its column, and the share of texts that are swapped for another row's; in [0, 1].
        known: by column, the kind of personal data that a person confirmed it to hold, or ``none``.

    Withheld, with numbers in their place, are the values of columns by which somebody is known
    (confirmed, else guessed), and of a text column in which nearly every value is another one: it
    names or describes single cases.
    """
    whole = _drawn(len(frame), rows, seed, "row")
    made, withheld = dict[str, Any](), list[str]()
    for name in (str(column) for column in frame.columns):
        if name == MARKER:
            continue
        values = frame[name]
        if _names_cases(values) or _names_people(name, values, known or {}):
            numbers = values.dtype.kind in "if"
            made[name] = [n if numbers else f"synthetic-{n}" for n in range(1, rows + 1)]
            withheld.append(name)
        elif method == "columns":
            made[name] = values.to_numpy()[_drawn(len(frame), rows, seed, f"column:{name}")]
        else:
            made[name] = _blurred(values, whole, seed, noise)
    made[MARKER] = np.ones(rows, np.bool_)
    plain = {name: _as_plain(values) for name, values in made.items()}
    return pd.DataFrame(plain), tuple(withheld)


def _as_plain(values: Any) -> Any:
    """Numbers and truth values as they are; texts as objects, so that None stays None."""
    kept = np.asarray(values)
    return kept if kept.dtype.kind in "bif" else pd.Series(list(values), dtype=object)


def _drawn(size: int, count: int, seed: int, key: str) -> Ints:
    """(count,) places in 0 … size-1, with replacement."""
    return (uniforms(seed, "synthesis", key, count) * size).astype(np.int64)


def _names_cases(values: pd.Series[Any]) -> bool:
    if values.dtype.kind in "bif":
        return False
    known = [value for value in values if isinstance(value, str)]
    distinct = len(set(known))
    return distinct > DISTINCT_LEAST and distinct > DISTINCT_SHARE * len(known)


def _names_people(name: str, values: pd.Series[Any], known: Mapping[str, str]) -> bool:
    if name in known:
        return hidden([known[name]])
    numbers = values.dtype.kind in "if"
    seen = [_written(value) for value in values.dropna().unique()[:VALUES_MAX]]
    found = guess(name, seen, numbers=numbers)
    return found is not None and hidden([found.kind])


def _written(value: Any) -> str:
    """A value as a file has it: a whole number without the point that a gap in its column gave."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)


def _blurred(values: pd.Series[Any], whole: Ints, seed: int, noise: float) -> Any:
    name = str(values.name)
    taken = values.to_numpy()[whole]
    if values.dtype.kind not in "if":
        swap = uniforms(seed, "synthesis", f"swap:{name}", len(whole)) < noise
        other = values.to_numpy()[_drawn(len(values), len(whole), seed, f"other:{name}")]
        return np.where(swap, other, taken)
    known = values.to_numpy(np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return taken
    added = noise * float(known.std()) * normals(seed, "synthesis", f"noise:{name}", len(whole))
    moved = np.clip(taken + added, known.min(), known.max())
    if values.dtype.kind == "i":
        return np.rint(moved).astype(np.int64)
    return np.round(moved, _decimals(known))


def _decimals(known: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """How many decimals the column's numbers are written with."""
    written = (np.format_float_positional(value, trim="-") for value in known)
    return min(DECIMALS_MAX, max(len(text.partition(".")[2]) for text in written))
