"""JSON Web Signatures: the RFCs' own example; they pass for nothing else that is signed."""

from __future__ import annotations

import string

from hypothesis import given
from hypothesis import strategies as st

from pilotbase.record.rules import dsse, jws, note
from pilotbase.record.rules.note import SigningKey

# RFC 8037, appendix A.1, A.3 and A.4
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
PAYLOAD = b"Example of Ed25519 signing"
KEY = SigningKey("base.example", SEED)
SIGNATURE = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"


def test_the_rfcs_example() -> None:
    assert jws.public_jwk(KEY.verifier)["x"] == X
    assert jws.thumbprint(KEY.verifier) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    protected = jws.encoded(b'{"alg":"EdDSA"}')
    assert jws.encoded(KEY.sign(jws.signed(protected, PAYLOAD)).value) == SIGNATURE


@given(st.text(max_size=40), st.binary(max_size=200))
def test_what_is_signed_is_neither_note_nor_envelope(kind: str, payload: bytes) -> None:
    protected, signature = jws.made(kind, payload, KEY)
    said = jws.signed(protected, payload)
    assert set(said.decode()) <= set(string.ascii_letters + string.digits + "-_.")
    assert said.count(b".") == 1 and b"\n" not in said
    assert not dsse.pae(kind, payload).startswith(said[:8])
    assert KEY.verifier.accepts(said, _decoded(signature))
    signed = note.sign("base.example\n1\nAAAA\n", [KEY])
    assert signature not in signed


def _decoded(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
