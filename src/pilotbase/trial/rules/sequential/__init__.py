"""Sequential evidence: verdicts that stay valid however often one looks.

Pure functions, numpy and scipy only. Counts and thresholds in; e-values, bounds and decisions
out. An e-value that reaches 1/alpha rejects its null with error at most alpha, at whatever time
it is looked at. The pages ``docs/en/rules/sequential-evidence.md`` and ``docs/en/rules/odds.md``
explain and run them.

- pass/fail units: :func:`bernoulli_evalue`, :func:`bernoulli_bound`, :func:`bernoulli_interval`
- values in [0, 1]: :func:`bounded_evalue`, :func:`bounded_bound`, :func:`bounded_interval`
- two groups: :func:`difference_evalue`, :func:`difference_bound`
- one look: :func:`fixed_pvalue`, :func:`fixed_bound`
- planning: :func:`operating_characteristics`, :func:`units_to_decide`
- several hypotheses: :func:`e_holm`, :func:`e_bh`, :func:`holm`
- ties in a finite population: :func:`half_unit_threshold`
"""

from .arguments import Alternative, Side
from .bernoulli import bernoulli_evalue, log_bernoulli_evalue
from .bernoulli_bounds import bernoulli_bound, bernoulli_interval
from .bounded import (
    bounded_bound,
    bounded_evalue,
    bounded_interval,
    log_bounded_evalue,
    log_bounded_evalues,
)
from .counts import half_unit_threshold
from .difference import difference_bound, difference_evalue, log_difference_evalue
from .fixed import fixed_bound, fixed_pvalue
from .horizon import units_to_decide, units_to_decide_bounded
from .multiplicity import e_bh, e_holm, holm
from .odds import OperatingCharacteristics, operating_characteristics

__all__ = [
    "Alternative",
    "OperatingCharacteristics",
    "Side",
    "bernoulli_bound",
    "bernoulli_evalue",
    "bernoulli_interval",
    "bounded_bound",
    "bounded_evalue",
    "bounded_interval",
    "difference_bound",
    "difference_evalue",
    "e_bh",
    "e_holm",
    "fixed_bound",
    "fixed_pvalue",
    "half_unit_threshold",
    "holm",
    "log_bernoulli_evalue",
    "log_bounded_evalue",
    "log_bounded_evalues",
    "log_difference_evalue",
    "operating_characteristics",
    "units_to_decide",
    "units_to_decide_bounded",
]
