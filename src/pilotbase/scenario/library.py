"""Packs: folders of scenario files that an installed package brings along."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pilotbase.kernel import plugins
from pilotbase.kernel.errors import PluginError
from pilotbase.kernel.text import Text
from pilotbase.scenario.decode import decoded
from pilotbase.scenario.finding import Unreadable
from pilotbase.scenario.tree import tree_of

GROUP = "pilotbase.packs"
EXERCISES = "exercises"
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Pack:
    """A folder of scenario files.

    Attributes:
        files: scenarios that are run with the pack, by name.
        exercises: scenarios for a new user to finish; listed, not run.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]
    exercises: tuple[Path, ...]


def packs() -> list[Pack]:
    """The packs of all installed packages, by name.

    Raises:
        PluginError: a pack that does not load, or is no module with a folder of its own.
    """
    return [pack_of(name, plugins.load(GROUP, name)) for name in plugins.names(GROUP)]


def pack_of(name: str, module: Any) -> Pack:
    """The pack whose files lie beside a module. Raises PluginError when it has no folder."""
    folder = _folder(module)
    if folder is None:
        raise PluginError(
            "plugin.no_folder",
            Text(
                f"the pack {name!r} is no package with a folder of scenario files",
                f"场景包 {name!r} 不是含场景文件目录的软件包",
            ),
            where=GROUP,
            next_step=Text(
                "Let the entry point name a package whose folder holds *.yaml.",
                "请让入口点指向一个目录中含 *.yaml 的软件包。",
            ),
        )
    return Pack(name, folder, _scenarios(folder), _scenarios(folder / EXERCISES))


@dataclass(frozen=True)
class Head:
    """What a list says of a scenario file; empty where the file does not say it."""

    id: str
    item: str
    title: Text


def head_of(path: Path) -> Head:
    """The head of a scenario file, faults or not: a list is no check."""
    try:
        data = tree_of(decoded(path.read_bytes())).data
    except (Unreadable, OSError):
        data = None
    head = data if isinstance(data, dict) else {}
    said = head.get("title")
    title = said if isinstance(said, dict) else {}
    return Head(
        str(head.get("id", path.stem)),
        str(head.get("item", "")),
        Text(str(title.get("en", "")), str(title.get("zh", ""))),
    )


def _folder(module: Any) -> Path | None:
    if not isinstance(module, ModuleType):
        return None
    places = list(getattr(module, "__path__", ()))
    if places:
        return Path(places[0])
    file = getattr(module, "__file__", None)
    return Path(file).parent if file else None


def _scenarios(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES))
