"""What known licences allow anybody, for any purpose.

The table says of each licence which of four freedoms it gives to everyone: to use, to study, to
modify, to share. Those four are the Open Source AI Definition's (OSI, version 1.0, October 2024);
a licence that gives them all for any purpose is open in the sense of the Open Definition 2.1 (Open
Knowledge Foundation), clauses 2.1.1 to 2.1.9 and 2.2. Identifiers are SPDX's.
"""

from __future__ import annotations

from typing import Literal, get_args

Freedom = Literal["use", "study", "modify", "share"]
FREEDOMS: tuple[Freedom, ...] = get_args(Freedom)
ACTIONS: dict[Freedom, str] = {
    "use": "use",
    "study": "read",
    "modify": "derive",
    "share": "distribute",
}
"""The action of ODRL that asks for each freedom."""

ALL: frozenset[Freedom] = frozenset(FREEDOMS)
NONE: frozenset[Freedom] = frozenset()
_OPEN = (
    "0BSD AFL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-2.0 Artistic-2.0 BSD-2-Clause "
    "BSD-3-Clause BSL-1.0 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 "
    "CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0 ECL-2.0 EPL-2.0 EUPL-1.2 "
    "GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later ISC LGPL-2.1-only "
    "LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MPL-2.0 MulanPSL-2.0 ODC-By-1.0 "
    "ODbL-1.0 OGL-UK-3.0 PDDL-1.0 PSF-2.0 Python-2.0 Unlicense Zlib etalab-2.0"
)
# What is allowed to some, or for some purposes only, is not a freedom of everybody.
LICENCES: dict[str, frozenset[Freedom]] = {
    **dict.fromkeys(_OPEN.split(), ALL),
    **dict.fromkeys(("CC-BY-ND-3.0", "CC-BY-ND-4.0"), frozenset({"use", "study", "share"})),
    **dict.fromkeys(
        (
            "CC-BY-NC-3.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-3.0", "CC-BY-NC-SA-4.0",
            "CC-BY-NC-ND-3.0", "CC-BY-NC-ND-4.0",
        ),
        NONE,
    ),
}  # fmt: skip


def freedoms(expression: str) -> frozenset[Freedom] | None:
    """What an SPDX expression gives to everybody; None where a licence in it is not known here.

    ``A OR B`` gives what either gives, ``A AND B`` what both give, ``A WITH …`` what A gives;
    expressions with brackets are not read.

    >>> sorted(freedoms("MIT AND CC-BY-ND-4.0")), freedoms("LicenseRef-ours")
    (['share', 'study', 'use'], None)
    """
    found: frozenset[Freedom] = NONE
    for choice in expression.split(" OR "):
        parts = [LICENCES.get(one.split(" WITH ")[0].strip()) for one in choice.split(" AND ")]
        known = [one for one in parts if one is not None]
        if len(known) < len(parts):
            return None
        found |= frozenset.intersection(*known)
    return found


def is_open(expression: str) -> bool:
    """Whether everybody gets all four freedoms."""
    return freedoms(expression) == ALL
