"""The process of a guard that runs aside: ``python -m pilotbase.serve.guards.child``.

The first line says which guard (pickled by the gateway, which started this process); every further
one is a message to look at. What a guard prints goes to standard error, not among the answers.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
from typing import Any

from pilotbase.serve.call import Route
from pilotbase.serve.guards.arranged import made
from pilotbase.serve.ports import Finding, Guard, Seen


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    plugin, settings, route = pickle.loads(base64.b64decode(sys.stdin.buffer.readline()))
    guard = made(plugin, settings)
    answers.write(b"ready\n")
    answers.flush()
    for line in sys.stdin.buffer:
        said = json.loads(line)
        findings = [_plain(one) for one in _looked(guard, route, said)]
        answers.write(json.dumps({"id": said["id"], "findings": findings}).encode() + b"\n")
        answers.flush()


def _looked(guard: Guard, route: Route, said: dict[str, Any]) -> list[Finding]:
    seen = Seen(route, said["part"], said["whole"], said["asked"])
    texts = said["texts"] if guard.reads == "texts" else [""]
    return [guard.look(text, seen) for text in texts]


def _plain(found: Finding) -> dict[str, Any]:
    refused = found.refused
    told = None if refused is None else {
        "status": refused.status,
        "code": refused.code,
        "message": [refused.message.en, refused.message.zh],
        "next_step": [refused.next_step.en, refused.next_step.zh],
        "where": refused.where,
    }  # fmt: skip
    return {"text": found.text, "flags": list(found.flags), "refused": told}


if __name__ == "__main__":
    main()
