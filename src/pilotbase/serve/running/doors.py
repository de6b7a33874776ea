"""Which protocols a gateway speaks: doors by name, each read only where it is wanted.

A door brings what reads its calls (``door_of``), what puts its operations to upstreams
(``dialects``) and pages of its own (``paths``). One that needs a library of its own says in its
error which extra to install.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text

if TYPE_CHECKING:  # the parent process asks for names only
    from starlette.routing import BaseRoute

    from pilotbase.serve.call import Operation
    from pilotbase.serve.doors.beside import Beside
    from pilotbase.serve.gateway.server import DoorOf
    from pilotbase.serve.gateway.serving import Serving
    from pilotbase.serve.ports import Dialect, Door

USUAL = "openai,oip"
NEEDS = {"mcp": ("mcp",), "a2a": ("a2a", "sse_starlette")}
_ADDRESS = re.compile(
    r"https?://[A-Za-z0-9.\-]+(?::\d{1,5})?|https?://\[[0-9A-Fa-f:]+\](?::\d{1,5})?"
)


@dataclass(frozen=True)
class Mounted:
    """What a door brings; empty where it has none of it."""

    door_of: DoorOf | None = None
    dialects: Mapping[Operation, Dialect] = field(default_factory=dict)
    paths: Sequence[BaseRoute] = ()


def openai(serving: Serving, beside: Beside | None) -> Mounted:
    """Chat completions, responses, embeddings, models."""
    from pilotbase.serve.doors.openai import DIALECTS, door_of
    from pilotbase.serve.doors.openai_models import paths

    return Mounted(door_of, DIALECTS, paths(serving))


def oip(serving: Serving, beside: Beside | None) -> Mounted:
    """Open Inference Protocol v2: tensors in, tensors out."""
    from pilotbase.serve.doors.oip import DIALECTS, door_of
    from pilotbase.serve.doors.oip_pages import paths

    return Mounted(door_of(serving.gate, serving.clock), DIALECTS, paths(serving))


def mcp(serving: Serving, beside: Beside | None) -> Mounted:
    """The Model Context Protocol: services as tools."""
    with _needs("mcp"):
        from pilotbase.serve.doors.mcp_server import paths

    return Mounted(None, upstream_dialects(), paths(serving, beside))


def a2a(serving: Serving, beside: Beside | None) -> Mounted:
    """A2A: services as agents with cards."""
    if beside is None:
        raise ValueError("cards are signed by a base")
    with _needs("a2a"):
        from pilotbase.serve.doors.a2a_server import paths

        return Mounted(None, upstream_dialects(), paths(serving, beside))


def upstream_dialects() -> Mapping[Operation, Dialect]:
    """How services that are asked by plain arguments are put to upstreams; no SDK takes part."""
    from pilotbase.serve.doors.a2a_upstream import MessageDialect
    from pilotbase.serve.doors.mcp_upstream import ToolDialect
    from pilotbase.serve.doors.oip import OipDialect
    from pilotbase.serve.doors.openai import OpenAIDialect

    return {
        "tool": ToolDialect(),
        "message": MessageDialect(),
        "infer": OipDialect(),
        "chat": OpenAIDialect("chat"),
    }


@contextmanager
def _needs(name: str) -> Iterator[None]:
    """Raises RunError where the SDK is not installed."""
    try:
        yield
    except ImportError as error:
        raise RunError(
            "serve.door_missing",
            Text(f"the door {name} needs a library: {error.name or error}",
                 f"接口 {name} 需要安装: {error.name or error}"),
            where="--doors",
            next_step=Text("Install pilotbase[agents].", "请安装 pilotbase[agents]。"),
        ) from error  # fmt: skip


MOUNTS: dict[str, Callable[[Serving, Beside | None], Mounted]] = {
    "openai": openai,
    "oip": oip,
    "mcp": mcp,
    "a2a": a2a,
}


def installed() -> str:
    """The usual doors, and those whose SDK is there."""
    found = [name for name, libraries in NEEDS.items() if all(map(find_spec, libraries))]
    return ",".join((USUAL, *found))


def check_address(address: str) -> None:
    """Raises RunError where it is no ``https://host[:port]``."""
    if address and not _ADDRESS.fullmatch(address):
        raise RunError(
            "serve.no_address",
            Text(f"this is no address: {address[:80]}", f"不是地址: {address[:80]}"),
            where="--address",
            next_step=Text("Like https://host:port, without a path.",
                           "形如 https://host:port, 不含路径。"),
        )  # fmt: skip


def wanted(text: str) -> tuple[str, ...]:
    """Names of doors with commas between. Raises RunError for one that there is not."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in MOUNTS]
    if not names or unknown:
        name = unknown[0] if unknown else ""
        raise RunError(
            "serve.unknown_door",
            Text(f"no door is called {name!r}", f"没有名为 {name!r} 的接口协议"),
            where="--doors",
            next_step=Text(f"There are: {', '.join(MOUNTS)}.", f"可选: {', '.join(MOUNTS)}。"),
        )
    return names


def mounted(names: Sequence[str], serving: Serving, beside: Beside | None = None) -> Mounted:
    """The named doors as one; their dialects are known to the serving flow from now on."""
    found = [MOUNTS[name](serving, beside) for name in names]
    for one in found:
        serving.dialects.update(one.dialects)
    readers = [one.door_of for one in found if one.door_of is not None]

    def door_of(method: bytes, path: bytes) -> Door | None:
        for reader in readers:
            door = reader(method, path)
            if door is not None:
                return door
        return None

    first = readers[0] if len(readers) == 1 else door_of
    return Mounted(first, serving.dialects, [path for one in found for path in one.paths])
