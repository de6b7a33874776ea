"""Loaders of data that ship inside installed packages; each is one short file and one entry point.

A loader is a callable without arguments that returns `Loaded`. It reads what is installed and
never the network. Yours is registered in the group ``pilotbase.datasets``; see docs, "Data".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from pilotbase.kernel.text import Text


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a loader hands over.

    Attributes:
        frame: one row a case; columns of numbers, truth values, text or dates; unique names.
        about: what the data are, who collected them and when, in both languages.
        source: where they come from: package and original source.
        licence: on which terms they may be used, as far as the package says.
    """

    frame: pd.DataFrame
    about: Text
    source: str
    licence: Text


Loader = Callable[[], Loaded]
