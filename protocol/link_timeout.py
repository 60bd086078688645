"""How long to wait for an answer before asking again.

RFC 6298's estimator in whole milliseconds: the smoothed round trip plus four times its mean deviation, doubled
after every wait in vain, measured only on exchanges without a retransmission (Karn), because an answer to a
repeated question does not say which copy it answers.
"""

from __future__ import annotations

INITIAL_MS = 500
"""Before anything is measured. The first exchange is a reset, 17 bytes each way: 0.3 s at 1200 baud."""
MINIMUM_MS = 200
"""A USB adapter may hold bytes for 16 ms each way and a busy computer for tens more: that is not a loss."""
MAXIMUM_MS = 4_000
"""The longest exchange, 272 bytes each way at 1200 baud, takes 4.5 s: nearly covered, and no one waits for more."""


class RetransmissionTimeout:
    """The adaptive timeout of one programmer end."""

    def __init__(self) -> None:
        self.current_ms = INITIAL_MS
        """How long to wait for the answer to what is sent now, in ms."""
        # Scaled as in RFC 6298's reference: eight times the round trip and four times the deviation stay whole.
        self._round_trip_8 = -1
        self._deviation_4 = 0

    def measured(self, round_trip_ms: int) -> None:
        """Learn from the round trip, in ms, of a frame that was sent once. Ends the doubling."""
        if self._round_trip_8 < 0:
            self._round_trip_8 = 8 * round_trip_ms
            self._deviation_4 = 2 * round_trip_ms
        else:
            error = round_trip_ms - self._round_trip_8 // 8
            self._round_trip_8 += error
            self._deviation_4 += abs(error) - self._deviation_4 // 4
        self.current_ms = _within_bounds(self._round_trip_8 // 8 + self._deviation_4)

    def expired(self) -> None:
        """Double the timeout. It stays doubled until something is measured again."""
        self.current_ms = _within_bounds(2 * self.current_ms)


def _within_bounds(timeout_ms: int) -> int:
    return max(MINIMUM_MS, min(timeout_ms, MAXIMUM_MS))
