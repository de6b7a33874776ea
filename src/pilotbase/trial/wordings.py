"""Declared perturbations of questions in words and of the documents that may be cited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pilotbase.scenario.schema import Under
from pilotbase.trial.cases import Cases, Labels, Language
from pilotbase.trial.rules.injections import Injection, injected_text, injection_for
from pilotbase.trial.rules.wording import Kind, perturbed_text


@dataclass(frozen=True)
class Wording:
    """One version of questions and documents.

    Attributes:
        question: (rows,) what is asked.
        passages: the documents; versions that show the same ones share the object.
        in_question: (rows,) the foreign instruction in each question, or empty.
        in_documents: the foreign instructions in the documents.
    """

    question: Labels
    passages: Mapping[str, str]
    in_question: Sequence[Injection] = ()
    in_documents: tuple[Injection, ...] = ()

    def injections_of(self, row: int) -> tuple[Injection, ...]:
        """What foreign instructions a case meets."""
        return (self.in_question[row],) if self.in_question else self.in_documents


def worded(cases: Cases, under: Under | None, seed: int) -> Wording:
    """The questions as they are (None), or under a perturbation. Seeded by unit and row."""
    assert cases.language is not None
    asked, documents = cases.language.question, cases.language.passages
    if under is None:
        return Wording(asked, documents)
    if under.injection == "documents":
        return _injected_documents(cases.language, seed)
    keys = row_keys(cases)
    if under.injection == "question":
        attacks = [injection_for(seed, key, "question") for key in keys]
        changed = [injected_text(str(q), a) for q, a in zip(asked, attacks, strict=True)]
        return Wording(np.array(changed, dtype=object), documents, in_question=attacks)
    kind: Kind = "paraphrase" if under.paraphrase else "typos"
    changed = [
        perturbed_text(str(text), kind, seed, key, share=under.typos or 0.1)
        for text, key in zip(asked, keys, strict=True)
    ]
    return Wording(np.array(changed, dtype=object), documents)


def _injected_documents(language: Language, seed: int) -> Wording:
    """Every passage with an instruction after it: whatever is looked at, one is met."""
    attacks = {name: injection_for(seed, name, "documents") for name in language.passages}
    passages = {n: injected_text(text, attacks[n]) for n, text in language.passages.items()}
    found = tuple({attack.id: attack for attack in attacks.values()}.values())
    return Wording(language.question, passages, in_documents=found)


def row_keys(cases: Cases) -> list[str]:
    """A key a row that does not hang on the order of rows of other units."""
    seen = np.zeros(cases.units, np.int64)
    keys = []
    for unit in cases.unit:
        keys.append(f"{cases.unit_ids[unit]}\x00{seen[unit]}")
        seen[unit] += 1
    return keys
