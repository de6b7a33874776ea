"""The papers of a run as its report reads them: parsed from the recorded bodies, so that what is
shown is what the record proves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.canonical import decode
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.register.documents.figures import at

FORMAT = "pilotbase/report/1"
EVIDENCE = "evidence:"


@dataclass(frozen=True)
class Papers:
    """The documents of a run, evidence by candidate, with the frame the desk put around them.

    Attributes:
        record: entries with their proofs, and the signed checkpoint.
        frame: what is left of the dossier.
        arms: what decisions say of person, AI and the two together, where there are any.
    """

    plan: Mapping[str, Any]
    verdict: Mapping[str, Any]
    evidence: Mapping[str, Mapping[str, Any]]
    scenario: Mapping[str, Any]
    order: Mapping[str, Any]
    record: Mapping[str, Any]
    frame: Mapping[str, Any]
    arms: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, dossier: Mapping[str, Any]) -> Papers:
        """The papers of a dossier.

        Raises:
            RecordError: another format, a body that is missing or no JSON, or a copy in the dossier
                that differs from its recorded body.
        """
        if dossier.get("format") != FORMAT:
            raise _faulty(
                Text(
                    f"a report is made of the format {FORMAT}, not {dossier.get('format')!r}",
                    f"报告须由 {FORMAT} 格式生成, 而不是 {dossier.get('format')!r}",
                )
            )
        bodies = {str(b["name"]): _parsed(b) for b in dossier["bodies"]}
        for name in ("plan", "verdict"):
            if name not in bodies:
                raise _faulty(
                    Text(f"the recorded body {name!r} is missing", f"缺少记录正文 {name!r}")
                )
        evidence = {
            name.removeprefix(EVIDENCE): body
            for name, body in bodies.items()
            if name.startswith(EVIDENCE)
        }
        seed = {"seed": dossier["order"]["seed"]}
        read = {
            "plan": bodies["plan"],
            "verdict": bodies["verdict"],
            "evidence": evidence,
            "scenario": bodies.get("scenario", dossier["scenario"]),
            "order": {**bodies.get("order", dossier["order"]), **seed},
            "record": dossier["record"],
        }
        for name, body in read.items():
            if dossier.get(name, body) != body:
                raise _faulty(
                    Text(
                        f"the {name} in the dossier differs from its recorded body",
                        f"卷宗中的 {name} 与其记录正文不一致",
                    )
                )
        frame = {k: v for k, v in dossier.items() if k not in (*read, "bodies")}
        frame["order"] = seed if "order" in bodies else read["order"]
        if "scenario" not in bodies:
            frame["scenario"] = read["scenario"]
        return cls(**read, frame=frame, arms=bodies.get("arms"))

    def at(self, path: str) -> Any:
        """The figure at ``verdict/candidates/0/verdict``, ``plan/alpha``, ``frame/witness`` …"""
        name, _, rest = path.partition("/")
        return at(getattr(self, name), rest)

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """The candidates of the verdict, in the order of the scenario file."""
        return list(self.verdict["candidates"])


def _parsed(body: Mapping[str, Any]) -> Any:
    try:
        return decode(str(body["body"]).encode())
    except ValueError as error:
        name = body["name"]
        raise _faulty(
            Text(f"the recorded body {name!r} is not JSON", f"记录正文 {name!r} 不是 JSON")
        ) from error


def _faulty(message: Text) -> RecordError:
    return RecordError(
        "report.faulty_dossier",
        message,
        next_step=Text(
            "Run `pilotbase record verify`, then `pilotbase report RUN` again.",
            "请运行 `pilotbase record verify`, 然后重新运行 `pilotbase report RUN`。",
        ),
    )
