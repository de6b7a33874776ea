"""What one can ask of the record: a module a subject, imported in the order a user meets them."""

# ruff: noqa: I001 - the order of these lines is the order of the commands in help and docs
from __future__ import annotations

from pilotbase.record.verbs.auditing import verify
from pilotbase.record.verbs.reading import show
from pilotbase.record.verbs.signing import checkpoint
from pilotbase.record.verbs.proving import prove, check

__all__ = ["check", "checkpoint", "prove", "show", "verify"]
