"""Auditing the views in a home: each has to be what the entries fold to, byte by byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pilotbase.kernel.canonical import decode
from pilotbase.kernel.event import Entry
from pilotbase.kernel.text import Text
from pilotbase.record.findings import Findings
from pilotbase.record.rules.audit import Finding, of_entry
from pilotbase.record.rules.views import Folding, View, first_difference
from pilotbase.record.views import other_version, size_said


class ViewAudit:
    """Folds the views again as the entries stream by, and compares each at its file's size."""

    def __init__(self, files: Mapping[str, bytes], views: Sequence[View], found: Findings) -> None:
        """``files``: by the view's name what its file holds, read before the log's snapshot."""
        self._files = files
        self._found = found
        self._sizes = {name: size_said(data, name) for name, data in files.items()}
        self._folds = [Folding(view) for view in views if self._sizes.get(view.name) is not None]
        self._next = 0
        self.good = 0
        for name, size in self._sizes.items():
            if size is None:
                en = "its file cannot be read; the view is folded again when it is next asked for"
                found.note(_place(name), en, "其文件无法读取; 下次查询时将重新折叠")
        for fold in list(self._folds):
            self._other_version(fold)
        self._compare()

    def _other_version(self, fold: Folding) -> None:
        """What another version of the program folded is no fault, and cannot be compared."""
        name, known = fold.view.name, fold.view.version
        version = other_version(self._files[name], fold.view)
        if version is not None:
            self._folds.remove(fold)
            en = f"its file is of version {version}, the view of {known}; it is folded again when "
            zh = f"其文件为第 {version} 版, 视图为第 {known} 版; 下次查询时将重新折叠"
            self._found.note(_place(name), en + "it is next asked for", zh)

    def entry(self, index: int, data: bytes, said: Mapping[str, Any]) -> None:
        """Take the next entry. After one that is missing nothing can be compared any more."""
        if index != self._next:
            self._folds = []
        if not self._folds:
            return
        self._next = index + 1
        entry = Entry(index, data)
        entry.__dict__["envelope"] = said  # decoded already
        for fold in list(self._folds):
            try:
                fold.take(entry)
            except Exception as error:
                # Whatever a room's fold stumbles over is this entry's fault, and is named.
                self._folds.remove(fold)
                en = f"the view {fold.view.name!r} cannot be folded over it: {error!r}"
                zh = f"视图 {fold.view.name!r} 无法折叠该条: {error!r}"
                self._found.add(of_entry(index, en, zh))
        self._compare()

    def ahead(self, size: int) -> None:
        """A view is folded from entries that were durable: one of more shows a rollback."""
        for name, said in self._sizes.items():
            if said is not None and said > size:
                en = f"it was folded from {said} entries; the log has {size}"
                zh = f"由 {said} 条折叠而成, 现有 {size} 条"
                self._found.add(Finding("fault", _place(name), Text(en, zh), size))

    def _compare(self) -> None:
        for fold in list(self._folds):
            name = fold.view.name
            if fold.size != self._sizes[name]:
                continue
            self._folds.remove(fold)
            if fold.bytes() == self._files[name]:
                self.good += 1
                continue
            at = first_difference(fold.state, decode(self._files[name]).get("state")) or "–"
            en = f"it is not what the entries fold to, at {at}; `pilotbase rebuild` makes it again"
            zh = f"与由记录折叠的结果不符, 位于 {at}; 可用 `pilotbase rebuild` 重建"
            self._found.fault(_place(name), en, zh)


def _place(name: str) -> Text:
    return Text(f"the view {name!r}", f"视图 {name!r}")
