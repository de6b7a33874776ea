"""Cells of a table compared with values of the scenario file. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from pilotbase.scenario.section import Scalar

Path = tuple[str | int, ...]


def same_value(value: Any, named: Scalar) -> bool:
    """Whether a cell equals a value of the scenario file: 1 and 1.0 do, 1 and "1" too."""
    return plain_text(value) == plain_text(named)


def plain_text(value: Any) -> str:
    """A value as a reader writes it: 1.0 as 1, True as true."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    return str(value)
