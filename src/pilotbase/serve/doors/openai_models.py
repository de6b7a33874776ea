"""OpenAI's list of models: the services that the caller's key opens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from pilotbase.kernel import canonical
from pilotbase.kernel.text import Text
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.doors.openai_refusals import refusal
from pilotbase.serve.gateway.headers import register_path
from pilotbase.serve.gateway.serving import Serving
from pilotbase.serve.rules.http_head import HeadError, key_in


def paths(serving: Serving) -> list[Path]:
    """``/v1/models`` and ``/v1/models/{id}`` for an application."""

    async def many(request: Request) -> Response:
        try:
            found = opened(serving, key_of(request))
        except Refused as refused:
            return _refused(refused)
        return _json({"object": "list", "data": [model_of(one) for one in found]})

    async def one(request: Request) -> Response:
        at = serving.clock()
        try:
            route = serving.gate.route(request.path_params["name"], at)
            serving.gate.admit(key_of(request), route, at)
        except Refused as refused:
            return _refused(refused)
        return _json(model_of(route))

    return [Path("/v1/models", many), Path("/v1/models/{name:path}", one)]


def opened(serving: Serving, key: str) -> list[Route]:
    """The routes that a key opens. Raises Refused where it opens none."""
    at = serving.clock()
    found, why = list[Route](), None
    for route in serving.gate.routes(at):
        try:
            serving.gate.admit(key, route, at)
        except Refused as refused:
            why = refused
        else:
            found.append(route)
    if not found and why is not None:
        raise why
    return found


def model_of(route: Route) -> dict[str, object]:
    """A service as OpenAI's clients read a model; what it rests on stands beside it."""
    return {
        "id": route.filing,
        "object": "model",
        "created": 0,
        "owned_by": route.principal,
        "service": route.service,
        "title": route.title.as_dict(),
        "speaks": sorted(route.speaks),
        "verdict": route.verdict,
        "expires": route.expires_at,
        "source": route.source,
        "register": register_path(route.filing),
    }


def key_of(request: Request) -> str:
    try:
        return key_in(request.headers.raw)
    except HeadError as error:
        again = Text("Send one key.", "请只发送一个密钥。")
        raise Refused(400, "serve.request", Text(str(error), error.zh), again) from None


def _json(said: object) -> Response:
    return Response(canonical.encode(said), media_type="application/json")


def _refused(refused: Refused) -> Response:
    block, body = refusal(refused)
    lines = [line.split(": ", 1) for line in (block.decode("ascii")).split("\r\n") if line]
    return Response(body, refused.status, {name: value for name, value in lines})
