"""The ledgers of all drugs at both places, against a model that keeps every mass in one list.

The model decides by adding up the list, drug by drug and place by place; what it allows must be granted as a whole,
and what it does not must be refused as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from emulator.firmware import guard, ledgers
from emulator.firmware.guard import Sizes
from emulator.firmware.ledgers import Ledgers
from verify.suites.suite import Effort, Property, Suite, require

SIZES = Sizes(2, 3, 3, 4)
CODES = (1, 2, 3)
PLACES = ("outlet", "tip")

Masses = dict[int, int]
Limits = dict[int, tuple[int, int]]


@dataclass
class Books:
    """What was counted for each drug at each place, and the limits it is under."""

    limits: Limits = field(default_factory=dict)
    counted: list[tuple[int, int, str, int]] = field(default_factory=list)
    """Time, drug, place and mass."""
    now: int = 0
    opened: dict[int, int] = field(default_factory=dict)
    """When each drug's ledgers were opened: their buckets are counted from then."""

    def held(self, code: int, place: str) -> tuple[int, int]:
        """Return what the hour's and the day's buckets hold of a drug at a place."""
        sums, opened = [], self.opened[code]
        for bucket_ms, buckets in (
            (SIZES.hour_bucket_ms, SIZES.hour_buckets),
            (SIZES.day_bucket_ms, SIZES.day_buckets),
        ):
            oldest = (self.now - opened) // bucket_ms - buckets + 1
            sums.append(
                sum(
                    mass
                    for at, drug, where, mass in self.counted
                    if (drug, where) == (code, place) and (at - opened) // bucket_ms >= oldest
                )
            )
        return sums[0], sums[1]

    def fits(self, masses: dict[str, Masses]) -> bool:
        """Whether every drug of a stroke fits at every place."""
        for place in PLACES:
            if any(mass and code not in self.limits for code, mass in masses[place].items()):
                return False
            for code, limits in self.limits.items():
                mass = masses[place].get(code, 0)
                if any(held + mass > most for held, most in zip(self.held(code, place), limits, strict=True)):
                    return False
        return True

    def add(self, masses: dict[str, Masses]) -> None:
        """Count what moved, of the drugs that have books."""
        self.counted += [
            (self.now, code, place, mass)
            for place in PLACES
            for code, mass in masses[place].items()
            if code in self.limits
        ]

    def prescribe(self, limits: Limits, in_line: frozenset[int]) -> None:
        """Give new limits; keep the books of what is still counted or in the line."""
        gone = [
            code
            for code in self.limits
            if code not in limits and code not in in_line and not any(sum(self.held(code, place)) for place in PLACES)
        ]
        for code in gone:
            del self.limits[code]
        self.counted = [entry for entry in self.counted if entry[1] not in gone]
        self.limits |= limits
        self.opened = {code: self.opened.get(code, self.now) for code in self.limits}


def compare(book: Books, held: Ledgers, after: object) -> None:
    """Compare every ledger with the books."""
    require(
        sorted(entry.code for entry in held) == sorted(book.limits),
        f"after {after} there are ledgers of {[entry.code for entry in held]}, books of {sorted(book.limits)}",
    )
    for code, outlet, tip in held:
        for place, ledger in (("outlet", outlet), ("tip", tip)):
            seen = (ledger.hour.total, ledger.day.total)
            require(
                seen == book.held(code, place),
                f"after {after} the ledger of drug {code} at the {place} holds {seen} instead of",
                book.held(code, place),
            )
            require(
                (ledger.limit_1h, ledger.limit_24h) == book.limits[code],
                f"after {after} drug {code} is under other limits at the {place} than prescribed",
            )


MASS = st.dictionaries(st.sampled_from(CODES), st.integers(0, 3), max_size=2)
LIMITS = st.dictionaries(st.sampled_from(CODES), st.tuples(st.integers(0, 6), st.integers(0, 9)), max_size=3)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), MASS, MASS),
        st.tuples(st.just("grant"), MASS, st.just({})),
        st.tuples(st.just("grant"), st.just({}), MASS),
        st.tuples(st.just("overrun"), MASS, MASS),
        st.tuples(st.just("wait"), st.integers(-1, 12), st.none()),
        st.tuples(st.just("prescribe"), LIMITS, st.frozensets(st.sampled_from(CODES), max_size=2)),
    ),
    min_size=6,
    max_size=30,
)


def books(effort: Effort) -> None:
    """Grant, wait, overrun and prescribe anew, in any order."""

    def check(first: Limits, actions: list[tuple[str, object, object]]) -> None:
        book = Books()
        book.prescribe(first, frozenset())
        held = ledgers.with_drugs((), first, frozenset(), SIZES)
        for action in actions:
            held = _done(book, held, action, effort)
            compare(book, held, action)

    effort.search(check, first=LIMITS, actions=ACTIONS)


def _done(book: Books, held: Ledgers, action: tuple[str, object, object], effort: Effort) -> Ledgers:
    """Let one thing happen to both."""
    match action:
        case ("wait", int(elapsed), _):
            book.now += max(0, elapsed)
            return ledgers.advance_all(held, elapsed, SIZES)
        case ("prescribe", dict(limits), frozenset(in_line)):
            book.prescribe(limits, in_line)
            effort.reached["prescribed anew"] += 1
            return ledgers.with_drugs(held, limits, in_line, SIZES)
        case ("overrun", dict(outlet), dict(tip)):
            book.add({"outlet": outlet, "tip": tip})
            return ledgers.observe(held, outlet, tip)
        case ("grant", dict(outlet), dict(tip)):
            masses = {"outlet": outlet, "tip": tip}
            fits = book.fits(masses)
            after, granted = ledgers.grant(held, outlet, tip)
            require(granted is fits, f"a stroke of {masses}: granted {granted}, by the books {fits}")
            require(granted or after == held, f"a refused stroke of {masses} changed a ledger")
            effort.reached["granted" if granted else "refused"] += 1
            if granted:
                book.add(masses)
            return after
    raise TypeError(f"no action: {action}")


def all_lost(effort: Effort) -> None:
    """Lose all ledgers and ask for the smallest mass of each drug at each place."""
    limits = {1: (1 << 60, 1 << 60), 2: (5, 9)}
    lost = ledgers.all_lost(ledgers.with_drugs((), limits, frozenset(), SIZES), SIZES)
    require([entry.code for entry in lost] == [1, 2], "a drug has no ledger any more after all were lost")
    for code, outlet, tip in lost:
        for ledger in (outlet, tip):
            effort.tried += 1
            require((ledger.limit_1h, ledger.limit_24h) == limits[code], f"drug {code} has lost its limits, too")
            require(not guard.allows(ledger, 1), f"a lost ledger of drug {code} grants something")


SUITE = Suite(
    "ledgers",
    "the ledgers of all drugs",
    (
        Property(
            "ledgers.books",
            "A stroke is granted when it fits the books of every drug at both places, and counted in all or none.",
            books,
            smoke=400,
            premises=("granted", "refused", "prescribed anew"),
            verifies=("DOSE-01",),
        ),
        Property(
            "ledgers.all lost",
            "Lost ledgers are full, at both places, under their old limits.",
            all_lost,
            verifies=("DOSE-01",),
        ),
    ),
)
