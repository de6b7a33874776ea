"""TLS with names that are checked, and connections that go where the check looked."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pilotbase.kernel.errors import CandidateError
from tests.trial.endpoints.conftest import asked, case_of, chat_at, during
from tests.trial.endpoints.servers import Call, completion, http, says, serving

GOOD = http(completion())


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for a name, its key behind it in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = folder / f"{name}.pem"
    path.write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return path


def tls_of(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def secure(port: int) -> str:
    return f"https://localhost:{port}/v1"


def test_tls_to_the_name_that_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with serving(says(GOOD), tls=tls_of(path)) as server:
        assert asked(chat_at(secure(server.port)))["text"] == "Paris [p1]"
        assert server.calls[0].headers["host"] == f"localhost:{server.port}"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_of_another_or_of_nobody(
    trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The address was right, but whoever sits there is not who was meant."""
    path = certificate(tmp_path, "elsewhere.example" if trusted else "localhost")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with (
        serving(says(GOOD), tls=tls_of(path)) as server,
        pytest.raises(CandidateError, match="certificate is not accepted"),
    ):
        asked(chat_at(secure(server.port)))


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch):
    """What the name stands for after the check does not matter, for new connections either."""

    async def and_closes(call: Call, writer: asyncio.StreamWriter) -> None:
        writer.write(http(completion(), connection="close"))
        await writer.drain()
        writer.close()

    with serving(and_closes) as server:
        endpoint = chat_at(f"http://localhost:{server.port}/v1")

        async def work() -> list[str]:
            def rebound(*_: Any, **__: Any) -> Any:
                raise AssertionError("looked up again")

            monkeypatch.setattr(socket, "getaddrinfo", rebound)
            found = []
            for _ in range(3):
                response = await endpoint.send(endpoint.request(case_of()), 5)
                found.append(endpoint.read(case_of(), response)["text"])
            return found

        assert during(endpoint, work) == ["Paris [p1]"] * 3


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(says(GOOD)) as server:
        assert asked(chat_at(server.url))["text"] == "Paris [p1]"


def test_cookies_are_not_kept():
    with serving(says(http(completion(), set_cookie="a=b"))) as server:
        endpoint = chat_at(server.url)

        async def work() -> None:
            for _ in range(2):
                await endpoint.send(endpoint.request(case_of()), 5)

        during(endpoint, work)
        assert all("cookie" not in call.headers for call in server.calls)
