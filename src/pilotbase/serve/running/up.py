"""Everything that is filed on this machine, served with a key that is made on the spot.

The key belongs to a party that says what it is, a local operator, and ends with the gateway.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pilotbase.catalog.adding import add_list
from pilotbase.catalog.parties.mandates import Wanted, create_key, revoke_key
from pilotbase.catalog.parties.registry import registry
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.record.views import catch_up
from pilotbase.serve.routes import why
from pilotbase.serve.routes.shown import served
from pilotbase.serve.routes.verbs import UpRequest
from pilotbase.serve.routes.views import TRIED
from pilotbase.serve.running.doors import installed
from pilotbase.serve.running.parent import Running, run

OPERATOR = "local-operator"
SCOPES = ("serve.call.*", "operate.*")
ENDED = "`pilotbase up` has ended"
PARTY = f"""\
catalog: 1
parties:
  - id: {OPERATOR}
    kind: person
    name: {{en: Whoever runs this machine, zh: 本机操作者}}
"""
Say = Callable[[Mapping[str, Any]], None]


def up(context: Context, request: UpRequest, say: Say) -> int:
    """Serve until it is ended; the exit code.

    Args:
        say: told twice: ``{"address", "processes", "pid"}`` when calls are taken, then, when the
            own workers are ready, ``{"address", "key", "until", "services", "refused",
            "workers", "examples"}``.

    Raises:
        InputError: a term that is none. RecordError: nothing was ever tried here.
    """
    key, text, until = _key(context, request.term)
    said: dict[str, Any] = {}

    def announce(ready: Mapping[str, Any]) -> None:
        said.update(ready)
        say(ready)

    def settled(workers: Mapping[str, Any]) -> None:
        found = served(context, development=False)
        shown = {"services": found.services, "refused": [*found.refused, *_not_filed(context)]}
        say({**said, "key": text, "until": until, **shown, **workers})

    try:
        return run(
            context,
            Running(host=request.host, port=request.port, doors=installed()),
            announce,
            settled,
        )
    finally:
        with open_record(context, create=False) as record:
            revoke_key(record, context, key, ENDED)


def _key(context: Context, term: str) -> tuple[str, str, str]:
    """Id, text and end of a new key."""
    with open_record(context, create=False) as record:
        if OPERATOR not in registry(record).book.parties:
            with tempfile.TemporaryDirectory() as folder:
                sheet = Path(folder, "party.yaml")
                sheet.write_text(PARTY, "utf-8")
                add_list(record, context, sheet)
        entry, text = create_key(record, context, OPERATOR, Wanted(SCOPES, until=term))
    return entry.body["key"], text, entry.body["until"]


def _not_filed(context: Context) -> list[dict[str, Any]]:
    """One candidate that was tried and is not filed, so that a refusal can be seen."""
    with open_record(context, create=False) as record:
        tried = catch_up(record, [TRIED])[TRIED.name]["candidates"]
    failed = [name for name, one in sorted(tried.items()) if one["verdict"] == "no-go"]
    found = [why.not_filed(name, tried[name]["verdict"]) for name in failed[:1]]
    return [
        {"filing": one.where, "code": one.code, "message": one.message.as_dict()} for one in found
    ]
