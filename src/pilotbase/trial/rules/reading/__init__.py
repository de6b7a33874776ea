"""From the integers of evidence to a reading; explained on the page rules/evidence."""

from pilotbase.trial.rules.reading.bounds import Levels, Mode
from pilotbase.trial.rules.reading.criterion import decided, read_criterion
from pilotbase.trial.rules.reading.part import read_part
from pilotbase.trial.rules.reading.process import scheduled_looks
from pilotbase.trial.rules.reading.readings import CriterionReading, PartReading, Verdict

__all__ = [
    "CriterionReading",
    "Levels",
    "Mode",
    "PartReading",
    "Verdict",
    "decided",
    "read_criterion",
    "read_part",
    "scheduled_looks",
]
