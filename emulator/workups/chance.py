"""Chance, and what repeating an examination is worth.

Some errors are new every time: a film read in haste, a telemetry head held askew. Others are in the patient: a
catheter whose tip lies against a membrane cannot be aspirated tomorrow either, and a break that the film does not
show is not shown by a second film. Asking again must not average those away, so they are drawn from the situation's
own seed, one draw for each examination and condition, and not from the generator that is passed in.
"""

from __future__ import annotations

import enum
import random
from fractions import Fraction

from emulator.workups.finding import Workup
from emulator.workups.situation import Situation


class Repeat(enum.Enum):
    """What a second examination of the same thing shows."""

    LASTING = "the same"
    """The error is in the patient and stays."""
    VISIT = "the same until the next refill"
    """The error is in what happened since the last refill."""
    FRESH = "a new chance"
    """The error is in the examination."""


class Chance:
    """Draws for one examination of one situation."""

    def __init__(self, workup: Workup, situation: Situation, repeat: Repeat, generator: random.Random) -> None:
        self._generator = generator
        self._repeat = repeat
        self._key = f"{situation.seed}/{workup.value}"
        if repeat is Repeat.VISIT:
            self._key += f"/{situation.refills}"

    def source(self, subject: str) -> random.Random:
        """Return the generator that decides on one thing that may be seen."""
        if self._repeat is Repeat.FRESH:
            return self._generator
        return random.Random(f"{self._key}/{subject}")  # noqa: S311 - examinations, not secrets

    def happens(self, probability: Fraction, subject: str) -> bool:
        """Say whether something of this probability happens."""
        return self.source(subject).random() < probability
