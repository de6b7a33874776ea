"""Pilotbase: one scenario file in, an accountable AI service out.

>>> from pilotbase import Base
>>> base = Base("home")                      # doctest: +SKIP
>>> base.run("scenario.yaml").chosen         # doctest: +SKIP

`Base` is loaded on first use, so that ``import pilotbase`` and the command line's help stay quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pilotbase.kernel.errors import PilotbaseError

if TYPE_CHECKING:
    from pilotbase.faces.python import Base

__all__ = ["Base", "PilotbaseError", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "Base":
        from pilotbase.faces.python import Base

        return Base
    raise AttributeError(f"module 'pilotbase' has no attribute {name!r}")
