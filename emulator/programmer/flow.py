"""The basal flow that a prescription asks for, constant or by a schedule, as the few figures that limits are about.

Everything is in nL/day. The fullest hour and day are given as the steady flow that would bring as much, rounded up,
so that one formula holds for a constant flow and for a schedule.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from emulator.schedule import average_rate, lowest_rate, most_within, peak_rate
from protocol.messages import IdentityReport, Prescription, Schedule
from protocol.units import DAY_MS, HOUR_MS
from protocol.vocabulary import Mode

HOURS_A_DAY = 24
FLOWS = (Mode.SIMPLE_CONTINUOUS, Mode.FLEX)
"""The modes that give a dose; the others give what the pump cannot help giving, or nothing."""


class Flow(NamedTuple):
    """What flows apart from any bolus."""

    lowest: int
    highest: int
    average: int
    """Over a week, rounded down."""
    fullest_hour: int
    fullest_day: int

    @property
    def varies(self) -> bool:
        """Whether it is not the same all the time."""
        return self.lowest != self.highest


def flow_of(prescription: Prescription, identity: IdentityReport, schedule: Schedule | None = None) -> Flow:
    """Return the basal flow; ``schedule`` is the one that the prescription names. Without it, a flex flow is unknown
    and returned as none: whoever decides by it must ask for the schedule first.
    """
    if prescription.mode is Mode.FLEX and schedule is not None:
        return _by_schedule(schedule)
    minimum = prescription.mode is Mode.MINIMUM_RATE
    rate = identity.rate_minimum_mode.value if minimum else prescription.rate.value
    return Flow(rate, rate, rate, rate, rate)


@lru_cache(maxsize=64)
def _by_schedule(schedule: Schedule) -> Flow:
    return Flow(
        lowest_rate(schedule),
        peak_rate(schedule),
        average_rate(schedule),
        most_within(schedule, HOUR_MS) * HOURS_A_DAY,
        most_within(schedule, DAY_MS),
    )
