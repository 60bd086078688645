"""The journal: the same events give the same bytes, and no line can be changed, lost or moved unseen."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from emulator.journal import BLOCK, Event, Journal, JournalDamagedError, read_journal
from protocol.messages import ClinicianBolus, PatientBolus
from protocol.units import DAY_MS, HOUR_MS, Milliseconds, Nanolitres
from tests.emulator.worlds import MORPHINE, World, granted, prescription


@functools.cache
def day_in_the_life(seed: int) -> World:
    """Return a world in which a bit of everything has happened; not to be changed."""
    world = World(seed=seed)
    world.prescribe(prescription(400_000, grant=granted()))
    world.advance(5 * HOUR_MS)
    world.ask(ClinicianBolus(Nanolitres(9_000), Milliseconds(HOUR_MS), "a test"))
    world.ask(PatientBolus())
    world.bench.inject("motor_stall")
    world.advance(HOUR_MS)
    world.bench.clear("motor_stall")
    world.cycle_power()
    world.advance(DAY_MS)
    world.bench.finish()
    return world


def test_the_same_seed_and_script_give_the_same_bytes() -> None:
    """Two runs of one script are identical to the last byte; another seed is not."""
    first, again, other = (day_in_the_life.__wrapped__(seed).journal.lines for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert len(first) > 30


def test_a_journal_reads_back_as_it_was_written() -> None:
    """Sequence, time, kind and data of every event come back in order."""
    journal = Journal()
    journal.record(5, "one", name="µ", value=[1, {"a": None}])
    journal.record(9, "two")
    assert list(read_journal(journal.lines)) == [
        Event(0, 5, "one", {"name": "µ", "value": [1, {"a": None}]}),
        Event(1, 9, "two", {}),
    ]


def test_the_sink_gets_what_is_kept() -> None:
    """Each line reaches the sink as it is written, kept or not; without recording there is none."""
    heard: list[str] = []
    keeping, passing = Journal(heard.append), Journal(heard.append, keep=False)
    keeping.record(1, "one")
    passing.record(1, "one")
    assert heard == keeping.lines * 2
    assert passing.lines == []
    silent = Journal(heard.append, recording=False)
    silent.record(1, "one")
    silent.stroke(1, 500, {}, {})
    silent.flush()
    assert len(heard) == 2


def tampered(lines: list[str], number: int, how: str) -> list[str]:
    """Return the lines with one of them tampered with."""
    line = lines[number]
    event = json.loads(line)
    changes: dict[str, list[str]] = {
        "lost": lines[:number] + lines[number + 1 :],
        "moved": [*lines[:number], lines[number + 1], line, *lines[number + 2 :]],
        "repeated": [*lines[: number + 1], *lines[number:]],
        "time": [*lines[:number], json.dumps({**event, "at": event["at"] + 1}), *lines[number + 1 :]],
        "data": [*lines[:number], json.dumps({**event, "data": {}}), *lines[number + 1 :]],
        "digit": [*lines[:number], line.replace("0", "1", 1), *lines[number + 1 :]],
        "more": [*lines[:number], line[:-1] + ',"more":1}', *lines[number + 1 :]],
        "twice": [*lines[:number], line.replace('"at":', '"at":1,"at":', 1), *lines[number + 1 :]],
        "spaces": [*lines[:number], json.dumps(event), *lines[number + 1 :]],
        "no event": [*lines[:number], "{}", *lines[number + 1 :]],
        "no object": [*lines[:number], "7", *lines[number + 1 :]],
        "no json": [*lines[:number], line[:-1], *lines[number + 1 :]],
        "no number": [*lines[:number], line.replace('"at":', '"at":NaN,"at":', 1), *lines[number + 1 :]],
    }
    return changes[how]


HOWS = ("lost", "moved", "repeated", "time", "data", "digit", "more", "twice", "spaces", "no event", "no object")


@pytest.mark.parametrize("how", [*HOWS, "no json", "no number"])
@pytest.mark.parametrize("number", [0, 3, 11])
def test_tampering_is_found_where_it_happened(how: str, number: int) -> None:
    """A line that is changed in any way, lost, moved or repeated is named; what comes before it still reads."""
    lines = day_in_the_life(7).journal.lines
    first_bad = number + (how == "repeated")
    events = read_journal(tampered(lines, number, how))
    assert [next(events).seq for _ in range(first_bad)] == list(range(first_bad))
    with pytest.raises(JournalDamagedError, match=rf"line {first_bad + 1}\b"):
        next(events)


def strokes_of(lines: list[str]) -> list[dict[str, Any]]:
    """Return the data of every event of strokes."""
    return [event.data for event in read_journal(lines) if event.kind == "drive.strokes"]


def test_strokes_are_told_in_order_with_everything_else() -> None:
    """A block of strokes ends before the next event, so that reading in order is reading in time."""
    journal = Journal()
    for at in (1, 2, 3):
        journal.stroke(at, 500, {MORPHINE: at}, {MORPHINE: 0, 2: at})
    journal.record(4, "other")
    journal.stroke(5, 500, {}, {MORPHINE: 1})
    journal.flush()
    assert [event.kind for event in read_journal(journal.lines)] == ["drive.strokes", "other", "drive.strokes"]
    assert strokes_of(journal.lines)[0] == {
        "at": [1, 2, 3],
        "volume_nl": 500,
        "outlet": {"1": [1, 2, 3]},
        "tip": {"1": [0, 0, 0], "2": [1, 2, 3]},
    }


def test_a_block_of_strokes_is_bounded_and_of_one_volume() -> None:
    """No event holds more than a block, and a stroke of another volume begins another."""
    journal = Journal()
    for at in range(2 * BLOCK + 1):
        journal.stroke(at, 500, {1: 1}, {1: 1})
    journal.stroke(9_999, 200, {1: 1}, {1: 1})
    journal.flush()
    assert [(len(data["at"]), data["volume_nl"]) for data in strokes_of(journal.lines)] == [
        (BLOCK, 500),
        (BLOCK, 500),
        (1, 500),
        (1, 200),
    ]


def test_the_journal_tells_every_stroke_that_moved() -> None:
    """The strokes in the journal are those of the body, one by one, in mass at the tip and in number."""
    world = day_in_the_life(7)
    data = strokes_of(world.journal.lines)
    assert sum(len(each["at"]) for each in data) == world.device.body.strokes > 100
    assert sum(sum(each["tip"][str(MORPHINE)]) for each in data) == world.device.body.tip_pg[MORPHINE]


@pytest.mark.verifies("LOG-01")
def test_times_never_run_back() -> None:
    """Events are in the order of their times, across a power loss."""
    times = [event.at for event in read_journal(day_in_the_life(7).journal.lines)]
    assert times == sorted(times)
