"""Random numbers that are the same everywhere: read off a hash, never off a library's generator.

NumPy promises equal streams only for the raw bits of its generators, not for what is drawn from
them (NEP 19). Another base has to re-run a trial to the same bytes years later, so each draw is
read off SHAKE256 (FIPS 202) of a name: its purpose, the plan's seed, the unit it concerns. So a
unit's draw does not depend on which other units there are, nor on their order.
"""

from __future__ import annotations

import hashlib

import numpy as np

from pilotbase.trial.cases import Floats, Ints


def uniforms(seed: int, purpose: str, key: str, count: int) -> Floats:
    """``count`` numbers in the open interval (0, 1), multiples of 2^-53.

    Args:
        seed: the plan's seed.
        purpose: what the numbers are for; different purposes never share numbers.
        key: the unit, column or repeat they belong to.
    """
    name = "\x00".join(("pilotbase/draws/1", purpose, str(seed), key))
    raw = hashlib.shake_256(name.encode()).digest(8 * count)
    # 52 bits and a half: exact in a double, and neither 0 nor 1 can come out.
    return ((np.frombuffer(raw, ">u8") >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normals(seed: int, purpose: str, key: str, count: int) -> Floats:
    """``count`` standard normal numbers: the inverse distribution function of `uniforms`."""
    from scipy.special import ndtri

    return np.asarray(ndtri(uniforms(seed, purpose, key, count)), np.float64)


def permutation(seed: int, purpose: str, key: str, count: int) -> Ints:
    """A uniformly random order of 0 … count-1."""
    return np.argsort(uniforms(seed, purpose, key, count), kind="stable").astype(np.int64)


def shuffled(seed: int, purpose: str, ids: list[str]) -> list[int]:
    """Positions of ``ids`` in a random order that depends on the ids, not on their positions."""

    def place(position: int) -> bytes:
        name = "\x00".join(("pilotbase/draws/1", purpose, str(seed), ids[position]))
        return hashlib.sha256(name.encode()).digest()

    return sorted(range(len(ids)), key=place)
