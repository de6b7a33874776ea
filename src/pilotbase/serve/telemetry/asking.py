"""Asks a running gateway for its calls, over HTTP and with an operator's key."""

from __future__ import annotations

import http.client
import json
import os
from typing import Any
from urllib.parse import urlsplit

from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.text import Text
from pilotbase.serve.telemetry.verbs import CallsRequest, CallsResponse
from pilotbase.serve.upstreams.reasons import no_connection

PATIENCE_S = 10.0
ANSWER_BYTES_MAX = 16 * 2**20


def seen(request: CallsRequest) -> CallsResponse:
    """The calls of now.

    Raises:
        InputError: no key in the environment, no address. RunError: the gateway cannot be reached,
            or does not take the key.
    """
    key = os.environ.get(request.key, "")
    if not key:
        said = Text(
            f"the variable {request.key} holds no key", f"环境变量 {request.key} 中没有密钥"
        )
        raise InputError("serve.no_key", said, where="--key")
    status, said_back = _asked(request.address, key)
    if status != 200:
        raise _not_shown(status, said_back, request.address)
    return CallsResponse(
        tuple(said_back["processes"]), tuple(said_back["live"]), tuple(said_back["ended"])
    )


def _asked(address: str, key: str) -> tuple[int, Any]:
    try:
        parts = urlsplit(address)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", "/calls.json", headers={"authorization": f"Bearer {key}"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read(ANSWER_BYTES_MAX))
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = Text("what answers there is none", "在此应答的并非网关")
        if isinstance(error, OSError):
            why = no_connection(error, PATIENCE_S).reason
        raise RunError(
            "serve.no_gateway",
            Text("no gateway answers there: {why}", "该地址没有网关应答: {why}").format(why=why),
            where=address,
            next_step=Text("Say where it listens with --address.", "请用 --address 指明网关地址。"),
        ) from error


def _not_shown(status: int, said: Any, address: str) -> RunError:
    try:
        message = Text(said["message"]["en"], said["message"]["zh"])
        code = str(said["error"])
    except (KeyError, TypeError):
        message, code = Text(f"it answers {status}", f"它返回 {status}"), "serve.no_gateway"
    return RunError(
        code,
        message,
        where=address,
        next_step=Text(
            "Make a key with the scope operate.calls, and put it into the environment.",
            "请创建权限含 operate.calls 的密钥, 并置于环境变量中。",
        ),
    )
