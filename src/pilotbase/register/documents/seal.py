"""The seal: a digest of each part of the page, so that the file can name the part that was altered.

It guards against accidents and against hands that change a word or a figure; whoever rewrites the
whole file can seal it again, and the page says so. What the record proves does not rest on it.
"""

from __future__ import annotations

import hashlib
from html.parser import HTMLParser

_SPACE = str.maketrans("", "", " \t\n\r\f")
_VOID = frozenset({"br", "hr", "img", "input", "meta", "link", "wbr"})


def digest(text: str) -> str:
    """Hex SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def section_digests(html: str) -> dict[str, str]:
    """Name and digest of each element with a ``data-seal`` attribute.

    Hashed are its start tags, with attributes sorted, and its text without white space, in document
    order: what static/seal.js reads off the page as the browser built it.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return {name: digest("".join(parts)) for name, parts in reader.sections.items()}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sections: dict[str, list[str]] = {}
        self._open: list[str] | None = None
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs, opens=tag not in _VOID)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs, opens=False)

    def _start(self, tag: str, attrs: list[tuple[str, str | None]], *, opens: bool) -> None:
        said = dict(attrs)
        if self._open is None and "data-seal" in said:
            self._open = self.sections.setdefault(str(said["data-seal"]), [])
            self._depth = 0
        if self._open is not None:
            shown = "".join(f' {name}="{said[name] or ""}"' for name in sorted(said))
            self._open.append(f"<{tag}{shown}>")
            self._depth += opens

    def handle_endtag(self, tag: str) -> None:
        if self._open is not None:
            self._depth -= 1
            if self._depth == 0:
                self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.append(data.translate(_SPACE))
