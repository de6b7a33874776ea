"""Who acts: every step is done by a named person or body, in a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Role = Literal[
    "scenario owner",
    "provider",
    "case officer",
    "data steward",
    "compute operator",
    "evaluator",
    "verdict panel",
    "signatory",
    "finance",
    "regulator",
    "programme office",
    "public",
]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or body and the role it acts in.

    ``single_operator`` says plainly that one person holds every role on this machine; a shared base
    enforces the separation instead.
    """

    name: str
    role: Role
    single_operator: bool = True

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "role": self.role, "single_operator": self.single_operator}
