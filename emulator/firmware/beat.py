"""The beat of a constant flow: when each stroke falls due, and what is written to memory meanwhile.

A constant flow needs no clock to be followed: stroke ``k`` falls due when the credit covers ``k`` strokes, and
memory is written at every stroke, and by the heartbeat whenever it has not been written for so long. Everything
here is whole numbers; times are milliseconds from the beginning of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Beat(NamedTuple):
    """A constant flow: ``credit`` at the beginning, ``rate`` in nL/day, and what one stroke costs."""

    credit: int
    rate: int
    cost: int

    def at(self, stroke: int) -> int:
        """Return when the ``stroke``-th stroke falls due, counted from 1; there must be a flow."""
        return max(0, -((self.credit - stroke * self.cost) // self.rate))

    def by(self, at_ms: int) -> int:
        """Return how many strokes have fallen due by a time, that time included."""
        return (self.credit + self.rate * at_ms) // self.cost if self.rate and at_ms >= 0 else 0

    def by_each(self, first_ms: int, step_ms: int, count: int) -> list[int]:
        """Return how many strokes have fallen due by each of so many times, a step apart."""
        if first_ms < 0 or not self.rate:
            return [self.by(first_ms + each * step_ms) for each in range(count)]
        first, step, cost = self.credit + self.rate * first_ms, self.rate * step_ms, self.cost
        return [at // cost for at in range(first, first + count * step, step)]

    def most_in(self, span_ms: int) -> int:
        """Return a number of strokes that no span of this length has more of."""
        return self.rate * span_ms // self.cost + 2

    def credit_at(self, at_ms: int, strokes: int) -> int:
        """Return the credit at a time by which so many strokes have been taken."""
        return self.credit + self.rate * at_ms - strokes * self.cost


class Write(NamedTuple):
    """Memory is written: when, and how many strokes have been granted and how many of them have moved."""

    at_ms: int
    granted: int
    moved: int


class Run(NamedTuple):
    """So many strokes of a beat, and the heartbeats before, between and, until ``until_ms``, after them.

    No stroke may be waiting at the beginning: the credit is less than a stroke costs.
    """

    beat: Beat
    strokes: int
    until_ms: int
    saved_ms: int
    """When memory was last written before the run; not after 0."""
    heartbeat_ms: int

    def instants(self) -> Iterator[int]:
        """Yield when each stroke falls due."""
        return (self.beat.at(stroke) for stroke in range(1, self.strokes + 1))

    def writes(self) -> int:
        """Return how often memory is written in the run."""
        if not self.strokes:
            return self._beats(self.saved_ms, self.until_ms)
        first, last = self.beat.at(1), self.beat.at(self.strokes)
        around = self._beats(self.saved_ms, first) + self._beats(last, self.until_ms)
        return self.strokes + around + self._beats_between(last - first)

    def _beats_between(self, span_ms: int) -> int:
        """Return the heartbeats between first and last stroke: any two neighbours lie one of two times apart."""
        gaps = self.strokes - 1
        short_ms = self.beat.cost // self.beat.rate
        long = span_ms - gaps * short_ms
        return (gaps - long) * self._beats(0, short_ms) + long * self._beats(0, short_ms + 1)

    def _beats(self, written_ms: int, until_ms: int) -> int:
        return (until_ms - written_ms) // self.heartbeat_ms

    def writes_backwards(self) -> Iterator[Write]:
        """Yield every write, the last one first."""
        following = self.until_ms
        for stroke in range(self.strokes, -1, -1):
            written = self.beat.at(stroke) if stroke else self.saved_ms
            for beat in range(self._beats(written, following), 0, -1):
                yield Write(written + beat * self.heartbeat_ms, stroke, stroke)
            if stroke:
                yield Write(written, stroke, stroke - 1)
            following = written
