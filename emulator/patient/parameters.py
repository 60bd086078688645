"""What the virtual patient is made of: drugs, families of drugs with one effect, and starting points.

All values come from a TOML file in which each figure stands with its unit, its source and how far to trust it;
``emulator.patient.reading`` reads it. Here they are plain floats with the unit in the name. Floats are right here:
nothing of the patient takes part in a dose decision.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

HIGHEST_PAIN = 10.0
"""Numeric rating scale, 0 to 10."""
HIGHEST_SPASTICITY = 4.0
"""Modified Ashworth scale, 0 to 4."""


class Route(enum.Enum):
    """Where drug arrives."""

    INTRATHECAL = "intrathecal"
    """In the cerebrospinal fluid, at the catheter's tip."""
    POCKET = "pocket"
    """Under the skin, in the pump's pocket: absorbed slowly and completely into the blood."""
    TISSUE = "tissue"
    """Beside the cerebrospinal fluid: taken as lost, without any effect."""


class Effect(enum.Enum):
    """What a drug does."""

    PAIN = "pain relief"
    SPASTICITY = "less spasticity"
    BREATHING = "less breathing"
    SEDATION = "sedation"
    WEAKNESS = "weakness"
    PRESSURE = "lower blood pressure"
    CONFUSION = "confusion"


class Site(enum.Enum):
    """Where it does it."""

    SPINAL = "spinal cord"
    BRAIN = "brain"


@dataclass(frozen=True, slots=True)
class Response:
    """How strong one effect is: ``greatest x^slope / (half^slope + x^slope)``, x the concentration at the site."""

    effect: Effect
    site: Site
    half_ug_ml: float
    slope: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Adaptation:
    """How a patient grows used to a family: half-effect concentrations rise by ``(1 + adapted/half)^exponent``."""

    time_h: float
    half_ug_ml: float
    exponent: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of withdrawal: the intensity it begins at, and what is seen."""

    name: str
    intensity: float
    signs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WithdrawalCourse:
    """What happens when a family of drugs stops, with the rebound that the full syndrome adds to the signs."""

    lag_h: float
    dependence_ug_ml: float
    pain: float
    spasticity: float
    pressure_mmhg: float
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """Drugs that act alike and stand in for each other. Concentrations are those of the reference drug."""

    name: str
    reference: str
    adaptation: Adaptation | None
    withdrawal: WithdrawalCourse | None
    responses: tuple[Response, ...]


@dataclass(frozen=True, slots=True)
class DrugModel:
    """The way of one drug through the body. ``by_analogy``: some of its figures are those of another drug."""

    name: str
    code: int
    family: str
    by_analogy: bool
    lumbar_volume_ml: float
    deep_volume_ml: float
    exchange_ml_h: float
    clearance_ml_h: float
    site_half_life_h: float
    transit_h: float
    brain_share: float
    dose_ratio: float
    plasma_volume_l: float
    plasma_clearance_l_h: float
    plasma_site_half_life_h: float
    systemic_potency: float
    pocket_half_life_h: float


@dataclass(frozen=True, slots=True)
class Indication:
    """Why the patient has a pump, and how the patient is without any drug from it."""

    name: str
    label: str
    pain: float
    spasticity: float
    breaths_per_min: float
    systolic_mmhg: float
    responsive: Mapping[str, float]
    """How much of the pain a family can reach at all; 1 if not named."""
    tolerance: Mapping[str, float]
    """Factor on the half-effect concentrations of a family from earlier treatment; 1 if not named."""


@dataclass(frozen=True, slots=True)
class PatientModel:
    """All of it. ``spread`` is the coefficient of variation between subjects."""

    name: str
    spread: float
    families: Mapping[str, Family]
    drugs: Mapping[str, DrugModel]
    indications: Mapping[str, Indication]
