"""From a commanded flow to strokes of a fixed volume, with nothing lost in between.

Flow is summed as credit, in nanolitre-milliseconds per day: a rate in nL/day for some milliseconds adds
``rate * ms``, and one nanolitre is worth ``DAY_MS`` of it. A stroke falls due when the credit covers it; what is
left stays for the next one, across any number of rate changes. No division, so no rounding ever accumulates.
"""

from __future__ import annotations

from protocol.units import DAY_MS


def credit_of(volume_nl: int) -> int:
    """Return the credit that a volume costs."""
    return volume_nl * DAY_MS


def wait_ms(credit: int, rate: int, target: int) -> int | None:
    """Return how long it takes at ``rate`` nL/day until the credit reaches ``target``; None without a flow."""
    if rate <= 0:
        return None
    if credit >= target:
        return 0
    return -((credit - target) // rate)


def whole_strokes_nl(credit: int, stroke_nl: int) -> int:
    """Return the volume of the whole strokes that a credit covers."""
    return credit // credit_of(stroke_nl) * stroke_nl


def bolus_rate(volume_nl: int, duration_ms: int) -> int:
    """Return the flow in nL/day that delivers a volume over a duration, rounded down, at least 1.

    Rounded down because a bolus that takes a moment longer is harmless and a faster one may not be.
    """
    return max(1, credit_of(volume_nl) // duration_ms)
