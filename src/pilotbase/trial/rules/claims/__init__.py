"""From predictions to the integers a verdict is made of; explained on the page rules/evidence."""

from pilotbase.trial.rules.claims.build import PAIRS_MOST, compared_by, evidence_of, judged_parts
from pilotbase.trial.rules.claims.refusals import refusals

__all__ = ["PAIRS_MOST", "compared_by", "evidence_of", "judged_parts", "refusals"]
