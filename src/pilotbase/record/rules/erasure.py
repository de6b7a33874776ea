"""What the log says was erased from the vault. Pure, and total over whatever an entry holds."""

from __future__ import annotations

from pilotbase.kernel.canonical import decode

ERASED = "vault.erased/1"


def erased_by(entry: bytes) -> list[str]:
    """The commitments whose bodies the entry, a `ERASED` one, records as destroyed."""
    try:
        bodies = decode(entry)["body"]["bodies"]
        return [str(item["commitment"]) for item in bodies]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
