"""What it takes to read one data set of a document: its words, and the list of what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pilotbase.catalog.croissant.json_ld import Names, references, texts
from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import Path, path_text, shown

Said = Mapping[str, tuple[str, Any]]
"""By short name, the key that stands in the file and its value."""


@dataclass
class Reading:
    """Reads values of one data set; what is wrong is kept beside.

    Attributes:
        path: of the data set in its document. ids: by id, where it stands.
    """

    names: Names
    path: Path
    faults: list[Fault] = field(default_factory=list)
    remarks: list[Fault] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def fault(self, code: str, path: Path, said: Text, expected: Text | None = None) -> None:
        place = path_text((*self.path, *path))
        self.faults.append(Fault(f"croissant.{code}", said, place, expected=expected))

    def missing(self, word: str, path: Path) -> None:
        self.fault("missing", path, Text(f"“{word}” is missing", f"缺少 “{word}”"))

    def remark(self, word: str) -> None:
        said = Text(f"“{word}” is missing; the specification requires it",
                    f"缺少 “{word}”; 规范要求填写")  # fmt: skip
        self.remarks.append(Fault("croissant.required", said, path_text(self.path)))

    def types(self, node: Mapping[str, Any]) -> list[str]:
        kinds = self.names.keys(node).get("@type", ("", []))[1]
        return [self.names.word(k) for k in (kinds if isinstance(kinds, list) else [kinds])
                if isinstance(k, str)]  # fmt: skip

    def both(self, said: Said, word: str, second: str) -> Text:
        """A text in both languages; one that is given stands for the other."""
        found = texts(said.get(word, ("", None))[1])
        chinese = found.get("zh") or texts(said.get(second, ("", None))[1]).get("zh")
        english = found.get("en") or found.get("") or next(iter(found.values()), "")
        return Text((english or chinese or "").strip(), (chinese or english or "").strip())

    def word(self, said: Said, word: str) -> str:
        key, value = said.get(word, (word, ""))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        found = texts(value)
        if not found and references(value):
            return references(value)[0]
        if not found and value not in ("", None, [], {}):
            self.fault(
                "value", (key,), Text(f"{shown(value)} is no text", f"{shown(value)} 不是文本")
            )
        return next(iter(found.values()), "")

    def listed(self, said: Said, word: str) -> list[tuple[Path, Any]]:
        key, value = said.get(word, (word, []))
        items = value if isinstance(value, list) else [value]
        found: list[tuple[Path, Any]] = []
        for number, item in enumerate(items):
            path: Path = (key, number) if isinstance(value, list) else (key,)
            if isinstance(item, Mapping):
                found.append((path, item))
            else:
                told = Text(f"{shown(item)} is no object", f"{shown(item)} 不是对象")
                self.fault("value", path, told)
        return found

    def id(self, node: Mapping[str, Any], path: Path) -> str:
        id_ = self.names.keys(node).get("@id", ("", None))[1]
        if not isinstance(id_, str) or not id_.strip():
            self.missing("@id", path)
            return ""
        if id_ in self.ids:
            told = Text(f"{shown(id_)} is the id of {self.ids[id_]} already",
                        f"{shown(id_)} 已是 {self.ids[id_]} 的标识")  # fmt: skip
            self.fault("duplicate_id", (*path, "@id"), told)
        self.ids.setdefault(id_, path_text((*self.path, *path)))
        return id_

    def unknown(self, what: str, id_: str, path: Path) -> None:
        word = Text(what, {"file": "文件", "column": "列"}[what])
        told = Text(f"there is no {word.en} {shown(id_)}", f"没有{word.zh} {shown(id_)}")
        self.fault("unknown_id", path, told)
