"""Gateway processes of one address tell each other what they see.

Whichever process a scraper happens to reach answers for all: each listens on a Unix socket in the
folder of its parent, which only that user may enter, and says what it is asked for in one JSON
document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

TOLD_BYTES_MAX = 16 * 2**20
WAIT_S = 1.0
_FORM = "gateway-{}.sock"

Tell = Callable[[], bytes]


class Siblings:
    """One process among its siblings.

    Args:
        folder: of the sockets. tells: by name, what can be asked for, as JSON.
    """

    def __init__(self, folder: Path, gateway: str, tells: Mapping[str, Tell]) -> None:
        self._folder, self._tells = folder, tells
        self._path = folder / _FORM.format(gateway)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises OSError."""
        self._server = await asyncio.start_unix_server(self._asked, self._path)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)

    async def all(self, name: str) -> list[bytes]:
        """What this process and every other that answers in time say."""
        others = [path for path in self._folder.glob(_FORM.format("*")) if path != self._path]
        said = await asyncio.gather(*(self._ask(path, name) for path in sorted(others)))
        return [self._tells[name](), *(one for one in said if one)]

    async def _asked(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(WAIT_S):
                name = (await reader.readline()).decode("ascii", "replace").strip()
                if name in self._tells:
                    writer.write(self._tells[name]())
                await writer.drain()
        writer.close()

    async def _ask(self, path: Path, name: str) -> bytes:
        """Empty where nobody answers; a socket that nobody listens at is taken away."""
        try:
            async with asyncio.timeout(WAIT_S):
                reader, writer = await asyncio.open_unix_connection(path)
                with suppress(OSError):
                    writer.write(name.encode() + b"\n")
                said = await reader.read(-1)
                writer.close()
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return b""
        except (OSError, TimeoutError):
            return b""
        return said if len(said) <= TOLD_BYTES_MAX else b""
