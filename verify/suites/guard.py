"""The dose guard against a naive model: exact windows over a list of everything that was ever granted.

The model shares no idea with the guard: it keeps no ring and rotates nothing, but remembers each mass with its time
and adds up again for each question. Sizes are tiny and beginnings lie on the edges of buckets, because at real sizes
random questions are nearly blind: they hardly ever meet a limit and a boundary at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import strategies as st

from emulator.firmware import guard
from emulator.firmware.guard import Ledger, Ring, Sizes
from protocol.units import DAY_MS, HOUR_MS
from verify.suites.suite import Effort, Property, Suite, require

TINY = Sizes(hour_bucket_ms=2, hour_buckets=3, day_bucket_ms=3, day_buckets=4)
REAL = Sizes()
FAST_PERMILLE = 1003
"""A pump's clock may run 0.3 % fast, and every real hour and day is still covered."""
LONGEST_PERMILLE = 1040
"""A ring that looks back further than this refuses much that it could grant."""

Action = tuple[str, int]
GRANT, WAIT, OVERRUN, LIMITS, LOSE, CLEAR = "grant", "wait", "overrun", "limits", "lose", "clear overrun"


@dataclass
class Naive:
    """Everything that was counted, and when."""

    limits: tuple[int, int]
    now: int = 0
    counted: list[tuple[int, int]] = field(default_factory=list)
    overrun: bool = False

    def held(self, bucket_ms: int, buckets: int) -> int:
        """Return the mass whose bucket of time is one of the last ones, the present one among them."""
        oldest = self.now // bucket_ms - buckets + 1
        return sum(mass for at, mass in self.counted if at // bucket_ms >= oldest)

    def within(self, window_ms: int) -> int:
        """Return the mass of the sliding window that ends now."""
        return sum(mass for at, mass in self.counted if at >= self.now - window_ms)

    def held_by_both(self, sizes: Sizes) -> tuple[int, int]:
        """Return what an hour's and a day's buckets hold."""
        return (
            self.held(sizes.hour_bucket_ms, sizes.hour_buckets),
            self.held(sizes.day_bucket_ms, sizes.day_buckets),
        )

    def fits(self, mass: int, sizes: Sizes) -> bool:
        """Whether a mass fits beside what the buckets hold."""
        return mass >= 0 and all(
            held + mass <= limit for held, limit in zip(self.held_by_both(sizes), self.limits, strict=True)
        )


@dataclass
class Pair:
    """A ledger and the model beside it."""

    sizes: Sizes
    ledger: Ledger
    naive: Naive

    @classmethod
    def new(cls, limits: tuple[int, int], sizes: Sizes, phase_ms: int = 0) -> Pair:
        """Return a pair that has granted nothing and is so far into its first buckets."""
        pair = cls(sizes, guard.new_ledger(*limits, sizes), Naive(limits))
        pair.do((WAIT, phase_ms))
        return pair

    def do(self, action: Action, effort: Effort | None = None) -> None:
        """Let both do the same thing, and compare what they say."""
        kind, amount = action
        naive = self.naive
        match kind:
            case "wait":
                naive.now += max(amount, 0)
                self.ledger = guard.advance(self.ledger, amount, self.sizes)
            case "grant":
                self._grant(amount, effort)
            case "overrun":
                naive.counted.append((naive.now, max(amount, 0)))
                naive.overrun = True
                self.ledger = guard.observe(self.ledger, amount)
            case "limits":
                naive.limits = (amount, amount + 1)
                self.ledger = guard.with_limits(self.ledger, *naive.limits)
            case "clear overrun":
                naive.overrun = False
                self.ledger = guard.clear_overrun(self.ledger)
            case _:
                self.ledger = guard.lost_ledger(*naive.limits, self.sizes)
                self.naive = Naive(naive.limits, 0, [(0, guard.FULL_PG)])
        self.compare(action)

    def compare(self, action: Action) -> None:
        """Compare everything that can be seen of the ledger with the model."""
        naive, ledger = self.naive, self.ledger
        held = naive.held_by_both(self.sizes)
        seen = (ledger.hour.total, ledger.day.total)
        require(seen == held, f"after {action} the rings hold {seen}; by the windows it is {held}")
        require(ledger.overrun is naive.overrun, f"after {action} an overrun is noted: {ledger.overrun}")
        require(guard.is_spent(ledger) is not any(held), f"after {action} with {held} held: is_spent is wrong")
        for mass in (-1, 0, 1, 2):
            fits = naive.fits(mass, self.sizes)
            require(
                guard.allows(ledger, mass) is fits, f"after {action}: {mass} pg fits {fits}, the guard says otherwise"
            )

    def _grant(self, mass: int, effort: Effort | None) -> None:
        naive, before = self.naive, self.ledger
        fits = naive.fits(mass, self.sizes)
        self.ledger, granted = guard.commit(before, mass)
        require(granted is fits, f"{mass} pg: granted {granted}, by the windows {fits}; {naive}")
        if not granted:
            require(self.ledger == before, f"a refused grant of {mass} pg changed the ledger")
        else:
            naive.counted.append((naive.now, mass))
            for buckets, bucket_ms, limit in self._windows():
                held = naive.within((buckets - 1) * bucket_ms)
                require(held <= limit, f"a sliding window of {(buckets - 1) * bucket_ms} ms holds {held} of {limit}")
        if effort:
            effort.reached["granted" if granted else "refused"] += 1

    def _windows(self) -> Iterator[tuple[int, int, int]]:
        sizes = self.sizes
        yield sizes.hour_buckets, sizes.hour_bucket_ms, self.naive.limits[0]
        yield sizes.day_buckets, sizes.day_bucket_ms, self.naive.limits[1]


# --- every sequence -------------------------------------------------------------------------------------------

ALPHABET: tuple[Action, ...] = ((WAIT, 1), (WAIT, 3), (GRANT, 1), (GRANT, 2), (OVERRUN, 1), (LIMITS, 2), (LOSE, 0))
DEPTH = 5
STARTS = ((0, (3, 4)), (1, (2, 9)), (5, (9, 3)))
"""How far into its buckets a walk begins, and its limits: the hour's alone tight, the day's alone, both."""


def every_sequence(effort: Effort) -> None:
    """Walk every sequence of everything that can happen to a tiny ledger."""
    for phase_ms, limits in STARTS:
        _walk(effort, Pair.new(limits, TINY, phase_ms), (), DEPTH)


def _walk(effort: Effort, pair: Pair, path: tuple[Action, ...], depth: int) -> None:
    effort.tried += 1
    if not depth:
        return
    for action in ALPHABET:
        naive = pair.naive
        copy = Pair(pair.sizes, pair.ledger, Naive(naive.limits, naive.now, list(naive.counted), naive.overrun))
        try:
            copy.do(action, effort)
        except Exception as broken:
            broken.add_note(f"after {' '.join(map(str, (*path, action)))}")
            raise
        _walk(effort, copy, (*path, action), depth - 1)


# --- long histories -------------------------------------------------------------------------------------------

SMALL_SIZES = st.builds(Sizes, st.integers(1, 4), st.integers(2, 5), st.integers(1, 7), st.integers(2, 6))
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just(GRANT), st.integers(-1, 4)),
        st.tuples(st.just(GRANT), st.integers(0, 2)),
        st.tuples(st.just(WAIT), st.integers(-2, 9)),
        st.tuples(st.just(WAIT), st.integers(1, 2)),
        st.tuples(st.just(WAIT), st.sampled_from([30, 1_000])),
        st.tuples(st.just(OVERRUN), st.integers(-2, 3)),
        st.tuples(st.just(LIMITS), st.integers(0, 9)),
        st.tuples(st.just(CLEAR), st.just(0)),
    ),
    min_size=8,
    max_size=40,
)


def long_histories(effort: Effort) -> None:
    """Ask ledgers of many small sizes for a long time."""

    def check(sizes: Sizes, limits: tuple[int, int], phase_ms: int, actions: list[Action]) -> None:
        pair = Pair.new(limits, sizes, phase_ms)
        for action in actions:
            pair.do(action, effort)

    limits = st.tuples(st.integers(0, 9), st.integers(0, 14))
    effort.search(check, sizes=SMALL_SIZES, limits=limits, phase_ms=st.integers(0, 30), actions=ACTIONS)


def greedy(effort: Effort) -> None:
    """From a full ledger, ask for as much as ever fits at every instant around each boundary, at real sizes."""
    strokes = [7_000_000, 12_500_000]
    for start in (0, 1, REAL.hour_bucket_ms - 1, REAL.day_bucket_ms - 1):
        for mass in strokes:
            pair = Pair.new((10 * mass, 14 * mass), REAL, start)
            for gap in _edges():
                effort.tried += 1
                pair.do((WAIT, gap))
                for _ in range(3):
                    pair.do((GRANT, mass), effort)


def _edges() -> Iterator[int]:
    for bucket_ms, buckets in ((REAL.hour_bucket_ms, REAL.hour_buckets), (REAL.day_bucket_ms, REAL.day_buckets)):
        for span in (0, bucket_ms, (buckets - 1) * bucket_ms, buckets * bucket_ms):
            yield from (span + nudge for nudge in (-1, 0, 1) if span + nudge > 0)
    yield from (HOUR_MS, DAY_MS - 1, 1, 1, 1 << 15, 1 << 16, 1 << 31, 1, 1 << 32, 1)


# --- sizes, damage, totality ----------------------------------------------------------------------------------


def real_windows(effort: Effort) -> None:
    """Work out what the real sizes cover by a fast clock, and what they cost."""
    for name, bucket_ms, buckets, window_ms in (
        ("hour", REAL.hour_bucket_ms, REAL.hour_buckets, HOUR_MS),
        ("day", REAL.day_bucket_ms, REAL.day_buckets, DAY_MS),
    ):
        effort.tried += 1
        covered, reach = (buckets - 1) * bucket_ms, buckets * bucket_ms
        require(
            1_000 * covered >= FAST_PERMILLE * window_ms,
            f"by a fast clock the {covered} ms of a real {name} are too few",
        )
        require(
            1_000 * reach <= LONGEST_PERMILLE * window_ms,
            f"reaching back {reach} ms for a real {name} refuses far too much",
        )


def lost_is_full(effort: Effort) -> None:
    """Ask a lost ledger for as little as possible until everything in it has rotated out."""
    for sizes in (TINY, REAL, Sizes(7, 4, 5, 3)):
        ledger = guard.lost_ledger(1 << 60, 1 << 60, sizes)
        longest = max(sizes.hour_bucket_ms * sizes.hour_buckets, sizes.day_bucket_ms * sizes.day_buckets)
        for waited in (0, 1, sizes.hour_bucket_ms, longest // 2, longest - 1):
            effort.tried += 1
            later = guard.advance(ledger, waited, sizes)
            require(not guard.allows(later, 1), f"a lost ledger grants something after {waited} of {longest} ms")
            require(not guard.is_spent(later), f"a lost ledger counts as empty after {waited} of {longest} ms")
        require(
            guard.allows(guard.advance(ledger, longest, sizes), 1), f"a lost ledger never recovers in {longest} ms"
        )


ANYTHING = st.integers(-(1 << 70), 1 << 70)
RINGS = st.builds(Ring, ANYTHING, st.lists(ANYTHING, max_size=3).map(tuple), ANYTHING, ANYTHING)
LEDGERS = st.builds(Ledger, RINGS, RINGS, ANYTHING, ANYTHING, st.booleans())


def any_integers(effort: Effort) -> None:
    """Give the guard integers that no pump has."""

    def check(ledger: Ledger, number: int) -> None:
        after, granted = guard.commit(ledger, number)
        require(granted is guard.allows(ledger, number), "commit and allows disagree")
        require(not (granted and number < 0), f"a refund of {number} pg was granted")
        for changed in (after, guard.advance(ledger, number, TINY), guard.observe(ledger, number)):
            require(isinstance(changed, Ledger), "no ledger")
        if number <= 0:
            require(guard.advance(ledger, number, TINY) == ledger, "a clock that runs back changed the ledger")

    effort.search(check, ledger=LEDGERS, number=ANYTHING)


SUITE = Suite(
    "guard",
    "the dose guard",
    (
        Property(
            "guard.real windows",
            "The buckets cover a real hour and day by a clock 0.3 % fast.",
            real_windows,
            verifies=("DOSE-01",),
        ),
        Property(
            "guard.every sequence",
            "No sequence of five things that can happen to a ledger grants too much, or refuses for nothing.",
            every_sequence,
            premises=("granted", "refused"),
            verifies=("DOSE-01",),
        ),
        Property(
            "guard.long histories",
            "No long history does either, at any small size, from any phase.",
            long_histories,
            smoke=300,
            premises=("granted", "refused"),
            verifies=("DOSE-01",),
        ),
        Property(
            "guard.greedy",
            "At real sizes no window is passed by asking at every boundary.",
            greedy,
            premises=("granted",),
            verifies=("DOSE-01", "LOG-05"),
        ),
        Property(
            "guard.lost is full",
            "A ledger that was lost grants nothing until it has rotated out.",
            lost_is_full,
            verifies=("DOSE-01",),
        ),
        Property("guard.any integers", "Whatever integers it is given, the guard answers.", any_integers, smoke=200),
    ),
)
