"""The worker's process: limits first, then the proof, then the service on a socket it is given."""

from __future__ import annotations

import json
import logging
import os
import resource
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from pilotbase.kernel.errors import PilotbaseError
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.worker.answering import Answering, answering_of
from pilotbase.serve.worker.app import App
from pilotbase.serve.worker.proof import proven, refusal


@dataclass(frozen=True)
class Order:
    """What a worker is told, as JSON on its command line.

    ``socket`` is the number of the listening socket that it has inherited, ``memory_mb`` the most
    memory that it may take; ``version`` of the asset.
    """

    home: str
    vault_key: str
    name: str
    version: str
    filed: bool
    folder: str
    socket: int
    memory_mb: int


def main() -> None:
    """``python -c … ORDER``: serve until SIGTERM, or until whoever started it is gone."""
    told = os.dup(1)
    os.dup2(2, 1)  # estimators print as they fit: the keeper's line is not theirs
    order = Order(**json.loads(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (order.memory_mb * 2**20,) * 2)
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    model = _model(order)
    if isinstance(model, PilotbaseError):
        error = {"code": model.code, **model.message.as_dict()}
        said = {"en": model.render("en"), "zh": model.render("zh")}
        _tell(told, {"reason": said, "error": error})
    else:
        _tell(told, {"reason": None, "example": dict(model.example)})
    app = App(order.name, order.version, model)
    config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="off",
                            h11_max_incomplete_event_size=2**16, timeout_keep_alive=75)  # fmt: skip
    listening = socket.socket(fileno=order.socket)
    uvicorn.Server(config).run(sockets=[listening])


def _model(order: Order) -> Answering | PilotbaseError:
    key = Path(order.vault_key) if order.vault_key else None
    try:
        with open_record(Context(Path(order.home), vault_key=key), create=False) as record:
            made = proven(record, order.name, Path(order.folder), filed=order.filed)
        return answering_of(made)
    except Exception as error:  # whatever it is, callers are told
        return refusal(error)


def _tell(told: int, said: dict[str, Any]) -> None:
    """One line to whoever started it, and nothing more: why it cannot serve, or an example."""
    with open(told, "wb") as line:
        line.write(json.dumps(said).encode() + b"\n")


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
