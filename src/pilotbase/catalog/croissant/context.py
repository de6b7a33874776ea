"""The inline JSON-LD contexts that Croissant 1.0 and 1.1 recommend (appendix 1 of either text).

Schema.org's names are under ``https://schema.org/``. A context is always written into the file, so
that nobody who reads it has to fetch anything.
"""

from __future__ import annotations

from typing import Any

SCHEMA = "https://schema.org/"
CROISSANT = "http://mlcommons.org/croissant/"
TERMS = "http://purl.org/dc/terms/"
_CROISSANT_TERMS = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject",
    "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
    "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
_SINCE_1_1 = ("annotation", "arrayShape", "containedIn", "isArray", "readLines", "sdVersion",
              "unArchive", "excludes")  # fmt: skip


def context(version: str) -> dict[str, Any]:
    """The context of a version, ``1.0`` or ``1.1``.

    In 1.1 names and descriptions may be in several languages: an object by language.
    """
    names = _CROISSANT_TERMS + (_SINCE_1_1 if version == "1.1" else ())
    terms: dict[str, Any] = {name: f"cr:{name}" for name in names}
    terms |= {
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
    }
    if version == "1.1":
        terms |= {name: {"@id": f"sc:{name}", "@container": "@language"}
                  for name in ("name", "description")}  # fmt: skip
    return {
        "@language": "en",
        "@vocab": SCHEMA,
        "cr": CROISSANT,
        "dct": TERMS,
        "rai": f"{CROISSANT}RAI/",
        "sc": SCHEMA,
        **dict(sorted(terms.items())),
    }
