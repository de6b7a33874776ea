"""Capital of a gambler who bets against a mean of values in [0, 1].

The one engine behind the e-values and bounds for bounded units and for differences.
Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting",
JRSS-B 2024; the mixture over constant stakes is Cover's universal portfolio (1991).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from .arguments import Floats

_NODES = 64
_BLOCK = 32  # values multiplied between two logarithms; no product leaves the range of doubles
_SLAB = 8192  # values held at once, so that memory does not grow with n
_FEW = 256  # values for which plain logarithms are quicker than blocks
MEAN_MIN = 1e-9  # smallest mean bet against: raising a mean only lowers the capital
TIE = 1e-12  # two means closer than this are the same mean: rounding, not evidence


@dataclass(frozen=True, slots=True)
class Stakes:
    """A fixed prior over stakes f in (0, 1): nodes and log weights, both of shape (J,)."""

    nodes: Floats
    log_weights: Floats


@cache
def uniform_stakes() -> Stakes:
    """f uniform on (0, 1), by Gauss-Legendre nodes.

    Exact for polynomials of degree below 128: on up to 127 values of 0 and 1 the capital is the
    uniform mixture of :func:`bernoulli_evalue`, and up to 20,000 it is within 2e-5 of its
    logarithm wherever that lies between -4 and 8. It is a capital process whatever its nodes.
    """
    points, weights = np.polynomial.legendre.leggauss(_NODES)
    return Stakes(0.5 * (points + 1.0), np.log(0.5 * weights))


@cache
def cautious_stakes() -> Stakes:
    """f of density 3/4 (1-f)/sqrt(f), that is Beta(1/2, 2): more weight on small stakes."""
    points, weights = np.polynomial.legendre.leggauss(_NODES // 2)
    root = 0.5 * (points + 1.0)
    mass = weights * (1.0 - root**2)
    return Stakes(root**2, np.log(mass / mass.sum()))


def growth(values: Floats, mean: float | Floats, population: int | None) -> Floats:
    """x/m - 1 for each value x: the return of a stake of one against the conditional mean m.

    m is what "the mean is ``mean``" says of the next value: ``mean`` itself, or without replacement
    (N*mean - sum so far) / (N - number so far). A stake f multiplies the capital by
    1 + f(x/m - 1) >= 1 - f >= 0, of conditional mean one when ``mean`` is true and at most one when
    the truth is smaller. Every such factor falls as ``mean`` grows, and log(1 + f(x/m - 1)) is
    convex in log m; both pass on to mixtures of products. Shape (n,), and (m, n) for a column of m
    means; without ``population`` whatever shape ``values`` has.
    """
    means: Floats | float = mean
    if population is not None:
        sum_before = np.cumsum(values) - values
        means = (population * mean - sum_before) / (population - np.arange(values.size))
    result: Floats = values / np.maximum(means, MEAN_MIN) - 1.0
    return result


def _blocks(returns: Floats) -> Floats:
    """Each row's consecutive values as columns of _BLOCK, filled up with returns of zero."""
    samples, size = returns.shape
    padded = np.zeros((samples, -(-size // _BLOCK) * _BLOCK))
    padded[:, :size] = returns
    return np.ascontiguousarray(padded.reshape(-1, _BLOCK).T)


def _log_block_growth(blocks: Floats, nodes: Floats) -> Floats:
    """log of the factor by which each stake's capital grows over each block; shape (J, blocks)."""
    capital = np.ones((nodes.size, blocks.shape[1]))
    for row in blocks:
        capital *= 1.0 + nodes[:, None] * row
    return np.log(capital)


def _log_mix(log_capitals: Floats) -> Floats:
    """Over the last axis."""
    peak = np.maximum.reduce(log_capitals, axis=-1, keepdims=True)
    mixed: Floats = peak[..., 0] + np.log(np.add.reduce(np.exp(log_capitals - peak), axis=-1))
    return mixed


def log_capital_path(returns: Floats, stakes: Stakes) -> Floats:
    """log of the mixed capital after each value; shape (n,) like ``returns``."""
    path: Floats = log_capital_paths(returns[None, :], stakes)[0]
    return path


def log_capital_paths(returns: Floats, stakes: Stakes) -> Floats:
    """:func:`log_capital_path` of each row; shape (samples, n) like ``returns``."""
    paths = np.empty(returns.shape)
    at_once = max(1, _SLAB // max(1, returns.shape[1]))
    for first in range(0, len(returns), at_once):
        rows = slice(first, first + at_once)
        paths[rows] = _paths(returns[rows], stakes)
    return paths


def _paths(returns: Floats, stakes: Stakes) -> Floats:
    samples, size = returns.shape
    paths = np.empty(returns.shape)
    start_capitals = np.repeat(stakes.log_weights[:, None, None], samples, axis=1)
    for start in range(0, size, _SLAB):
        piece = returns[:, start : start + _SLAB]
        blocks = _blocks(piece)
        grown = _log_block_growth(blocks, stakes.nodes).reshape(stakes.nodes.size, samples, -1)
        ends = start_capitals + np.cumsum(grown, axis=2)
        starts = np.concatenate([start_capitals, ends[:, :, :-1]], axis=2)
        starts = starts.reshape(stakes.nodes.size, -1)
        peak = starts.max(axis=0)
        capital, mixed = np.exp(starts - peak), np.empty(blocks.shape)
        for row, returned in enumerate(blocks):
            capital *= 1.0 + stakes.nodes[:, None] * returned
            mixed[row] = capital.sum(axis=0)
        logs = (peak + np.log(mixed)).T.reshape(samples, -1)
        paths[:, start : start + _SLAB] = logs[:, : piece.shape[1]]
        start_capitals = ends[:, :, -1:]
    return paths


def log_capital(returns: Floats, stakes: Stakes) -> float:
    """log of the mixed capital after all values."""
    return float(log_capitals(returns[None, :], stakes)[0])


def log_capitals(returns: Floats, stakes: Stakes, counts: Floats | None = None) -> Floats:
    """:func:`log_capital` of each row, shape (samples,); ``counts``: how often each value occurred.

    A row's number does not depend on the rows beside it, to the last bit.
    """
    few = returns.shape[1] <= _FEW
    if counts is None and not few:
        return np.array([_log_capital_by_blocks(row, stakes) for row in returns])
    logs = np.log1p(stakes.nodes[:, None] * returns[:, None, :])
    grown = np.add.reduce(logs, axis=2) if counts is None else logs @ counts
    return _log_mix(stakes.log_weights + grown)


def _log_capital_by_blocks(returns: Floats, stakes: Stakes) -> float:
    capitals = stakes.log_weights
    for start in range(0, returns.size, _SLAB):
        blocks = _blocks(returns[None, start : start + _SLAB])
        capitals = capitals + _log_block_growth(blocks, stakes.nodes).sum(axis=1)
    return float(_log_mix(capitals))
