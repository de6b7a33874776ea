"""Keys: where they may lie, and that they stay out of everything."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pilotbase.kernel.errors import CandidateError
from pilotbase.scenario.offer import Key
from pilotbase.trial.endpoints.secret import CHARACTERS_MAX, Secret, read_secret

VALUE = 'sk-0123/45"67\\89'


def written(folder: Path, text: bytes, mode: int = 0o600) -> Path:
    path = folder / "model.key"
    path.write_bytes(text)
    path.chmod(mode)
    return path


def test_a_secret_does_not_show_itself():
    secret = Secret(VALUE)
    assert VALUE not in f"{secret} {secret!r} {[secret]} {(secret,)!s}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@pytest.mark.parametrize("text", [VALUE, VALUE + "\n", VALUE + "\r\n"])
def test_a_file_with_one_line(tmp_path: Path, text: str):
    written(tmp_path, text.encode())
    assert read_secret(Key(file="model.key"), tmp_path, trust=False).reveal() == VALUE


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int):
    written(tmp_path, VALUE.encode(), mode)
    with pytest.raises(CandidateError, match="chmod 600") as caught:
        read_secret(Key(file="model.key"), tmp_path, trust=False)
    assert VALUE not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"two\nlines-of-it",
        b"with a blank",
        b"\xff\xfe" * 8,
        b"x" * (CHARACTERS_MAX + 1),
        b"short",
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, text: bytes):
    written(tmp_path, text)
    with pytest.raises(CandidateError) as caught:
        read_secret(Key(file="model.key"), tmp_path, trust=False)
    said = json.dumps(caught.value.as_dict())
    assert "two" not in said and "xxxx" not in said


def test_no_file_a_folder_and_a_pipe(tmp_path: Path):
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("nothing", "folder", "pipe"):
        with pytest.raises(CandidateError):
            read_secret(Key(file=name), tmp_path, trust=False)


def test_a_scenario_cannot_name_any_file_or_variable(tmp_path: Path):
    """Somebody else's file must not have the user's other keys sent to its address."""
    folder = tmp_path / "scenario"
    folder.mkdir()
    written(tmp_path, VALUE.encode())
    (folder / "link").symlink_to(tmp_path / "model.key")
    environment = {"OTHER_API_KEY": VALUE, "PILOTBASE_KEY_A": VALUE}
    for key in (Key(file="../model.key"), Key(file="link"), Key(env="OTHER_API_KEY")):
        with pytest.raises(CandidateError, match="--trust"):
            read_secret(key, folder, trust=False, environment=environment)
        assert read_secret(key, folder, trust=True, environment=environment).reveal() == VALUE
    own = read_secret(Key(env="PILOTBASE_KEY_A"), folder, trust=False, environment=environment)
    assert own.reveal() == VALUE


def test_a_variable_that_is_not_set(tmp_path: Path):
    with pytest.raises(CandidateError, match="not set"):
        read_secret(Key(env="PILOTBASE_KEY_B"), tmp_path, trust=False, environment={})


@pytest.mark.parametrize(
    "body",
    [
        VALUE,
        f"Authorization: Bearer {VALUE}, again {VALUE}",
        json.dumps({"seen": VALUE}),
        json.dumps({"seen": VALUE}).replace("/", "\\/"),
        '{"seen": "' + "".join(f"\\u{ord(c):04x}" for c in VALUE) + '"}',
        base64.b64encode(VALUE.encode()).decode(),
    ],
)
def test_an_echo_is_scrubbed(body: str):
    kept = Secret(VALUE).scrub(body.encode())
    assert b"[redacted]" in kept
    assert VALUE.encode() not in kept
    with contextlib.suppress(ValueError):
        assert VALUE not in str(json.loads(kept))


@given(st.text())
def test_an_answer_without_the_key_stays_as_it_is(text: str):
    body = json.dumps({"text": text}).encode()
    assert Secret("never-in-there-0123456789").scrub(body) == body
