"""Templates of what a chat endpoint is sent: names in braces, ``{{`` and ``}}`` for braces."""

from __future__ import annotations

import re

PART = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


def template_names(prompt: str) -> tuple[str, ...]:
    """The names that a template asks for, each once, in their order.

    Raises:
        ValueError: a brace that stands alone, with what stands around it.

    >>> template_names("{{literal}} {documents} {question}")
    ('documents', 'question')
    """
    names: dict[str, None] = {}
    for match in PART.finditer(prompt):
        if match[0] in ("{", "}"):
            raise ValueError(prompt[max(0, match.start() - 10) : match.end() + 10])
        if match[1] is not None:
            names[match[1]] = None
    return tuple(names)
