"""Real time mapped onto simulated time: frozen, real, sixty times as fast, or jumped.

This is the one place where a clock meets the emulator. The map is a straight line from an anchor: simulated time
now = anchor + speed x real time since the anchor. Every change of speed sets a new anchor, so no time is lost
or repeated by changing it, and rounding never adds up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

NANOSECONDS = 1_000_000
"""In a millisecond."""


class TimeDriver:
    """Says which simulated millisecond it is. ``speed`` is a whole factor; 0 is frozen.

    While a session is held (``hold``), time runs at ``speed_in_session`` at most: at x60 the pump would close an idle
    session after five real seconds, in the middle of a sentence. None means: no faster or slower than usual.
    """

    def __init__(
        self,
        start_ms: int = 0,
        speed: int = 1,
        *,
        speed_in_session: int | None = 1,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.speed = speed
        self.speed_in_session = speed_in_session
        self._held = False
        self._clock_ns = clock_ns
        self._anchor_ms = start_ms
        self._anchor_ns = clock_ns()

    @property
    def effective_speed(self) -> int:
        """Return the factor that holds now, the session's slowdown included."""
        if self._held and self.speed_in_session is not None:
            return min(self.speed, self.speed_in_session)
        return self.speed

    def now_ms(self) -> int:
        """Return the present simulated time."""
        passed_ns = self._clock_ns() - self._anchor_ns
        return self._anchor_ms + passed_ns * self.effective_speed // NANOSECONDS

    def wait_ms(self, until_ms: int | None) -> int | None:
        """Return the real milliseconds, rounded up, until a simulated instant; None if it never comes."""
        speed = self.effective_speed
        if until_ms is None or speed == 0:
            return None
        return -(-max(until_ms - self.now_ms(), 0) // speed)

    def set_speed(self, speed: int) -> None:
        """Run at another factor from now on."""
        self.jump(self.now_ms())
        self.speed = speed

    def hold(self, in_session: bool) -> None:
        """Say whether a session is open."""
        if in_session != self._held:
            self.jump(self.now_ms())
            self._held = in_session

    def jump(self, to_ms: int) -> None:
        """Make it that simulated instant now."""
        self._anchor_ms, self._anchor_ns = to_ms, self._clock_ns()
