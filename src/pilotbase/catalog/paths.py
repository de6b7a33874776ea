"""Files that a scenario names: below its own folder, so that a file handed over stays harmless."""

from __future__ import annotations

from pathlib import Path

from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text
from pilotbase.scenario.finding import nearest

FILE_BYTES_MAX = 1024**3


def inside(
    folder: Path, name: str, where: str, *, pattern: bool = False, trust: bool = False
) -> list[Path]:
    """The real files that a name stands for: one, or with ``pattern`` all that match, sorted.

    Raises:
        DataError: no such file, too large, or outside the folder (also by ``..`` or a link) unless
            ``trust``.
    """
    home = folder.resolve()
    if pattern and any(mark in name for mark in "*?["):
        parts = Path(name)
        found = [] if parts.is_absolute() else sorted(p for p in home.glob(name) if p.is_file())
    else:
        found = [home / name]
    real = [path.resolve() for path in found]
    outside = [path for path in real if not path.is_relative_to(home)]
    if outside and not trust:
        raise DataError(
            "data.outside",
            Text(
                f"{name!r} lies outside the scenario's folder",
                f"{name!r} 不在场景文件所在的文件夹内",
            ),
            where=where,
            next_step=Text(
                "Copy the data beside the scenario file, or use --trust for a file of your own.",
                "请将数据复制到场景文件旁; 若为自己的文件, 可使用 --trust。",
            ),
        )
    missing = not real or not all(path.is_file() for path in real)
    if missing:
        raise _missing(home, name, where)
    for path in real:
        _check_bytes(path, where)
    return real


def _missing(home: Path, name: str, where: str) -> DataError:
    siblings = [path.name for path in sorted(home.iterdir())[:10_000]] if home.is_dir() else []
    meant = nearest(Path(name).name, siblings)
    hint = Text(
        f"Did you mean {meant!r}?" if meant else f"Put the file into {home}.",
        f"是否想写 {meant!r}?" if meant else f"请将文件放入 {home}。",
    )
    return DataError(
        "data.no_file",
        Text(f"there is no file {name!r}", f"找不到文件 {name!r}"),
        where=where,
        next_step=hint,
    )


def _check_bytes(path: Path, where: str) -> None:
    size = path.stat().st_size
    if size > FILE_BYTES_MAX:
        raise DataError(
            "data.too_large",
            Text(
                f"{path.name} has {size:,} bytes; at most {FILE_BYTES_MAX:,} are taken",
                f"{path.name} 有 {size:,} 字节, 上限为 {FILE_BYTES_MAX:,}",
            ),
            where=where,
            next_step=Text(
                "Keep only the rows and columns that the trial needs.",
                "请只保留试验需要的行和列。",
            ),
        )
