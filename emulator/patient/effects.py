"""What the drugs do together: tolerance, dose and effect, and withdrawal. Static functions of the levels.

Drugs of one family add up in doses of the family's reference drug, and share tolerance and withdrawal: a patient who
is used to morphine is used to hydromorphone. Different families act independently of each other: what one leaves of
the pain or the breath, the other takes its part of.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from emulator.patient.kinetics import Levels
from emulator.patient.parameters import DrugModel, Effect, Family, Indication, Site


class FamilyLevel(NamedTuple):
    """The concentrations of a whole family, as of its reference drug, in micrograms a millilitre."""

    spinal: float = 0.0
    brain: float = 0.0
    adapted: float = 0.0
    deficit: float = 0.0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """How far one family of drugs is missed. ``intensity`` is 0 to 1; ``stage`` 0 is none, then counting up."""

    family: str
    drugs: tuple[str, ...]
    intensity: float
    stage: int
    name: str
    signs: tuple[str, ...]
    """What is seen, of this stage and those before it."""


NO_STAGE = "none"


def family_level(reference: DrugModel, drugs: Iterable[tuple[DrugModel, Levels]]) -> FamilyLevel:
    """Add up a family. A concentration counts as that of the reference drug at the dose it replaces."""
    total = FamilyLevel()
    for drug, levels in drugs:
        worth = drug.dose_ratio * drug.clearance_ml_h / reference.clearance_ml_h
        total = FamilyLevel(
            total.spinal + worth * levels.spinal_ug_ml,
            total.brain + worth * levels.brain_ug_ml,
            total.adapted + worth * levels.adapted_ug_ml,
            total.deficit + worth * levels.deficit_ug_ml,
        )
    return total


def tolerance(family: Family, level: FamilyLevel) -> float:
    """Return the factor by which half-effect concentrations have risen; 1 for someone not used to the drug.

    It rises more slowly than the concentration, so in the long run more drug still does more.
    """
    if family.adaptation is None:
        return 1.0
    return math.pow(1.0 + max(0.0, level.adapted) / family.adaptation.half_ug_ml, family.adaptation.exponent)


def effects(family: Family, level: FamilyLevel, indication: Indication, half_effect: float) -> dict[Effect, float]:
    """Return how much of each effect a family has, 0 to 1; ``half_effect`` is the subject's own factor."""
    rise = tolerance(family, level) * indication.tolerance.get(family.name, 1.0) * half_effect
    found: dict[Effect, float] = {}
    for response in family.responses:
        level_at_site = level.spinal if response.site is Site.SPINAL else level.brain
        size = response.greatest * _hill(level_at_site, response.half_ug_ml * rise, response.slope)
        if response.effect is Effect.PAIN:
            size *= indication.responsive.get(family.name, 1.0)
        found[response.effect] = size
    return found


def together(parts: Iterable[Mapping[Effect, float]]) -> dict[Effect, float]:
    """Return the joint effect of independent families."""
    left = dict.fromkeys(Effect, 1.0)
    for part in parts:
        for effect, size in part.items():
            left[effect] *= 1.0 - size
    return {effect: 1.0 - rest for effect, rest in left.items()}


def withdrawal(family: Family, level: FamilyLevel, drugs: tuple[str, ...]) -> Withdrawal | None:
    """Return how far the family is missed, or None if it has no withdrawal.

    The intensity is dependence (how much the patient is used to) times the missing part of what the patient is used
    to. The missing part is the smaller of the present and the lagged one: signs come late, and drug that is back
    relieves as soon as it reaches its site.
    """
    course = family.withdrawal
    if course is None:
        return None
    adapted = max(0.0, level.adapted)
    missing = max(0.0, min(level.deficit, adapted - level.spinal, adapted))
    intensity = missing * adapted / (adapted**2 + course.dependence_ug_ml**2)
    reached = [stage for stage in course.stages if intensity >= stage.intensity]
    signs = tuple(sign for stage in reached for sign in stage.signs)
    return Withdrawal(family.name, drugs, intensity, len(reached), reached[-1].name if reached else NO_STAGE, signs)


def _hill(level: float, half: float, slope: float) -> float:
    # As a logistic of the logarithm: no power of a large ratio that could overflow.
    if level <= 0.0:
        return 0.0
    exponent = slope * math.log(half / level)
    return 1.0 / (1.0 + math.exp(min(exponent, _LARGEST_EXPONENT)))


_LARGEST_EXPONENT = 700.0
