"""The planner: refuse at the programmer what the dose guard would later have to refuse at the motor.

A plan is what will flow if nothing else happens: pieces of constant flow, the last of which never ends. The
planner works out, for each drug, what mass will have left the outlet and the tip at any time, and asks two
questions of each of the guard's rings:

* *With the past*: while granted mass is still in the ring, does it and the planned mass together stay within the
  limit? Past mass leaves the ring at known instants, so it is enough to look just before each of them.
* *In the future*: does any later window hold too much planned mass? Planned mass is piecewise linear in time, so
  the fullest window begins or ends where a piece of flow begins or a plug of the line reaches the tip.

A first look, which errs on the strict side, settles most questions at once: all that is in the ring, and the largest
flow for a whole window on top.

Mass moves in whole strokes, so two strokes at the highest concentration are allowed for on top; the planner is
therefore a little stricter than the guard, which in healthy operation never has anything to refuse.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from emulator.firmware.guard import Ring, Sizes
from emulator.firmware.ledgers import Ledgers
from emulator.hardware.line import Fluid, Line, drugs_in
from protocol.units import DAY_MS
from protocol.vocabulary import Reason

STROKES_ALLOWED_FOR = 2


class Piece(NamedTuple):
    """Constant flow for a time."""

    duration_ms: int
    rate: int


class Plan(NamedTuple):
    """Pieces in order, then ``rate`` for ever. ``credit`` is what is commanded but not yet delivered."""

    pieces: tuple[Piece, ...]
    rate: int
    credit: int

    @property
    def peak(self) -> int:
        """The largest flow in it, in nL/day."""
        return max((self.rate, *(piece.rate for piece in self.pieces)))


class Obstacle(NamedTuple):
    """The limit that a plan would pass: the reason, the drug and the limit in picograms."""

    reason: Reason
    code: int
    limit_pg: int


MassBy = Callable[[int], int]
"""Picograms delivered from now until a time from now in ms, rounded up."""


def obstacle(
    plan: Plan, ledgers: Ledgers, line: Line, reservoir: Fluid, stroke_nl: int, sizes: Sizes
) -> Obstacle | None:
    """Return the first limit that the plan would pass, or None if it fits everywhere.

    ``ledgers`` must have been advanced to the present. ``line`` is what stands in the line, tip first, and
    ``reservoir`` the fluid that follows it. A drug without a ledger is in the way itself: the guard never grants it.
    """
    for code in sorted(drugs_in((*line, (0, reservoir))) - {entry.code for entry in ledgers}):
        return Obstacle(Reason.UNKNOWN_DRUG, code, 0)
    for code, outlet, tip in ledgers:
        outlet_plugs: Line = ((0, reservoir),)
        for ledger, plugs in ((outlet, outlet_plugs), (tip, (*line, (0, reservoir)))):
            curve = MassCurve(code, plan, plugs, stroke_nl)
            windows = (
                (Reason.HOUR_LIMIT, ledger.hour, sizes.hour_bucket_ms, sizes.hour_buckets, ledger.limit_1h),
                (Reason.DAY_LIMIT, ledger.day, sizes.day_bucket_ms, sizes.day_buckets, ledger.limit_24h),
            )
            for reason, ring, bucket_ms, buckets, limit in windows:
                if ring.total + curve.most_at_peak(bucket_ms * buckets) <= limit:
                    continue
                if curve.most_with(ring, bucket_ms) > limit or curve.most_within(bucket_ms * buckets) > limit:
                    return Obstacle(reason, code, limit)
    return None


class MassCurve:
    """The mass of one drug that a plan delivers at one place, over time.

    ``plugs`` is what will come by at that place: each plug's volume and fluid, the last one without end.
    """

    def __init__(self, code: int, plan: Plan, plugs: Sequence[tuple[int, Fluid]], stroke_nl: int) -> None:
        self._plan = plan
        self._plugs = [(volume_nl, dict(fluid).get(code, 0)) for volume_nl, fluid in plugs]
        self._highest = max(concentration for _, concentration in self._plugs)
        self._slack = STROKES_ALLOWED_FOR * stroke_nl * self._highest
        self._begins = [0]
        """When each piece begins, and the endless last one."""
        self._credits = [plan.credit]
        """What is commanded by then."""
        for duration_ms, rate in plan.pieces:
            self._begins.append(self._begins[-1] + duration_ms)
            self._credits.append(self._credits[-1] + duration_ms * rate)
        self._rates = [*(piece.rate for piece in plan.pieces), plan.rate]

    def most_at_peak(self, window_ms: int) -> int:
        """Return more than any window can get: the plan's largest flow all along, of the strongest fluid."""
        credit = self._plan.credit + self._plan.peak * window_ms
        return -(-credit * self._highest // DAY_MS) + self._slack

    def most_with(self, ring: Ring, bucket_ms: int) -> int:
        """Return the largest sum that the ring will show while past mass is still in it."""
        survivors = [ring.total]
        for bucket in reversed((ring.newest, *ring.older)):
            survivors.append(survivors[-1] - bucket)
        first_rotation = bucket_ms - ring.phase_ms
        return max(
            past + self.by(first_rotation + step * bucket_ms) + self._slack
            for step, past in enumerate(survivors[:-1])
            if past or step == 0
        )

    def most_within(self, window_ms: int) -> int:
        """Return the most mass in any window of this length from now on."""
        corners = sorted({0, *self._corner_times()})
        starts = {*corners, *(corner - window_ms for corner in corners if corner > window_ms)}
        return max(self.by(start + window_ms) - self.by(start) for start in starts) + self._slack

    def by(self, time_ms: int) -> int:
        """Return the mass delivered by a time from now, rounded up."""
        piece = bisect_right(self._begins, time_ms) - 1
        credit = self._credits[piece] + (time_ms - self._begins[piece]) * self._rates[piece]
        mass = 0
        for volume_nl, concentration in self._plugs[:-1]:
            here = min(credit, volume_nl * DAY_MS)
            mass += here * concentration
            credit -= here
        mass += credit * self._plugs[-1][1]
        return -(-mass // DAY_MS)

    def _corner_times(self) -> Iterator[int]:
        """Yield when a piece of flow begins and when, rounded both ways, a plug of the line is used up."""
        yield from self._begins[1:]
        used = 0
        for volume_nl, _ in self._plugs[:-1]:
            used += volume_nl * DAY_MS
            at = self._time_of(used)
            if at is not None:
                yield from (at, max(at - 1, 0))

    def _time_of(self, credit: int) -> int | None:
        """Return when the plan's credit reaches an amount; None if it never does."""
        piece = bisect_left(self._credits, credit) - 1
        if piece < 0:
            return 0
        rate = self._rates[piece]
        if rate == 0:
            return None
        return self._begins[piece] - (self._credits[piece] - credit) // rate
