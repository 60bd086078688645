"""The planner against the guard: what it accepts, the guard never refuses; what fits, it accepts.

A plan is played stroke by stroke on small ledgers with a past, through a line of several fluids. The player shares no
arithmetic with the planner: it moves one stroke after the other and asks the guard.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import strategies as st

from emulator.firmware import ledgers
from emulator.firmware.guard import Ledger, Sizes
from emulator.firmware.ledgers import Ledgers
from emulator.firmware.planner import MassCurve, Piece, Plan, obstacle
from emulator.hardware.line import Fluid, Line, masses, push
from protocol.units import DAY_MS
from protocol.vocabulary import Reason
from verify.suites.suite import Effort, Property, Suite, require

STROKE_NL = 1
STROKE_CREDIT = STROKE_NL * DAY_MS
FLOW = DAY_MS // 200
"""One stroke in 200 ms."""
SPARE_STROKES = 3
"""What the planner may be too strict by: two strokes, and what is under way."""
CODES = (1, 2)
Masses = dict[int, int]
Pairs = list[tuple[int, int]]


class Case(NamedTuple):
    """A past, a line, and a plan."""

    sizes: Sizes
    limits: tuple[int, int]
    past: tuple[tuple[int, int], ...]
    """Time since the one before, and mass of the first drug that was granted at both places."""
    line: Line
    reservoir: Fluid
    plan: Plan

    @property
    def highest(self) -> int:
        """The highest concentration of any drug anywhere."""
        return max((amount for _, fluid in (*self.line, (0, self.reservoir)) for _, amount in fluid), default=0)

    def ledgers(self, limits: tuple[int, int]) -> Ledgers:
        """Return the ledgers as the past has left them, under other limits."""
        free = (1 << 40, 1 << 40)
        held = ledgers.with_drugs((), dict.fromkeys(CODES, free), frozenset(), self.sizes)
        for gap_ms, mass in self.past:
            held = ledgers.advance_all(held, gap_ms, self.sizes)
            held, _ = ledgers.grant(held, {1: mass}, {1: mass})
        return ledgers.with_drugs(held, dict.fromkeys(CODES, limits), frozenset(CODES), self.sizes)

    @property
    def horizon_ms(self) -> int:
        """How long anything new may happen: the pieces, a displaced line, and the windows behind them."""
        window_ms = max(
            self.sizes.hour_bucket_ms * self.sizes.hour_buckets, self.sizes.day_bucket_ms * self.sizes.day_buckets
        )
        line_nl = sum(volume for volume, _ in self.line)
        displaced_ms = -(-line_nl * DAY_MS // self.plan.rate) if self.plan.rate else 0
        return sum(piece.duration_ms for piece in self.plan.pieces) + displaced_ms + 2 * window_ms


def strokes(case: Case) -> Iterator[tuple[int, Masses, Masses]]:
    """Yield each stroke of the plan: when, and what leaves the outlet and the tip."""
    credit, begins, line = case.plan.credit, 0, case.line
    for duration_ms, rate in (*case.plan.pieces, Piece(case.horizon_ms, case.plan.rate)):
        at = 0
        while rate or credit >= STROKE_CREDIT:
            wait = max(0, -(-(STROKE_CREDIT - credit) // rate)) if rate else 0
            if at + wait > duration_ms:
                break
            at += wait
            credit += wait * rate - STROKE_CREDIT
            line, out = push(line, STROKE_NL, case.reservoir)
            yield begins + at, masses(((STROKE_NL, case.reservoir),)), masses(out)
        credit += (duration_ms - at) * rate
        begins += duration_ms


def first_refused(case: Case) -> int | None:
    """Play the plan on the guard; return when it first refuses, or None."""
    held, now = case.ledgers(case.limits), 0
    for at, outlet, tip in strokes(case):
        held, now = ledgers.advance_all(held, at - now, case.sizes), at
        held, granted = ledgers.grant(held, outlet, tip)
        if not granted:
            return at
    return None


def fits_well(case: Case) -> bool:
    """Whether no reach of any ring ever holds more than its limit less a few strokes, past and planned together."""
    spare = SPARE_STROKES * STROKE_NL * case.highest
    held = case.ledgers(case.limits)
    moves = list(strokes(case))
    for entry in held:
        for place, ledger in ((1, entry.outlet), (2, entry.tip)):
            planned = [(move[0], move[place].get(entry.code, 0)) for move in moves]  # type: ignore[union-attr]
            if not _ring_fits(case, ledger, planned, spare):
                return False
    return True


def _ring_fits(case: Case, ledger: Ledger, planned: list[tuple[int, int]], spare: int) -> bool:
    sizes = case.sizes
    for ring, bucket_ms, buckets, limit in (
        (ledger.hour, sizes.hour_bucket_ms, sizes.hour_buckets, ledger.limit_1h),
        (ledger.day, sizes.day_bucket_ms, sizes.day_buckets, ledger.limit_24h),
    ):
        reach_ms, parts = bucket_ms * buckets, (ring.newest, *ring.older)
        if ring.total + spare > limit:
            return False
        for at, _ in planned:
            gone = (at + ring.phase_ms) // bucket_ms
            past = sum(parts[: max(0, buckets - gone)])
            # The planner looks just before past mass leaves a ring: what is planned until then counts beside it.
            for until in (at, at + bucket_ms):
                if past + sum(mass for when, mass in planned if until - reach_ms < when <= until) + spare > limit:
                    return False
    return True


RATES = st.sampled_from([0, 1, 2, 3, 6, 12]).map(FLOW.__mul__)
FLUIDS = st.lists(
    st.tuples(st.sampled_from(CODES), st.integers(1, 4)), max_size=2, unique_by=lambda drug: drug[0]
).map(tuple)
CASES = st.builds(
    Case,
    st.builds(Sizes, st.integers(50, 400), st.integers(2, 5), st.integers(100, 700), st.integers(2, 6)),
    st.tuples(st.integers(0, 40), st.integers(0, 90)),
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 9) | st.integers(0, 80)), max_size=4).map(tuple),
    st.lists(st.tuples(st.integers(1, 9), FLUIDS), min_size=1, max_size=3).map(tuple),
    FLUIDS,
    st.builds(
        Plan,
        st.lists(st.builds(Piece, st.integers(0, 1_500), RATES), max_size=3).map(tuple),
        st.sampled_from([0, 1, 2, 3, 6, 10]).map((FLOW // 2).__mul__),
        st.integers(0, STROKE_CREDIT - 1),
    ),
)


def never_refused(effort: Effort) -> None:
    """Play every plan that the planner accepts."""

    def check(case: Case) -> None:
        found = _obstacle(case)
        if found is None:
            at = first_refused(case)
            effort.reached["accepted"] += 1
            require(at is None, f"the planner accepts {case}, and the guard refuses a stroke after {at} ms")
        else:
            effort.reached[found] += 1

    effort.search(check, case=CASES)


def _obstacle(case: Case) -> str | None:
    held = case.ledgers(case.limits)
    found = obstacle(case.plan, held, case.line, case.reservoir, STROKE_NL, case.sizes)
    return found.reason.name if found else None


def what_fits_is_accepted(effort: Effort) -> None:
    """Offer the planner every plan that fits with a little to spare."""

    def check(case: Case) -> None:
        if fits_well(case):
            effort.reached["fits"] += 1
            require(_obstacle(case) is None, f"{case} fits, and the planner refuses it for {_obstacle(case)}")

    roomy = CASES.map(lambda case: case._replace(limits=(case.limits[0] * 2, case.limits[1] * 3)))
    effort.search(check, case=roomy)


ROOMY = 1 << 30


def tightest(effort: Effort) -> None:
    """Find the tightest limit that the planner accepts; play it, and see that the next one below does not fit."""

    def check(case: Case, hour: bool) -> None:
        def under(limit: int) -> Case:
            return case._replace(limits=(limit, ROOMY) if hour else (ROOMY, limit))

        low, high = 0, 1 << 12
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if _obstacle(under(middle)) is None else (middle + 1, high)
        at = first_refused(under(low))
        require(at is None, f"the planner accepts {under(low)}, and the guard refuses a stroke after {at} ms")
        if low:
            effort.reached["a limit of something"] += 1
            require(not fits_well(under(low - 1)), f"{under(low - 1)} fits, and the planner refuses it")

    effort.search(check, case=CASES, hour=st.booleans())


def curves(effort: Effort) -> None:
    """Add up what a plan delivers, unit by unit, and compare it with the planner's curve."""

    def check(
        pieces: list[tuple[int, int]], basal: int, credit: int, plugs: list[tuple[int, int]], window: int
    ) -> None:
        plan = Plan(tuple(Piece(for_ms, rate * DAY_MS) for for_ms, rate in pieces), basal * DAY_MS, credit * DAY_MS)
        line = [*((volume, ((1, concentration),)) for volume, concentration in plugs), (0, ((1, 3),))]
        curve = MassCurve(1, plan, line, 0)
        units = [concentration for volume, concentration in plugs for _ in range(volume)] + [3] * 2_000
        flow = [rate for for_ms, rate in pieces for _ in range(for_ms)] + [basal] * 200
        by = [sum(units[: credit + sum(flow[:time])]) for time in range(120)]
        require([curve.by(time) for time in range(120)] == by, "the curve is another one")
        most = curve.most_within(window)
        require(
            all(isinstance(each, int) for each in (curve.by(7), most, curve.most_at_peak(window))),
            "a mass is no whole number",
        )
        fullest = max(by[time + window] - by[time] for time in range(95))
        require(fullest <= most, f"a window of {window} ms holds {fullest}, the planner says {most}")
        require(most <= max(by[time + window + 1] - by[time] for time in range(95)), f"{most} is far too much")
        require(curve.most_at_peak(window) >= most, "the first look is less strict than the second")

    effort.search(
        check,
        pieces=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), max_size=3),
        basal=st.integers(0, 5),
        credit=st.integers(0, 9),
        plugs=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 7)), max_size=3),
        window=st.integers(1, 20),
    )


def unknown_drugs(effort: Effort) -> None:
    """Plan with a drug in the line or in the reservoir that has no ledger."""
    sizes = Sizes(100, 3, 200, 4)
    held = ledgers.with_drugs((), {1: (1 << 40, 1 << 40)}, frozenset(), sizes)
    known, unknown = ((1, 1),), ((9, 1),)
    for line, reservoir in (((5, unknown),), known), (((5, known),), unknown), (((2, known), (3, unknown)), known):
        effort.tried += 1
        found = obstacle(Plan((), FLOW, 0), held, line, reservoir, STROKE_NL, sizes)
        require(found == (Reason.UNKNOWN_DRUG, 9, 0), f"drug 9 is no obstacle with a limit of nothing: {found}")


SUITE = Suite(
    "planner",
    "the planner",
    (
        Property(
            "planner.unknown drugs",
            "A drug without a ledger is in the way itself.",
            unknown_drugs,
            verifies=("PRG-16",),
        ),
        Property("planner.curves", "What a plan delivers is added up exactly.", curves, 60, verifies=("DOSE-02",)),
        Property(
            "planner.never refused",
            "What the planner accepts, the guard never refuses.",
            never_refused,
            120,
            ("accepted", "HOUR_LIMIT", "DAY_LIMIT"),
            verifies=("DOSE-02",),
        ),
        Property(
            "planner.tightest",
            "The tightest limit that is accepted holds, and is as tight as it can be.",
            tightest,
            150,
            ("a limit of something",),
            verifies=("DOSE-02",),
        ),
        Property("planner.fits", "What fits is accepted.", what_fits_is_accepted, 80, ("fits",)),
    ),
)
