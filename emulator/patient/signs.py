"""What one can see of the patient: pain, breathing, wakefulness, tone, pressure, withdrawal, with words for each."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from emulator.patient.effects import Withdrawal
from emulator.patient.parameters import HIGHEST_PAIN, HIGHEST_SPASTICITY, Effect, Family, Indication

STRONG_PAIN = 4.0
"""From here on pain is usually called moderate or worse."""
SLOW_BREATHING = 10.0
"""Breaths a minute under which wards call for help."""
APNOEA = 6.0
"""Breaths a minute under which pauses are to be expected."""
LOW_PRESSURE, HIGH_PRESSURE = 90.0, 180.0
"""Systolic, mmHg: hypotension, and hypertensive crisis."""
MARKED = 0.5
"""Half of the greatest weakness or confusion."""


class Outcome(enum.Enum):
    """The harms that the hazard analysis names; the values are its identifiers."""

    OVERDOSE = "OVERDOSE"
    WITHDRAWAL = "WITHDRAWAL"
    PAIN = "PAIN"


class Alertness(enum.Enum):
    """How awake the patient is."""

    AWAKE = "awake"
    DROWSY = "drowsy"
    HARD_TO_ROUSE = "hard to rouse"
    UNRESPONSIVE = "unresponsive"


class Breathing(enum.Enum):
    """How the patient breathes."""

    NORMAL = "breathing normally"
    SLOW = "breathing slowly"
    APNOEA = "breathing with pauses: apnoea"


@dataclass(frozen=True, slots=True)
class Signs:
    """The patient at one instant. Fractions are 0 (none) to 1 (greatest)."""

    at_ms: int
    pain: float
    """Numeric rating scale, 0 to 10."""
    spasticity: float
    """Modified Ashworth scale, 0 to 4."""
    breaths_per_min: float
    respiratory_depression: float
    sedation: float
    weakness: float
    confusion: float
    systolic_mmhg: float
    withdrawals: tuple[Withdrawal, ...]
    """One for each family that has a withdrawal and was ever received."""

    @property
    def alertness(self) -> Alertness:
        """Return how awake the patient is, in one word."""
        limits = ((0.2, Alertness.AWAKE), (MARKED, Alertness.DROWSY), (0.8, Alertness.HARD_TO_ROUSE))
        return next((word for limit, word in limits if self.sedation < limit), Alertness.UNRESPONSIVE)

    @property
    def breathing(self) -> Breathing:
        """Return how the patient breathes, in one word."""
        if self.breaths_per_min < APNOEA:
            return Breathing.APNOEA
        return Breathing.SLOW if self.breaths_per_min < SLOW_BREATHING else Breathing.NORMAL

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Return which of the named harms the patient suffers now."""
        overdose = (
            self.breathing is not Breathing.NORMAL
            or self.sedation >= MARKED
            or self.weakness >= MARKED
            or self.confusion >= MARKED
            or self.systolic_mmhg < LOW_PRESSURE
        )
        missed = any(withdrawal.stage for withdrawal in self.withdrawals)
        present = {Outcome.OVERDOSE: overdose, Outcome.WITHDRAWAL: missed, Outcome.PAIN: self.pain >= STRONG_PAIN}
        return tuple(outcome for outcome in Outcome if present[outcome])

    def withdrawal(self, drug: str) -> Withdrawal | None:
        """Return the withdrawal that a drug belongs to, or None if it has none or never came."""
        return next((withdrawal for withdrawal in self.withdrawals if drug in withdrawal.drugs), None)

    def words(self) -> tuple[str, ...]:
        """Return what a visitor at the bedside would note, one line each."""
        notes = [f"pain {self.pain:.0f} of 10"]
        if self.spasticity >= MARKED:
            notes.append(f"spasticity {self.spasticity:.0f} of 4 (Ashworth)")
        notes += [f"{self.breathing.value}, {self.breaths_per_min:.0f} a minute", self.alertness.value]
        if self.weakness >= MARKED:
            notes.append("weak legs")
        if self.confusion >= MARKED:
            notes.append("confused")
        if not LOW_PRESSURE <= self.systolic_mmhg <= HIGH_PRESSURE:
            notes.append(f"systolic blood pressure {self.systolic_mmhg:.0f} mmHg")
        for withdrawal in self.withdrawals:
            if withdrawal.stage:
                drugs = ", ".join(withdrawal.drugs)
                notes.append(f"{withdrawal.name} withdrawal of {drugs}: {', '.join(withdrawal.signs)}")
        return tuple(notes)


def examine(
    at_ms: int,
    indication: Indication,
    effect: Mapping[Effect, float],
    withdrawals: Iterable[tuple[Family, Withdrawal]],
) -> Signs:
    """Put together what drugs take away and what withdrawal adds, on top of how the patient is without either."""
    found = tuple(withdrawals)
    pain = spasticity = pressure = 0.0
    for family, missed in found:
        if family.withdrawal is not None:
            pain += family.withdrawal.pain * missed.intensity
            spasticity += family.withdrawal.spasticity * missed.intensity
            pressure += family.withdrawal.pressure_mmhg * missed.intensity
    depression = effect[Effect.BREATHING]
    return Signs(
        at_ms=at_ms,
        pain=min(HIGHEST_PAIN, indication.pain * (1.0 - effect[Effect.PAIN]) + pain),
        spasticity=min(HIGHEST_SPASTICITY, indication.spasticity * (1.0 - effect[Effect.SPASTICITY]) + spasticity),
        breaths_per_min=indication.breaths_per_min * (1.0 - depression),
        respiratory_depression=depression,
        sedation=effect[Effect.SEDATION],
        weakness=effect[Effect.WEAKNESS],
        confusion=effect[Effect.CONFUSION],
        systolic_mmhg=indication.systolic_mmhg * (1.0 - effect[Effect.PRESSURE]) + pressure,
        withdrawals=tuple(missed for _, missed in found),
    )
