"""Where one drug is, hours and years after many small arrivals: a closed form, with no solver and no step.

    depot in the pocket --> blood plasma <-- lumbar fluid <--> deep fluid
                              |    |              |
                        eliminated |              +--> spinal site --> adapted --> lagged deficit
                                   |              +--> transit (3 stages) --> brain site
                                   +--> both sites, as the fluid concentration of equal effect

In the cerebrospinal fluid two spaces exchange, and drug leaves from the lumbar one into the blood. The sites, the
transit, the adaptation and the deficit are signals, not spaces: they follow a concentration and hold no drug.

The system is linear, so all of it after one dose is a set of ``Curve``; many doses add up. And because every term of
a curve is an exponential, all past doses are remembered by one number for each rate: the mass received so far, each
part decayed since it arrived. An arrival costs a handful of multiplications, whatever happened before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

from emulator.patient.curve import NOTHING, Curve, apart
from emulator.patient.parameters import DrugModel, Family, Route
from protocol.units import HOUR_MS

TRANSIT_SHARES = (0.8, 1.0, 1.2)
"""How the mean transit time is divided among its three stages, in thirds: nearly equal, but distinct, so that every
curve stays a sum of plain exponentials."""

MICROGRAM_PG = 1_000_000
MOST_SPANS_KEPT = 256


@dataclass(frozen=True, slots=True)
class Individual:
    """How one subject differs from the average one: factors, all 1 for the average subject."""

    volume: float = 1.0
    clearance: float = 1.0
    equilibration: float = 1.0
    half_effect: float = 1.0


AVERAGE = Individual()


class Levels(NamedTuple):
    """Where one drug is, in micrograms, and what its sites feel, in micrograms a millilitre of fluid."""

    pocket_ug: float = 0.0
    lumbar_ug: float = 0.0
    deep_ug: float = 0.0
    plasma_ug: float = 0.0
    eliminated_ug: float = 0.0
    lumbar_ug_ml: float = 0.0
    plasma_ng_ml: float = 0.0
    spinal_ug_ml: float = 0.0
    brain_ug_ml: float = 0.0
    adapted_ug_ml: float = 0.0
    deficit_ug_ml: float = 0.0
    """How far the spinal site has been below what it is adapted to, lagged; negative while it is above."""

    def plus(self, other: Levels) -> Levels:
        """Return the sum of two: what two doses make together."""
        return Levels(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class _Rates(NamedTuple):
    """The rates of one drug, per hour, all apart from each other."""

    pocket: float
    plasma: float
    plasma_site: float
    site: float
    transit: tuple[float, ...]
    habits: tuple[float, ...]
    """Of adaptation, and of the deficit's lag; shorter for a family that has neither or no withdrawal."""


class Kinetics:
    """One drug in one subject: its curves for each route on which it has an effect."""

    def __init__(self, drug: DrugModel, family: Family, individual: Individual = AVERAGE) -> None:
        self._drug = drug
        self._lumbar_ml = drug.lumbar_volume_ml * individual.volume
        self._clearance_ml_h = drug.clearance_ml_h * individual.clearance
        lumbar, deep = _fluid(self._lumbar_ml, drug.deep_volume_ml * individual.volume, self._clearance_ml_h, drug)
        self.fluid_half_lives_h = sorted(math.log(2.0) / rate for rate in lumbar.terms)
        """Half-lives in the fluid, the terminal one last."""
        self._rates = _rates(drug, family, individual, tuple(lumbar.terms))
        depot = Curve.decay(self._rates.pocket)
        self.responses = {
            Route.INTRATHECAL: self._response(NOTHING, lumbar, deep),
            Route.POCKET: self._response(depot, NOTHING, NOTHING),
        }

    def _response(self, pocket: Curve, lumbar: Curve, deep: Curve) -> dict[str, Curve]:
        """Return every level by name, after one microgram that is distributed as the three curves say."""
        rates, drug = self._rates, self._drug
        lumbar_ug_ml = lumbar.times(1.0 / self._lumbar_ml)
        inflow = pocket.times(rates.pocket) + lumbar_ug_ml.times(self._clearance_ml_h)
        plasma = inflow.through(rates.plasma).times(1.0 / rates.plasma)
        plasma_ug_ml = plasma.times(1.0 / (drug.plasma_volume_l * 1000.0))
        # A blood concentration counts as that fluid concentration which a dose smaller by the potency would give.
        equal = drug.systemic_potency * drug.plasma_clearance_l_h * 1000.0 / drug.clearance_ml_h
        systemic = plasma_ug_ml.times(equal).through(rates.plasma_site)
        spinal = lumbar_ug_ml.through(rates.site) + systemic
        adapted = spinal.through(rates.habits[0]) if rates.habits else NOTHING
        deficit = (adapted - spinal).through(rates.habits[1]) if len(rates.habits) > 1 else NOTHING
        risen = lumbar_ug_ml.times(drug.brain_share)
        for stage in rates.transit:
            risen = risen.through(stage)
        return {
            "pocket_ug": pocket,
            "lumbar_ug": lumbar,
            "deep_ug": deep,
            "plasma_ug": plasma,
            "eliminated_ug": plasma.times(rates.plasma).integral(),
            "lumbar_ug_ml": lumbar_ug_ml,
            "plasma_ng_ml": plasma_ug_ml.times(1000.0),
            "spinal_ug_ml": spinal,
            "brain_ug_ml": risen.through(rates.site) + systemic,
            "adapted_ug_ml": adapted,
            "deficit_ug_ml": deficit,
        }


class Arrivals:
    """All that ever arrived of one drug by one route, remembered as one decayed mass for each rate."""

    __slots__ = ("_at_ms", "_kept", "_masses", "_rates", "_weights")

    def __init__(self, response: dict[str, Curve]) -> None:
        rates = sorted({rate for curve in response.values() for rate in curve.terms})
        self._rates = tuple(rates)
        self._weights = [tuple(response[name].terms.get(rate, 0.0) for rate in rates) for name in Levels._fields]
        self._masses = [0.0] * len(rates)
        self._at_ms = 0
        self._kept: dict[int, list[float]] = {}

    def add(self, at_ms: int, mass_pg: int) -> None:
        """Take note of an arrival, not before the last one."""
        mass_ug = mass_pg / MICROGRAM_PG
        self._masses = [mass + mass_ug for mass in self._decayed(at_ms)]
        self._at_ms = at_ms

    def levels(self, at_ms: int) -> Levels:
        """Return the levels at an instant, not before the last arrival. Asking changes nothing."""
        masses = self._decayed(at_ms)
        return Levels(*(math.fsum(map(mul, row, masses)) for row in self._weights))

    def _decayed(self, at_ms: int) -> list[float]:
        return list(map(mul, self._masses, self._left_after(at_ms - self._at_ms)))

    def _left_after(self, span_ms: int) -> list[float]:
        """Return what is left of each term after a span; a pump's strokes have few different ones, so keep them."""
        left = self._kept.get(span_ms)
        if left is None:
            hours = span_ms / HOUR_MS
            left = [math.exp(-rate * hours) for rate in self._rates]
            if len(self._kept) < MOST_SPANS_KEPT:
                self._kept[span_ms] = left
        return left


def _fluid(lumbar_ml: float, deep_ml: float, clearance_ml_h: float, drug: DrugModel) -> tuple[Curve, Curve]:
    """Return what is left of a unit in the lumbar and in the deep fluid."""
    leaving = clearance_ml_h / lumbar_ml
    if not deep_ml:
        return Curve.decay(leaving), NOTHING
    inward, outward = drug.exchange_ml_h / lumbar_ml, drug.exchange_ml_h / deep_ml
    half_sum = (leaving + inward + outward) / 2.0
    half_gap = math.sqrt(half_sum * half_sum - leaving * outward)
    fast, slow = half_sum + half_gap, half_sum - half_gap
    gap = fast - slow
    lumbar = Curve({fast: (fast - outward) / gap, slow: (outward - slow) / gap})
    return lumbar, Curve({fast: -inward / gap, slow: inward / gap})


def _rates(drug: DrugModel, family: Family, individual: Individual, fluid: tuple[float, ...]) -> _Rates:
    habits = [1.0 / family.adaptation.time_h] if family.adaptation else []
    if family.withdrawal:
        habits.append(1.0 / family.withdrawal.lag_h)
    stages = [len(TRANSIT_SHARES) / (drug.transit_h * share) for share in TRANSIT_SHARES]
    pocket, plasma, plasma_site, site, *others = apart(
        fluid,
        [
            math.log(2.0) / drug.pocket_half_life_h,
            drug.plasma_clearance_l_h / drug.plasma_volume_l,
            math.log(2.0) / drug.plasma_site_half_life_h,
            math.log(2.0) / (drug.site_half_life_h * individual.equilibration),
            *stages,
            *habits,
        ],
    )
    transit, slow = tuple(others[: len(stages)]), tuple(others[len(stages) :])
    return _Rates(pocket, plasma, plasma_site, site, transit, slow)
