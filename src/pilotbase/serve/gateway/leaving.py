"""Has a client left, or has it only said all that it has to say?

Both look alike: the end of what it sends (FIN, RFC 9293). One that has left answers the next byte
with a reset; one that has shut down its sending side alone (``nc -N``, some HTTP/1.0 libraries)
takes it. So it is sent the first bytes of what it would be sent in any case, and its system's
answer is waited for.
"""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from contextlib import suppress

AHEAD = b"HTTP/1.1 "
"""What every answer begins with."""
DIGIT = b"0"
"""What the size of a chunk may begin with, the last one's too (RFC 9112, section 7.1)."""
_AT_ONCE = struct.pack("ii", 1, 0)


def has_left(transport: asyncio.Transport) -> bool:
    """Whether the other side has answered with a reset. Nothing is read and nothing cleared."""
    number = transport.get_extra_info("socket").fileno()
    if number < 0:
        return True
    found = select.poll()
    found.register(number, 0)  # errors and hang-ups are always told
    return bool(found.poll(0))


def reset(transport: asyncio.Transport) -> None:
    """End with a reset: for an answer that ends with its connection, an orderly end would mean
    that it is whole."""
    with suppress(OSError):
        name = transport.get_extra_info("socket")
        name.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
