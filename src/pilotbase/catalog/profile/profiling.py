"""Measuring a data set, taking the profile into the catalog, and a person's word on a column."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.catalog.parties.registry import unknown
from pilotbase.catalog.profile.events import ColumnConfirmed, Profiled
from pilotbase.catalog.profile.rules.sensitive import KINDS
from pilotbase.catalog.profile.views import PROFILES
from pilotbase.catalog.views import ASSETS, PARTIES
from pilotbase.kernel.canonical import decode, digest, encode
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.event import Draft
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.scenario.finding import nearest

PROFILE = "profile"
"""The vault body with the profile."""
HERE, OWNER = "here", "by the owner"
ASSET = Text("data set", "数据集")


@dataclass(frozen=True)
class Shown:
    """A profile, where it was made, and what persons confirmed of its columns.

    ``confirmed`` is by column ``{"kind", "person", "entry"}``, for these very data.
    """

    profile: Mapping[str, Any]
    made: str
    confirmed: Mapping[str, Mapping[str, Any]]
    entry: int | None = None


def measure(context: Context, target: str, encoding: str) -> Shown:
    """The profile of a file or loader, or one made elsewhere (a ``.json`` file)."""
    if Path(target).suffix.lower() == ".json" and Path(target).is_file():
        from pilotbase.catalog.profile.shape import read_profile

        return Shown(read_profile(Path(target)), OWNER, {})
    from pilotbase.catalog.profile.measure import profile_of
    from pilotbase.catalog.profile.source import opened

    with opened(target, encoding) as source:
        return Shown(profile_of(source, context.progress), HERE, {})


def record_profile(record: Record, context: Context, asset: str, shown: Shown) -> Shown:
    """Take a profile into the catalog as that of an asset.

    Raises:
        InputError: no such data set, or the profile is of other content than its card names.
    """
    profile = shown.profile
    card = _data_set(record, asset)["card"]
    if card.get("digest") not in (None, profile["data"]):
        raise InputError(
            "profile.other_data",
            Text(f"the profile is of other data than {asset}: {profile['data']}",
                 f"该画像并非 {asset} 的数据: {profile['data']}"),
            where=asset,
            next_step=Text(f"The catalog has {card['digest']}; add the new version first.",
                           f"目录中为 {card['digest']}; 请先录入新版本。"),
        )  # fmt: skip
    hash_ = digest(profile)
    guesses = {c["name"]: c["guess"]["kind"] for c in profile["columns"] if c["guess"]}
    happened = Profiled(
        asset, profile["data"], hash_, shown.made, profile["rows"], len(profile["columns"]),
        profile["quality"]["score"], guesses,
    )  # fmt: skip
    known = _profiles(record).get(asset, {})
    if known.get("profile") != hash_ or known.get("made") != shown.made:
        by = context.actor("data steward")
        key = f"profiled:{asset}:{hash_}:{shown.made}:{known.get('entry', '')}"
        draft = Draft(happened, by, f"asset:{asset}", {PROFILE: encode(profile)}, key=key)
        record.append(draft)
    return recorded(record, asset)


def recorded(record: Record, asset: str) -> Shown:
    """The newest profile of an asset. Raises InputError where it has none."""
    _data_set(record, asset)
    known = _profiles(record).get(asset, {})
    if "profile" not in known:
        raise InputError(
            "profile.none",
            Text(f"{asset} has no profile yet", f"{asset} 尚无画像"),
            where=asset,
            next_step=Text(f"pilotbase catalog profile FILE --asset {asset}",
                           f"pilotbase catalog profile 文件 --asset {asset}"),
        )  # fmt: skip
    profile = decode(record.body(record.entry(known["entry"]), PROFILE))
    confirmed = {
        column: {word: said[word] for word in ("kind", "person", "entry")}
        for column, said in known["confirmed"].items()
        if said["data"] == known["data"]
    }
    return Shown(profile, known["made"], confirmed, known["entry"])


def confirm(record: Record, context: Context, asset: str, said: str, person: str) -> Shown:
    """A person's word on columns of an asset's profile.

    Args:
        said: ``COLUMN=kind``, several apart by commas; a name with a comma in quotation marks.

    Raises:
        InputError: no profile, no such column or kind, no person.
    """
    shown = recorded(record, asset)
    _check_person(record, person)
    columns = [column["name"] for column in shown.profile["columns"]]
    drafts = []
    for column, kind in _pairs(said):
        if column not in columns:
            raise _no_such(Text("column", "列"), column, columns)
        if kind not in KINDS:
            raise _no_such(Text("kind", "类别"), kind, list(KINDS))
        known = shown.confirmed.get(column, {})
        if (known.get("kind"), known.get("person")) == (kind, person):
            continue
        happened = ColumnConfirmed(asset, shown.profile["data"], column, kind, person)
        key = f"confirmed:{asset}:{digest(vars(happened))}:{known.get('entry', '')}"
        drafts.append(Draft(happened, context.actor("data steward"), f"asset:{asset}", key=key))
    record.append_many(drafts)
    return recorded(record, asset)


def _pairs(said: str) -> list[tuple[str, str]]:
    words = next(csv.reader([said], skipinitialspace=True))
    pairs = [tuple(part.strip() for part in word.rpartition("=")[::2]) for word in words]
    if not pairs or not all(column and kind for column, kind in pairs):
        raise InputError(
            "profile.confirm",
            Text(f"{said!r} is not COLUMN=kind", f"{said!r} 不是 列名=类别 的形式"),
            where="--confirm",
            next_step=Text(f"Kinds: {', '.join(KINDS)}.", f"类别: {', '.join(KINDS)}。"),
        )
    return [(column, kind) for column, kind in pairs]


def _check_person(record: Record, person: str) -> None:
    known = catch_up(record, [PARTIES])[PARTIES.name]["parties"]
    said = known.get(person)
    if said is None or said["what"] != "person" or said["gone"]:
        people = [id_ for id_, one in known.items() if one["what"] == "person" and not one["gone"]]
        raise InputError(
            "profile.no_person",
            Text(f"the catalog has no person {person!r}", f"目录中没有自然人 {person!r}"),
            where="--as",
            next_step=Text(
                f"A person has to confirm: {', '.join(sorted(people)) or 'add one first'}.",
                f"须由自然人确认: {', '.join(sorted(people)) or '请先录入'}。",
            ),
        )


def _no_such(what: Text, word: str, known: list[str]) -> InputError:
    meant = nearest(word, known)
    names = ", ".join(known[:50])
    return InputError(
        "profile.unknown",
        Text(f"there is no {what.en} {word!r}", f"没有{what.zh} {word!r}"),
        where="--confirm",
        next_step=Text(
            f"Did you mean {meant!r}?" if meant else f"One of: {names}.",
            f"是否想写 {meant!r}?" if meant else f"可选: {names}。",
        ),
    )


def _profiles(record: Record) -> Mapping[str, Any]:
    state: Mapping[str, Any] = catch_up(record, [PROFILES])[PROFILES.name]
    return state


def _data_set(record: Record, asset: str) -> Mapping[str, Any]:
    assets = catch_up(record, [ASSETS])[ASSETS.name]
    found: Mapping[str, Any] = assets.get(asset, {})
    if found.get("what") != "dataset":
        raise unknown(ASSET, asset, {k: v for k, v in assets.items() if v["what"] == "dataset"})
    return found


def is_asset(target: str) -> bool:
    """Whether a target can only be an asset of the catalog: no file, no loader, no file's name."""
    from pilotbase.catalog.profile.source import is_data

    return not is_data(target) and not Path(target).suffix
