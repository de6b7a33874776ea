"""Trust policies (c2sp.org/tlog-policy): which logs, which witnesses, and how many are enough.

::

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> <k>|all|any <name>...
    quorum <name>|none

A checkpoint is *final* under a policy when the quorum has cosigned it. The names of witnesses and
groups are the file's own; keys are what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pilotbase.kernel.errors import InputError, RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.rules.cosignature import CosignerKey
from pilotbase.record.rules.note import VerifierKey

NONE = "none"
LINES_MAX = 1000
_ALLOWED = {9, 10, *range(0x20, 0x7F), *range(0x80, 0x100)}


@dataclass(frozen=True, slots=True)
class Group:
    """So many of these members (witnesses or groups, by name)."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses by name, groups by name, and the name of the quorum."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: dict[str, CosignerKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = NONE

    def final(self, cosigned: Iterable[CosignerKey]) -> bool:
        """Whether these witnesses are enough."""
        keys = set(cosigned)
        return self._holds(self.quorum, {n for n, key in self.witnesses.items() if key in keys})

    def _holds(self, name: str, present: set[str]) -> bool:
        if name == NONE:
            return True
        if name in self.witnesses:
            return name in present
        group = self.groups[name]
        # Groups name only what stands before them, so this ends.
        return sum(self._holds(member, present) for member in group.members) >= group.threshold


def parse(data: bytes) -> Policy:
    """The policy of a file's bytes.

    Raises:
        InputError: ``policy.malformed``, with the number of the first line that is wrong.
    """
    lines = data.split(b"\n")
    if not set(data) <= _ALLOWED or len(lines) > LINES_MAX:
        raise _malformed(0, "")
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        words = line.decode("utf-8", "surrogateescape").replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if words and not words[0].startswith("#"):
            try:
                reader.line(words)
            except (ValueError, RecordError) as error:
                raise _malformed(number, line.decode("utf-8", "replace")) from error
    if reader.quorum is None:
        raise _malformed(len(lines), "quorum?")
    return Policy(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum)


class _Reader:
    """Takes lines in order; raises ValueError or RecordError at one that is wrong."""

    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, CosignerKey] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self._used: set[str] = set()

    def line(self, words: list[str]) -> None:
        kinds: dict[str, Callable[[list[str]], None]] = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum,
        }
        kinds.get(words[0], _refuse)(words[1:])

    def _log(self, words: list[str]) -> None:
        _only(1 <= len(words) <= 2)
        key = VerifierKey.parse(words[0])
        _only(key.public not in {log.public for log in self.logs})
        self.logs.append(key)

    def _witness(self, words: list[str]) -> None:
        _only(2 <= len(words) <= 3)
        self._new(words[0])
        key = CosignerKey.parse(words[1])
        _only(key.public not in {known.public for known in self.witnesses.values()})
        self.witnesses[words[0]] = key

    def _group(self, words: list[str]) -> None:
        _only(len(words) >= 3)
        name, wanted, members = words[0], words[1], tuple(words[2:])
        self._new(name)
        for member in members:
            _only(member in self.witnesses or member in self.groups)
            # Each witness may count in one way only.
            _only(member not in self._used)
            self._used.add(member)
        threshold = {"all": len(members), "any": 1}.get(wanted)
        if threshold is None:
            _only(wanted.isascii() and wanted.isdecimal() and wanted[0] != "0")
            threshold = int(wanted)
        _only(1 <= threshold <= len(members))
        self.groups[name] = Group(threshold, members)

    def _quorum(self, words: list[str]) -> None:
        _only(len(words) == 1 and self.quorum is None)
        _only(words[0] in {NONE, *self.witnesses, *self.groups})
        self.quorum = words[0]

    def _new(self, name: str) -> None:
        _only(name != NONE and name not in self.witnesses and name not in self.groups)


def _only(right: bool) -> None:
    if not right:
        raise ValueError("not allowed here")


def _refuse(words: list[str]) -> None:
    _only(False)


def _malformed(number: int, line: str) -> InputError:
    return InputError(
        "policy.malformed",
        Text(
            f"line {number} is no line of a trust policy here: {line[:80]!r}",
            f"第 {number} 行不是合法的信任策略行: {line[:80]!r}",
        ),
        next_step=Text(
            "The form is that of c2sp.org/tlog-policy: log, witness, group and one quorum line, "
            "each naming only what stands before it.",
            "格式见 c2sp.org/tlog-policy: log、witness、group 各行与一行 quorum, "
            "且只能引用前文已定义的名称。",
        ),
    )
