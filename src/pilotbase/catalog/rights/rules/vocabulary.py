"""The words of ODRL 2.2 that are understood here, and how actions lie within one another.

Source: ODRL Vocabulary & Expression 2.2 (W3C Recommendation, 15 February 2018), which lists for
each action the one it is ``includedIn`` and for deprecated words their match.
"""

from __future__ import annotations

from typing import Literal

ODRL = "http://www.w3.org/ns/odrl/2/"
ODRL_CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
"""The published context. It is known by this name and never fetched."""
CC = "http://creativecommons.org/ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"

Truth = bool | None
"""True, False, or None where it cannot be decided (Kleene's strong three-valued logic)."""

Conflict = Literal["perm", "prohibit", "invalid"]

_USE = (
    "acceptTracking aggregate annotate anonymize archive attribute compensate concurrentUse delete "
    "derive digitize display distribute ensureExclusivity execute grantUse include index inform "
    "install modify move nextPolicy obtainConsent play present print read reproduce reviewPolicy "
    "stream synchronize textToSpeech transform translate uninstall watermark "
    "cc:Attribution cc:CommericalUse cc:DerivativeWorks cc:Distribution cc:Notice cc:Reproduction "
    "cc:ShareAlike cc:Sharing cc:SourceCode"
)
# The vocabulary itself misspells one word of Creative Commons; both spellings are known here.
INCLUDED_IN: dict[str, str] = {
    **dict.fromkeys((*_USE.split(), "cc:CommercialUse"), "use"),
    "extract": "reproduce",
    "give": "transfer",
    "sell": "transfer",
}
ACTIONS: frozenset[str] = frozenset({"use", "transfer", *INCLUDED_IN})
SAME_ACTION: dict[str, str] = {
    "append": "modify", "appendTo": "modify", "copy": "reproduce", "export": "transform",
    "license": "grantUse", "pay": "compensate", "write": "modify", "writeTo": "modify",
}  # fmt: skip

RELATIONS = ("eq", "neq", "lt", "lteq", "gt", "gteq")
SETS = ("isA", "hasPart", "isPartOf", "isAllOf", "isAnyOf", "isNoneOf")
OPERATORS: frozenset[str] = frozenset({*RELATIONS, *SETS})
LOGICAL = ("and", "or", "xone", "andSequence")

NUMBERS: frozenset[str] = frozenset({"count", "percentage"})
WORDS: frozenset[str] = frozenset({
    "purpose", "spatial", "recipient", "industry", "language", "media", "deliveryChannel",
    "product", "fileFormat", "systemDevice", "version", "virtualLocation",
})  # fmt: skip
EVALUATED: frozenset[str] = frozenset({"dateTime", "payAmount", *NUMBERS, *WORDS})
"""The left operands that are compared here."""
CARRIED: frozenset[str] = frozenset({
    "absolutePosition", "absoluteSize", "absoluteSpatialPosition", "absoluteTemporalPosition",
    "delayPeriod", "elapsedTime", "event", "meteredTime", "relativePosition", "relativeSize",
    "relativeSpatialPosition", "relativeTemporalPosition", "resolution", "spatialCoordinates",
    "timeInterval", "unitOfCount", "device", "system",
})  # fmt: skip
"""Those that ODRL knows and the base has no means to measure: they stay undecided."""


ASIDE: frozenset[str] = frozenset({
    "attributedParty", "attributingParty", "compensatedParty", "compensatingParty",
    "consentedParty", "consentingParty", "contractedParty", "contractingParty", "informedParty",
    "informingParty", "trackedParty", "trackingParty", "output", "relation",
})  # fmt: skip
"""Words that say more of a rule without changing what it allows."""
KEYS: frozenset[str] = frozenset({
    "action", "assignee", "assigner", "conflict", "consequence", "constraint", "dataType", "duty",
    "inheritFrom", "leftOperand", "obligation", "operator", "permission", "profile", "prohibition",
    "refinement", "remedy", "rightOperand", "rightOperandReference", "source", "status", "target",
    "type", "uid", "unit", *LOGICAL, *ASIDE,
})  # fmt: skip
"""The words that stand before a colon."""


def within(action: str, wide: str) -> Truth:
    """Whether an action lies within another; None where one of them is not of the vocabulary.

    >>> within("extract", "use"), within("sell", "use"), within("fly", "use")
    (True, False, None)
    """
    action, wide = SAME_ACTION.get(action, action), SAME_ACTION.get(wide, wide)
    if action == wide:
        return True
    if action not in ACTIONS or wide not in ACTIONS:
        return None
    above = INCLUDED_IN.get(action)
    while above is not None:
        if above == wide:
            return True
        above = INCLUDED_IN.get(above)
    return False
