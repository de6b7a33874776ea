"""What an operator can ask of a running gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb


@dataclass(frozen=True)
class CallsRequest:
    follow: bool = asked(
        "Go on and show each call as it ends, until Ctrl-C.",
        "持续显示每次结束的调用, 直至 Ctrl-C。",
        default=False,
    )
    address: str = asked(
        "Where the gateway listens.", "网关地址。", default="http://127.0.0.1:8470"
    )
    key: str = asked(
        "The environment variable that holds a key with the scope operate.calls.",
        "存有权限含 operate.calls 的密钥的环境变量。",
        default="PILOTBASE_KEY",
    )


@dataclass(frozen=True)
class CallsResponse:
    """Calls under way and the latest that ended, the oldest first.

    Attributes:
        processes: ids of the gateway processes that answered. live: of each call ``{"usage",
            "filing", "door", "operation", "key", "for", "upstream", "state", "since", "seconds"}``.
        ended: likewise, with ``"outcome"``, ``"code"``, tokens and charge in place of the state.
    """

    processes: tuple[str, ...]
    live: tuple[dict[str, Any], ...]
    ended: tuple[dict[str, Any], ...]


@verb(
    "gateway.calls",
    summary=Text(
        "Show the calls that are under way at a running gateway, and the latest that ended.",
        "显示运行中网关的进行中调用与最近结束的调用。",
    ),
    changes=False,
    roles=("compute operator", "case officer"),
)
def calls(context: Context, request: CallsRequest) -> CallsResponse:
    from pilotbase.serve.telemetry.asking import seen

    return seen(request)
