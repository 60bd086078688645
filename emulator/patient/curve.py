"""Sums of decaying exponentials: the exact answer of any chain of first-order steps to one dose.

Every quantity of the virtual patient that depends linearly on the drug (a mass, a concentration, an effect site, an
adaptation) is, after a unit of drug at time zero, a sum ``c1 exp(-r1 t) + c2 exp(-r2 t) + …``. Two operations build
all of them: passing through one more first-order stage, and adding up what has flowed out. So there is no solver
and no step size; a curve is exact at any instant.

Time is in hours, rates are per hour.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

CLOSEST = 1e-3
"""How near two rates of one chain may be, relative to each other. The formulas divide by the difference of rates; at
this distance three digits of sixteen are lost, and nothing physiological is known to a part in a thousand."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One sum of exponentials: coefficient by rate. A rate of zero is a constant."""

    terms: Mapping[float, float]

    @classmethod
    def decay(cls, rate: float) -> Self:
        """Return what is left at each instant of a unit that decays at a rate."""
        return cls({rate: 1.0})

    def at(self, hours: float) -> float:
        """Return the value at an instant."""
        return math.fsum(weight * math.exp(-rate * hours) for rate, weight in self.terms.items())

    def __add__(self, other: Curve) -> Curve:
        return _summed([*self.terms.items(), *other.terms.items()])

    def __sub__(self, other: Curve) -> Curve:
        return self + other.times(-1.0)

    def times(self, factor: float) -> Curve:
        """Return the curve scaled by a factor."""
        return Curve({rate: weight * factor for rate, weight in self.terms.items()})

    def through(self, rate: float) -> Curve:
        """Return what follows this curve through one first-order stage: ``y' = rate (curve - y)``, y(0) = 0.

        Raises ``ValueError`` if the rate is one of the curve's own; ``apart`` keeps them from being so.
        """
        terms: list[tuple[float, float]] = []
        for own, weight in self.terms.items():
            if _near(own, rate):
                raise ValueError(f"a stage of rate {rate} follows one of rate {own}: too near to be told apart")
            share = weight * rate / (rate - own)
            terms += [(own, share), (rate, -share)]
        return _summed(terms)

    def integral(self) -> Curve:
        """Return the area under the curve from zero up to each instant; only for curves without a constant."""
        terms: list[tuple[float, float]] = []
        for rate, weight in self.terms.items():
            terms += [(0.0, weight / rate), (rate, -weight / rate)]
        return _summed(terms)


NOTHING = Curve({})


def apart(fixed: Iterable[float], wanted: Iterable[float]) -> list[float]:
    """Return the wanted rates, each moved up by fractions of a percent until it is near none of the others.

    The fixed rates are not moved. The result depends on nothing but the arguments.
    """
    taken = list(fixed)
    chosen: list[float] = []
    for rate in wanted:
        moved = rate
        while any(_near(other, moved) for other in taken):
            moved *= 1.0 + 2.0 * CLOSEST
        taken.append(moved)
        chosen.append(moved)
    return chosen


def _near(one: float, other: float) -> bool:
    return abs(one - other) < CLOSEST * max(one, other)


def _summed(terms: Iterable[tuple[float, float]]) -> Curve:
    total: dict[float, float] = {}
    for rate, weight in terms:
        total[rate] = total.get(rate, 0.0) + weight
    return Curve({rate: weight for rate, weight in total.items() if weight != 0.0})
