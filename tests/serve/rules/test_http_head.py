"""Heads of requests and answers: what could be read in two ways is refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.serve.rules.http_head import HeadError, request_head, response_head

HOST = "Host: a\r\n"


def head(lines: str, first: str = "POST /v1/chat/completions HTTP/1.1") -> bytes:
    return f"{first}\r\n{lines}\r\n".encode("latin-1")


def test_what_a_head_says() -> None:
    said = request_head(
        head(HOST + "Authorization: Bearer k1\r\nContent-Type: application/json; charset=utf-8\r\n")
    )
    assert (said.method, said.path, said.key) == (b"POST", b"/v1/chat/completions", "k1")
    assert (said.media, said.length, said.keep) == (b"application/json", 0, True)
    assert request_head(head(HOST + "x-api-key: k2\r\n")).key == "k2"
    assert request_head(head(HOST + "Transfer-Encoding: chunked\r\n")).length == -1
    assert not request_head(head(HOST + "Connection: close\r\n")).keep


def test_who_may_go_on() -> None:
    """HTTP/1.0 has to ask for it, and knows no interim answers."""
    old = "POST / HTTP/1.0"
    assert not request_head(head("", old)).keep
    assert request_head(head("Connection: x, Keep-Alive\r\n", old)).keep
    assert not request_head(head("Connection: keep-alive\r\nConnection: close\r\n", old)).keep
    assert not request_head(head(HOST + "Connection: close\r\nConnection: x\r\n")).keep
    assert not request_head(head("Expect: 100-continue\r\n", old)).expects
    assert request_head(head(HOST + "Expect: 100-continue\r\n")).expects


SMUGGLED = {
    "both lengths": HOST + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "both, turned": HOST + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "two lengths": HOST + "Content-Length: 3\r\nContent-Length: 4\r\n",
    "twice the same": HOST + "Content-Length: 3\r\nContent-Length: 3\r\n",
    "a list of lengths": HOST + "Content-Length: 3, 3\r\n",
    "signed": HOST + "Content-Length: +3\r\n",
    "thousands of zeros": HOST + f"Content-Length: {'0' * 5000}3\r\n",
    "hexadecimal": HOST + "Content-Length: 0x3\r\n",
    "folded": HOST + "X: a\r\n b\r\n",
    "space before the colon": HOST + "Content-Length : 3\r\n",
    "other coding": HOST + "Transfer-Encoding: gzip, chunked\r\n",
    "coding twice": HOST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "hidden coding": HOST + "Transfer-Encoding: xchunked\r\n",
    "tab in the coding": HOST + "Transfer-Encoding:\x0bchunked\r\n",
    "bare line feed": HOST + "X: a\nContent-Length: 3\r\n",
    "control character": HOST + "X: a\x00b\r\n",
    "no host": "X: a\r\n",
    "two hosts": HOST + "Host: b\r\n",
    "two keys": HOST + "Authorization: Bearer a\r\nx-api-key: b\r\n",
    "compressed": HOST + "Content-Encoding: gzip\r\n",
    "many": HOST + "X: a\r\n" * 100,
    "long": HOST + "X: " + "a" * 20_000 + "\r\n",
    "upgrade": HOST + "Connection: upgrade\r\nUpgrade: h2c\r\n",
}


@pytest.mark.parametrize("lines", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_could_be_read_in_two_ways_is_refused(lines: str) -> None:
    with pytest.raises(HeadError):
        request_head(head(lines))


PATHS = [
    "/a/../b",
    "/a/%2e%2e/b",
    "//b",
    "/a\\b",
    "/a%2fb",
    "/a%00",
    "/..",
    "/a#b",
    "http://b/",
    "*",
]


@pytest.mark.parametrize("path", PATHS)
def test_tricks_in_a_path_are_refused(path: str) -> None:
    with pytest.raises(HeadError):
        request_head(head(HOST, f"POST {path} HTTP/1.1"))


ANSWERS = {
    "both lengths": "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "two lengths": "Content-Length: 3\r\nContent-Length: 4\r\n",
    "two types": "Content-Type: text/plain\r\nContent-Type: text/event-stream\r\n",
    "compressed": "Content-Encoding: gzip\r\nContent-Length: 3\r\n",
    "other coding": "Transfer-Encoding: gzip\r\n",
    "many": "X: a\r\n" * 100,
    "negative": "Content-Length: -3\r\n",
    "thousands of zeros": f"Content-Length: {'0' * 5000}3\r\n",
}


@pytest.mark.parametrize("lines", ANSWERS.values(), ids=ANSWERS.keys())
def test_answers_that_could_be_read_in_two_ways_are_refused(lines: str) -> None:
    with pytest.raises(HeadError):
        response_head(head(lines, "HTTP/1.1 200 OK"))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_a_fault(raw: bytes) -> None:
    for read in (request_head, response_head):
        for one in (raw, b"POST / HTTP/1.1\r\nHost: a\r\n" + raw, b"HTTP/1.1 200 OK\r\n" + raw):
            with contextlib.suppress(HeadError):
                read(one + b"\r\n\r\n")
