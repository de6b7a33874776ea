"""Open Inference Protocol v2 beside inference: health, readiness, what a model takes.

Health and readiness are for everybody, like the register; what a model takes is asked of its
upstream and told to keys that open it.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from pilotbase.kernel import canonical
from pilotbase.serve.call import Refused, Route
from pilotbase.serve.doors.about import About
from pilotbase.serve.doors.oip import named_version, refusal, version_of
from pilotbase.serve.doors.openai_models import key_of
from pilotbase.serve.gateway.headers import register_path
from pilotbase.serve.gateway.serving import Serving


def paths(serving: Serving) -> list[Path]:
    """``/v2`` and what is below it, but for inference."""
    about = About(serving)

    async def server(request: Request) -> Response:
        extensions = ["binary_tensor_data"]
        return _json({"name": "pilotbase", "version": version("pilotbase"),
                      "extensions": extensions})  # fmt: skip

    async def live(request: Request) -> Response:
        return _json({"live": True})

    async def ready(request: Request) -> Response:
        well = not serving.stopping and bool(serving.gate.routes(serving.clock()))
        return _json({"ready": well}, 200 if well else 503)

    async def model_ready(request: Request) -> Response:
        try:
            route = _route(serving, request)
        except Refused as refused:
            return _refused(refused)
        return _json({"name": route.service, "ready": True})

    async def model(request: Request) -> Response:
        try:
            route = _route(serving, request)
            serving.gate.admit(key_of(request), route, serving.clock())
        except Refused as refused:
            return _refused(refused)
        return _json(_metadata(route, await about.of(route)))

    below = [("", model), ("/ready", model_ready)]
    return [
        Path("/v2", server),
        Path("/v2/health/live", live),
        Path("/v2/health/ready", ready),
        *(Path(f"/v2/models/{{model}}{end}", what) for end, what in below),
        *(Path(f"/v2/models/{{model}}/versions/{{version}}{end}", what) for end, what in below),
    ]


def _route(serving: Serving, request: Request) -> Route:
    """The route that a path names. Raises Refused."""
    model, version = request.path_params["model"], request.path_params.get("version", "")
    at = serving.clock()
    return serving.gate.route(named_version(serving.gate, model, version, at), at)


def _metadata(route: Route, said: dict[str, Any]) -> dict[str, Any]:
    """As the protocol has it; what the service rests on stands among the parameters."""
    parameters = said.get("parameters")
    more = {
        "filing": route.filing,
        "principal": route.principal,
        "verdict": route.verdict,
        "expires": route.expires_at,
        "source": route.source,
        "register": register_path(route.filing),
    }
    return {
        "name": route.service,
        "versions": [version_of(route)] if version_of(route) else [],
        "platform": str(said.get("platform", "")),
        "inputs": said.get("inputs", []),
        "outputs": said.get("outputs", []),
        "parameters": {**(parameters if isinstance(parameters, dict) else {}), **more},
    }


def _json(said: object, status: int = 200) -> Response:
    return Response(canonical.encode(said), status, media_type="application/json")


def _refused(refused: Refused) -> Response:
    block, body = refusal(refused)
    lines = (line.split(": ", 1) for line in block.decode("ascii").split("\r\n") if line)
    return Response(body, refused.status, {name: value for name, value in lines})
