"""A sealed test set as the other rooms see it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pilotbase.kernel.text import Text

if TYPE_CHECKING:
    import pandas as pd

GROUP_UNITS_MIN = 5
"""A group of fewer units would point to single cases."""


@dataclass(frozen=True)
class SealedSet:
    """What a sealed test set allows.

    Attributes:
        name: how scenarios call it. owner: who lent it.
        exposures: how many official runs may give back the results by group.
        names: whether reports may name single cases and say what went wrong in them.
        secret: 32 bytes that never leave the vault.
    """

    name: str
    owner: str
    exposures: int
    names: bool
    secret: bytes = field(repr=False)

    def pseudonym(self, seed: bytes, case: str) -> str:
        """The name of a case within one run: another one in each run, and nobody outside can tell
        which case it is (HMAC-SHA-256, RFC 2104)."""
        text = seed + b"\x00" + case.encode("utf-8", "surrogatepass")
        return "case-" + hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:16]


@dataclass(frozen=True)
class Unsealed:
    """The cases of a set, for an official run."""

    frame: pd.DataFrame
    set: SealedSet


Opener = Callable[[str], Unsealed]
"""How an official run reads a sealed set by its name."""


def meaning(exposure: int, allowed: int) -> Text:
    """What it means that a set is exposed for the ``exposure``-th time of ``allowed``."""
    if exposure < allowed:
        return Text(
            "Each exposure lets a provider learn a little about the set. Results by group are "
            "given back.",
            "每次使用都会让供给方对测试集略知一二。可返回分组结果。",
        )
    if exposure == allowed:
        return Text(
            "This was the last exposure that the owner allowed: the set is used up, fresh units "
            "are needed.",
            "这是所有者允许的最后一次使用: 测试集已用尽, 需要新的单元。",
        )
    return Text(
        "The set is used up: fresh units are needed. Only aggregates are given back, and a "
        "provider may have fitted to earlier results.",
        "测试集已用尽, 需要新的单元。只返回汇总结果, 且供给方可能已针对先前结果作过调整。",
    )
