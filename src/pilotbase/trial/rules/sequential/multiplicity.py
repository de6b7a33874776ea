"""Several hypotheses at once: which of them to reject.

Sources: Holm, Scandinavian Journal of Statistics 1979; Vovk and Wang, "E-values: calibration,
combination and applications", Annals of Statistics 2021; Hartog and Lei, "Family-wise error rate
control with e-values", arXiv 2501.09015 (the name e-Holm); Wang and Ramdas, "False discovery
rate control with e-values", JRSS-B 2022.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .arguments import Floats, read_alpha


def e_holm(evalues: ArrayLike, alpha: float) -> list[bool]:
    """Reject with family-wise error at most alpha, under any dependence of the e-values.

    Closed testing in which an intersection of hypotheses is rejected when the arithmetic mean
    of its e-values is at least 1/alpha (the mean of e-values is an e-value, whatever their
    dependence). Hypothesis i is rejected when every intersection that contains it is. The worst
    one adds exactly the e-values below 1/alpha, so the rule is a single threshold::

        e_i >= 1/alpha + sum over j != i of max(0, 1/alpha - e_j)

    It rejects all that Holm's procedure on 1/e rejects, and often more: (30, 30) at alpha = 0.05
    is rejected twice here and not at all there. The e-values must be those of one stopping time: a
    supremum over time is no e-value, for which there is :func:`holm` on p = 1/sup E.

    :param evalues: 1-D, each >= 0; +inf accepted.
    :return: one bool per e-value, in the given order.
    :raises ValueError: negative or NaN e-values; alpha outside (0, 1).
    """
    e, needed = _read_evalues(evalues), 1.0 / read_alpha(alpha)
    shortfall = np.maximum(0.0, needed - e)
    return _booleans((e >= needed) & (e >= needed + shortfall.sum()))


def e_bh(evalues: ArrayLike, alpha: float) -> list[bool]:
    """Reject with false discovery rate at most alpha, under any dependence of the e-values.

    Rejects the k largest for the largest k whose k-th largest e-value is at least m/(k*alpha).
    It bounds the expected share of false rejections, not the chance of a single one, and so is no
    closed test of family-wise error; a closure built for false discovery rate can only reject
    more (Xu and Ramdas, "Bringing closure to FDR control", arXiv 2504.11759).

    :param evalues: 1-D, each >= 0; +inf accepted.
    :return: one bool per e-value, in the given order.
    :raises ValueError: negative or NaN e-values; alpha outside (0, 1).
    """
    e, level = _read_evalues(evalues), read_alpha(alpha)
    ranks = np.arange(1, e.size + 1)
    enough = np.flatnonzero(np.sort(e)[::-1] >= e.size / (ranks * level))
    if not enough.size:
        return [False] * e.size
    return _booleans(e >= np.sort(e)[::-1][enough[-1]])


def holm(pvalues: ArrayLike, alpha: float) -> list[bool]:
    """Reject with family-wise error at most alpha, under any dependence of the p-values.

    Step down: the k-th smallest of m p-values is rejected while it is at most alpha/(m-k+1). It is
    closed testing in which an intersection of h hypotheses is rejected when its smallest p-value
    is at most alpha/h. For e-processes p = 1/sup E is a p-value (Ville).

    :param pvalues: 1-D, in [0, 1].
    :return: one bool per p-value, in the given order.
    :raises ValueError: p-values outside [0, 1] or NaN; alpha outside (0, 1).
    """
    p, level = np.asarray(pvalues, dtype=np.float64), read_alpha(alpha)
    if p.ndim != 1 or not np.all((p >= 0.0) & (p <= 1.0)):
        raise ValueError("pvalues must be one-dimensional, in [0, 1], without NaN")
    order = np.argsort(p, kind="stable")
    fine = p[order] <= level / np.arange(p.size, 0, -1)
    rejected = np.zeros(p.size, dtype=bool)
    rejected[order] = np.logical_and.accumulate(fine)
    return _booleans(rejected)


def _read_evalues(evalues: ArrayLike) -> Floats:
    e = np.asarray(evalues, dtype=np.float64)
    if e.ndim != 1 or not np.all(e >= 0.0):
        raise ValueError("evalues must be one-dimensional, at least 0, without NaN")
    return e


def _booleans(flags: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[bool]:
    return [bool(flag) for flag in flags]
