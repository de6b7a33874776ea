"""Key rotation: how a log's old key introduces its new one, and which key holds for which size.

The statement is a signed note, signed by both keys, the new one to show that it is at hand::

    pilotbase/key-rotation/1
    log <origin>
    old <vkey>
    new <vkey>

It is recorded in the log. The checkpoints of the trees that do not have that entry yet are the old
key's, all others the new one's: a retired key that is stolen later signs nothing that counts.

The log's origin stays, and so does the name of its keys, as the checkpoint specification asks; the
key IDs differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules import note
from pilotbase.record.rules.note import SigningKey, VerifierKey

HEAD = "pilotbase/key-rotation/1"
ROTATIONS_MAX = 1000


def statement(old: SigningKey, new: SigningKey) -> str:
    """The note with which a key hands over to another of the same name."""
    return note.sign(_text(old.verifier, new.verifier), [old, new])


def introduced(signed: str, old: VerifierKey) -> VerifierKey:
    """The key that a statement introduces as the successor of ``old``.

    Raises:
        RecordError: malformed, of another log, or not signed by both keys.
    """
    lines = note.parse(signed).text.split("\n")
    if len(lines) != 5 or not lines[3].startswith("new "):
        raise _bad()
    new = VerifierKey.parse(lines[3].removeprefix("new "))
    if new.name != old.name or new.public == old.public:
        raise _bad()
    said = note.verify(signed, [old, new])
    if said.text != _text(old, new) or len(said.signatures) != 2:
        raise _bad()
    return new


@dataclass(frozen=True, slots=True)
class KeyChain:
    """The keys of a log in order, each with the smallest tree whose checkpoints it signs."""

    keys: tuple[tuple[int, VerifierKey], ...]

    @classmethod
    def of(cls, first: VerifierKey, rotations: Iterable[tuple[int, Mapping[str, Any]]]) -> KeyChain:
        """The chain from a log's rotation entries, index and body, in order.

        ``first`` may be any key of the chain; where no rotation is recorded it is the only one.

        Raises:
            RecordError: a rotation that its old key did not sign, or that does not follow.
        """
        keys = list[tuple[int, VerifierKey]]()
        for index, body in rotations:
            old = keys[-1][1] if keys else VerifierKey.parse(str(body.get("old")))
            new = introduced(str(body.get("statement")), old)
            if (body.get("old"), body.get("new")) != (old.encode(), new.encode()):
                raise _bad()
            keys = keys or [(0, old)]
            keys.append((index + 1, new))
        chain = cls(tuple(keys or [(0, first)]))
        if first not in chain.known:
            raise _other_key(first)
        return chain

    @property
    def known(self) -> list[VerifierKey]:
        return [key for _, key in self.keys]

    @property
    def newest(self) -> VerifierKey:
        return self.keys[-1][1]

    def at(self, size: int) -> VerifierKey:
        """The key that signs checkpoints of so many entries."""
        return next(key for start, key in reversed(self.keys) if start <= size)


def follow(key: VerifierKey, statements: Iterable[str]) -> list[VerifierKey]:
    """The key and its successors, as far as the statements introduce each other.

    Statements that come before the key's own are passed over.

    Raises:
        RecordError: a statement is malformed or badly signed.
    """
    keys = [key]
    for signed in statements:
        if f"\nold {keys[-1].encode()}\n" in signed:
            keys.append(introduced(signed, keys[-1]))
    return keys


def _text(old: VerifierKey, new: VerifierKey) -> str:
    return f"{HEAD}\nlog {old.name}\nold {old.encode()}\nnew {new.encode()}\n"


def _bad() -> RecordError:
    return RecordError(
        "rotation.bad_statement",
        Text(
            "the key's rotation is not signed by both the old and the new key, or does not follow",
            "密钥更换未经新旧两把密钥共同签署, 或前后不衔接",
        ),
        next_step=Text("Ask the base about it.", "请向基地查询。"),
    )


def _other_key(key: VerifierKey) -> RecordError:
    return RecordError(
        "rotation.other_key",
        Text("this key is none of the log's keys", "该密钥不属于此日志"),
        where=key.encode(),
        next_step=Text("Get the log's key from the base.", "请向基地取得该日志的密钥。"),
    )
