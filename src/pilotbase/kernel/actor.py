"""Who acts: every step is done by a named person or body, in a role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pilotbase.kernel.text import Text

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

ROLES: dict[Role, Text] = {
    "scenario owner": Text("scenario owner", "场景需求方"),
    "provider": Text("provider", "供给方"),
    "case officer": Text("case officer", "经办人"),
    "data steward": Text("data steward", "数据管理人"),
    "compute operator": Text("compute operator", "算力运营方"),
    "evaluator": Text("evaluator", "评估人"),
    "verdict panel": Text("verdict panel", "评审组"),
    "signatory": Text("signatory", "签署人"),
    "finance": Text("finance", "财务"),
    "regulator": Text("regulator", "监管方"),
    "programme office": Text("programme office", "项目办"),
    "public": Text("public", "公众"),
}


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
