"""What a run of strokes comes to, worked out at once: the same as counting, and as asking the guard for each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.firmware import guard, ledgers
from emulator.firmware.allowance import age_ledgers
from emulator.firmware.beat import Beat, Run, Write
from emulator.firmware.guard import Sizes
from emulator.firmware.ledgers import DrugLedgers
from emulator.firmware.ledgers_ahead import certain_strokes, ledgers_after, ring_after
from emulator.hardware.profile import load_profile
from protocol.units import DAY_MS
from tests.emulator.worlds import (
    MORPHINE,
    infusing,
)

pytestmark = pytest.mark.safety

SMALL = Sizes(hour_bucket_ms=7, hour_buckets=4, day_bucket_ms=19, day_buckets=5)
VALVE = load_profile("valve")

# --- the beat: pure arithmetic against counting ---------------------------------------------------------------

beats = st.builds(Beat, st.integers(0, 120), st.integers(1, 30), st.integers(1, 100))


def counted(beat: Beat, most_ms: int) -> list[int]:
    """Return when each stroke falls due, by counting."""
    instants, credit = [], beat.credit
    for now in range(most_ms + 1):
        credit += beat.rate if now else 0
        while credit >= beat.cost:
            credit -= beat.cost
            instants.append(now)
    return instants


@given(beats, st.integers(0, 200))
def test_strokes_fall_due_when_counting_says_so(beat: Beat, until_ms: int) -> None:
    """Instants, numbers and credit of a beat are those that counting every millisecond finds."""
    instants = counted(beat, until_ms)
    assert beat.by(until_ms) == len(instants)
    assert [beat.at(stroke) for stroke in range(1, len(instants) + 1)] == instants
    for first, step in ((-3, 2), (1, 3)):
        times = range(first, until_ms + 1, step)
        assert beat.by_each(first, step, len(times)) == [sum(at <= time for at in instants) for time in times]
    assert beat.credit_at(until_ms, len(instants)) == beat.credit + beat.rate * until_ms - beat.cost * len(instants)
    assert 0 <= beat.credit_at(until_ms, len(instants)) < beat.cost


@given(beats, st.integers(0, 200), st.integers(0, 60))
def test_no_span_holds_more_strokes_than_the_most(beat: Beat, until_ms: int, span_ms: int) -> None:
    """No span of a beat holds more strokes than ``most_in`` says, once what was waiting has moved."""
    beat = beat._replace(credit=beat.credit % beat.cost)
    instants = counted(beat, until_ms)
    assert all(sum(at <= each < at + span_ms for each in instants) <= beat.most_in(span_ms) for at in instants)


def written(run: Run) -> list[Write]:
    """Return every write of a run, by looking at every millisecond."""
    strokes = [run.beat.at(stroke) for stroke in range(1, run.strokes + 1)]
    saved, moved, writes = run.saved_ms, 0, []
    for now in range(run.until_ms + 1):
        if saved + run.heartbeat_ms <= now:
            writes.append(Write(now, moved, moved))
            saved = now
        while moved < len(strokes) and strokes[moved] <= now:
            writes.append(Write(now, moved + 1, moved))
            moved, saved = moved + 1, now
    return writes


@given(beats, st.integers(0, 200), st.integers(0, 40), st.integers(1, 40), st.data())
def test_writes_are_those_that_watching_every_millisecond_finds(
    beat: Beat, until_ms: int, ago_ms: int, heartbeat_ms: int, data: st.DataObject
) -> None:
    """Number and order of a run's writes, heartbeats before, between and after strokes among them, are right."""
    beat, ago_ms = beat._replace(credit=beat.credit % beat.cost), min(ago_ms, heartbeat_ms - 1)
    run = Run(beat, beat.by(until_ms), until_ms, -ago_ms, heartbeat_ms)
    if run.strokes and data.draw(st.booleans()):
        fewer = data.draw(st.integers(1, run.strokes))
        run = run._replace(strokes=fewer, until_ms=beat.at(fewer))
    expected = written(run)
    assert run.writes() == len(expected)
    assert list(run.writes_backwards()) == expected[::-1]
    assert list(run.instants()) == [beat.at(stroke) for stroke in range(1, run.strokes + 1)]


# --- the ledgers: pure arithmetic against the guard -----------------------------------------------------------


@st.composite
def used_ledgers(draw: st.DrawFn) -> guard.Ledger:
    """Return a small ledger with a past."""
    ledger = guard.new_ledger(draw(st.integers(0, 120)), draw(st.integers(0, 200)), SMALL)
    for elapsed, mass in draw(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), max_size=12)):
        ledger = guard.advance(ledger, elapsed, SMALL)
        ledger, _ = guard.commit(ledger, mass)
    return ledger


entries = st.lists(st.builds(DrugLedgers, st.integers(1, 2), used_ledgers(), used_ledgers()), max_size=2).map(tuple)
some_masses = st.dictionaries(st.integers(1, 2), st.integers(0, 12), max_size=2)


@given(entries, some_masses, some_masses, beats, st.integers(0, 250))
def test_ledgers_after_a_run_are_those_of_single_strokes(
    held: ledgers.Ledgers, outlet: dict[int, int], tip: dict[int, int], beat: Beat, until_ms: int
) -> None:
    """What was called certain the guard grants, stroke by stroke, and ends with the very same ledgers."""
    most = beat.by(until_ms)
    certain = certain_strokes(held, outlet, tip, beat, most, SMALL)
    assert 0 <= certain <= most
    one_by_one, before = held, 0
    for stroke in range(1, certain + 1):
        one_by_one = ledgers.advance_all(one_by_one, beat.at(stroke) - before, SMALL)
        before = beat.at(stroke)
        one_by_one, ok = ledgers.grant(one_by_one, outlet, tip)
        assert ok
        assert ledgers_after(held, outlet, tip, beat, before, stroke, SMALL) == one_by_one
    rest = max(until_ms, before) if certain == most else before
    one_by_one = ledgers.advance_all(one_by_one, rest - before, SMALL)
    assert ledgers_after(held, outlet, tip, beat, rest, certain, SMALL) == one_by_one


def test_certainty_is_not_timid() -> None:
    """An ordinary prescription's strokes are certain for any time, a full ring's never."""
    bare = infusing()
    bare.advance(3 * DAY_MS)
    age_ledgers(bare.pump)
    pump, mass = bare.pump, {MORPHINE: 500 * 20_000}
    beat = Beat(0, 100_000, 500 * DAY_MS)
    assert certain_strokes(pump.ledgers, mass, mass, beat, 10**6, pump.sizes) == 10**6
    full = ledgers.all_lost(pump.ledgers, pump.sizes)
    assert certain_strokes(full, mass, mass, beat, 10**6, pump.sizes) == 0
    assert certain_strokes(full, {}, {}, beat, 10**6, pump.sizes) == 0
    assert certain_strokes(pump.ledgers, {99: 1}, mass, beat, 10**6, pump.sizes) == 0
    odd = guard.empty_ring(4)._replace(phase_ms=-1)
    ledger = guard.new_ledger(10**9, 10**9, pump.sizes)._replace(hour=odd)
    assert certain_strokes((DrugLedgers(MORPHINE, ledger, ledger),), mass, mass, beat, 10, pump.sizes) == 0


@given(used_ledgers(), beats, st.integers(0, 400))
def test_a_ring_with_nothing_new_only_ages(ledger: guard.Ledger, beat: Beat, at_ms: int) -> None:
    """Strokes without mass of a drug leave its ring what time makes of it."""
    aged = guard.rotate(ledger.hour, at_ms, SMALL.hour_bucket_ms)
    assert ring_after(ledger.hour, SMALL.hour_bucket_ms, 0, beat, at_ms, 5) == aged
