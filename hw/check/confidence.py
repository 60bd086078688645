"""Exact confidence intervals for an error rate (Clopper and Pearson, Biometrika 26, 1934).

Errors are counted, so their number is binomial, and the interval follows from that distribution alone with no
approximation: no error in n bits says that the rate is below about 3/n at 95 %. SciPy has the same function, and with
it a hundred megabytes; twenty lines of bisection do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

CONFIDENCE = 0.95
STEPS = 80
"""Halvings of the logarithm of the rate: more than a float can tell apart."""
NEGLIGIBLE = 1e-17


class Interval(NamedTuple):
    """Within which the true rate lies, at the confidence. One-sided, with ``low`` 0, if there was no error."""

    low: float
    high: float


def clopper_pearson(errors: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact interval for the rate of errors. Raises ``ValueError`` for counts that cannot be."""
    if not 0 <= errors <= trials or trials == 0:
        raise ValueError(f"{errors} errors in {trials} trials cannot be")
    doubt = 1 - confidence
    if errors == 0:
        return Interval(0.0, 1 - doubt ** (1 / trials))
    low = _rate_where(lambda rate: _tail(trials - errors, trials, 1 - rate) < doubt / 2, trials)
    if errors == trials:
        return Interval(doubt ** (1 / trials), 1.0)
    high = _rate_where(lambda rate: _tail(errors, trials, rate) > doubt / 2, trials)
    return Interval(low, high)


def _rate_where(below: Callable[[float], bool], trials: int) -> float:
    """Return the rate at which ``below`` ends to hold, by bisection of its logarithm."""
    low, high = -math.log(trials) - 40.0, 0.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        if below(math.exp(middle)):
            low = middle
        else:
            high = middle
    return math.exp(high)


def _tail(most: int, trials: int, rate: float) -> float:
    """Return the probability of at most so many events, summed from the largest term it has."""
    if rate <= 0.0:
        return 1.0
    if rate >= 1.0:
        return 0.0 if most < trials else 1.0
    peak = min(most, int((trials + 1) * rate))
    first = math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(peak + 1)
        - math.lgamma(trials - peak + 1)
        + peak * math.log(rate)
        + (trials - peak) * math.log1p(-rate)
    )
    odds = rate / (1 - rate)
    total, term = first, first
    for count in range(peak, 0, -1):
        term *= count / ((trials - count + 1) * odds)
        total += term
        if term < NEGLIGIBLE * total:
            break
    term = first
    for count in range(peak, most):
        term *= (trials - count) * odds / (count + 1)
        total += term
        if term < NEGLIGIBLE * total:
            break
    return min(total, 1.0)
