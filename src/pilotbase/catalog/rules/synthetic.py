"""Synthetic rows are marked as such for ever: a column in the rows, properties on the card. Pure.

Why: a trial on invented rows says how something does on invented rows. Whoever meets the data later
has to see that from the data themselves, wherever they have been in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pilotbase.kernel.text import Text

MARKER = "pilotbase_synthetic"
"""The column that says of each row whether it is synthetic."""
SYNTHETIC = "synthetic"
"""The property of a card: its rows, or some of them, are synthetic. Others begin with this word."""
SOURCE = "synthetic_source"
SAID = Text("Synthetic rows.", "合成数据。")
"""How a description in a format without a word for it begins."""

Card = Mapping[str, Any]


def is_synthetic(card: Card) -> bool:
    """Whether a card says that its data are synthetic, wholly or in part."""
    return bool(card.get("properties", {}).get(SYNTHETIC))


def marks(card: Card) -> dict[str, Any]:
    """What a card says of its being synthetic; empty where it is not."""
    if not is_synthetic(card):
        return {}
    properties: Mapping[str, Any] = card["properties"]
    return {name: value for name, value in properties.items() if name.startswith(SYNTHETIC)}


def described(text: Text, card: Card) -> Text:
    """A card's text for a format that has no word for synthetic rows: it begins with that."""
    if not is_synthetic(card) or text.en.startswith(SAID.en):
        return text
    return Text(f"{SAID.en} {text.en}".strip(), f"{SAID.zh}{text.zh}")


def told(text: Text, columns: Iterable[str]) -> dict[str, Any]:
    """The properties of data that come in with a description: by its beginning or its columns."""
    marked = text.en.startswith(SAID.en) or text.zh.startswith(SAID.zh) or MARKER in columns
    return {SYNTHETIC: True} if marked else {}


def inherited(card: Card, earlier: Card | None, cards: Mapping[str, Card]) -> dict[str, Any]:
    """A card with the marks that it cannot lose.

    A version of a synthetic asset stays synthetic, whatever its card says; a data set that is made
    of a synthetic one (its ``parts``) becomes so, and names it as its source. A model that was
    trained on synthetic rows is no data set: its bill of materials shows them.

    Args:
        earlier: the version before it. cards: the newest cards of all assets, by id.
    """
    kept = marks(earlier) if earlier is not None else {}
    if card["kind"] == "dataset":
        for source in _made_of(card, cards):
            kept = {SYNTHETIC: True, SOURCE: source, **kept}
    if not kept:
        return dict(card)
    properties = {**kept, **card.get("properties", {}), SYNTHETIC: True}
    return {**card, "properties": properties}


def all_inherited(cards: Sequence[Card], known: Mapping[str, Card]) -> list[dict[str, Any]]:
    """The cards of a list with the marks that they cannot lose, however long the way to the source.

    Args:
        known: the newest cards of all assets that the catalog has, by id.
    """
    made = {card["id"]: dict(card) for card in cards}
    for _ in cards:
        now = {**known, **made}
        again = {id_: inherited(card, known.get(id_), now) for id_, card in made.items()}
        if again == made:
            break
        made = again
    return list(made.values())


def _made_of(card: Card, cards: Mapping[str, Card]) -> Iterable[str]:
    for part in card.get("parts", ()):
        inner = cards.get(part["name"]) if part.get("kind", "asset") == "asset" else None
        if inner is not None and inner["kind"] == "dataset" and is_synthetic(inner):
            yield part["name"]


def marked_rows(values: Iterable[Any]) -> int:
    """How many rows a marker column marks; whatever is not plainly false counts as marked.

    >>> marked_rows([True, False, 1, 0, "false", "yes", None])
    3
    """
    no = ("", "0", "0.0", "false", "no", "none", "nan")
    return sum(str(value).strip().lower() not in no for value in values)
