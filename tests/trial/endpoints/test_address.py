"""Which addresses may be reached."""

from __future__ import annotations

import ipaddress

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import CandidateError
from pilotbase.trial.endpoints.address import (
    Address,
    address_of,
    check_reachable,
    kind_of,
    resolve,
)

NEVER = ("169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255", "fe80::1",
         "ff02::1", "::", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
         "2002:a9fe:a9fe::1", "240.0.0.1", "192.0.2.1")  # fmt: skip
PRIVATE = ("127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1",
           "fd12::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::1")  # fmt: skip
PUBLIC = ("1.1.1.1", "223.5.5.5", "2606:4700::1111", "::ffff:1.1.1.1")


@pytest.mark.parametrize("number", NEVER)
def test_reserved_addresses_are_never_reached(number: str):
    assert kind_of(ipaddress.ip_address(number)) in ("never", "private")
    if number != "192.0.2.1":  # documentation: private as IANA has it
        assert kind_of(ipaddress.ip_address(number)) == "never"


@pytest.mark.parametrize("number", PRIVATE)
def test_private_addresses_are_told_apart(number: str):
    assert kind_of(ipaddress.ip_address(number)) == "private"


@pytest.mark.parametrize("number", PUBLIC)
def test_public_addresses_are_public(number: str):
    assert kind_of(ipaddress.ip_address(number)) == "public"


@given(st.ip_addresses(v=4))
def test_an_address_in_ipv6_clothes_is_the_same_kind(number: ipaddress.IPv4Address):
    for dressed in (f"::ffff:{number}", f"64:ff9b::{number}"):
        assert kind_of(ipaddress.ip_address(dressed)) == kind_of(number)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://models.example.org", "https"),
        ("models.example.org/v1", "https"),
        ("http://models.example.org", "clear"),
        ("https://me:pw@models.example.org", "password"),
        ("https://models.example.org/v1?api_key=abc", "key"),
        ("https://models.example.org/v1#x", "proper"),
        ("https://models.example.org:0/v1", "proper"),
        ("https://models.example.org:99999/v1", "proper"),
        ("https://models.example.org\\@evil.example", "password"),
        ("https://models.exa mple.org", "proper"),
        ("https://models.example.org\r\nx: y", "proper"),
        ("https://模型.example", "proper"),
        ("https://2130706433/", "ambiguous"),
        ("https://0x7f.1/", "ambiguous"),
        ("https://127.1/", "ambiguous"),
        ("https://0177.0.0.1/", "ambiguous"),
        ("https://[fe80::1%25eth0]/", "ambiguous"),
        ("https://a..b/", "ambiguous"),
        ("https://-a.example/", "ambiguous"),
        ("https:///v1", "ambiguous"),
        ("https://" + "a" * 3000, "proper"),
    ],
)
def test_addresses_are_refused_in_both_languages(url: str, word: str):
    with pytest.raises(CandidateError) as caught:
        address_of(url, private=False)
    assert word in caught.value.message.en
    assert caught.value.message.zh and "pw" not in str(caught.value)
    assert "abc" not in str(caught.value)


def test_a_name_in_other_letters_is_told_its_name_in_dns():
    with pytest.raises(CandidateError) as caught:
        address_of("https://模型.example/v1", private=False)
    assert "xn--" in caught.value.next_step.en and "xn--" in caught.value.next_step.zh


def test_the_parts_of_an_address():
    found = address_of("https://Models.Example.org/v1/?api-version=3", private=False)
    assert found == Address(True, "models.example.org", 443, "/v1", "api-version=3")
    assert found.target("/chat") == "/v1/chat?api-version=3"
    assert found.url == "https://models.example.org/v1?api-version=3"
    assert address_of("http://[::1]:8000", private=True).authority == "[::1]:8000"


@pytest.mark.parametrize("number", PRIVATE)
def test_private_addresses_need_permission(number: str):
    address = address_of("https://models.example.org", private=False)
    with pytest.raises(CandidateError, match="private network"):
        check_reachable([number], address, private=False)
    check_reachable([number], address, private=True)


def test_one_bad_address_among_good_ones_is_enough():
    address = address_of("https://models.example.org", private=False)
    with pytest.raises(CandidateError):
        check_reachable(["1.1.1.1", "10.0.0.1"], address, private=False)


def test_metadata_is_refused_with_permission_too():
    address = address_of("http://metadata.internal", private=True)
    with pytest.raises(CandidateError, match="reserved"):
        check_reachable(["169.254.169.254"], address, private=True)


def test_permission_for_a_private_network_is_none_for_http_to_the_world():
    address = address_of("http://models.example.org", private=True)
    with pytest.raises(CandidateError, match="clear"):
        check_reachable(["1.1.1.1"], address, private=True)


def test_localhost_is_resolved_and_counts_as_private():
    address = address_of("https://localhost:1", private=False)
    with pytest.raises(CandidateError, match="this machine"):
        anyio.run(lambda: resolve(address, private=False))
    assert "127.0.0.1" in anyio.run(lambda: resolve(address, private=True))


def test_an_unknown_name_is_said_so():
    address = address_of("https://no-such-host.invalid", private=False)
    with pytest.raises(CandidateError, match="no address is known"):
        anyio.run(lambda: resolve(address, private=False))
