"""A list for the catalog: a YAML file of parties and assets, checked as a whole.

The classes are the grammar; each field's description is what a user reads.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pilotbase.scenario.section import Bilingual, Name, Prose, Scalar, Section, Slug

ENTRIES_MAX = 2_000
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
AssetKind = Literal["model", "dataset", "agent", "tool", "knowledge", "compute"]


class PartyCard(Section):
    """A person, an organisation or an agent."""

    id: Slug = Field(description="Short name; of a person a pseudonym, because it stays for good.")
    kind: Literal["person", "body", "agent"] = Field(
        description="A person, a body (organisation), or an agent (a program that acts)."
    )
    name: Name | Bilingual = Field(description="The name; of a person it goes to the vault.")
    contact: Name | None = Field(None, description="How to reach it; of a person to the vault.")
    principal: Slug | None = Field(None, description="body: the person who answers for it.")
    asset: Slug | None = Field(None, description="agent: the catalog's agent that it runs.")


class Part(Section):
    """Something an asset cannot do without."""

    name: Name = Field(description="What it is: an asset's id, a package, an endpoint.")
    kind: Literal["asset", "software", "model", "dataset", "endpoint", "compute"] = Field(
        "asset", description="What kind of thing."
    )
    supplier: Name | None = Field(None, description="Who supplies it.")
    substitutes: tuple[Name, ...] = Field(
        (), max_length=50, description="What is declared able to take its place."
    )


class AssetCard(Section):
    """A model, data set, agent, tool, piece of knowledge or compute."""

    id: Slug = Field(description="Short name.")
    kind: AssetKind = Field(description="What kind of asset.")
    title: Bilingual = Field(description="What it is called.")
    text: Bilingual | None = Field(None, description="What it is for, in plain words.")
    provider: Slug | None = Field(None, description="The party that provides it.")
    label: Name | None = Field(None, description="Its provider's version label.")
    file: Name | None = Field(
        None, description="A file beside this list; it is hashed and stays where it is."
    )
    digest: Digest | None = Field(
        None, description="Hash of its content, where the content stays with its owner."
    )
    licence: Name | None = Field(None, description="Licence, as an SPDX expression if it has one.")
    terms: Prose | None = Field(None, description="Terms of use, in words.")
    url: Name | None = Field(None, description="Where more is said of it.")
    parts: tuple[Part, ...] = Field(
        (), max_length=500, description="Bill of materials: what it cannot do without."
    )
    properties: dict[Name, Scalar] = Field(
        default_factory=dict, max_length=200, description="Anything else worth finding it by."
    )


class Listing(Section):
    """A list for the catalog."""

    catalog: Literal[1] = Field(description="Format version of this list.")
    parties: tuple[PartyCard, ...] = Field(
        (), max_length=ENTRIES_MAX, description="Persons, bodies and agents."
    )
    assets: tuple[AssetCard, ...] = Field(
        (), max_length=ENTRIES_MAX, description="Models, data sets, agents, tools, knowledge, …"
    )
