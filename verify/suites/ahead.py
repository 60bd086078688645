"""The ledgers after a run of equal strokes, against the same strokes one by one through the guard.

Starting ledgers have a past at small sizes, their limits lie close to what they hold, and the masses at the outlet
and at the tip differ, as they do while a line is being displaced.
"""

from __future__ import annotations

from hypothesis import strategies as st

from emulator.firmware import guard, ledgers, ledgers_ahead
from emulator.firmware.beat import Beat
from emulator.firmware.guard import Ledger, Sizes
from emulator.firmware.ledgers import DrugLedgers, Ledgers
from verify.suites.suite import Effort, Property, Suite, require

SIZES = Sizes(7, 4, 19, 5)
CODES = (1, 2)
PLACES = ("outlet", "tip")

Masses = dict[int, int]
Past = list[tuple[int, int]]


def used(limits: tuple[int, int], past: Past) -> Ledger:
    """Return a ledger that has granted what it could of a past: time that went by, and a mass."""
    ledger = guard.new_ledger(*limits, SIZES)
    for elapsed_ms, mass in past:
        ledger, _ = guard.commit(guard.advance(ledger, elapsed_ms, SIZES), mass)
    return ledger


BEATS = st.builds(Beat, st.integers(0, 120), st.integers(1, 30), st.integers(1, 100))
LEDGER = st.builds(
    used,
    st.tuples(st.integers(0, 200), st.integers(0, 400)),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=8),
)
HELD = st.dictionaries(st.sampled_from(CODES), st.tuples(LEDGER, LEDGER), max_size=2).map(
    lambda pairs: tuple(DrugLedgers(code, *pair) for code, pair in pairs.items())
)
MASSES = st.dictionaries(st.sampled_from(CODES), st.integers(0, 12), max_size=2)


def one_by_one(effort: Effort) -> None:
    """Let the guard decide on each stroke that is called certain, at its instant, and compare every bucket."""

    def check(held: Ledgers, outlet: Masses, tip: Masses, beat: Beat, until_ms: int) -> None:
        most = beat.by(until_ms)
        certain = ledgers_ahead.certain_strokes(held, outlet, tip, beat, most, SIZES)
        require(isinstance(certain, int) and 0 <= certain <= most, f"{certain} of {most} strokes are called certain")
        effort.reached["cut short" if 0 < certain < most else "all" if certain else "none"] += 1
        effort.reached["other ledgers at the tip"] += any(at_tip != at_outlet for _, at_outlet, at_tip in held)
        single, before = held, 0
        for stroke in range(1, certain + 1):
            at_ms = beat.at(stroke)
            single = ledgers.advance_all(single, at_ms - before, SIZES)
            compare(single, ledgers_ahead.ledgers_after(held, outlet, tip, beat, at_ms, stroke - 1, SIZES), at_ms)
            single, granted = ledgers.grant(single, outlet, tip)
            require(granted, f"stroke {stroke} of {certain} that were certain is refused at {at_ms} ms")
            compare(single, ledgers_ahead.ledgers_after(held, outlet, tip, beat, at_ms, stroke, SIZES), at_ms)
            before = at_ms
        rest = max(until_ms, before) if certain == most else before
        single = ledgers.advance_all(single, rest - before, SIZES)
        compare(single, ledgers_ahead.ledgers_after(held, outlet, tip, beat, rest, certain, SIZES), rest)

    effort.search(check, held=HELD, outlet=MASSES, tip=MASSES, beat=BEATS, until_ms=st.integers(0, 250))


def compare(single: Ledgers, ahead: Ledgers, at_ms: int) -> None:
    """Compare ledgers bucket by bucket."""
    require([entry.code for entry in ahead] == [entry.code for entry in single], f"at {at_ms} ms a drug is gone")
    for expected, seen in zip(single, ahead, strict=True):
        require(seen == expected, f"at {at_ms} ms, stroke by stroke:\n{expected}\nand at once:\n{seen}")


def not_timid(effort: Effort) -> None:
    """Choose limits that carry a flow for ever, to the picogram, on top of what is held; and then one less."""

    def check(outlet: int, tip: int, past: Past, beat: Beat, most: int) -> None:
        effort.tried += 1
        masses = {1: outlet}, {1: tip}
        spans = (SIZES.hour_bucket_ms * SIZES.hour_buckets, SIZES.day_bucket_ms * SIZES.day_buckets)
        counts = [min(most, beat.rate * span // beat.cost + 2) for span in spans]
        pair = []
        for mass in (outlet, tip):
            ledger = used((1 << 40, 1 << 40), past)
            limits = [
                ring.total + mass * count for ring, count in zip((ledger.hour, ledger.day), counts, strict=True)
            ]
            pair.append(guard.with_limits(ledger, *limits))
        held = (DrugLedgers(1, *pair),)
        certain = ledgers_ahead.certain_strokes(held, *masses, beat, most, SIZES)
        require(certain == most, f"of {most} strokes that fit on top of all that is held {certain} are certain")
        for place, mass in enumerate((outlet, tip)):
            for which, count in enumerate(counts):
                limits = [pair[place].limit_1h, pair[place].limit_24h]
                limits[which] -= 1
                scant = list(pair)
                scant[place] = guard.with_limits(pair[place], *limits)
                certain = ledgers_ahead.certain_strokes((DrugLedgers(1, *scant),), *masses, beat, most, SIZES)
                require(
                    certain == (count - 1 if mass else 0),
                    f"with one picogram less at the {PLACES[place]} {certain} of {most} strokes are certain",
                )

    effort.search(
        check,
        outlet=st.integers(0, 12),
        tip=st.integers(0, 12),
        past=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=8),
        beat=BEATS,
        most=st.integers(1, 200),
    )


def none_certain(effort: Effort) -> None:
    """Ask for strokes of a drug without a ledger, with lost ledgers, and from a ring whose phase is none."""
    beat = Beat(0, 1, 10)
    wide = guard.new_ledger(1 << 40, 1 << 40, SIZES)
    held = (DrugLedgers(1, wide, wide),)
    odd = [wide.hour._replace(phase_ms=phase) for phase in (-1, SIZES.hour_bucket_ms)]
    cases: list[tuple[str, Ledgers, Masses, Masses]] = [
        ("of an unknown drug at the outlet", held, {1: 1, 2: 1}, {1: 1}),
        ("of an unknown drug at the tip", held, {1: 1}, {1: 1, 2: 1}),
        ("with lost ledgers", ledgers.all_lost(held, SIZES), {1: 1}, {1: 1}),
        ("of no drug with lost ledgers", ledgers.all_lost(held, SIZES), {}, {}),
        *(("at a phase that no ring has", (DrugLedgers(1, wide._replace(hour=ring), wide),), {}, {}) for ring in odd),
    ]
    for when, ring, outlet, tip in cases:
        effort.tried += 1
        certain = ledgers_ahead.certain_strokes(ring, outlet, tip, beat, 10, SIZES)
        require(certain == 0, f"a stroke {when} is called certain")
    spent = guard.new_ledger(0, 0, SIZES)
    for others in (held, (*held, DrugLedgers(2, spent, wide)), (*held, DrugLedgers(2, wide, spent))):
        for none in ({}, {2: 0}):
            certain = ledgers_ahead.certain_strokes(others, {1: 1, **none}, none, beat, 10, SIZES)
            require(certain == 10, "a drug of which nothing moves is in the way")


SUITE = Suite(
    "ahead",
    "the ledgers after many strokes at once",
    (
        Property(
            "ahead.one by one",
            "What is called certain the guard grants stroke by stroke, and every bucket ends the same.",
            one_by_one,
            smoke=200,
            premises=("all", "cut short", "none", "other ledgers at the tip"),
            verifies=("DOSE-01",),
        ),
        Property("ahead.not timid", "A flow that fits to the picogram is certain for ever.", not_timid, smoke=100),
        Property(
            "ahead.none certain", "What the guard never grants is never certain.", none_certain, verifies=("DOSE-01",)
        ),
    ),
)
