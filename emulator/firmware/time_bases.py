"""Two time bases held against each other: the clock, and the watchdog's counter that drives the controller.

They are compared every half minute. Where they differ nobody knows which is right, so of the time that budgets,
lockouts and counts wait for only the lesser of the two is taken to have passed; whatever else has a deadline goes by
the counter. While both agree a comparison changes nothing, so it is only made while there is something to find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.firmware.allowance import forfeit
from protocol.vocabulary import LogKind

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

COMPARE_MS = 30_000
"""Twice in the minute that the alarm has."""
TOLERANCE_MS = 1_000
"""Two quartz clocks differ by a millisecond in half a minute; a second is far from that and far from harm."""


class TimeBases:
    """The comparison. ``offset_ms`` is what the clock last read beyond the counter."""

    def __init__(self, pump: Pump, offset_ms: int) -> None:
        self._pump = pump
        self.offset_ms = offset_ms
        self._since_ms = pump.now // COMPARE_MS * COMPARE_MS
        """When that was."""

    def begin(self) -> None:
        """Begin anew after a power loss: nobody knows what either did meanwhile."""
        self.offset_ms = self._pump.body.clock.read(self._pump.now) - self._pump.now
        self._since_ms = self._pump.now

    @property
    def due_ms(self) -> int | None:
        """When they must be compared next, in pump ms; None while a comparison would change nothing."""
        if not (self._pump.body.clock.suspect or self._pump.noticed.clock_at >= 0):
            return None
        return (self._pump.now // COMPARE_MS + 1) * COMPARE_MS

    def act(self) -> None:
        """Compare, if it is time to."""
        if self.due_ms is not None and self._pump.now % COMPARE_MS == 0:
            self._compare()

    def _compare(self) -> None:
        """Compare, take the lesser, and note whether they differ."""
        pump = self._pump
        offset_ms = pump.body.clock.read(pump.now) - pump.now
        lag_ms = self.offset_ms - offset_ms
        whole = pump.now - self._since_ms >= COMPARE_MS
        self.offset_ms, self._since_ms = offset_ms, pump.now
        if lag_ms > 0:
            forfeit(pump, min(lag_ms, COMPARE_MS))
        differ = abs(lag_ms) > TOLERANCE_MS
        if not differ and not whole:
            return  # in the time since a power loss even a clock that stands may not have lost enough to be seen
        if differ and pump.noticed.clock_at < 0:
            pump.log.add(pump.now, LogKind.CLOCK_FAULT, int(lag_ms > 0), abs(lag_ms))
        since = (pump.noticed.clock_at if pump.noticed.clock_at >= 0 else pump.now) if differ else -1
        if since != pump.noticed.clock_at:
            pump.noticed = pump.noticed._replace(clock_at=since)
