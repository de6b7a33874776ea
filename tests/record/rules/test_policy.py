"""Trust policies: the grammar of c2sp.org/tlog-policy, and what a quorum is."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import InputError
from pilotbase.record.rules.cosignature import CosignerSecret
from pilotbase.record.rules.note import SigningKey
from pilotbase.record.rules.policy import Policy, parse

KEYS = {
    name: CosignerSecret(f"{name}.example", bytes([n + 1]) * 32).verifier
    for n, name in enumerate(("X1", "X2", "X3", "Y1", "Y2", "Y3"))
}
LOG = SigningKey("log.example", bytes(32)).verifier.encode()
WITNESSES = "".join(f"witness {name} {key.encode()}\n" for name, key in KEYS.items())
EXAMPLE = f"""# two organisations
log {LOG}
{WITNESSES}
 group\tX-witnesses 2 X1 X2 X3
group Y-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_example_of_the_specification() -> None:
    policy = parse(EXAMPLE.encode())
    assert [log.encode() for log in policy.logs] == [LOG] and policy.witnesses == KEYS
    for some in chain.from_iterable(combinations(KEYS, n) for n in range(7)):
        enough = len([n for n in some if n[0] == "X"]) >= 2 and any(n[0] == "Y" for n in some)
        assert policy.final(KEYS[name] for name in some) == enough


def test_other_forms() -> None:
    assert parse(b"quorum none\n").final([]) and parse(b"quorum none").final([])
    one = parse(f"{WITNESSES}quorum X2\n".encode())
    assert one.final([KEYS["X2"]]) and not one.final([KEYS["X1"], KEYS["Y1"]])
    urls = parse(
        f"log {LOG} https://a/\nwitness w {KEYS['X1'].encode()} https://b/\nquorum w".encode()
    )
    assert list(urls.witnesses) == ["w"]
    named = parse(f"witness 见证人 {KEYS['X1'].encode()}\nquorum 见证人\n".encode())
    assert named.final([KEYS["X1"]])
    assert Policy().final([])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\nquorum none",
        "log x\nquorum none",
        f"log {LOG}\nlog {LOG}\nquorum none",
        f"log {LOG} a b\nquorum none",
        f"log {KEYS['X1'].encode()}\nquorum none",
        f"{WITNESSES}witness X1 {KEYS['X1'].encode()}\nquorum X1",
        f"{WITNESSES}witness again {KEYS['X1'].encode()}\nquorum X1",
        f"witness none {KEYS['X1'].encode()}\nquorum none",
        f"witness X1 {LOG}\nquorum X1",
        f"{WITNESSES}quorum X4",
        f"{WITNESSES}quorum X1\nquorum X1",
        f"{WITNESSES}quorum X1 X2",
        f"quorum X1\n{WITNESSES}",
        f"{WITNESSES}group g 0 X1\nquorum g",
        f"{WITNESSES}group g 3 X1 X2\nquorum g",
        f"{WITNESSES}group g 01 X1 X2\nquorum g",
        f"{WITNESSES}group g some X1 X2\nquorum g",
        f"{WITNESSES}group g all\nquorum g",
        f"{WITNESSES}group g all X1 X1\nquorum g",
        f"{WITNESSES}group g all X1\ngroup h all g X1\nquorum h",
        f"{WITNESSES}group g all g\nquorum g",
        f"{WITNESSES}group g all none\nquorum g",
        f"{WITNESSES}group X1 all X2\nquorum X1",
        "quorum none\r\n",
        "quorum none\n\0",
        "quorums none",
    ],
)
def test_what_is_refused(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text.encode())
    assert error.value.code == "policy.malformed"


@given(
    st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace"))
)
def test_nothing_else_is_raised(data: bytes) -> None:
    try:
        parse(data)
    except InputError as error:
        assert error.code == "policy.malformed"
