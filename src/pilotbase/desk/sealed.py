"""What leaves a trial on a sealed test set: no text of a case, no expected answer, at any time.

Cases get names that hold for one run only, are asked in an order that nobody outside knows, and
every message that could quote one is put into words that do not. Groups go back while the owner's
budget of exposures lasts; after that, only aggregates.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pilotbase.catalog.sealed.sets import GROUP_UNITS_MIN, SealedSet, meaning
from pilotbase.kernel.errors import DataError, Fault, InputError
from pilotbase.kernel.text import Text
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.cases import Cases, Ints
from pilotbase.trial.leaks import Finding

QUIET = Text(
    "the sealed test set does not fit here; what it holds is not quoted ({code})",
    "封存测试集与此处不符; 其内容不予引用 ({code})",
)
TRY_OPEN = Text(
    "Check the scenario on the open file before it is sealed.", "请在封存前用原文件核查场景。"
)

COUNTS = frozenset({"acting", "audits", "cut", "estimates", "people", "sandbox", "trust"})
"""What stands beside evidence and only counts; whatever else may be there could quote a case."""


@contextmanager
def unquoted(is_sealed: bool) -> Iterator[None]:
    """Errors about the data without what they quote from them, where the data are sealed."""
    try:
        yield
    except DataError as error:
        if not is_sealed or error.code.startswith("sealed."):
            raise
        said = QUIET.format(code=error.code)
        # From None: a traceback would show the message that is left out.
        raise DataError("sealed.unfit", said, where="data.sealed", next_step=TRY_OPEN) from None


def unquoted_faults(faults: Sequence[Fault]) -> list[Fault]:
    """The same places in the file, without what the messages quote from the data."""
    return [
        dataclasses.replace(
            fault, message=QUIET.format(code=fault.code), expected=TRY_OPEN, nearest=None
        )
        for fault in faults
    ]


def unquoted_finding(finding: Finding) -> Finding:
    """A finding of the leak check without values of the data."""
    said = Text("leak check: {id}", "泄漏检查: {id}").format(id=finding.id)
    return dataclasses.replace(finding, text=said)


def masked(cases: Cases, kept: SealedSet | None, seed: bytes = b"") -> Cases:
    """The cases under names for this run only; as they are where they are open.

    Raises:
        DataError: a group so small that it points to single cases.
    """
    if kept is None:
        return cases
    for name, values in cases.groups.items():
        pairs = {(str(v), int(u)) for v, u in zip(values, cases.unit, strict=True)}
        if min(Counter(value for value, _ in pairs).values()) < GROUP_UNITS_MIN:
            raise _small_group(name)
    if kept.names:
        return cases
    ids = [kept.pseudonym(seed, unit) for unit in cases.unit_ids]
    return dataclasses.replace(cases, unit_ids=ids, names=[ids[u] for u in cases.unit])


def asked_order(order: Ints, kept: SealedSet, seed: bytes) -> Ints:
    """Another order than the committed one: what a provider's log and the published marks tell
    cannot be put side by side."""
    word = hashlib.sha256(b"asked" + seed + kept.secret).digest()
    draw = np.random.Generator(np.random.PCG64(int.from_bytes(word, "big")))
    return order[draw.permutation(len(order))]


def refuse_groups(scenario: Scenario, kept: SealedSet, exposure: int, path: Path) -> None:
    """Criteria by group would tell more than aggregates once the budget is used up.

    Raises:
        InputError: ``sealed.used_up``.
    """
    if exposure <= kept.exposures:
        return
    if any(c.gap_by or c.ratio_by or c.worst_of for c in scenario.acceptance):
        raise InputError(
            "sealed.used_up",
            Text(
                f"{kept.name}: exposure {exposure} of {kept.exposures}; criteria by group would "
                "give more than aggregates back",
                f"{kept.name}: 第 {exposure} 次使用, 许可 {kept.exposures} 次; 按分组的指标将返回"
                "汇总以外的结果",
            ),
            where=str(path),
            next_step=Text(
                "Seal fresh units, or leave the criteria by group out.",
                "请封存新的单元, 或去掉按分组的指标。",
            ),
        )


def returned(body: Mapping[str, Any], kept: SealedSet, exposure: int) -> dict[str, Any]:
    """What of an evidence body goes back."""
    beside = dict(body["beside"])
    estimates = dict(beside["estimates"])
    if exposure > kept.exposures:
        estimates["groups"] = []
    if not kept.names:
        estimates["confusion"] = []
        beside = {name: value for name, value in beside.items() if name in COUNTS}
    said = meaning(exposure, kept.exposures).as_dict()
    sealed = {"set": kept.name, "exposure": exposure, "exposures": kept.exposures, "means": said}
    return {**body, "beside": {**beside, "estimates": estimates, "sealed": sealed}}


def _small_group(name: str) -> DataError:
    return DataError(
        "sealed.small_group",
        Text(
            f"a group of {name!r} has fewer than {GROUP_UNITS_MIN} units: it would point to single "
            "cases",
            f"分组 {name!r} 中有少于 {GROUP_UNITS_MIN} 个单元的组, 会指向单个案例",
        ),
        where=f"groups.{name}",
        next_step=Text("Join small groups in `prepare`.", "请在 `prepare` 中合并过小的分组。"),
    )
