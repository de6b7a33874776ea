"""Everything that is filed on this machine, served with a key that is made on the spot.

The key belongs to a party that says what it is, a local operator, and ends with the gateway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.record.views import catch_up
from pilotbase.serve.routes import why
from pilotbase.serve.routes.shown import served
from pilotbase.serve.routes.verbs import UpRequest
from pilotbase.serve.routes.views import TRIED
from pilotbase.serve.running.doors import installed
from pilotbase.serve.running.own_key import own_key
from pilotbase.serve.running.parent import Running, run

Say = Callable[[Mapping[str, Any]], None]


def up(context: Context, request: UpRequest, say: Say) -> int:
    """Serve until it is ended; the exit code.

    Args:
        say: told twice: ``{"address", "processes", "pid"}`` when calls are taken, then, when the
            own workers are ready, ``{"address", "key", "until", "services", "refused",
            "workers", "examples"}``.

    Raises:
        InputError: a term that is none. RecordError: nothing was ever tried here. RunError: the
            address is taken; then no key was made.
    """
    said: dict[str, Any] = {}

    @contextmanager
    def keyed() -> Iterator[None]:
        with own_key(context, request.term) as key:
            said.update(key=key.text, until=key.until)
            yield

    def announce(ready: Mapping[str, Any]) -> None:
        said.update(ready)
        say(ready)

    def settled(workers: Mapping[str, Any]) -> None:
        found = served(context, development=False)
        shown = {"services": found.services, "refused": [*found.refused, *_not_filed(context)]}
        say({**said, **shown, **workers})

    running = Running(host=request.host, port=request.port, doors=installed())
    return run(context, running, announce, settled, within=keyed())


def _not_filed(context: Context) -> list[dict[str, Any]]:
    """One candidate that was tried and is not filed, so that a refusal can be seen."""
    with open_record(context, create=False) as record:
        tried = catch_up(record, [TRIED])[TRIED.name]["candidates"]
    failed = [name for name, one in sorted(tried.items()) if one["verdict"] == "no-go"]
    found = [why.not_filed(name, tried[name]["verdict"]) for name in failed[:1]]
    return [
        {"filing": one.where, "code": one.code, "message": one.message.as_dict()} for one in found
    ]
