"""Upstreams over TLS: real handshakes, with an authority of the operator's own."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.serve.gateway.rig import (
    SAID,
    STREAM_HEAD,
    Answer,
    ask,
    chat,
    chunked,
    gateway,
    post,
    route,
    saying,
    stream_of,
    upstream,
    whole,
)

ANSWER = whole(json.dumps(SAID).encode())
STREAMED = STREAM_HEAD + chunked(*(stream_of("好", "的").splitlines(keepends=True)))
HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


@dataclass
class Authority:
    """Signs certificates; nobody but who is told so trusts it."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    own: x509.Certificate

    @property
    def file(self) -> str:
        return str(self.folder / "authority.pem")

    def server(
        self,
        name: x509.GeneralName = HERE,
        until: timedelta = timedelta(days=1),
        *,
        by_itself: bool = False,
    ) -> ssl.SSLContext:
        """A server's side with a certificate for a name."""
        key = ec.generate_private_key(ec.SECP256R1())
        signer, issuer = (key, "server") if by_itself else (self.key, "authority")
        made = certificate("server", key, issuer, signer, until, name)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file = self.folder / f"{made.serial_number}.pem"
        file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    signer: ec.EllipticCurvePrivateKey,
    until: timedelta,
    name: x509.GeneralName | None = None,
) -> x509.Certificate:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            named(issuer), named(subject), key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca=name is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False
        )
    )
    if name is not None:
        made = made.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    return made.sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    own = certificate("authority", key, "authority", key, timedelta(days=1))
    made = Authority(tmp_path_factory.mktemp("tls"), key, own)
    Path(made.file).write_bytes(own.public_bytes(serialization.Encoding.PEM))
    return made


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_an_authority_of_the_operators_own_is_named_by_the_environment(
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)

    async def work() -> None:
        answers = saying(ANSWER, STREAMED, ANSWER)
        async with upstream(answers, tls=authority.server()) as url, gateway(route(url)) as rig:
            assert (await ask(rig, post(chat()))).json["id"] == "c1"
            streamed = await ask(rig, post(chat(stream=True)))
            assert streamed.whole and streamed.body.endswith(b"data: [DONE]\n\n")
            assert "好" in streamed.body.decode()
            assert (await ask(rig, post(chat()))).json["id"] == "c1"
            [pool] = [one.pool for one in rig.serving.replicas._all.values()]
            assert pool.links == 1  # one handshake served all three
            assert rig.meter.outcomes == ["served"] * 3

    run(work())


async def refused_by(tls: ssl.SSLContext | None) -> Answer:
    """The answer to a call whose upstream is asked over TLS; it must never see the question."""
    seen: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(2000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    async with upstream(script, tls=tls) as url:
        address = "https" + url.removeprefix("https").removeprefix("http")
        async with gateway(route(address)) as rig:
            got = await ask(rig, post(chat()))
            assert rig.meter.outcomes == ["failed"] and not rig.serving.live
    assert not any(b"POST" in one for one in seen)
    return got


STRANGERS: dict[str, tuple[Callable[[Authority], ssl.SSLContext | None], str, str]] = {
    "another host": (
        lambda by: by.server(x509.DNSName("other.example")),
        "its certificate is for another host",
        "证书不属于该主机",
    ),
    "expired": (
        lambda by: by.server(until=timedelta(days=-1)),
        "its certificate has expired",
        "证书已过期",
    ),
    "signed by itself": (
        lambda by: by.server(by_itself=True),
        "its certificate is signed by itself",
        "证书为自签名",
    ),
    "no TLS at all": (lambda by: None, "it does not speak TLS", "对方未使用 TLS"),
}


@pytest.mark.parametrize("make, en, zh", STRANGERS.values(), ids=STRANGERS.keys())
def test_who_cannot_show_that_it_is_the_upstream_is_never_asked(
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Authority], ssl.SSLContext | None],
    en: str,
    zh: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.file)
    got = asyncio.run(refused_by(make(authority)))
    assert got.status == 503 and got.json["error"]["code"] == "serve.upstream_down"
    said = got.json["error"]
    assert f"no TLS connection: {en}" in said["message"]
    assert f"无法建立 TLS 连接: {zh}" in said["message_zh"]
    assert "retry-after" not in got.headers  # waiting does not help


def test_an_authority_that_nobody_named_is_not_trusted(authority: Authority) -> None:
    got = asyncio.run(refused_by(authority.server()))
    assert "signed by nobody trusted here" in got.json["error"]["message"]
