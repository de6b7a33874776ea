"""What the server takes from its clients at most."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds; times hold to within a quarter of a second.

    Attributes:
        connections_max: beyond it a connection is told to come later.
        bodies_bytes_max: of all requests together that are being read.
        head_s_max: from a head's first byte to its last, however it drips. body_s_max: likewise.
        half_s_max: for an answer to a client that sends no more.
        idle_s_max: a connection without a request. close_s_max: for the last bytes to be fetched.
        ahead_bytes_max: of requests sent before the one before them is answered.
    """

    connections_max: int = 4096
    body_bytes_max: int = 16 * 2**20
    bodies_bytes_max: int = 256 * 2**20
    ahead_bytes_max: int = 64 * 1024
    head_s_max: float = 10.0
    body_s_max: float = 60.0
    half_s_max: float = 600.0
    idle_s_max: float = 75.0
    close_s_max: float = 5.0
