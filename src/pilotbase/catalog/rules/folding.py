"""One form for each way of writing the same characters."""

from __future__ import annotations

import re
import unicodedata

MARKS_MAX = 30  # combining marks in a row; as in the stream-safe text format of UAX #15


def folded(text: str) -> str:
    """Full and half width, capitals and compatibility forms as one (NFKC, case folding).

    Two texts of the same NFKC form fold alike, as long as no more than `MARKS_MAX` combining marks
    follow each other: later ones are dropped, since to order them takes quadratic time.

    >>> folded("ＡＢＣ　１２％")
    'abc 12%'
    """
    if text.isascii():
        return text.lower()
    marks = "".join(re.escape(c) for c in set(text) if unicodedata.combining(c))
    if marks:
        text = re.sub(f"([{marks}]{{{MARKS_MAX}}})[{marks}]+", r"\1", text)
    return unicodedata.normalize("NFKC", text).casefold()
