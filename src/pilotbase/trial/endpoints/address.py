"""Which addresses may be reached, and what a name stood for when that was checked.

A scenario file names addresses that somebody else wrote. Without care it could make the base ask
machines that only the base can reach (server-side request forgery, CWE-918). So a name is resolved
once, every address it stands for is checked, and all connections go to the checked addresses: a
name that means something else a second later (DNS rebinding) gains nothing.

Special-purpose addresses are those of the IANA registries (RFC 6890) as `ipaddress` knows them.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qsl, urlsplit

import anyio

from pilotbase.kernel.errors import CandidateError
from pilotbase.kernel.text import Text

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

URL_CHARACTERS_MAX = 2000
RESOLVE_SECONDS = 10.0
METADATA = frozenset(
    map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254"))
)
"""Where clouds keep credentials, outside the link-local range (Alibaba, Azure, AWS)."""

_SHARED = ipaddress.ip_network("100.64.0.0/10")  # carrier-grade NAT, RFC 6598
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.ASCII)
_VISIBLE = re.compile(r"[!-~]+")
_TELLING = re.compile(
    r"(api|access|auth|secret)?[-_]?(key|token|secret|sig|signature|password)", re.I
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was read and found proper; nothing is known yet about where it leads.

    Attributes:
        host: lower case; an IPv6 address without its brackets.
        path: without a slash at the end.
        query: without its question mark.
    """

    tls: bool
    host: str
    port: int
    path: str = ""
    query: str = ""

    @property
    def authority(self) -> str:
        """As it stands in the Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.tls else 80) else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.target('')}"

    def target(self, path: str) -> str:
        """What stands in the request line: a path below this address."""
        return f"{self.path}{path}" + (f"?{self.query}" if self.query else "")


def address_of(url: str, *, private: bool) -> Address:
    """Read an address.

    Raises:
        CandidateError: it is not https (or http with ``private``), holds a user name, a password, a
            key or a fragment, or its host is written in a form that programs read differently.
    """
    shown = re.sub(r"//[^/@]*@", "//…@", url)[:200]  # what stands before @ may be a secret
    if len(url) > URL_CHARACTERS_MAX or not url.isascii() or not _VISIBLE.fullmatch(url):
        _refuse(shown, *_FORM, _ascii_hint(url))
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        _refuse(shown, *_FORM)
    if parts.scheme not in ("https", "http"):
        _refuse(shown, f"{parts.scheme or 'no scheme'} is not https", "应使用 https")
    if parts.scheme == "http" and not private:
        _refuse(
            shown,
            "http sends key and answers in the clear",
            "http 会以明文传输密钥与应答",
            _PRIVATE,
        )
    if "@" in parts.netloc:
        _refuse(shown, "a user name or password stands in it", "其中含有用户名或密码", _KEY)
    if any(_TELLING.fullmatch(name) for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        _refuse(shown.split("?")[0], "a key stands in it", "其中含有密钥", _KEY)
    host = _checked_host(parts.hostname or "", shown)
    if "#" in url or port == 0 or "\\" in url:
        _refuse(shown, *_FORM)
    tls = parts.scheme == "https"
    return Address(tls, host, port or (443 if tls else 80), parts.path.rstrip("/"), parts.query)


def _checked_host(host: str, shown: str) -> str:
    """A name of proper labels, or an IP address in its usual form: no octal, no 2130706433."""
    if ":" in host:
        try:
            if "%" not in host:
                return str(ipaddress.IPv6Address(host))
        except ValueError:
            pass
        _refuse(shown, *_HOST)
    labels = host.removesuffix(".").split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            _refuse(shown, *_HOST)
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        _refuse(shown, *_HOST)
    return ".".join(labels)


async def resolve(address: Address, *, private: bool) -> tuple[str, ...]:
    """The checked addresses that the host stands for now, as the resolver orders them.

    Raises:
        CandidateError: the name is unknown, or one of its addresses may not be reached.
    """
    try:
        with anyio.fail_after(RESOLVE_SECONDS):
            found = await anyio.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise CandidateError(
            "endpoint.unknown_host",
            Text(f"no address is known for {address.host}", f"无法解析主机名 {address.host}"),
            where=address.url,
            next_step=Text(
                "Correct the name, or see whether this machine can resolve names.",
                "请更正主机名, 或检查本机能否解析域名。",
            ),
        ) from None
    numbers = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    check_reachable(numbers, address, private=private)
    return numbers


def check_reachable(numbers: Iterable[str], address: Address, *, private: bool) -> None:
    """Raises CandidateError when one of the addresses may not be reached.

    One bad address among good ones is enough: which of them is used is not ours to choose.
    """
    for number in numbers:
        kind = kind_of(ipaddress.ip_address(number.partition("%")[0]))
        if kind == "never":
            _refuse(
                address.url,
                f"{number} is reserved (link-local, metadata, multicast or the like)",
                f"{number} 属于保留地址 (链路本地、元数据、组播等)",
                _NEVER,
            )
        if kind == "private" and not private:
            _refuse(
                address.url,
                f"{number} is on this machine or inside a private network",
                f"{number} 位于本机或专用网络内",
                _PRIVATE,
            )
        if kind == "public" and not address.tls:
            _refuse(
                address.url,
                f"http to the public address {number} sends key and answers in the clear",
                f"以 http 访问公网地址 {number} 会以明文传输密钥与应答",
                Text("Use https.", "请使用 https。"),
            )


def check_literal(address: Address, *, private: bool) -> None:
    """`check_reachable` for a host that is a number, or this machine's own name (RFC 6761), without
    asking a resolver: what an arrangement can be told when it is handed in."""
    if address.host == "localhost" or address.host.endswith(".localhost"):
        check_reachable(["127.0.0.1"], address, private=private)
        return
    with suppress(ValueError):
        check_reachable([str(ipaddress.ip_address(address.host))], address, private=private)


def kind_of(number: Ip) -> str:
    """``public``, ``private`` (this machine included) or ``never``.

    >>> kind_of(ipaddress.ip_address("::ffff:169.254.169.254"))
    'never'
    """
    inner = _embedded(number)
    if inner is not None:
        return kind_of(inner)
    if number.is_loopback:
        return "private"
    reserved = number.is_link_local or number.is_multicast or number.is_unspecified
    if reserved or number in METADATA:
        return "never"
    if number.version == 4 and number in _SHARED:
        return "private"
    if number.is_reserved:
        return "never"
    if number.is_private or (isinstance(number, ipaddress.IPv6Address) and number.is_site_local):
        return "private"
    return "public" if number.is_global else "never"


def _embedded(number: Ip) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, 6to4, Teredo, NAT64."""
    if isinstance(number, ipaddress.IPv4Address):
        return None
    if number in _NAT64:
        return ipaddress.IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else None)


def _ascii_hint(url: str) -> Text:
    """A name in other letters is asked for as DNS has it: what is signed then means one host."""
    try:
        host = urlsplit(url).hostname or ""
        plain = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return _WRITE
    if plain == host:
        return _WRITE
    return Text(
        f"Write the host as DNS has it: {plain}.", f"请按 DNS 中的形式书写主机名: {plain}。"
    )


_FORM = ("it is no proper address", "不是合法的地址")
_HOST = ("its host is written in an ambiguous form", "主机的写法有歧义")
_WRITE = Text(
    "Write it like https://models.example.org/v1.", "请写成 https://models.example.org/v1 的形式。"
)
_KEY = Text(
    "Put the key into an environment variable or a file and name that under `key`.",
    "请将密钥放入环境变量或文件, 并在 `key` 中指明。",
)
_PRIVATE = Text(
    "Use https and a public address, or write `private: true` if you know this network.",
    "请使用 https 与公网地址; 若了解该网络, 可写 `private: true`。",
)
_NEVER = Text("Name another: such an address is never reached.", "请更换: 此类地址一律不予访问。")


def _refuse(where: str, en: str, zh: str, next_step: Text = _WRITE) -> NoReturn:
    raise CandidateError("endpoint.address", Text(en, zh), where=where, next_step=next_step)
