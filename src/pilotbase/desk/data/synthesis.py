"""Synthetic rows of a data set: made, marked, taken into the catalog, and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pilotbase.catalog.adding import Added, asset_draft
from pilotbase.catalog.profile.views import PROFILES
from pilotbase.catalog.reading import assets_of
from pilotbase.catalog.rules.synthetic import SOURCE, SYNTHETIC
from pilotbase.desk.data.events import Synthesised
from pilotbase.desk.data.rows import csv_bytes, data_set, rows_of
from pilotbase.desk.data.synthesis_rules import Method, synthesised
from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.scenario.schema import ROWS_MAX

METHODS = {
    "rows": Text("resampled rows, blurred", "整行重抽样并加扰动"),
    "columns": Text("every column drawn by itself", "逐列独立抽样"),
}
NOT_ANONYMOUS = Text(
    "Synthetic rows ({how}), made of {source}. They are not anonymous and were observed nowhere.",
    "合成数据 ({how}), 由 {source} 生成。并非匿名化数据, 也非实际观测。",
)
ID_MAX = 64


def synthesise(
    record: Record,
    context: Context,
    asset: str,
    file: Path,
    out: Path,
    *,
    id_: str,
    method: Method,
    rows: int,
    seed: int,
    noise: float,
) -> tuple[Added, Synthesised]:
    """Write synthetic rows to ``out`` and take them into the catalog.

    Args:
        id_: of the new data set; the source's with ``-synthetic`` where empty.
        rows: how many; as many as the source has where 0.

    Raises:
        InputError: no such data set, another file, or a number that does not hold.
    """
    said = data_set(record, asset)
    table = rows_of(file, said)
    count = rows or table.rows
    _check(count, noise, table.rows)
    known = _confirmed(record, asset, said["card"]["digest"])
    frame, withheld = synthesised(
        table.frame, method, rows=count, seed=seed, noise=noise, known=known
    )
    data = csv_bytes(frame)
    name = id_ or f"{asset[: ID_MAX - len('-synthetic')]}-synthetic"
    source = {"asset": asset, "version": said["version"], "digest": said["card"]["digest"]}
    settings = {"noise": noise} if method == "rows" else {}
    made = Synthesised(name, source, method, settings, seed, count, digest_bytes(data), withheld)
    earlier = assets_of(record).get(name)
    _check_name(name, asset, earlier)
    added, draft = asset_draft(context, _card(said["card"], made), earlier)
    with storage_errors(out):
        write_whole(out, data)
    happened = Draft(made, context.actor("data steward"), f"asset:{name}")
    record.append_many([*([draft] if draft else []), happened])
    return added, made


def _confirmed(record: Record, asset: str, data: str) -> dict[str, str]:
    """By column, the kind that a person confirmed of these very data."""
    said = catch_up(record, [PROFILES])[PROFILES.name].get(asset, {}).get("confirmed", {})
    return {column: one["kind"] for column, one in said.items() if one["data"] == data}


def _card(source: Mapping[str, Any], made: Synthesised) -> dict[str, Any]:
    title = {lang: f"{source['title'][lang]} ({word})" for lang, word in _TITLE.items()}
    text = NOT_ANONYMOUS.format(how=METHODS[made.method], source=made.source["asset"])
    kept = {word: source[word] for word in ("provider", "licence", "terms") if word in source}
    return {
        "id": made.asset,
        "kind": "dataset",
        "title": title,
        "text": text.as_dict(),
        **kept,
        "digest": made.digest,
        "parts": [{"name": made.source["asset"]}],
        "properties": {
            SYNTHETIC: True,
            SOURCE: made.source["asset"],
            "synthetic_method": made.method,
            "synthetic_seed": made.seed,
            "synthetic_source_digest": made.source["digest"],
            "rows": made.rows,
        },
    }


_TITLE = {"en": "synthetic", "zh": "合成数据"}


def _check(rows: int, noise: float, there: int) -> None:
    wrong = ""
    if not 1 <= rows <= ROWS_MAX or not there:
        wrong = f"--rows: 1 … {ROWS_MAX:,}"
    elif not 0.0 <= noise <= 1.0:
        wrong = "--noise: 0 … 1"
    if wrong:
        raise InputError(
            "data.synthesis",
            Text(f"out of range: {wrong}", f"超出范围: {wrong}"),
            where=wrong.partition(":")[0],
        )


def _check_name(name: str, source: str, known: Mapping[str, Any] | None) -> None:
    if name == source or (known is not None and known["what"] != "dataset"):
        raise InputError(
            "data.synthesis_id",
            Text(f"{name!r} is another asset", f"{name!r} 是另一项资产"),
            where="--id",
            next_step=Text("Choose an id of its own.", "请另取编号。"),
        )
