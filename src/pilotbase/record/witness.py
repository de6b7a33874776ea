"""A witness: cosigns other bases' checkpoints, each only if it extends the one cosigned last.

What was cosigned is durable before the cosignature leaves. A kill in between costs nothing: the log
asks again, is told the size that was remembered, and gets the same checkpoint cosigned.
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.home import open_home
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record import keys
from pilotbase.record.adapters.sqlite_witness import WitnessState
from pilotbase.record.rules.checkpoint import Checkpoint
from pilotbase.record.rules.cosignature import CosignerKey, CosignerSecret
from pilotbase.record.rules.note import VerifierKey
from pilotbase.record.rules.witnessing import Refused, Request, judge, origin_of, verified

STATE = "witness.db"
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"


class Witness:
    """The witness of a home; close it, or use it as a context manager."""

    def __init__(self, context: Context, name: str = "") -> None:
        self._context = context
        self._name = name
        self.home: Path = open_home(context.home)
        self._state = WitnessState(self.home / STATE)

    def __enter__(self) -> Witness:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._state.close()

    @property
    def verifier(self) -> CosignerKey:
        """The witness's public key; the key is made on first use."""
        return self._secret().verifier

    def know(self, vkey: str) -> VerifierKey:
        """Cosign the checkpoints of this log from now on; a log may have several keys.

        Raises:
            RecordError: the key is malformed.
        """
        key = VerifierKey.parse(vkey)
        with self._state.turn():
            self._state.know(key.name, key.encode())
        return key

    def add_checkpoint(self, request: str) -> str:
        """The cosignature line for a request (see `pilotbase.record.rules.witnessing`).

        Raises:
            Refused: unknown log, bad signature, a fork, a rollback, or no proof.
            HomeError: the state cannot be kept. Then nothing is cosigned.
        """
        asked = Request.parse(request)
        origin, secret = origin_of(asked.checkpoint), self._secret()
        with self._state.turn():
            known = tuple(VerifierKey.parse(vkey) for vkey in self._state.keys(origin))
            checkpoint, text = verified(asked, known)
            seen = self._state.seen(origin)
            judge(asked, checkpoint, Checkpoint.parse(seen) if seen is not None else None)
            now = int(self._context.clock().timestamp())
            line = secret.cosign(text, now).line()
            self._state.remember(origin, text)
        return line

    def _secret(self) -> CosignerSecret:
        key = keys.load_witness(self.home)
        if key is None:
            with self._state.turn():
                key = keys.load_witness(self.home)
                if key is None:
                    key = keys.make_witness(self.home, self._context.entropy, self._name)
        return key


def answer(witness: Witness, body: bytes) -> tuple[int, str, bytes]:
    """Status, content type and body of the HTTP answer to a POST of ``add-checkpoint``."""
    try:
        line = witness.add_checkpoint(body.decode("utf-8", "replace"))
    except Refused as refused:
        kind = SIZE_TYPE if refused.body else TEXT_TYPE
        return refused.status, kind, (refused.body or f"{refused.reason.en}\n").encode()
    return 200, TEXT_TYPE, line.encode()


def refusal(refused: Refused, origin: str) -> RecordError:
    """A refusal as an error for whoever brought the request."""
    size = refused.body.strip()
    step = (
        Text(
            f"If the log did not fork, make the request again with --old {size}.",
            f"如日志并未分叉, 请以 --old {size} 重新生成请求。",
        )
        if size
        else Text(
            "A log is made known with --log VKEY; a fork is for its base to explain.",
            "可用 --log VKEY 登记日志; 若为分叉, 应由该基地说明。",
        )
    )
    code = f"witness.refused_{refused.status}"
    return RecordError(code, refused.reason, where=origin, next_step=step)
