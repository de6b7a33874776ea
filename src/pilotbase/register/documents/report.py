"""The trial report: one HTML file, complete in itself, in English and Chinese.

It opens from a disk without network. Everything decisive in it is read from the recorded bodies,
which the file carries with their proofs; its script proves them again in the reader's browser and
compares every figure shown (see docs/en/read-a-report.md).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from pilotbase.kernel.text import Text
from pilotbase.register.documents import seal, words
from pilotbase.register.documents.figures import at, kind_of, printed, step
from pilotbase.register.documents.glossary import GLOSSARY
from pilotbase.register.documents.odds import odds_views
from pilotbase.register.documents.papers import Papers
from pilotbase.register.documents.view import candidate_views
from pilotbase.trial.plan import scenario_of

_PACKAGE = "pilotbase.register.documents"
_STYLES = ("page.css", "parts.css", "panel.css")
_SCRIPTS = (
    "hashing", "ed25519", "record", "figures", "tails", "evalues", "differences", "claims",
    "reading", "bounds", "verdicts", "page", "papers", "seal", "checks", "recomputed", "verifying",
    "systems", "habit", "sequence", "draw", "afterwards", "panel", "main",
)  # fmt: skip
_TIERS = {
    "minimal": Text("risk: minimal", "风险: 极低"),
    "limited": Text("risk: limited", "风险: 有限"),
    "high": Text("risk: high", "风险: 高"),
}
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def render_report(dossier: Mapping[str, Any]) -> str:
    """The report of a run as the text of one HTML file; write it as UTF-8.

    Args:
        dossier: JSON data of the format ``pilotbase/report/1``: frame, recorded bodies with their
            salts, order, and the record's entries, proofs and signed checkpoint.

    Raises:
        RecordError: ``report.faulty_dossier``: another format, or bodies missing or differing.
    """
    papers = Papers.read(dossier)
    style, script = _static(_STYLES), _static(tuple(f"{name}.js" for name in _SCRIPTS))
    blocks = {name: _embedded(value) for name, value in _blocks(papers, dossier["bodies"]).items()}
    title = _title(papers)
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            **_content(papers),
            policy=_policy(style, script),
            style=Markup(style),
            script=Markup(script),
            title=title,
            blocks=blocks,
            seal="SEAL",
        )
    )
    return page.replace(
        '<script type="application/json" id="seal">SEAL</script>',
        f'<script type="application/json" id="seal">{_sealed(page, blocks, style, title)}</script>',
    )


def _title(papers: Papers) -> str:
    title = papers.scenario["title"]
    return " ".join(_shown(f"{title['en']} · {title['zh']} · Pilotbase").split())


def _sealed(page: str, blocks: Mapping[str, str], style: str, title: str) -> str:
    parts = {f"section:{n}": d for n, d in seal.section_digests(page).items()}
    parts |= {f"data:{name}": seal.digest(text) for name, text in blocks.items()}
    return _embedded(parts | {"style": seal.digest(style), "title": seal.digest(title)})


def _blocks(papers: Papers, bodies: Any) -> dict[str, Any]:
    """What the script reads: bodies, what proves them, and the frame around them."""
    return {"frame": papers.frame, "record": papers.record, "bodies": bodies}


def _embedded(value: Any) -> Markup:
    """JSON that is safe inside a script element: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(re.sub("[\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", text))


def _policy(style: str, script: str) -> str:
    """Content Security Policy: no network at all, and no code or style but this file's own."""

    def source(text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )


@cache
def _static(names: tuple[str, ...]) -> str:
    folder = files(_PACKAGE) / "static"
    return "\n".join(folder.joinpath(name).read_text("utf-8") for name in names)


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
    environment.filters["step"] = step
    environment.globals.update(
        verdicts=words.VERDICTS, shapes=words.SHAPES, tiers=_TIERS, glossary=GLOSSARY
    )
    return environment


def _finalized(value: Any) -> Any:
    return value if isinstance(value, Markup) or not isinstance(value, str) else _shown(value)


def _shown(text: str) -> str:
    """Text without characters that HTML cannot carry."""
    return _UNSHOWABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _content(papers: Papers) -> dict[str, Any]:
    def fig(path: str, how: str) -> Markup:
        """A figure with the path of the proven value it shows."""
        text = escape(_shown(printed(papers.at(path), how)))
        return Markup('<span data-at="{}" data-as="{}">{}</span>').format(_shown(path), how, text)

    candidates = candidate_views(papers)
    level, shared = words.level(papers)
    criteria = papers.plan["criteria"]
    how_by_metric = {str(c["metric"]): kind_of(c) for c in reversed(criteria)}
    return {
        "fig": fig,
        "scenario": scenario_of(papers.scenario),
        "plan": papers.plan,
        "verdict": papers.verdict,
        "candidates": candidates,
        "arms": papers.arms,
        "finding": words.finding(papers),
        "reach": words.reach(papers),
        "attested": words.attested(str(papers.frame["witness"])),
        "level": printed(level, "percent"),
        "stake": printed(1.0 / level, "number-bound"),
        "shared": shared,
        "all_exact": all(k.whole.said["exact"] for c in candidates for k in c.criteria),
        "odds": odds_views(papers),
        "how_of": lambda metric: how_by_metric.get(metric) or kind_of({"metric": metric}),
        "group_label": lambda label: words.part_label(label, papers.scenario.get("groups") or {}),
        "has_stand_in": any(c.said.get("stand_in") for c in candidates),
        "covered": words.covered(criteria),
        "has_people": any((c.said.get("beside") or {}).get("audits") for c in candidates),
        "rotated": [
            at(json.loads(entry["text"]), "body/old")
            for entry in papers.record.get("rotations", ())
        ],
        "single_operator": any(
            at(json.loads(entry["text"]), "by/single_operator")
            for entry in papers.record["entries"]
        ),
    }
