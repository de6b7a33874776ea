"""What the parent tells a gateway process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Order:
    """What a gateway process is told, as JSON on its command line.

    ``socket`` is the number of the listening socket that it has inherited, ``sockets`` the folder
    of the own workers' sockets, ``doors`` the protocols, ``drain`` the seconds that calls under way
    get at the end. ``metrics`` is the number of the socket where ``/metrics`` needs no key, or -1;
    ``log`` and ``export`` are as in `telemetry.opened`. ``address`` is the gateway's own, without a
    path; agent cards are signed for it.
    """

    home: str
    vault_key: str
    socket: int
    sockets: str
    development: bool
    doors: tuple[str, ...]
    drain: int
    metrics: int = -1
    log: str = ""
    export: bool = False
    address: str = ""

    def encoded(self) -> str:
        return json.dumps(asdict(self))
