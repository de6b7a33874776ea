"""Inspect logs: ``.eval`` (a zip of JSON) and ``.json``, format version 2.

Source: inspect.aisi.org.uk, "Log Files" and the reference of ``EvalLog``. A ``.eval`` file holds
``header.json`` and ``samples/<id>_epoch_<n>.json``. Nothing is unpacked to disk.
"""

from __future__ import annotations

import importlib
import struct
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pilotbase.catalog.results.log import (
    JSON_BYTES_MAX,
    Log,
    Row,
    as_text,
    faulty,
    mapping_of,
    parsed,
    share,
    unfit,
)
from pilotbase.kernel.errors import DataError
from pilotbase.kernel.text import Text

VERSION = 2
MEMBERS_MAX = 200_000
UNPACKED_MAX = 2 * 2**30
ZSTANDARD = 93
LETTERS = {
    "C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0,
    "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0,
}  # fmt: skip
MAPPING = Text(
    "C counts 1, P 0.5, I and N 0; yes and true 1, no and false 0",
    "C 计 1, P 计 0.5, I 与 N 计 0; yes 与 true 计 1, no 与 false 计 0",
)


def read_eval(path: Path, where: str) -> Log:
    """A ``.eval`` log.

    Raises:
        DataError: no such log, another version, a zip that is damaged, too large or names paths.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            samples = _checked(archive, where)
            header = parsed(_member(archive, "header.json", where), f"{where}: header.json")
            read = (parsed(_member(archive, n, where), f"{where}: {n}") for n in samples)
            return _log(mapping_of(header), read, where)
    except (zipfile.BadZipFile, struct.error, EOFError, OSError) as error:
        raise faulty(where, f"a damaged zip: {error}", f"zip 文件已损坏: {error}") from error


def read_json(found: Mapping[str, Any], where: str) -> Log:
    """A ``.json`` log. Raises DataError as `read_eval` does."""
    samples = found.get("samples")
    return _log(found, iter(samples if isinstance(samples, list) else []), where)


def _checked(archive: zipfile.ZipFile, where: str) -> list[str]:
    members = archive.infolist()
    if len(members) > MEMBERS_MAX or sum(m.file_size for m in members) > UNPACKED_MAX:
        raise faulty(
            where,
            f"the zip unpacks to more than {MEMBERS_MAX:,} files or {UNPACKED_MAX:,} bytes",
            f"zip 解压后超过 {MEMBERS_MAX:,} 个文件或 {UNPACKED_MAX:,} 字节",
        )
    for member in members:
        name = PurePosixPath(member.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in member.filename.split("/")[0]:
            raise faulty(
                where,
                f"the zip names a path: {member.filename[:80]!r}",
                f"zip 中含有路径: {member.filename[:80]!r}",
            )
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise faulty(where, "the zip holds a file twice", "zip 中有重复的文件")
    if "header.json" not in names:
        raise faulty(
            where,
            "no header.json in it: no Inspect log, or one that was not finished",
            "其中没有 header.json: 不是 Inspect 日志, 或该日志未完成",
        )
    return sorted(n for n in names if n.startswith("samples/") and n.endswith(".json"))


def _member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    """The bytes of a member; never more than `JSON_BYTES_MAX` + 1, whatever the zip says."""
    info = archive.getinfo(name)
    if info.compress_type == ZSTANDARD and not hasattr(zipfile, "ZIP_ZSTANDARD"):
        return _zstandard(archive, info, where)
    try:
        with archive.open(info) as opened:
            return opened.read(JSON_BYTES_MAX + 1)
    except (RuntimeError, NotImplementedError) as error:
        raise faulty(where, f"{name}: {error}", f"{name}: {error}") from error


def _zstandard(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> bytes:
    """A member that Inspect has compressed with Zstandard, which zipfile knows from Python 3.14."""
    try:
        module: Any = importlib.import_module("zstandard")
    except ImportError as error:
        raise DataError(
            "data.results_zstd",
            Text(
                "the log is compressed with Zstandard, and no module for it is installed",
                "该日志用 Zstandard 压缩, 而未安装所需模块",
            ),
            where=where,
            next_step=Text(
                "pip install 'pilotbase[inspect]', or convert it: "
                "inspect log convert --to json --output-dir DIR FILE",
                "请执行 pip install 'pilotbase[inspect]', 或转换日志: "
                "inspect log convert --to json --output-dir 目录 文件",
            ),
        ) from error
    file: Any = archive.fp
    file.seek(info.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile("no local header")
    name, extra = struct.unpack("<HH", header[26:30])
    file.seek(info.header_offset + 30 + name + extra)
    packed = file.read(info.compress_size)
    try:
        reader = module.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        return bytes(reader.read(JSON_BYTES_MAX + 1))
    except module.ZstdError as error:
        raise zipfile.BadZipFile(str(error)) from error


def _log(header: Mapping[str, Any], samples: Iterator[Any], where: str) -> Log:
    if header.get("version") != VERSION:
        raise faulty(
            where,
            f"Inspect logs of version {VERSION} are read, not of {header.get('version')!r}",
            f"只读取第 {VERSION} 版 Inspect 日志, 而不是 {header.get('version')!r}",
        )
    if header.get("status", "success") != "success":
        raise faulty(
            where,
            f"the log's status is {as_text(header['status'])[:40]!r}: it was not finished",
            f"该日志状态为 {as_text(header['status'])[:40]!r}: 评测未完成",
        )
    spec = mapping_of(header.get("eval"))
    model, task = as_text(spec.get("model")), as_text(spec.get("task"))
    rows, left_out = [], set()
    for sample in samples:
        scores, strange = _scores(mapping_of(mapping_of(sample).get("scores")))
        left_out |= strange
        rows.append(_row(mapping_of(sample), scores, model, task, where))
    total = mapping_of(header.get("results")).get("total_samples")
    if isinstance(total, int) and total > len(rows):
        raise faulty(
            where,
            f"{total - len(rows)} of {total} samples are missing from the log",
            f"日志中缺少 {total} 个样本中的 {total - len(rows)} 个",
        )
    packages = mapping_of(spec.get("packages"))
    tool, name = (
        ("Pilotbase", "pilotbase") if "pilotbase" in packages else ("Inspect", "inspect_ai")
    )
    version = as_text(packages.get(name)) or "?"
    return Log(tool, version, rows, MAPPING, frozenset(left_out))


def _row(
    sample: Mapping[str, Any], scores: Mapping[str, float | None], model: str, task: str, where: str
) -> Row:
    epoch = sample.get("epoch")
    if "id" not in sample or not isinstance(epoch, int) or epoch < 1:
        raise faulty(where, "a sample without id or epoch", "有样本缺少编号或轮次")
    attachments = mapping_of(sample.get("attachments"))
    target = sample.get("target")
    expected = " | ".join(map(as_text, target)) if isinstance(target, list) else as_text(target)
    return Row(
        as_text(sample["id"]), epoch - 1, model, task,
        _said(sample.get("input"), attachments), expected,
        _completion(mapping_of(sample.get("output")), attachments), scores,
    )  # fmt: skip


def _scores(found: Mapping[str, Any]) -> tuple[dict[str, float | None], set[str]]:
    """Scores by scorer, of an object by its keys; and which of them are no scores from 0 to 1."""
    scores: dict[str, float | None] = {}
    strange = set()
    for name, score in found.items():
        value = mapping_of(score).get("value")
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        for key, part in parts:
            full = f"{name}/{key}" if key else name
            number = LETTERS.get(part, part) if isinstance(part, str) else part
            scores[full] = share(number)
            if unfit(number):
                strange.add(full)
    return scores, strange


def _completion(output: Mapping[str, Any], attachments: Mapping[str, Any]) -> str:
    if isinstance(output.get("completion"), str):
        return _said(output["completion"], attachments)
    choices = output.get("choices")
    first = mapping_of(choices[0]) if isinstance(choices, list) and choices else {}
    return _said(mapping_of(first.get("message")).get("content"), attachments)


def _said(content: Any, attachments: Mapping[str, Any]) -> str:
    """Text, messages of a chat or parts of a content, as text."""
    if isinstance(content, str):
        _, mark, name = content.partition("attachment://")
        return as_text(attachments.get(name, content)) if mark else content
    if isinstance(content, Mapping):
        return _said(content.get("content", content.get("text")), attachments)
    if isinstance(content, list):
        return "\n".join(filter(None, (_said(part, attachments) for part in content)))
    return ""
