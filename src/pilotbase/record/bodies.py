"""Auditing the bodies in the vault against what the entries commit to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pilotbase.kernel.errors import RecordError
from pilotbase.kernel.text import Text
from pilotbase.record.encryption import KEY_MISSING
from pilotbase.record.findings import Findings
from pilotbase.record.opened import VAULT
from pilotbase.record.ports import FIRST, LogReader, Vault
from pilotbase.record.rules.audit import Finding, entry_place, of_entry
from pilotbase.record.rules.commitment import SALT_SIZE, commit
from pilotbase.record.rules.erasure import ERASED, erased_by

_VAULT = Text(VAULT, VAULT)


class BodyAudit:
    """Audits the bodies in the vault against what the entries commit to."""

    def __init__(self, vault: Vault, found: Findings) -> None:
        self._vault = vault
        self._found = found
        self._erased: set[str] = set()
        self._present = 0
        self._locked = 0
        self.good = 0

    def erased(self, log: LogReader) -> None:
        """Take note of what the log says was erased, also of entries that stand before it."""
        for row in log.rows(FIRST, None, kind=ERASED):
            self._erased.update(erased_by(row.data))

    def entry(self, index: int, said: Mapping[str, Any]) -> None:
        for name, item in said["vault"].items():
            with self._found.damage(entry_place(index)):
                self._body(index, name, item["commitment"], item["size"])

    def _body(self, index: int, name: str, commitment: str, size: int) -> None:
        try:
            kept = self._vault.get(commitment)
        except RecordError as error:
            if error.code != KEY_MISSING:
                raise
            self._present, self._locked = self._present + 1, self._locked + 1
            return
        if kept is None:
            self._found.add(_absent(index, name, commitment in self._erased))
            return
        self._present += 1
        if commitment in self._erased:
            en = f"its body {name!r} was recorded as erased and is still there; erase it again"
            zh = f"其正文 {name!r} 已记录为删除但仍然存在; 请再次删除"
            self._found.add(of_entry(index, en, zh))
            return
        whole = len(kept.salt) == SALT_SIZE and len(kept.body) == size
        if whole and commit(kept.salt, kept.body) == commitment:
            self.good += 1
            return
        en = f"its body {name!r} in the vault is not what was committed to"
        self._found.add(of_entry(index, en, f"其正文 {name!r} 与承诺值不符"))

    def orphans(self, kept: int) -> None:
        """Bodies to which no entry refers: written before a crash kept the entry from following."""
        if self._locked:
            en = f"{self._locked} bodies were not checked: the vault is encrypted and no key given"
            zh = f"{self._locked} 份正文未核验: 保险库已加密而未给出密钥"
            self._found.note(_VAULT, en, zh)
        count = kept - self._present
        if count > 0:
            en = f"{count} bodies belong to no entry; harmless, left by an interrupted append"
            zh = f"{count} 份正文不属于任何记录; 系写入中断所留, 无害"
            self._found.note(_VAULT, en, zh)


def _absent(index: int, name: str, erased: bool) -> Finding:
    if erased:
        return of_entry(index, f"its body {name!r} was erased", f"其正文 {name!r} 已删除", "note")
    en = f"its body {name!r} is lost: it is not in the vault, and no erasure was recorded"
    return of_entry(index, en, f"其正文 {name!r} 已丢失: 不在保险库中, 也没有删除记录")
