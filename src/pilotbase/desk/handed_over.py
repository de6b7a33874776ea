"""Evidence that somebody else hands over: was it signed, and is it of the plan that was agreed?

For trials that run where the data are: the owner runs the agreed file in a home of its own and
hands over a signed statement (`evidence export --as in-toto`). The base checks it without seeing a
row of the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb

FILE_BYTES_MAX = 16 * 2**20


@dataclass(frozen=True)
class EvidenceCheckRequest:
    file: Path = asked("The signed statement (in-toto).", "签名的声明 (in-toto)。")
    key: str = asked(
        "The other's verifier key, as you got it from them.", "对方的验证密钥 (由对方直接提供)。"
    )
    plan: Path | None = asked(
        "The signed plan that was witnessed: is the statement of this plan?",
        "经见证的签名计划: 声明是否属于此计划?",
        default=None,
    )
    scenario: Path | None = asked(
        "The scenario file that was agreed: is the statement of this file?",
        "商定的场景文件: 声明是否属于此文件?",
        default=None,
    )


@dataclass(frozen=True)
class EvidenceCheckResponse:
    """A statement whose signature holds.

    ``tests`` are criteria by ``passedTests``, ``warnedTests`` and ``failedTests``; ``same_plan``
    and ``same_scenario`` are None where nothing was given to compare with. ``signer`` is the name
    of the key.
    """

    signer: str
    candidate: str
    verdict: str
    tests: dict[str, list[str]]
    run: str
    witness: str
    plan: str
    scenario: str
    data: str
    same_plan: bool | None
    same_scenario: bool | None


@verb(
    "evidence.check",
    summary=Text(
        "Check evidence that somebody else signed, e.g. of a trial that ran where the data are.",
        "核验他人签名的证据, 例如在数据所在处运行的试验。",
    ),
    changes=False,
    roles=("case officer", "evaluator", "public"),
)
def evidence_check(context: Context, request: EvidenceCheckRequest) -> EvidenceCheckResponse:
    from pilotbase.kernel.errors import RecordError
    from pilotbase.record.inputs import verifier_key
    from pilotbase.record.rules.dsse import opened

    key = verifier_key(request.key)
    kind, body = opened(_bytes(request.file), key)
    try:
        return _said(
            key.name, kind, body, _plan_hash(request.plan), _scenario_hash(request.scenario)
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RecordError(
            "evidence.no_statement",
            Text("the envelope holds no statement on a verdict", "信封中没有关于结论的声明"),
            where=str(request.file),
            next_step=Text(
                "The owner makes one: pilotbase evidence export RUN --as in-toto.",
                "由数据所有者生成: pilotbase evidence export 试验 --as in-toto。",
            ),
        ) from error


def _said(
    signer: str, kind: str, body: bytes, agreed: str | None, meant: str | None
) -> EvidenceCheckResponse:
    from pilotbase.kernel.canonical import decode
    from pilotbase.register.documents.attestation import LISTS, PAYLOAD, STATEMENT, TEST_RESULT

    said: Any = decode(body)
    if (kind, said["_type"], said["predicateType"]) != (PAYLOAD, STATEMENT, TEST_RESULT):
        raise ValueError("another kind of statement")
    predicate = said["predicate"]
    parts = {part["name"]: part for part in predicate["configuration"]}
    hashes = {name: "sha256:" + str(part["digest"]["sha256"]) for name, part in parts.items()}
    about, run = said["subject"][0], parts["plan"]["annotations"]
    return EvidenceCheckResponse(
        signer=signer,
        candidate=str(about["name"]),
        verdict=str(about["annotations"]["verdict"]),
        tests={name: [str(test) for test in predicate[name]] for name in LISTS.values()},
        run=str(run["run"]),
        witness=str(run["witness"]),
        plan=hashes["plan"],
        scenario=hashes["scenario"],
        data=hashes["data"],
        same_plan=None if agreed is None else agreed == hashes["plan"],
        same_scenario=None if meant is None else meant == hashes["scenario"],
    )


def _plan_hash(file: Path | None) -> str | None:
    """The hash in a signed plan. Its signature is the owner's, so the hash alone is compared."""
    from pilotbase.record.rules import note

    if file is None:
        return None
    lines = note.parse(_bytes(file).decode("utf-8", "replace")).text.splitlines()
    return lines[2] if len(lines) == 3 else ""


def _scenario_hash(file: Path | None) -> str | None:
    from pilotbase.kernel.canonical import digest
    from pilotbase.scenario.read import read_scenario
    from pilotbase.trial.plan import written

    return digest(written(read_scenario(file, trust=True).scenario)) if file else None


def _bytes(file: Path) -> bytes:
    from pilotbase.kernel.errors import InputError
    from pilotbase.kernel.home import read_attached

    return read_attached(
        file, FILE_BYTES_MAX, lambda said: InputError("file.missing", said, where=str(file))
    )
