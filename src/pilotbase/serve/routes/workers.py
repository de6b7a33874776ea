"""What the keeper of the own workers notes for gates and pages, in the sockets' folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STATES = "workers.json"


class Note:
    """The note, read again only when it was written again."""

    def __init__(self, sockets: str) -> None:
        self._path = Path(sockets, STATES) if sockets else None
        self._stamp = -1

    def changed(self) -> bool:
        """Whether it was written since it was last read."""
        if self._path is None:
            return False
        try:
            return self._path.stat().st_mtime_ns != self._stamp
        except OSError:
            return False

    def said(self) -> dict[str, Mapping[str, Any]]:
        """By name of filing or candidate: ``state``; where it cannot serve, ``error`` with
        ``{"code", "en", "zh"}``; where none serves for a while, ``again``, seconds since 1970."""
        return self._read()

    def states(self) -> dict[str, str]:
        """By name: waiting, starting, ready, refused or down."""
        return {name: one["state"] for name, one in self._read().items()}

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return {}
        try:
            self._stamp = self._path.stat().st_mtime_ns
            said: dict[str, Any] = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return said
