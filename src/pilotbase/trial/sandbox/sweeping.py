"""The end of a program's folder."""

from __future__ import annotations

import contextlib
import os
import shutil


def sweep(folder: str) -> None:
    """Remove the program's folder, also what it locked against its owner."""
    for where, names, _ in os.walk(folder):
        for name in (".", *names):
            path = os.path.join(where, name)
            with contextlib.suppress(OSError):
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
