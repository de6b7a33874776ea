"""Taking a list into the catalog: all of it or, with every fault named, nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.catalog.assets.events import AssetAdded
from pilotbase.catalog.listing import AssetCard, Listing, PartyCard
from pilotbase.catalog.listing_rules import findings
from pilotbase.catalog.parties.events import PartyAdded
from pilotbase.catalog.parties.registry import PERSON, person_of
from pilotbase.catalog.paths import inside
from pilotbase.catalog.rules.synthetic import all_inherited, inherited
from pilotbase.catalog.sheet import read_sheet
from pilotbase.catalog.views import ASSETS, PARTIES
from pilotbase.kernel.canonical import digest, encode
from pilotbase.kernel.errors import DataError, RunError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.scenario.finding import Finding
from pilotbase.scenario.section import Bilingual

CHUNK = 2**20


@dataclass(frozen=True)
class Added:
    """What became of one entry of a list.

    ``state`` is new, changed or unchanged; ``version`` of an asset its content hash.
    """

    id: str
    what: str
    state: str
    number: int
    version: str = ""


def add_list(record: Record, context: Context, file: Path) -> list[Added]:
    """Take the parties and assets of a YAML list into the catalog.

    What is there as it is stays; what changed becomes a new version.

    Raises:
        SheetError: with all faults at once; then nothing was taken. RunError: somebody else changed
            one of them at the same time.
    """
    sheet = read_sheet(file, Listing)
    states = catch_up(record, [PARTIES, ASSETS])
    parties, assets = states[PARTIES.name]["parties"], states[ASSETS.name]
    hashes, lost = _hashes(sheet.said, file.absolute().parent)
    sheet.refuse([*findings(sheet.said, parties, assets), *lost])
    made = [_party(record, context, card, parties.get(card.id)) for card in sheet.said.parties]
    cards = [card_of(card, hashes.get(card.id)) for card in sheet.said.assets]
    marked = all_inherited(cards, {id_: said["card"] for id_, said in assets.items()})
    made += [asset_draft(context, card, assets.get(card["id"])) for card in marked]
    return record_all(record, made)


def record_all(record: Record, made: list[tuple[Added, Draft | None]]) -> list[Added]:
    """Append what is new or changed in one transaction."""
    drafts = [draft for _, draft in made if draft is not None]
    if drafts:
        _check_ours(drafts, record.append_many(drafts))
    return [added for added, _ in made]


def _check_ours(drafts: list[Draft], entries: list[Entry]) -> None:
    """Each number of a party or asset is used once; whoever comes second has to look again."""
    for draft, entry in zip(drafts, entries, strict=True):
        if entry.body != draft.body():
            raise RunError(
                "catalog.changed_meanwhile",
                Text(
                    f"{draft.about} was changed at the same time", f"{draft.about} 同时被他人更改"
                ),
                next_step=Text(
                    "`pilotbase catalog history ID` shows by whom; run the command again.",
                    "`pilotbase catalog history ID` 可查看更改者; 请重新运行命令。",
                ),
            )


def _party(
    record: Record, context: Context, card: PartyCard, known: Mapping[str, Any] | None
) -> tuple[Added, Draft | None]:
    person = card.kind == "person"
    private = {"name": _both(card.name), "contact": card.contact or ""}
    happened = PartyAdded(
        party=card.id,
        what=card.kind,
        number=(known["number"] if known else 0) + 1,
        name=None if person else _both(card.name),
        contact="" if person else card.contact or "",
        principal=card.principal or "",
        asset=card.asset or "",
    )
    if known is not None:
        said = {name: value for name, value in vars(happened).items() if name != "number"}
        same = all(known[name] == value for name, value in said.items())
        if same and (not person or person_of(record, known) == private):
            return Added(card.id, card.kind, "unchanged", known["number"]), None
    draft = Draft(
        happened,
        context.actor("case officer"),
        f"party:{card.id}",
        {PERSON: encode(private)} if person else {},
        key=f"party:{card.id}:{happened.number}",
    )
    state = "changed" if known else "new"
    return Added(card.id, card.kind, state, happened.number), draft


def asset_draft(
    context: Context, card: Mapping[str, Any], known: Mapping[str, Any] | None
) -> tuple[Added, Draft | None]:
    """What recording an asset's card comes to: nothing, where this is its newest version.

    An asset that has been synthetic stays marked as such.
    """
    card = inherited(card, known["card"] if known else None, {})
    version, number = digest(card), known["number"] if known else 0
    if known is not None and known["version"] == version:
        return Added(card["id"], card["kind"], "unchanged", number, version), None
    earlier = known["version"] if known else ""
    happened = AssetAdded(card["id"], card["kind"], number + 1, version, earlier, card)
    key = f"asset:{card['id']}:{number + 1}"
    by = context.actor("case officer")
    state = "changed" if known else "new"
    return (
        Added(card["id"], card["kind"], state, number + 1, version),
        Draft(happened, by, f"asset:{card['id']}", key=key),
    )


def card_of(card: AssetCard, hash_: str | None = None) -> dict[str, Any]:
    """A card as it is recorded: as it was written, a file by its hash in place of its name."""
    said: dict[str, Any] = card.model_dump(mode="json", exclude_defaults=True)
    said.pop("file", None)
    return {**said, "digest": hash_} if hash_ else said


def _hashes(listing: Listing, folder: Path) -> tuple[dict[str, str], list[Finding]]:
    """By asset, the hash of the file it names; and what is wrong with those files."""
    hashes, lost = dict[str, str](), list[Finding]()
    for number, card in enumerate(listing.assets):
        if card.file is None:
            continue
        at = ("assets", number, "file")
        try:
            hash_ = hash_file(inside(folder, card.file, card.file)[0])
        except (DataError, OSError) as error:
            said = error.message if isinstance(error, DataError) else _unreadable(error)
            lost.append(Finding(at, "sheet.file", said))
            continue
        if card.digest not in (None, hash_):
            differs = Text(f"the file's hash is {hash_}", f"文件的哈希为 {hash_}")
            lost.append(Finding(("assets", number, "digest"), "sheet.digest", differs))
        hashes[card.id] = hash_
    return hashes, lost


def hash_file(file: Path) -> str:
    """``sha256:<hex>`` of a file's bytes."""
    made = hashlib.sha256()
    with file.open("rb") as opened:
        for chunk in _chunks(opened):
            made.update(chunk)
    return "sha256:" + made.hexdigest()


def _chunks(opened: Any) -> Iterator[bytes]:
    while chunk := opened.read(CHUNK):
        yield chunk


def _unreadable(error: OSError) -> Text:
    reason = error.strerror or str(error)
    return Text(f"the file cannot be read: {reason}", f"无法读取文件: {reason}")


def _both(name: str | Bilingual) -> dict[str, str]:
    return {"en": name, "zh": name} if isinstance(name, str) else {"en": name.en, "zh": name.zh}
