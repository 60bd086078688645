"""Exact sums over a sliding window of time.

The window of width W that ends at instant t holds what happened at the instants s with ``t - W < s <= t``: open at
its start and closed at its end. Such windows laid end to end cover all of time and count nothing twice.

Drug moves in strokes, each at one instant, so a window's sum only ever grows at a stroke. The fullest of all
windows, of which there are as many as there are instants, therefore ends at a stroke, and looking at the window
that ends with each stroke looks at them all. No buckets: this is the truth that the pump's bucketed guard is
judged by.
"""

from __future__ import annotations

from collections import deque


class SlidingSum:
    """What lies in the window that ends now. Each amount is added once and dropped once."""

    def __init__(self, width_ms: int) -> None:
        if width_ms <= 0:
            raise ValueError(f"a window is wider than nothing, not {width_ms} ms")
        self.width_ms = width_ms
        self.total = 0
        self._entries: deque[tuple[int, int]] = deque()
        self._now_ms = 0

    def add(self, at_ms: int, amount: int) -> int:
        """Count ``amount`` at ``at_ms`` and return the sum of the window that ends there.

        Raises ``ValueError`` for an instant before the last one: the past is closed.
        """
        self.advance(at_ms)
        self._entries.append((at_ms, amount))
        self.total += amount
        return self.total

    def advance(self, at_ms: int) -> int:
        """Return the sum of the window that ends at ``at_ms``, with nothing added."""
        if at_ms < self._now_ms:
            raise ValueError(f"time ran back from {self._now_ms} ms to {at_ms} ms")
        self._now_ms = at_ms
        entries = self._entries
        opens_ms = at_ms - self.width_ms
        while entries and entries[0][0] <= opens_ms:
            self.total -= entries.popleft()[1]
        return self.total

    @property
    def next_drop_ms(self) -> int | None:
        """Return when the oldest entry leaves the window, or None if the window is empty."""
        return self._entries[0][0] + self.width_ms if self._entries else None
