"""What happens to data that are made of other data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pilotbase.desk.events import WORDS_KEPT
from pilotbase.kernel.event import event


@event("data.synthesised/1")
@dataclass(frozen=True)
class Synthesised:
    """Synthetic rows were made of a data set's, by a declared method; about ``asset:<id>``.

    Attributes:
        source: ``{"asset", "version", "digest"}``. digest: of the file that came out.
        settings: the method's numbers. withheld: columns whose values were not carried over.
    """

    asset: str
    source: Mapping[str, str]
    method: str
    settings: Mapping[str, float]
    seed: int
    rows: int
    digest: str
    withheld: tuple[str, ...]


@event("label.started/1")
@dataclass(frozen=True)
class LabellingStarted:
    """People are to label the rows of a data set; about ``labelling:<task>``.

    The sheet with instructions and labels is the vault body ``sheet``, ``sheet`` its hash. Each of
    ``items`` different rows goes to ``raters`` people, who do not see each other's labels.
    """

    task: str
    source: Mapping[str, str]
    column: str
    labels: tuple[str, ...]
    raters: int
    items: int
    sheet: str


@event("label.given/1", retention=WORDS_KEPT)
@dataclass(frozen=True)
class LabelGiven:
    """A person labelled a row: item, and the key that signed.

    Label and reason are the rater's signed note, the vault body ``label``; ``rater`` is the name of
    the key, a pseudonym.
    """

    task: str
    item: str
    rater: str
    vkey: str


@event("label.finished/1")
@dataclass(frozen=True)
class LabellingFinished:
    """The labels became a column of a new version of the data set; about ``labelling:<task>``.

    Attributes:
        digest: of the file with the labels. alpha: Krippendorff's, nominal, with ``interval``;
            None where it is undefined. raters: how many people; ``named`` are their pseudonyms.
        rows: of the file; ``left`` are those without a label, because people differ or few came.
    """

    task: str
    asset: str
    source: Mapping[str, str]
    digest: str
    alpha: float | None
    interval: tuple[float, float] | None
    raters: int
    named: tuple[str, ...]
    labels: int
    rows: int
    left: int
