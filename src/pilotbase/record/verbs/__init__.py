"""What one can ask of the record: a module a subject, in the order a user meets them.

A verb is found here when it is asked for (PEP 562), so that the help of the whole program does not
have to import all subjects.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pilotbase.kernel.verb import Verb

SUBJECTS = (
    "auditing", "reading", "signing", "proving", "publishing", "witnessing", "asking", "duties",
    "vault", "keeping",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    for subject in SUBJECTS:
        found = vars(import_module(f"{__name__}.{subject}")).get(name)
        if isinstance(found, Verb):
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
