"""Reading a published log (c2sp.org/tlog-tiles) from a folder or over HTTP, with a limit on all.

The reader is the standard library's: static files, one after the other, need no more, and whoever
checks a log should have little else to trust.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
import zlib
from dataclasses import replace
from http.client import HTTPMessage
from pathlib import Path
from typing import IO, Protocol

from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.text import Text
from pilotbase.record.rules import tiles
from pilotbase.record.rules.merkle import HASH_SIZE
from pilotbase.record.rules.tiles import CHECKPOINT, WIDTH, Flaw, Tile

SECONDS = 30.0
CHECKPOINT_SIZE_MAX = 2**20
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Source(Protocol):
    """Where the files of a published log are."""

    def read(self, path: str, limit: int) -> bytes | None:
        """A file's bytes, None when it is not there; of one longer than ``limit`` one more.

        Raises:
            RunError: it cannot be read.
        """
        ...


def source_of(where: str) -> Source:
    """The source that a URL or a folder's path names. Raises InputError for another scheme."""
    scheme, colon, _ = where.partition("://")
    if not colon:
        return Folder(Path(where))
    if scheme.lower() not in ("http", "https"):
        raise InputError(
            "fetch.bad_url", Text("only http and https", "仅支持 http 与 https"), where=where
        )
    return Web(where)


class Folder:
    """A published log in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, limit: int) -> bytes | None:
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            where = str(self._folder / path)
            raise _unreadable(where, error.strerror or str(error)) from error


class Web:
    """A published log behind a URL."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        host = urllib.parse.urlsplit(url).hostname or ""
        # A proxy is for going out; what runs on this machine is asked directly.
        direct = [urllib.request.ProxyHandler({})] if host in _LOOPBACK else []
        self._opener = urllib.request.build_opener(_SameSite, *direct)

    def read(self, path: str, limit: int) -> bytes | None:
        url = f"{self._url}/{path}"
        # The layout lets a server compress without having been asked; so both are understood.
        request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip, identity"})
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                # What does not compress grows a little.
                data = answer.read(limit + limit // 64 + 1024)
                encoding = answer.headers.get("Content-Encoding", "identity").lower()
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (404, 410):
                    return None
                raise _unreadable(url, f"HTTP {error.code}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreadable(url, str(error)) from error
        if encoding == "gzip":
            data = _unzipped(data, limit, url)
        elif encoding != "identity":
            raise _unreadable(url, f"Content-Encoding: {encoding}")
        return bytes(data[: limit + 1])


class _SameSite(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only within the same scheme, host and port."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            fp.close()
            site = f"{new.scheme}://{new.netloc}"
            en, zh = f"it redirects to another site, {site}", f"被重定向到其他站点 {site}"
            raise _unreadable(req.full_url, en, zh)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class StaticLog:
    """The files of a published log, each in its one right form; nothing is verified yet."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def checkpoint(self) -> str | None:
        data = self._source.read(CHECKPOINT, CHECKPOINT_SIZE_MAX)
        if data is not None and len(data) > CHECKPOINT_SIZE_MAX:
            raise _unreadable(CHECKPOINT, *_TOO_LONG)
        return data.decode("utf-8", "replace") if data is not None else None

    def entries(self, tile: Tile) -> list[bytes] | Flaw:
        """The entries of a bundle."""
        data = self._either(tile, tiles.BUNDLE_SIZE_MAX)
        return data if isinstance(data, Flaw) else tiles.read_bundle(data)[0][: tile.width]

    def hashes(self, tile: Tile) -> list[bytes] | Flaw:
        """The hashes of a tile."""
        data = self._either(tile, WIDTH * HASH_SIZE)
        return data if isinstance(data, Flaw) else tiles.read_tile(data)[: tile.width]

    def _either(self, tile: Tile, limit: int) -> bytes | Flaw:
        """A partial tile may have given way to the full one since the checkpoint was read."""
        for one in dict.fromkeys((tile, tile.full)):
            data = self._source.read(one.path, limit)
            if data is not None:
                flaw = tiles.flaw_of(one, data)
                if flaw is None or tiles.flaw_of(tile.full, data) is None:
                    return data
                return replace(flaw, index=min(flaw.index, tile.last))
        return tiles.missing(tile)


_TOO_LONG = (
    f"it is longer than {CHECKPOINT_SIZE_MAX} bytes",
    f"长于 {CHECKPOINT_SIZE_MAX} 字节",
)


def _unzipped(data: bytes, limit: int, where: str) -> bytes:
    unzip = zlib.decompressobj(wbits=31)
    try:
        whole = unzip.decompress(data, limit + 1)
    except zlib.error as error:
        raise _unreadable(where, f"gzip: {error}") from error
    if not unzip.eof and len(whole) <= limit:
        raise _unreadable(where, "gzip: cut short", "gzip: 被截断")
    return whole


def _unreadable(where: str, reason: str, zh: str = "") -> RunError:
    return RunError(
        "fetch.unreadable",
        Text(f"the log cannot be read: {reason}", f"无法读取日志: {zh or reason}"),
        where=where,
        next_step=Text("Try again later, or from another copy.", "请稍后重试, 或改用另一副本。"),
    )
