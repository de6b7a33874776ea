"""What OpenTelemetry says of its own troubles, without what it was given in confidence.

Its messages name headers that they cannot read, and addresses with all that stands in them: keys of
collectors among them. So only the sentence is passed on, with those of its values that can hold no
secret, and each sentence at most once a minute: a collector that is down is retried all the time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus

PERIOD_S = 60.0
SENTENCES_MAX = 200
_SPEAKER = "opentelemetry"
_WORDS = {"spans", "metrics", "logs", *(one.phrase for one in HTTPStatus)}
_log = logging.getLogger("pilotbase.serve")


class Troubles(logging.Handler):
    """Passes on what OpenTelemetry's loggers say."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._clock = clock
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """At most once in `PERIOD_S` for each sentence."""
        sentence, now = str(record.msg), self._clock()
        if now - self._told.get(sentence, now - PERIOD_S) < PERIOD_S:
            return
        if len(self._told) >= SENTENCES_MAX:
            self._told.clear()
        self._told[sentence] = now
        _log.log(record.levelno, "telemetry: %s", without_secrets(record))


def heard() -> None:
    """OpenTelemetry speaks through `Troubles` from now on, and in no other way."""
    logger = logging.getLogger(_SPEAKER)
    if not any(isinstance(one, Troubles) for one in logger.handlers):
        logger.addHandler(Troubles())
        logger.propagate = False


def without_secrets(record: logging.LogRecord) -> str:
    """The sentence, with numbers, kinds of errors and the words of HTTP in it; … for the rest.

    >>> def said(*words): return logging.LogRecord("", 30, "", 1, "it says %s", words, None)
    >>> without_secrets(said("Unauthorized")), without_secrets(said(OSError("of key=1")))
    ('it says Unauthorized', 'it says OSError')
    >>> without_secrets(said("authorization=Bearer of-mine"))
    'it says …'
    """
    words = record.args if isinstance(record.args, tuple) else ()
    try:
        sentence = str(record.msg) % tuple(_shown(word) for word in words)
    except (TypeError, ValueError):
        sentence = str(record.msg)
    kind = record.exc_info[0] if record.exc_info else None
    return f"{sentence} ({kind.__name__})" if kind else sentence


def _shown(word: object) -> object:
    if isinstance(word, int | float) or word is None:
        return word
    if isinstance(word, BaseException):
        return type(word).__name__
    return word if word in _WORDS else "…"
