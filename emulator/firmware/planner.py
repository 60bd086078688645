"""The planner: refuse at the programmer what the dose guard would later have to refuse at the motor.

A plan is what will flow if nothing else happens: pieces of constant flow, the last of which never ends. The
planner works out, for each drug, what mass will have left the outlet and the tip at any time, and asks two
questions of each of the guard's rings:

* *With the past*: while granted mass is still in the ring, does it and the planned mass together stay within the
  limit? Past mass leaves the ring at known instants, so it is enough to look just before each of them.
* *In the future*: does any later window hold too much planned mass? Planned mass is piecewise linear in time, so
  the fullest window begins or ends where a piece of flow begins or a plug of the line reaches the tip.

Mass moves in whole strokes, so two strokes at the highest concentration are allowed for on top; the planner is
therefore a little stricter than the guard, which in healthy operation never has anything to refuse.
"""

from __future__ import annotations

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
        highest = max(concentration for _, concentration in self._plugs)
        self._slack = STROKES_ALLOWED_FOR * stroke_nl * highest
        self._corners = sorted({0, *self._corner_times()})

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
        starts = {*self._corners, *(corner - window_ms for corner in self._corners if corner > window_ms)}
        return max(self.by(start + window_ms) - self.by(start) for start in starts) + self._slack

    def by(self, time_ms: int) -> int:
        """Return the mass delivered by a time from now, rounded up."""
        credit, mass = self._credit_by(time_ms), 0
        for volume_nl, concentration in self._plugs[:-1]:
            here = min(credit, volume_nl * DAY_MS)
            mass += here * concentration
            credit -= here
        mass += credit * self._plugs[-1][1]
        return -(-mass // DAY_MS)

    def _credit_by(self, time_ms: int) -> int:
        credit, rest = self._plan.credit, time_ms
        for duration_ms, rate in self._plan.pieces:
            here = min(rest, duration_ms)
            credit += here * rate
            rest -= here
        return credit + rest * self._plan.rate

    def _corner_times(self) -> Iterator[int]:
        """Yield when a piece of flow begins and when, rounded both ways, a plug of the line is used up."""
        begins = 0
        for duration_ms, _ in self._plan.pieces:
            begins += duration_ms
            yield begins
        used = 0
        for volume_nl, _ in self._plugs[:-1]:
            used += volume_nl * DAY_MS
            at = self._time_of(used)
            if at is not None:
                yield from (at, max(at - 1, 0))

    def _time_of(self, credit: int) -> int | None:
        """Return when the plan's credit reaches an amount; None if it never does."""
        begins, reached = 0, self._plan.credit
        for duration_ms, rate in (*self._plan.pieces, (None, self._plan.rate)):
            if reached >= credit:
                return begins
            needed = -(-(credit - reached) // rate) if rate else None
            if needed is not None and (duration_ms is None or needed <= duration_ms):
                return begins + needed
            if duration_ms is None:
                return None
            begins += duration_ms
            reached += duration_ms * rate
        return None
