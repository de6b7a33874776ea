"""Refusals as OpenAI's clients expect them, with our code, both languages and the next step."""

from __future__ import annotations

import math
from typing import Any

from pilotbase.kernel import canonical
from pilotbase.kernel.text import Text
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.gateway.headers import register_path

JSON = b"content-type: application/json\r\n"
_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}


def refusal(refused: Refused) -> tuple[bytes, bytes]:
    """Header lines and body. Clients are told not to try again where waiting does not help."""
    block = JSON
    if refused.retry_after_s is not None:
        block += b"retry-after: %d\r\n" % max(1, math.ceil(refused.retry_after_s))
    else:
        block += b"x-should-retry: false\r\n"
    if refused.status == 401:
        block += b"www-authenticate: Bearer\r\n"
    return block, canonical.encode({"error": said(refused)})


def said(refused: Refused) -> dict[str, Any]:
    """The error itself; ``message`` says what to do next too, since clients show only that."""
    default = "invalid_request_error" if refused.status < 500 else "api_error"
    error: dict[str, Any] = {
        "message": f"{refused.message.en}. {refused.next_step.en}",
        "message_zh": f"{refused.message.zh}。{refused.next_step.zh}",
        "type": _KINDS.get(refused.status, default),
        "param": None,
        "code": refused.code,
    }
    if refused.where:
        error["where"] = refused.where
    if refused.filing:
        error["register"] = register_path(refused.filing)
    return error


def faulty(en: str, zh: str, status: int = 400, code: str = "serve.request") -> Refused:
    """What is wrong with a request's own form."""
    return Refused(status, code, Text(en, zh), Text("Correct the request.", "请更正请求。"))


def check_cases(count: int, route: Route) -> None:
    """Raises Refused where a request holds no case, or more than the service takes at once."""
    most = route.caps.cases_max
    if count <= 0:
        raise faulty("there is no row in it", "请求中没有任何一行", 400, "serve.no_cases")
    if count > most:
        raise faulty(
            f"{count} rows; this service takes from 1 to {most}",
            f"共 {count} 行; 该服务每次接受 1 至 {most} 行",
            413,
            "serve.too_many_cases",
        )
