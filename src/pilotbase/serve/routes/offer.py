"""Arranging services: from a sheet to the record, by a named person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pilotbase.catalog.parties.registry import registry
from pilotbase.catalog.sheet import read_sheet
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import digest
from pilotbase.kernel.errors import Fault, InputError, SheetError
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import Record
from pilotbase.record.views import catch_up
from pilotbase.register.views import FILING
from pilotbase.scenario.finding import nearest
from pilotbase.scenario.offer import Key
from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.checks import findings
from pilotbase.serve.routes.compile import Books
from pilotbase.serve.routes.events import Arranged
from pilotbase.serve.routes.proof import is_program
from pilotbase.serve.routes.second import unsure
from pilotbase.serve.routes.sheet import WHOLE, ArrangementSheet, ServiceSheet, UpstreamSheet
from pilotbase.serve.routes.views import ARRANGEMENTS

SERVICE = "service:"


def offer(
    record: Record, context: Context, file: Path, by: str, *, development: bool = False
) -> list[Entry]:
    """Record how the services of a sheet are arranged; all of them or none.

    A service that is so arranged already gives the entry that says so.

    Raises:
        SheetError: with all that stands against it, ``by`` being no person of the catalog included.
        InputError: only that stands against it.
    """
    sheet = read_sheet(file, ArrangementSheet, WHOLE)
    books = _books(record)
    programs = frozenset[str]() if development else _programs(books)
    person = _no_person(record, by)
    found = findings(sheet.said, books, programs, development=development)
    try:
        sheet.refuse(found)
    except SheetError as error:
        raise _with(error, person) if person else error from None
    if person is not None:
        raise person
    happened = [
        _arranged(one, by, sheet.said.reason, development, file.absolute().parent)
        for one in sheet.said.services
    ]
    state = catch_up(record, [ARRANGEMENTS])[ARRANGEMENTS.name]
    actor = context.actor("compute operator")
    drafts = [_draft(record, one, actor, state.get(one.filing, {})) for one in happened]
    return record.append_many(drafts)


def _draft(record: Record, happened: Arranged, actor: Actor, known: Mapping[str, Any]) -> Draft:
    """The key names what is replaced: to go back to an earlier arrangement is another fact than it
    was then; to say again the one in force is the same."""
    about = (SERVICE if happened.development else FILING) + happened.filing
    draft = Draft(happened, actor, about)
    body, replaced = draft.body(), known.get("entry")
    if replaced is None:
        return draft
    if {name: known.get(name) for name in body} == body:
        return replace(draft, key=record.entry(replaced).envelope["key"])
    return replace(draft, key=f"arranged:{about}:{digest(body)}:{replaced}")


def _with(error: SheetError, person: InputError) -> SheetError:
    """A sheet's faults and the one beside it, told at once."""
    fault = Fault(person.code, person.message, person.where, expected=person.next_step)
    return SheetError(error.where, [*error.faults, fault])


def remarks(record: Record, made: Sequence[Entry]) -> list[Text]:
    """What should be known of arrangements though nothing stands against them."""
    books = _books(record)
    return [
        Text(
            f"{name}: nothing in the record says whether {second} takes the same columns",
            f"{name}: 记录未说明 {second} 所取的列是否相同",
        )
        for name, second in ((e.body["filing"], one) for e in made for one in e.body["fallback"])
        if second in books.filings and name in books.filings and unsure(books, name, second)
    ]


def _books(record: Record) -> Books:
    reading = Reading(record)
    reading.grown()
    return reading.books()


def _programs(books: Books) -> frozenset[str]:
    """The filings of what was tried as a program."""
    return frozenset(
        id_
        for id_, said in books.filings.items()
        if (craft := books.crafts.get(f"pilot:{said['run']}")) is not None
        and is_program(craft.offers.get(said["candidate"]))
    )


def check_person(record: Record, by: str) -> None:
    """Raises InputError unless it is a person of the catalog."""
    error = _no_person(record, by)
    if error is not None:
        raise error


def _no_person(record: Record, by: str) -> InputError | None:
    parties = registry(record).book.parties
    persons = [one.id for one in parties.values() if one.kind == "person" and not one.gone]
    if by in persons:
        return None
    meant = nearest(by, persons)
    return InputError(
        "serve.no_person",
        Text(f"{by!r} is no person of the catalog", f"{by!r} 不是目录中的自然人"),
        where="--as",
        next_step=Text(
            f"Did you mean {meant!r}?" if meant else "`pilotbase catalog list` shows who there is.",
            f"是否想写 {meant!r}?" if meant else "`pilotbase catalog list` 可列出已有主体。",
        ),
    )


def _arranged(
    said: ServiceSheet, by: str, reason: str, development: bool, folder: Path
) -> Arranged:
    return Arranged(
        filing=said.filing,
        by=by,
        reason=reason,
        speaks=said.speaks,
        upstreams=tuple(_upstream(one, folder) for one in said.upstreams),
        fallback=said.fallback,
        tokens=said.tokens.model_dump(exclude_none=True),
        caps=said.caps.model_dump(exclude_none=True),
        guards=said.guards,
        handoff=said.handoff,
        content=said.content,
        development=development,
    )


def _upstream(said: UpstreamSheet, folder: Path) -> dict[str, Any]:
    return {
        "id": said.id,
        "kind": said.kind,
        "url": said.url or "",
        "model": said.model,
        "secret": _secret(said.key, folder),
        "weight": said.weight,
        "private": said.private,
        "folder": str(folder / said.folder) if said.folder else "",
        "declared": said.declared or "",
    }


def _secret(key: Key | None, folder: Path) -> str:
    if key is None:
        return ""
    return f"env:{key.env}" if key.env else f"file:{folder / str(key.file)}"
