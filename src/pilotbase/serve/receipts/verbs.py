"""What one can ask of receipts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class CheckRequest:
    file: Path = asked("The receipt, as the gateway gave it.", "网关给出的回执。")
    key: str = asked(
        "The base's public key (vkey), or a file that holds it.",
        "基地公钥 (vkey), 或存有公钥的文件。",
        default="",
    )
    request: Path | None = asked(
        "The request as it was sent, to be compared.", "所发送的请求, 用于比对。", default=None
    )
    answer: Path | None = asked(
        "The answer as it came, to be compared.", "所收到的回答, 用于比对。", default=None
    )
    usage: str = asked(
        "The usage id that the receipt has to be of.", "回执应对应的用量编号。", default=""
    )


@dataclass(frozen=True)
class CheckResponse:
    """Whether the receipt holds; ``problem`` says why not, ``receipt`` what it says."""

    holds: bool
    problem: dict[str, str] | None
    receipt: dict[str, Any] | None

    @property
    def exit_code(self) -> int:
        return 0 if self.holds else 3


@verb(
    "gateway.receipt.check",
    summary=Text(
        "Check a signed receipt of a call, with the base's public key and nothing else.",
        "只凭基地公钥核验调用回执。",
    ),
    changes=False,
    roles=("public",),
)
def check(context: Context, request: CheckRequest) -> CheckResponse:
    from pilotbase.serve.receipts.checking import checked

    given = request.request, request.answer
    found = checked(request.file, request.key, *given, usage=request.usage)
    problem = found.problem.as_dict() if found.problem is not None else None
    receipt = dict(found.receipt) if found.receipt is not None else None
    return CheckResponse(problem is None, problem, receipt)
