"""A profile on one HTML page without script, and its ``.json`` twin."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pilotbase.catalog.profile.drawing import bars, share
from pilotbase.catalog.profile.profiling import Shown
from pilotbase.catalog.profile.rules.sensitive import KINDS
from pilotbase.catalog.profile.words import MADE, PARTS, TYPES, number
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Language
from pilotbase.scenario.decode import HIDDEN

_PACKAGE = "pilotbase.catalog.profile"


def write_page(shown: Shown, asset: str, out: Path, language: Language) -> Path:
    """Write the page and its twin; the twin's path. The twin of a profile made here can be handed
    to a base that shall not see the data."""
    twin = out.with_suffix(".json") if out.suffix.lower() != ".json" else out
    with storage_errors(out):
        if out != twin:
            write_whole(out, page(shown, asset, language).encode())
        text = json.dumps(shown.profile, ensure_ascii=False, indent=1, allow_nan=False)
        write_whole(twin, text.encode())
    return twin


def page(shown: Shown, asset: str, language: Language) -> str:
    """The page as text, in both languages; ``language`` is shown first."""
    style = _style()
    profile = shown.profile
    return (
        _environment()
        .get_template("profile.html.j2")
        .render(
            asset=asset,
            language=language,
            made=MADE[shown.made],
            policy=f"default-src 'none'; style-src '{_hash(style)}'",
            style=Markup(style),
            profile=profile,
            columns=[_column(c, profile, shown.confirmed) for c in profile["columns"]],
            parts=[
                (said, v, share(v, f"{v:.3f}"))
                for said, v in ((said, profile["quality"]["parts"][k]) for k, said in PARTS.items())
            ],
        )
    )


def _column(
    said: Mapping[str, Any], profile: Mapping[str, Any], confirmed: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    found = confirmed.get(said["name"])
    missing = said["missing"] / profile["rows"]
    bins = (said["range"] or {}).get("bins") or []
    groups = said["groups"]
    return {
        **said,
        "type": TYPES[said["type"]],
        "missing_share": missing,
        "missing_bar": share(missing, f"{missing:.3f}", "gap"),
        "bars": bars(bins, " ".join(map(str, bins))),
        "guess": KINDS[said["guess"]["kind"]] if said["guess"] else None,
        "confirmed": {**found, "kind": KINDS[found["kind"]]} if found else None,
        "group_bars": [
            (v["value"], v["rows"], share(v["rows"] / profile["rows"], str(v["rows"])))
            for v in (groups["values"] if groups else [])
        ],
    }


@cache
def _style() -> str:
    return (files(_PACKAGE) / "static" / "profile.css").read_text("utf-8")


def _hash(style: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(number=number)
    return environment


def _finalized(value: Any) -> Any:
    """Text without characters that drive a terminal or turn a line around."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return HIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)
