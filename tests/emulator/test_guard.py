"""The dose guard against an exact sliding window: exhaustively at tiny sizes, adversarially at real ones."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.firmware import guard
from emulator.firmware.guard import FULL_PG, Ledger, Ring, Sizes, rotate
from protocol.units import DAY_MS, HOUR_MS

pytestmark = pytest.mark.safety

TINY = Sizes(hour_bucket_ms=2, hour_buckets=3, day_bucket_ms=3, day_buckets=4)
REAL = Sizes()


class Exact:
    """What was granted and when, and the sum over any window, found by looking at every grant."""

    def __init__(self, grants: tuple[tuple[int, int], ...] = ()) -> None:
        self.grants = grants

    def add(self, at: int, mass: int) -> Exact:
        """Return the history with one more grant."""
        return Exact((*self.grants, (at, mass)))

    def within(self, width: int, ends: int) -> int:
        """Return the sum of everything that happened no longer than ``width`` before an instant."""
        return sum(mass for at, mass in self.grants if at >= ends - width)


class Scene(NamedTuple):
    """A ledger beside the exact history of what it granted."""

    now: int
    ledger: Ledger
    exact: Exact


def widths(sizes: Sizes) -> tuple[int, int]:
    """Return the windows that the two rings promise to cover whole."""
    return (sizes.hour_buckets - 1) * sizes.hour_bucket_ms, (sizes.day_buckets - 1) * sizes.day_bucket_ms


def longest(sizes: Sizes) -> tuple[int, int]:
    """Return how far back the two rings can reach at most, their own instant not counted."""
    return sizes.hour_buckets * sizes.hour_bucket_ms - 1, sizes.day_buckets * sizes.day_bucket_ms - 1


def sums_hold(ledger: Ledger) -> bool:
    """Say whether each ring's sum is the sum of its buckets."""
    return all(ring.newest + sum(ring.older) == ring.total for ring in (ledger.hour, ledger.day))


def committed(scene: Scene, mass: int, sizes: Sizes, seen: Counter[str]) -> Scene:
    """Ask for a mass and judge the answer by the exact windows: never one too much, and none refused for nothing."""
    now, ledger, exact = scene
    after, granted = guard.commit(ledger, mass)
    limits = (ledger.limit_1h, ledger.limit_24h)
    if granted:
        seen["granted"] += 1
        exact = exact.add(now, mass)
        assert all(exact.within(width, now) <= limit for width, limit in zip(widths(sizes), limits, strict=True))
    else:
        seen["refused"] += 1
        assert after == ledger
        assert any(
            exact.within(width, now) + mass > limit for width, limit in zip(longest(sizes), limits, strict=True)
        )
    return Scene(now, after, exact)


def moved(scene: Scene, action: tuple[str, int], seen: Counter[str]) -> Scene:
    """Let one thing happen to a tiny ledger."""
    now, ledger, exact = scene
    match action:
        case ("advance", elapsed):
            return Scene(now + elapsed, guard.advance(ledger, elapsed, TINY), exact)
        case ("commit", mass):
            return committed(scene, mass, TINY, seen)
        case ("observe", mass):
            return Scene(now, guard.observe(ledger, mass), exact.add(now, mass))
        case ("limits", limit):
            return Scene(now, guard.with_limits(ledger, limit, limit + 1), exact)
    lost = guard.lost_ledger(ledger.limit_1h, ledger.limit_24h, TINY)
    return Scene(now, lost, exact.add(now, FULL_PG))


def explore(scene: Scene, actions: tuple[tuple[str, int], ...], depth: int, seen: Counter[str]) -> None:
    """Walk every sequence of actions to a depth."""
    seen["states"] += 1
    assert sums_hold(scene.ledger)
    if depth:
        for action in actions:
            explore(moved(scene, action, seen), actions, depth - 1, seen)


@pytest.mark.verifies("DOSE-01")
def test_every_sequence_of_time_and_grants_keeps_every_window() -> None:
    """No sequence of seven grants and waits at tiny sizes passes a window, and none is refused without a reason."""
    seen: Counter[str] = Counter()
    actions = (("advance", 1), ("advance", 2), ("advance", 3), ("commit", 1), ("commit", 2))
    explore(Scene(0, guard.new_ledger(3, 4, TINY), Exact()), actions, 7, seen)
    assert seen["states"] == sum(5**depth for depth in range(8))
    assert seen["granted"] > 10_000
    assert seen["refused"] > 10_000


@pytest.mark.verifies("DOSE-01")
def test_every_sequence_with_changed_limits_overruns_and_losses_keeps_every_window() -> None:
    """Changing limits, counting an overrun and losing the ledger never make room for a grant too much."""
    seen: Counter[str] = Counter()
    actions = (
        ("advance", 1),
        ("advance", 5),
        ("commit", 1),
        ("observe", 1),
        ("limits", 1),
        ("limits", 3),
        ("lost", 0),
    )
    explore(Scene(0, guard.new_ledger(2, 3, TINY), Exact()), actions, 6, seen)
    assert seen["granted"] > 3_000
    assert seen["refused"] > 10_000


EDGES = [
    edge + nudge
    for edge in (0, REAL.hour_bucket_ms, HOUR_MS, REAL.day_bucket_ms, DAY_MS, *widths(REAL), *longest(REAL))
    for nudge in (-1, 0, 1)
    if edge + nudge >= 0
]
STEPS = st.lists(st.tuples(st.sampled_from(EDGES) | st.integers(0, 2 * HOUR_MS), st.integers(0, 60)), max_size=60)


@pytest.mark.verifies("DOSE-01")
@given(steps=STEPS, start=st.sampled_from(EDGES), limits=st.tuples(st.integers(0, 120), st.integers(0, 300)))
def test_real_sizes_keep_every_window(steps: list[tuple[int, int]], start: int, limits: tuple[int, int]) -> None:
    """At real sizes, asked greedily around every bucket boundary, no window of an hour or a day passes its limit."""
    scene = Scene(start, guard.advance(guard.new_ledger(*limits, REAL), start, REAL), Exact())
    for elapsed, mass in steps:
        now = scene.now + elapsed
        scene = Scene(now, guard.advance(scene.ledger, elapsed, REAL), scene.exact)
        scene = committed(scene, mass, REAL, Counter())


@pytest.mark.verifies("DOSE-01", "DOSE-15")
@given(steps=STEPS, limits=st.tuples(st.integers(1, 120), st.integers(1, 300)))
def test_a_fast_clock_keeps_every_real_window(steps: list[tuple[int, int]], limits: tuple[int, int]) -> None:
    """With a clock 0.3 % fast, every hour and every day of real time still keeps its limit."""
    ledger, real, pump, exact = guard.new_ledger(*limits, REAL), 0, 0, Exact()
    for elapsed, mass in steps:
        real += elapsed
        shown = real * 1003 // 1000
        ledger, pump = guard.advance(ledger, shown - pump, REAL), shown
        ledger, granted = guard.commit(ledger, mass)
        if granted:
            exact = exact.add(real, mass)
            assert exact.within(HOUR_MS, real) <= limits[0]
            assert exact.within(DAY_MS, real) <= limits[1]


def nearly_full(sizes: Sizes, left: int) -> Ledger:
    """Return a ledger with so little left in the day, granted evenly over the day before."""
    ledger = guard.new_ledger(10_000, 97 * 10 + left, sizes)
    for _ in range(97):
        ledger, granted = guard.commit(guard.advance(ledger, sizes.day_bucket_ms, sizes), 10)
        assert granted
    return ledger


@pytest.mark.verifies("DOSE-01")
@pytest.mark.parametrize("left", [0, 1, 9])
@pytest.mark.parametrize("nudge", [-1, 0, 1])
def test_a_full_day_frees_a_bucket_only_when_it_has_rotated_out(left: int, nudge: int) -> None:
    """From a nearly full day, what is left may be granted at once, and ten more exactly when a bucket has gone."""
    ledger = nearly_full(REAL, left)
    assert guard.commit(ledger, left)[1]
    assert not guard.commit(ledger, left + 1)[1]
    later = guard.advance(ledger, REAL.day_bucket_ms + nudge, REAL)
    assert guard.commit(later, left + 10)[1] is (nudge >= 0)
    assert not guard.commit(later, left + 11)[1]


def test_the_rings_are_longer_than_a_real_window_on_a_fast_clock() -> None:
    """The whole buckets of each ring cover an hour and a day by a clock 0.3 % fast, and one bucket is to spare."""
    hour, day = widths(REAL)
    assert hour >= HOUR_MS * 1003 // 1000
    assert day >= DAY_MS * 1003 // 1000
    assert REAL.hour_buckets == 60 + 1
    assert REAL.day_buckets == 96 + 1


@pytest.mark.verifies("DOSE-15")
@given(parts=st.lists(st.integers(0, 3 * HOUR_MS), max_size=8), grants=st.lists(st.integers(0, 9), min_size=8))
def test_time_passes_the_same_in_one_piece_or_in_many(parts: list[int], grants: list[int]) -> None:
    """However a span of time is cut up, the ledger at its end is the same."""
    ledger = guard.new_ledger(1_000, 1_000, REAL)
    for mass in grants:
        ledger = guard.advance(guard.commit(ledger, mass)[0], 59_999, REAL)
    pieces = ledger
    for part in parts:
        pieces = guard.advance(pieces, part, REAL)
    assert pieces == guard.advance(ledger, sum(parts), REAL)


@pytest.mark.verifies("FLT-03")
def test_a_lost_ledger_grants_nothing_until_it_has_rotated_out() -> None:
    """A ledger that was lost refuses the smallest mass for as long as its longest ring reaches back."""
    ledger = guard.lost_ledger(1 << 61, 1 << 61, REAL)
    assert not guard.commit(ledger, 0)[1]
    assert not guard.commit(guard.advance(ledger, longest(REAL)[1], REAL), 1)[1]
    assert guard.commit(guard.advance(ledger, longest(REAL)[1] + 1, REAL), 1)[1]


@pytest.mark.verifies("DOSE-15")
def test_a_clock_that_runs_back_credits_nothing() -> None:
    """Negative time leaves the ledger as it is."""
    ledger = guard.commit(guard.new_ledger(5, 5, REAL), 5)[0]
    assert guard.advance(ledger, -DAY_MS, REAL) == ledger


def test_a_negative_mass_is_no_refund() -> None:
    """A negative mass is refused as a grant and counts nothing as an overrun."""
    ledger = guard.commit(guard.new_ledger(5, 5, REAL), 5)[0]
    assert guard.commit(ledger, -1) == (ledger, False)
    assert guard.observe(ledger, -1) == ledger._replace(overrun=True)


@pytest.mark.verifies("DOSE-14")
def test_an_overrun_is_latched_and_stays_counted_when_cleared() -> None:
    """Clearing the note of an overrun gives none of its mass back."""
    ledger = guard.observe(guard.new_ledger(5, 5, REAL), 4)
    cleared = guard.clear_overrun(ledger)
    assert (ledger.overrun, cleared.overrun) == (True, False)
    assert not guard.commit(cleared, 2)[1]
    assert not guard.is_spent(cleared)
    assert guard.is_spent(guard.advance(cleared, 2 * DAY_MS, REAL))


def test_limits_change_without_forgetting() -> None:
    """Raised limits leave room only for what is above the mass already counted."""
    ledger = guard.with_limits(guard.commit(guard.new_ledger(5, 5, REAL), 5)[0], 7, 8)
    assert not guard.commit(ledger, 3)[1]
    assert guard.commit(ledger, 2)[1]


ANYTHING = st.integers(-(1 << 70), 1 << 70)
RINGS = st.builds(Ring, ANYTHING, st.lists(ANYTHING, max_size=3).map(tuple), ANYTHING, ANYTHING)
LEDGERS = st.builds(Ledger, RINGS, RINGS, ANYTHING, ANYTHING, st.booleans())


@pytest.mark.verifies("FLT-16")
@given(ledger=LEDGERS, number=ANYTHING)
def test_any_integers_give_a_ledger(ledger: Ledger, number: int) -> None:
    """The guard is total: whatever integers it holds or is given, it answers and never raises."""
    for after in (
        guard.advance(ledger, number, TINY),
        guard.commit(ledger, number)[0],
        guard.observe(ledger, number),
        guard.with_limits(ledger, number, -number),
        guard.clear_overrun(ledger),
        guard.lost_ledger(number, -number, TINY),
    ):
        assert isinstance(after, Ledger)
    assert guard.commit(ledger, number)[1] is guard.allows(ledger, number)


def test_a_phase_far_below_zero_credits_nothing() -> None:
    """A ring whose phase is absurdly negative is no error, and no bucket of it grows older."""
    ring = Ring(7, (5, 3), 15, -(10**20))
    assert rotate(ring, 1, 61_000)[:3] == (7, (5, 3), 15)
