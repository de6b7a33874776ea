"""Checkpoint bodies, and notes that are none."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import RecordError
from pilotbase.record.rules import note
from pilotbase.record.rules.checkpoint import (
    Checkpoint,
    is_checkpoint,
    sign_checkpoint,
    verify_checkpoint,
)

# The example of c2sp.org/tlog-checkpoint.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
KEY = note.SigningKey("example.com/behind-the-sofa", bytes(32))


def test_the_published_example() -> None:
    checkpoint = Checkpoint.parse(EXAMPLE)
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20852163, ROOT)
    assert checkpoint.text() == EXAMPLE


def test_extension_lines_are_kept() -> None:
    checkpoint = Checkpoint.parse(EXAMPLE + "more\neven more\n")
    assert checkpoint.extensions == ("more", "even more")
    assert checkpoint.text() == EXAMPLE + "more\neven more\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        EXAMPLE[:-1],
        EXAMPLE + "\n",
        "a\n1\n",
        "\n" + EXAMPLE.split("\n", 1)[1],
        EXAMPLE.replace("20852163", "020852163"),
        EXAMPLE.replace("20852163", "-1"),
        EXAMPLE.replace("20852163", "+1"),
        EXAMPLE.replace("20852163", "1.0"),
        EXAMPLE.replace("20852163", "１"),
        EXAMPLE.replace("20852163", ""),
        EXAMPLE.replace("20852163", str(2**63)),
        EXAMPLE.replace("20852163", "9" * 5000),
        EXAMPLE.replace("q2I=", "q2I"),
        EXAMPLE.replace("q2I=", "q2J="),
        EXAMPLE.replace("CsUY", ""),
        EXAMPLE + "a\n\nb\n",
    ],
)
def test_malformed_bodies_are_refused(text: str) -> None:
    assert text != EXAMPLE
    assert not is_checkpoint(text)
    with pytest.raises(RecordError) as caught:
        Checkpoint.parse(text)
    assert caught.value.code == "checkpoint.malformed"


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_text_and_checkpoint_are_the_same(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(KEY.name, size, root)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


def test_signing_and_verifying() -> None:
    checkpoint = Checkpoint.parse(EXAMPLE)
    signed = sign_checkpoint(checkpoint, KEY)
    assert signed.startswith(EXAMPLE + "\n— example.com/behind-the-sofa ")
    assert verify_checkpoint(signed, KEY.verifier) == checkpoint


def test_the_checkpoint_of_another_log_is_refused() -> None:
    signed = sign_checkpoint(Checkpoint("example.com/other", 1, ROOT), KEY)
    with pytest.raises(RecordError) as caught:
        verify_checkpoint(signed, KEY.verifier)
    assert caught.value.code == "checkpoint.other_log"


def test_a_signed_text_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(RecordError) as caught:
        verify_checkpoint(note.sign("hello\n", [KEY]), KEY.verifier)
    assert caught.value.code == "checkpoint.malformed"
