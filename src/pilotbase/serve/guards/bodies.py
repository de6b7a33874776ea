"""The texts in a message: where they stand in its JSON, and putting others in their places.

Every text in a request is one, names of members left out. In an answer, what a server writes about
itself (ids, the model's name, types) is left out as well, so that a random id is not taken for a
secret. Attachments in base64 are counted and not read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

DEPTH_MAX = 64
TEXTS_MAX = 20_000
OWN = frozenset(
    {
        "id", "object", "model", "system_fingerprint", "type", "role", "finish_reason", "status",
        "tool_call_id", "call_id", "item_id", "response_id", "service_tier", "created",
    }
)  # fmt: skip
_ATTACHED = frozenset({"url", "image_url", "file_data", "data", "b64_json"})

Place = tuple[Any, Any]
"""A dict or list and the key or index in it."""


def read(data: bytes) -> Any:
    """The message. Raises ValueError when it is no JSON that can be looked at."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise ValueError("no JSON") from error


write = msgspec.json.encode


def places(message: Any, part: str) -> tuple[list[Place], int]:
    """Where the texts stand, in reading order, and how many attachments were passed over.

    Raises:
        ValueError: too many texts, or too deep.
    """
    own = OWN if part == "answer" else frozenset[str]()
    found: list[Place] = []
    attached = 0
    waiting: list[tuple[Any, int]] = [([message], 0)]
    while waiting:
        node, depth = waiting.pop()
        inner = list[tuple[Any, int]]()
        for key, value in _members(node):
            if isinstance(value, str):
                if key in own:
                    continue
                if key in _ATTACHED and _is_attachment(value):
                    attached += 1
                    continue
                found.append((node, key))
            elif isinstance(value, (dict, list)):
                inner.append((value, depth + 1))
        if depth > DEPTH_MAX or len(found) > TEXTS_MAX:
            raise ValueError("too deep or too many texts")
        waiting += reversed(inner)
    return found, attached


def _members(node: Any) -> Iterator[tuple[Any, Any]]:
    return iter(node.items()) if isinstance(node, dict) else iter(enumerate(node))


def _is_attachment(value: str) -> bool:
    """Bytes in base64: a data URL of something else than text, or a long value without a blank."""
    if value.startswith("data:"):
        return not value.startswith("data:text") and ";base64," in value[:200]
    return len(value) > 4_096 and " " not in value and "\n" not in value[:100]
