"""Are the estimators that a candidate names installed, with these parameters? Without any data."""

from __future__ import annotations

from collections.abc import Iterator

from pilotbase.kernel.errors import CandidateError
from pilotbase.scenario.offer import Candidate
from pilotbase.trial.candidates.naming import (
    LIBRARIES,
    accepted_parameters,
    built,
    check_parameters,
    class_named,
)

Place = tuple[str | int, ...]


def misnamed(candidate: Candidate) -> Iterator[tuple[Place, CandidateError]]:
    """Where the candidate names a class or a parameter that does not exist, and the nearest name.

    Only classes of scikit-learn and statsmodels are looked up: other code is not imported before a
    trial begins in a process of its own.
    """
    named: list[tuple[Place, str, dict[str, object]]] = [
        (("steps", at, "estimator"), step.estimator, dict(step.parameters))
        for at, step in enumerate(candidate.steps)
    ]
    if candidate.estimator is not None:
        named.append((("estimator",), candidate.estimator, candidate.parameters))
    for place, path, parameters in named:
        if path.split(".")[0] not in LIBRARIES:
            continue
        try:
            if path.startswith("statsmodels."):  # these want their data when they are made
                found = class_named(path, trust=False)
                check_parameters(path, parameters, accepted_parameters(found))
            else:
                built(path, parameters, seed=1, trust=True)
        except CandidateError as error:
            yield place, error
