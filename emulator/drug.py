"""One drug of the library: its number on the wire and the limits it is judged by."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Generic, TypeVar

from protocol.units import Milliseconds, Picograms, PicogramsPerDay, PicogramsPerNanolitre, Quantity

Value = TypeVar("Value", bound=Quantity)


class Verdict(enum.Enum):
    """How a value stands to a pair of limits."""

    WITHIN = "within"
    SOFT = "above the soft limit"
    HARD = "above the hard limit"


class Withdrawal(enum.Enum):
    """What happens when the drug suddenly stops."""

    NONE = "none"
    MODERATE = "moderate"
    SEVERE = "severe"
    LETHAL = "lethal"


@dataclass(frozen=True, slots=True)
class Limit(Generic[Value]):
    """A soft and a hard upper limit of one quantity, each with its basis: a confidence tag and a source."""

    soft: Value
    soft_basis: str
    hard: Value
    hard_basis: str

    def judge(self, value: int) -> Verdict:
        """Say where a value, in the limit's base unit, stands. Both limits are inclusive."""
        if value > self.hard.value:
            return Verdict.HARD
        return Verdict.SOFT if value > self.soft.value else Verdict.WITHIN


@dataclass(frozen=True, slots=True)
class DrugEntry:
    """One drug: its stable number on the wire and its limits."""

    code: int
    name: str
    concentration: Limit[PicogramsPerNanolitre]
    daily: Limit[PicogramsPerDay]
    bolus: Limit[Picograms]
    stability: Milliseconds
    stability_basis: str
    withdrawal: Withdrawal
    withdrawal_basis: str

    @property
    def hard_24h(self) -> Picograms:
        """Return the most mass that any sliding 24 hours may hold: the hard daily dose."""
        return Picograms(self.daily.hard.value)

    @property
    def hard_1h(self) -> Picograms:
        """Return the most mass that any sliding hour may hold.

        Derived: one twenty-fourth of the hard daily dose, rounded up to a whole picogram, plus one hard bolus; never
        more than the hard daily dose. So the hardest basal dose leaves room for exactly one hardest bolus an hour.
        """
        hourly = -(-self.daily.hard.value // 24) + self.bolus.hard.value
        return Picograms(min(hourly, self.daily.hard.value))
