"""Checking a receipt that lies in a file: its signature, and that it is of this very call."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotbase.kernel.canonical import GivenTwice, decode_once
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import read_attached
from pilotbase.kernel.text import Text
from pilotbase.record.inputs import verifier_key
from pilotbase.serve.rules.receipt import NO_RECEIPT, Checked, check

NO_HASH = Text(
    "the receipt was made of what was metered, and holds no hash to compare anything with",
    "该回执依据计量结果生成, 不含可用于比对的哈希",
)
NOTHING_OUT = Text(
    "the receipt names no answer: nothing of the service went out, but a refusal",
    "该回执未载明回答: 未发出服务的任何内容, 仅有拒绝",
)
NOT_OF_THIS = {
    "request": Text("the receipt is not of this request", "该回执与此请求不符"),
    "answer": Text("the receipt is not of this answer", "该回执与此回答不符"),
}
LINE_ENDS = Text(
    ", but of the same bytes without newlines, as `curl -d @file` sends them: send a file with "
    "--data-binary, or compare the bytes that were sent",
    "; 但与去掉换行符后的字节相符: `curl -d @文件` 会去掉换行符。请用 --data-binary 发送文件, "
    "或以实际发送的字节比对",
)
FILE_MAX, CONTENT_MAX = 2**20, 64 * 2**20


def checked(
    file: Path, key: str, request: Path | None, answer: Path | None, *, usage: str = ""
) -> Checked:
    """What comes of a receipt. A good receipt of another call is told by what it is compared with.

    Args:
        key: the base's public key, or the path of a file that holds it.

    Raises:
        InputError: no file, no key, or a key that is none.
    """
    if not key:
        raise InputError(
            "gateway.no_key",
            Text("the base's public key is needed", "需要基地公钥"),
            where="--key",
            next_step=Text(
                "Get it from the base: it lies in its home as keys/base.vkey.",
                "请向基地索取: 即其主目录中的 keys/base.vkey。",
            ),
        )
    if os.path.isfile(key):
        key = _read(Path(key), FILE_MAX).decode("utf-8", "replace").strip()
    verifier = verifier_key(key)
    try:
        document = decode_once(_read(file, FILE_MAX))
    except GivenTwice as error:
        return Checked(error.said)
    except (ValueError, RecursionError):
        return Checked(NO_RECEIPT)
    found = check(document, verifier)
    if found.problem is not None or found.receipt is None:
        return found
    if usage and found.receipt.get("usage") != usage:
        said = Text("the receipt is of another call", "该回执属于另一次调用")
        return Checked(said, found.receipt)
    for name, path in (("request", request), ("answer", answer)):
        problem = _compared(found.receipt, name, path) if path is not None else None
        if problem is not None:
            return Checked(problem, found.receipt)
    return found


def _compared(receipt: Mapping[str, Any], name: str, path: Path) -> Text | None:
    """Why a receipt is not of what a file holds, a ``request`` or an ``answer``."""
    if receipt.get("metered_only"):
        return NO_HASH
    content, digest = _read(path, CONTENT_MAX), receipt.get(name)
    if digest is None and name == "answer":
        return NOTHING_OUT
    if digest == _digest(content):
        return None
    bare = any(digest == _digest(one) for one in _without_line_ends(content))
    said = NOT_OF_THIS[name]
    return Text(said.en + LINE_ENDS.en, said.zh + LINE_ENDS.zh) if bare else said


def _without_line_ends(content: bytes) -> tuple[bytes, ...]:
    """What some clients send of a file: without its last newline, or (curl -d) without any."""
    return content.removesuffix(b"\n"), content.translate(None, b"\r\n\0")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(file: Path, most: int) -> bytes:
    def refused(message: Text) -> InputError:
        return InputError("gateway.no_file", message, where=str(file))

    return read_attached(file, most, refused)
