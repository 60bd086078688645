"""The residual volume: what is drawn out, with the spread that real refills have.

Published is how far delivered over reckoned volume of a single refill lies from 1: 95 % within 0.15. All of it is
taken as an error of this one measurement, normal and in proportion to what was reckoned to have left, because an
emulated pump has no other scatter. So a sound pump is suspected, by construction, as often as that spread exceeds
the accuracy of 14.5 %: in nearly 6 % of refills, or half of that where so little is left that it cannot be low.
"""

from __future__ import annotations

import random
from statistics import NormalDist
from typing import NamedTuple

from emulator.workups.catalogue import Catalogue
from emulator.workups.situation import Situation

READING_NL = 100_000
"""A syringe is read to a tenth of a millilitre."""


class Residual(NamedTuple):
    """One measurement."""

    measured_nl: int
    sight: str | None
    """“high”, “low”, or None for neither."""
    tellable: bool
    """Enough was to be delivered for the syringe to tell a difference that matters."""


def spread_sigma(catalogue: Catalogue) -> float:
    """Return the standard deviation of delivered over reckoned volume."""
    return float(catalogue.spread.value) / NormalDist().inv_cdf(0.975)


def false_alarm_rate(catalogue: Catalogue) -> float:
    """Return how often a sound pump is flagged, before the syringe's rounding."""
    return 2 * NormalDist(0, spread_sigma(catalogue)).cdf(-float(catalogue.limit.value))


def draw_out(situation: Situation, catalogue: Catalogue, source: random.Random) -> Residual:
    """Empty the reservoir into a syringe and compare. An empty reservoir yields nothing, a full one no more."""
    reckoned_nl = 0 if situation.filled_nl is None else max(0, situation.filled_nl - situation.computed_nl)
    error_nl = round(source.gauss(0.0, spread_sigma(catalogue)) * reckoned_nl)
    most_nl = max(situation.capacity_nl, situation.reservoir_nl)
    drawn_nl = max(0, min(most_nl, situation.reservoir_nl + error_nl)) if situation.reservoir_nl else 0
    measured_nl = READING_NL * round(drawn_nl / READING_NL)
    limit_nl = catalogue.limit.value * reckoned_nl
    too_much_nl = measured_nl - situation.computed_nl
    if limit_nl <= READING_NL:
        return Residual(measured_nl, None, tellable=False)
    if abs(too_much_nl) <= limit_nl:
        return Residual(measured_nl, None, tellable=True)
    return Residual(measured_nl, "high" if too_much_nl > 0 else "low", tellable=True)
