"""The basal flow that a prescription asks for: constant, or by a schedule. Flows in nL/day, times in pump ms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from emulator.hardware.profile import Profile
from emulator.schedule import lowest_rate, most_within, peak_rate, steps_from
from protocol.messages import Prescription, Schedule
from protocol.units import DAY_MS
from protocol.vocabulary import Mode


class Basal(NamedTuple):
    """What flows apart from any bolus."""

    rate: int
    """The flow without a schedule."""
    schedule: Schedule | None = None

    @property
    def peak(self) -> int:
        """The largest flow."""
        return peak_rate(self.schedule) if self.schedule else self.rate

    @property
    def lowest(self) -> int:
        """The smallest flow."""
        return lowest_rate(self.schedule) if self.schedule else self.rate

    @property
    def fullest_day_nl(self) -> int:
        """The most volume in any 24 h."""
        return most_within(self.schedule, DAY_MS) if self.schedule else self.rate

    def steps(self, now_ms: int, for_ms: int) -> Iterator[tuple[int, int]]:
        """Yield (duration, flow) from a pump time on, for so long."""
        if self.schedule:
            yield from steps_from(self.schedule, now_ms, for_ms)
        else:
            yield for_ms, self.rate


NOTHING = Basal(0)


def basal_of(prescription: Prescription, schedule: Schedule | None, profile: Profile) -> Basal:
    """Return the basal flow of a prescription; ``schedule`` is the one that it names, if it is flex."""
    if prescription.mode is Mode.MINIMUM_RATE:
        return Basal(profile.minimum_rate.value)
    if prescription.mode is Mode.FLEX:
        return Basal(0, schedule)
    return Basal(prescription.rate.value)
