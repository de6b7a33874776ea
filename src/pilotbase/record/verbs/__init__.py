"""What one can ask of the record: a module a subject, imported in the order a user meets them."""

# ruff: noqa: I001 - the order of these lines is the order of the commands in help and docs
from __future__ import annotations

from pilotbase.record.verbs.auditing import verify
from pilotbase.record.verbs.reading import show
from pilotbase.record.verbs.signing import checkpoint, rotate_key
from pilotbase.record.verbs.proving import prove, check
from pilotbase.record.verbs.publishing import publish, fetch
from pilotbase.record.verbs.witnessing import witness, request, accept
from pilotbase.record.verbs.asking import segments, query
from pilotbase.record.verbs.duties import overdue
from pilotbase.record.verbs.vault import list_, erase, expire, encrypt
from pilotbase.record.verbs.keeping import backup, restore, migrate

__all__ = [
    "accept",
    "backup",
    "check",
    "checkpoint",
    "encrypt",
    "erase",
    "expire",
    "fetch",
    "list_",
    "migrate",
    "overdue",
    "prove",
    "publish",
    "query",
    "request",
    "restore",
    "rotate_key",
    "segments",
    "show",
    "verify",
    "witness",
]
