"""What an answer says that it used, read without reading the rest of it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from pilotbase.serve.call import Usage

TOKENS_MAX = 2**40
NULL = msgspec.Raw(b"null")
Count = Annotated[int, msgspec.Meta(ge=0, le=TOKENS_MAX)]


class Said(msgspec.Struct):
    """Usage as chat and embeddings say it, or as responses do."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None


_decode = msgspec.json.Decoder(Said | None).decode


def take_usage(usage: Usage, raw: msgspec.Raw) -> bool:
    """Put down what is said; False where nothing usable is."""
    try:
        said = _decode(raw)
    except msgspec.DecodeError:
        return False
    if said is None:
        return False
    read = said.prompt_tokens if said.prompt_tokens is not None else said.input_tokens
    if read is None:
        return False
    written = said.completion_tokens if said.completion_tokens is not None else said.output_tokens
    usage.input_tokens, usage.output_tokens, usage.counted = read, written or 0, True
    return True
