"""When the pump must be replaced at the latest: a date that only ever comes nearer.

It is the earliest of what was said before, the end of the design life, and the instant at which the battery reaches
its elective replacement indicator if the present flow goes on. A published programmer once showed a date that was too
late; this one cannot be later than the indicator, because at the indicator it is now.
"""

from __future__ import annotations

from typing import NamedTuple

from protocol.units import DAY_MS

PERMILLE = 1000


class Consumption(NamedTuple):
    """What uses up the battery, as the profile says: each alone would do so after this."""

    idle_ms: int
    strokes: int
    stroke_nl: int


def eri_in_ms(left_permille: int, eri_permille: int, rate: int, consumption: Consumption) -> int:
    """Return after how long, at a rate in nL/day, the battery reaches its indicator; rounded down."""
    above = left_permille - eri_permille
    if above <= 0:
        return 0
    idle_ms, strokes, stroke_nl = consumption
    # In one ms the electronics use 1 / idle_ms of the charge, and the motor rate / (stroke_nl * DAY_MS * strokes).
    by_motor = stroke_nl * DAY_MS * strokes
    return above * idle_ms * by_motor // (PERMILLE * (by_motor + rate * idle_ms))


def replace_by(said_ms: int, now_ms: int, design_life_ms: int, eri_in: int) -> int:
    """Return the date in pump ms: the earliest of all; ``said_ms`` is what was said before, or -1."""
    earliest = min(design_life_ms, now_ms + eri_in)
    return earliest if said_ms < 0 else min(said_ms, earliest)
