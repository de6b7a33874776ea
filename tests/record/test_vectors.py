"""The vectors for other verifiers: what our code makes of them now is what they say.

Run it as a script (`PYTHONPATH=. python tests/record/test_vectors.py`) to write them anew, after
reading why they differ.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pilotbase.kernel.actor import Actor
from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.event import Draft
from pilotbase.record.opened import Record, open_record
from pilotbase.record.proofs import prove, prove_as_tlog, prove_consistency
from pilotbase.record.rules import merkle, note, tiles
from pilotbase.record.rules.checkpoint import Checkpoint, sign_checkpoint, verify_checkpoint
from pilotbase.record.rules.cosignature import CosignerKey, CosignerSecret
from pilotbase.record.rules.proof import check, check_text
from pilotbase.record.rules.rotation import introduced

FILE = Path(__file__).parents[1] / "golden" / "record" / "vectors.json"
Make = Callable[..., Draft]
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group (RFC 8032, 5.1)
LOG = note.SigningKey("log.example/vectors", hashlib.sha256(b"log").digest())
NEXT = note.SigningKey("log.example/vectors", hashlib.sha256(b"next").digest())
OTHER = note.SigningKey("other.example", hashlib.sha256(b"other").digest())
WITNESS = CosignerSecret("witness.example/w1", hashlib.sha256(b"witness").digest())
LEAVES = [b"", b"\0", *(f"entry {n}".encode() * n for n in range(2, 13))]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]
ROOTS = [merkle.root(HASHES[:n]) for n in range(len(HASHES) + 1)]


def hexes(nodes: list[bytes]) -> list[str]:
    return [node.hex() for node in nodes]


def trees() -> dict[str, Any]:
    sizes = range(1, len(HASHES) + 1)
    inclusion = [
        {"index": i, "size": n, "proof": hexes(merkle.inclusion_proof(HASHES[:n], i))}
        for n in sizes
        for i in range(n)
    ]
    consistency = [
        {"size1": m, "size2": n, "proof": hexes(merkle.consistency_proof(HASHES[:n], m))}
        for n in sizes
        for m in range(n + 1)
    ]
    return {
        "leaves": hexes(LEAVES),
        "leaf_hashes": hexes(HASHES),
        "roots": hexes(ROOTS),
        "inclusion": inclusion,
        "consistency": consistency,
        "bad_inclusion": list(bad_inclusion()),
        "bad_consistency": list(bad_consistency()),
    }


def bad_inclusion() -> Iterator[dict[str, Any]]:
    path = hexes(merkle.inclusion_proof(HASHES, 5))
    good = {"leaf": HASHES[5].hex(), "index": 5, "size": 13, "proof": path, "root": ROOTS[13].hex()}
    changes: dict[str, dict[str, Any]] = {
        "another index": {"index": 4},
        "an index beyond the size": {"index": 13},
        "a negative index": {"index": -1},
        "a size of another height": {"size": 8},
        "an empty tree": {"size": 0},
        "a hash too few": {"proof": path[:-1]},
        "a hash too many": {"proof": [*path, path[0]]},
        "no hashes": {"proof": []},
        "two hashes swapped": {"proof": [path[1], path[0], *path[2:]]},
        "a bit flipped": {"proof": [f"{int(path[0], 16) ^ 1:064x}", *path[1:]]},
        "another leaf": {"leaf": HASHES[6].hex()},
        "the entry's hash without its prefix": {"leaf": hashlib.sha256(LEAVES[5]).hexdigest()},
        "the root of another size": {"root": ROOTS[12].hex()},
        "a node passed off as a leaf": {
            "leaf": merkle.node_hash(HASHES[4], HASHES[5]).hex(), "index": 2, "proof": path[1:],
        },
    }  # fmt: skip
    for why, change in changes.items():
        yield {"why": why, **good, **change}


def bad_consistency() -> Iterator[dict[str, Any]]:
    path = hexes(merkle.consistency_proof(HASHES, 6))
    good = {"size1": 6, "size2": 13, "proof": path, "root1": ROOTS[6].hex()}
    good |= {"root2": ROOTS[13].hex()}
    power = {"size1": 8, "proof": hexes(merkle.consistency_proof(HASHES, 8))}
    changes: dict[str, dict[str, Any]] = {
        "another first size": {"size1": 7},
        "the sizes swapped": {"size1": 13, "size2": 6},
        "a size beyond the other": {"size1": 14},
        "a hash too few": {"proof": path[:-1]},
        "a hash too many": {"proof": [*path, path[0]]},
        "no hashes": {"proof": []},
        "two hashes swapped": {"proof": [path[1], path[0], *path[2:]]},
        "another first root": {"root1": ROOTS[5].hex()},
        "another second root": {"root2": ROOTS[12].hex()},
        "the roots swapped": {"root1": ROOTS[13].hex(), "root2": ROOTS[6].hex()},
        "equal sizes with other roots": {"size1": 13, "proof": [], "root1": ROOTS[12].hex()},
        "equal sizes with a proof": {"size1": 13, "root1": ROOTS[13].hex()},
        "a power of two with another first root": {**power, "root1": ROOTS[7].hex()},
    }
    for why, change in changes.items():
        yield {"why": why, **good, **change}


def notes() -> Iterator[dict[str, Any]]:
    text = "a text\n\nwith an empty line\n"
    vkey, signed = LOG.verifier.encode(), note.sign(text, [LOG])
    name, _, key = vkey.split("+", 2)
    value = LOG.sign(text.encode()).value
    larger = (int.from_bytes(value[32:], "little") + ORDER).to_bytes(32, "little")
    flipped = bytes([value[0] ^ 1]) + value[1:]
    for why, good, what, known in (
        ("one signature", True, signed, vkey),
        ("an unknown signature before it", True, note.sign(text, [OTHER, LOG]), vkey),
        ("the other signer's", True, note.sign(text, [OTHER, LOG]), OTHER.verifier.encode()),
        ("a key of the same name", False, signed, NEXT.verifier.encode()),
        ("a changed text", False, signed.replace("with", "wlth"), vkey),
        ("the signature of another text", False, "another text\n\n" + line(value), vkey),
        ("S + L for S", False, f"{text}\n{line(value[:32] + larger)}", vkey),
        ("an R that was not computed", False, f"{text}\n{line(flipped)}", vkey),
        ("a signature too short", False, f"{text}\n{line(value[:-1])}", vkey),
        ("a good and a bad one of the same key", False, signed + line(flipped), vkey),
        ("a key whose ID does not fit", False, signed, f"{name}+00000000+{key}"),
        ("no signature", False, text + "\n", vkey),
        ("no empty line", False, "text\n" + line(value), vkey),
    ):
        yield {"why": why, "holds": good, "note": what, "vkey": known, "text": text}


def line(value: bytes) -> str:
    return note.Signature(LOG.name, LOG.verifier.key_id, value).line()


def signed() -> dict[str, Any]:
    made = Checkpoint(LOG.name, 13, ROOTS[13])
    plain, text = sign_checkpoint(made, LOG), made.text()
    cosigned = plain + WITNESS.cosign(text, 1_795_000_000).line()
    vkey = LOG.verifier.encode()
    return {
        "checkpoint": {"note": plain, "vkey": vkey, "size": 13, "root": ROOTS[13].hex()},
        "cosigned": {
            "note": cosigned, "vkey": vkey, "witness": WITNESS.verifier.encode(), "text": text,
        },
    }  # fmt: skip


def files(record: Record, make: Make) -> dict[str, Any]:
    """Proofs of a log whose key was rotated in between: entry 5 records that."""
    record.append_many([make(n) for n in range(5)])
    old = record.vkey
    record.rotate_key("a test", Actor("Li Hua", "signatory"))
    record.append_many([make(n) for n in range(6, 11)])
    said = {
        "rotation": {"old": old, "new": record.vkey},
        "consistency_file": prove_consistency(record, 5),
        "proof_file": prove(record, 8),
        "tlog_proof": {"text": prove_as_tlog(record, 8), "vkey": record.vkey},
    }
    said["rotation"]["statement"] = record.entry(5).body["statement"]
    return said


def layout() -> dict[str, Any]:
    size = 70_000
    leaves = [merkle.leaf_hash(b"entry %d" % n) for n in range(size)]
    levels = [leaves]
    while len(levels[-1]) >= tiles.WIDTH:
        below = levels[-1]
        whole = range(0, len(below) - tiles.WIDTH + 1, tiles.WIDTH)
        levels.append([merkle.root(below[at : at + tiles.WIDTH]) for at in whole])
    found = {}
    for tile in tiles.tiles(size):
        if 0 < tile.number < 272 and tile.level < 1:
            continue
        span = slice(tile.start, tile.start + tile.width)
        if tile.level < 0:
            data = tiles.encode_bundle([b"entry %d" % n for n in range(size)[span]])
        else:
            data = b"".join(levels[tile.level][span])
        found[tile.path] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    return {"size": size, "root": merkle.root(leaves).hex(), "files": found}


def vectors(record: Record, make: Make) -> str:
    about = "Vectors for verifiers; docs/en/write-a-verifier.md says what each is."
    said = {"about": about, **trees(), "notes": list(notes()), **signed(), **files(record, make)}
    said["tiles"] = layout()
    return json.dumps(said, ensure_ascii=False, indent=1) + "\n"


def test_the_bytes_are_those_of_the_file(record: Record, make: Make) -> None:
    assert vectors(record, make) == FILE.read_text("utf-8")


def test_our_verification_agrees() -> None:
    said = json.loads(FILE.read_text("utf-8"))
    for one in said["bad_inclusion"]:
        leaf, root = bytes.fromhex(one["leaf"]), bytes.fromhex(one["root"])
        path = [bytes.fromhex(node) for node in one["proof"]]
        assert not merkle.verify_inclusion(leaf, one["index"], one["size"], path, root), one["why"]
    for one in said["bad_consistency"]:
        roots = [bytes.fromhex(one[name]) for name in ("root1", "root2")]
        path = [bytes.fromhex(node) for node in one["proof"]]
        sizes = one["size1"], one["size2"]
        assert not merkle.verify_consistency(*sizes, path, *roots), one["why"]
    for one in said["notes"]:
        assert holds(one["note"], one["vkey"]) == one["holds"], one["why"]
    old, new = (note.VerifierKey.parse(said["rotation"][name]) for name in ("old", "new"))
    assert introduced(said["rotation"]["statement"], old) == new
    assert check(said["proof_file"], old).ok and check(said["proof_file"], new).ok
    assert check(said["consistency_file"], old).ok
    assert check_text(said["tlog_proof"]["text"], new).ok
    cosigned = said["cosigned"]
    witness = CosignerKey.parse(cosigned["witness"])
    assert note.verify(cosigned["note"], [witness]).text == cosigned["text"]
    assert verify_checkpoint(cosigned["note"], LOG.verifier).size == 13


def test_the_layout_is_that_of_the_specification() -> None:
    """tlog-tiles says which tiles a tree of 70,000 has."""
    named = [tile.path for tile in tiles.tiles(70_000)]
    assert sum(path.startswith("tile/0/") for path in named) == 274
    above = [path for path in named if path[5] in "12"]
    assert above == ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert "tile/0/273.p/112" in named and "tile/entries/273.p/112" in named
    assert tiles.Tile(0, 1234067).path == "tile/0/x001/x234/067"
    assert [tile.path for tile in tiles.tiles(256) if tile.level >= 0] == [
        "tile/0/000",
        "tile/1/000.p/1",
    ]


def holds(text: str, vkey: str) -> bool:
    try:
        note.verify(text, [note.VerifierKey.parse(vkey)])
    except RecordError:
        return False
    return True


if __name__ == "__main__":
    import tempfile

    from tests.record.conftest import counted, fixed_context

    with (
        tempfile.TemporaryDirectory() as folder,
        open_record(fixed_context(Path(folder))) as opened,
    ):
        FILE.write_text(vectors(opened, counted), "utf-8")
