"""API keys: where they are read from, and how they are kept out of whatever is written.

A key lives in the memory of the process that sends it and nowhere else. An endpoint may say it back
to us (in an error, in a debugging page, in the answer itself); what is kept is scrubbed first.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text
from pilotbase.scenario.offer import Key

CHARACTERS_MAX = 4096
CHARACTERS_MIN = 8
REDACTED = "[redacted]"
PREFIX = "PILOTBASE_KEY_"
_VISIBLE = re.compile(r"[!-~]+", re.ASCII)


class Secret:
    """A key that shows itself only to whoever asks for it by `reveal`."""

    __slots__ = ("_forms", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        raw = value.encode()
        escaped = json.dumps(value)[1:-1].encode()
        in_base64 = base64.b64encode(raw).rstrip(b"=")
        wide = (value.encode("utf-16-le"), value.encode("utf-16-be"))
        self._forms = (raw, escaped, in_base64, quote(value, safe="").encode(), *wide)

    def reveal(self) -> str:
        return self._value

    def scrub(self, body: bytes) -> bytes:
        """The body without the key: as it is, in base64, in a URL, in UTF-16, or escaped in JSON.

        Against a server's carelessness: one that wants to tell the world its own key can do so
        without us.
        """
        body = self._without(body)
        if b"\\u" not in body and b"\\/" not in body:
            return body
        try:  # JSON may spell any letter by its number: where that hides the key, it is rewritten
            plain = json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
        except (ValueError, RecursionError):
            return body
        found = self._without(plain)
        return body if found == plain else found

    def _without(self, body: bytes) -> bytes:
        for form in self._forms:
            if form in body:
                body = body.replace(form, REDACTED.encode())
        return body

    def scrub_text(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self._value, REDACTED)

    def __repr__(self) -> str:
        return f"Secret({REDACTED})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled: pass on where it lies")


def read_secret(
    key: Key, folder: Path, *, trust: bool, environment: Mapping[str, str] = os.environ
) -> Secret:
    """The key that the scenario names.

    A scenario file is data that somebody else may have written: without ``trust`` it can name only
    what was laid out for such files, or it could have any key of the user sent to any address.

    Args:
        folder: the scenario's folder; without ``trust`` the file lies in it or below.
        trust: any variable and any file may be named.

    Raises:
        CandidateError: it is not there, is readable by others, or is no key. Nothing of its
            content is in the error.
    """
    if key.env is not None:
        where = f"${key.env}"
        if not trust and not key.env.startswith(PREFIX):
            _refuse(where, *_FOREIGN_NAME, _OWN_NAME)
        text = environment.get(key.env, "")
        if not text:
            _refuse(where, "the environment variable is not set", "环境变量未设置", _SET)
    elif key.file is not None:
        where, path = key.file, Path(folder, key.file)
        if not trust and not path.resolve().is_relative_to(folder.resolve()):
            _refuse(where, *_FOREIGN_FILE, _OWN_FILE)
        text = _read_file(path, where)
    else:
        _refuse("key", "it says neither env nor file", "未写明 env 或 file")
    return Secret(_checked(text, where))


def _read_file(path: Path, where: str) -> str:
    """Opened without following what is swapped in between: mode and content are of one file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        said = error.strerror or "it cannot be read"
        _refuse(where, f"cannot be read: {said}", f"无法读取: {said}")
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            _refuse(where, "is no regular file", "不是普通文件")
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            _refuse(
                where,
                f"others than its owner may use it (mode {stat.S_IMODE(mode):o})",
                f"所有者以外的用户也可访问 (权限 {stat.S_IMODE(mode):o})",
                Text(f"Keep it to yourself: chmod 600 {where}", f"请运行 chmod 600 {where}"),
            )
        raw = os.read(descriptor, CHARACTERS_MAX + 3)
    finally:
        os.close(descriptor)
    try:
        return raw.decode("ascii").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        _refuse(where, *_NO_KEY)


def _checked(text: str, where: str) -> str:
    if len(text) > CHARACTERS_MAX or not _VISIBLE.fullmatch(text):
        _refuse(where, *_NO_KEY)
    if len(text) < CHARACTERS_MIN:
        # So short a text stands in answers by chance: it could not be told from them.
        _refuse(
            where,
            f"holds fewer than {CHARACTERS_MIN} characters, too few for a key",
            f"少于 {CHARACTERS_MIN} 个字符, 不足以作为密钥",
        )
    return text


_NO_KEY = (
    f"is no key: one line of at most {CHARACTERS_MAX} visible ASCII characters",
    f"不是密钥: 应为一行, 至多 {CHARACTERS_MAX} 个可见 ASCII 字符",
)
_FOREIGN_NAME = (
    f"a scenario file may name variables that start with {PREFIX} only",
    f"场景文件只能使用以 {PREFIX} 开头的环境变量",
)
_OWN_NAME = Text(
    f"Give the key such a name (export {PREFIX}MODEL=…), or use --trust if you trust the file.",
    f"请以此类名称提供密钥 (export {PREFIX}MODEL=…); 若信任该文件, 可加 --trust。",
)
_FOREIGN_FILE = ("lies outside the scenario's folder", "不在场景文件所在的文件夹内")
_OWN_FILE = Text(
    "Put the key file beside the scenario file, or use --trust if you trust the file.",
    "请将密钥文件放在场景文件旁; 若信任该文件, 可加 --trust。",
)
_SET = Text("Set it where you start pilotbase: export NAME=…", "请在启动前设置: export 名称=…")
_AGAIN = Text("Correct it and try again.", "请更正后重试。")


def _refuse(where: str, en: str, zh: str, next_step: Text = _AGAIN) -> NoReturn:
    raise CandidateError("endpoint.secret", Text(en, zh), where=where, next_step=next_step)
