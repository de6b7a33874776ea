"""Reading of arguments: one place that says what is accepted and what a refusal sounds like."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Alternative = Literal["greater", "less"]
Side = Literal["lower", "upper"]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


def shaped(result: Floats) -> float | Floats:
    """A Python float for scalar input (0-d result), the array itself otherwise."""
    return float(result) if np.ndim(result) == 0 else result


def read_alternative(alternative: str) -> bool:
    """True for "greater", False for "less"; anything else is refused."""
    if alternative not in ("greater", "less"):
        raise ValueError(f'alternative must be "greater" or "less", got {alternative!r}')
    return alternative == "greater"


def read_side(side: str) -> bool:
    """True for "lower", False for "upper"; anything else is refused."""
    if side not in ("lower", "upper"):
        raise ValueError(f'side must be "lower" or "upper", got {side!r}')
    return side == "lower"


def read_alpha(alpha: float, name: str = "alpha") -> float:
    """An error level strictly between 0 and 1."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {alpha!r}")
    return float(alpha)


def read_open_unit(value: ArrayLike, name: str) -> Floats:
    """Numbers strictly between 0 and 1 (a NaN is refused)."""
    read = np.asarray(value, dtype=np.float64)
    if not np.all((read > 0.0) & (read < 1.0)):
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}")
    return read


def read_integers(value: ArrayLike, name: str, least: int) -> Counts:
    """Whole numbers of at least ``least``; floats are accepted when they are whole."""
    read = np.asarray(value)
    if read.dtype.kind not in "biuf" or not np.all(np.isfinite(read) & (read == np.floor(read))):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    if np.any(read < least):
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return read.astype(np.int64)


def read_integer(value: int, name: str, least: int) -> int:
    """One whole number of at least ``least``."""
    read = read_integers(value, name, least)
    if read.ndim:
        raise ValueError(f"{name} must be a single whole number, got {value!r}")
    return int(read)


def read_tally(
    successes: ArrayLike, n: ArrayLike, population: ArrayLike | None
) -> tuple[Counts, Counts, Counts | None]:
    """Successes, units and population size with 0 <= successes <= n <= population."""
    hits, units = read_integers(successes, "successes", 0), read_integers(n, "n", 0)
    if np.any(hits > units):
        raise ValueError(f"successes must not exceed n, got successes={successes!r}, n={n!r}")
    if population is None:
        return hits, units, None
    size = read_integers(population, "population", 1)
    if np.any(units > size):
        raise ValueError(f"n must not exceed population, got n={n!r}, population={population!r}")
    return hits, units, size


def read_unit_values(values: ArrayLike, name: str, population: int | None) -> Floats:
    """A 1-D array of numbers in [0, 1], no longer than the population it was drawn from."""
    read = np.asarray(values, dtype=np.float64)
    if read.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, got {read.ndim} dimensions")
    if not np.all((read >= 0.0) & (read <= 1.0)):
        raise ValueError(f"{name} must lie in [0, 1] and hold no NaN")
    if population is not None and read.size > read_integer(population, "population", 1):
        raise ValueError(
            f"{name} must not be longer than population, got {read.size} values of {population}"
        )
    return read
