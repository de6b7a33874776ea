"""What every section of the scenario file is made of: words with limits, bilingual texts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

CRITERIA_MAX = 50
COLUMNS_MAX = 2_000
ENTRIES_MAX = 200

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Prose = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Hash = Annotated[str, StringConstraints(min_length=71, max_length=71)]
"""``sha256:`` and 64 hexadecimal digits."""
Sql = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Scalar = bool | int | float | str | None
Baseline = Literal["majority", "mean", "persistence", "seasonal_naive"]


class Section(BaseModel):
    """A section of the file: unknown words are refused, values are not changed once read."""

    # Infinite parameters (C: .inf) stay what they are when a plan is hashed.
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )


class Bilingual(Section):
    """A text in English and in Chinese."""

    en: Prose = Field(description="The text in English.")
    zh: Prose = Field(description="The text in Chinese.")
