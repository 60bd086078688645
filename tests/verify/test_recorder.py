"""The signals of a journal: each event turns into what it says, at its own instant."""

from __future__ import annotations

from copy import deepcopy

import pytest

from emulator.journal import Event, read_journal
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.judge import UnjudgeableError, judge
from verify.properties import load_properties
from verify.recorder import record_of
from verify.story import PERIOD_MS, RATE, Story, healthy
from verify.temporal.signals import Record
from verify.temporal.switch import ms_of, stretches

Spans = list[tuple[int, int | None]]


def recorded(story: Story) -> Record:
    """Return a story's signals."""
    story.journal.flush()
    return record_of(read_journal(story.journal.lines))


def spans(record: Record, name: str) -> Spans:
    """Return the milliseconds in which a switch begins and ends."""
    return [(ms_of(begins), None if ends is None else ms_of(ends)) for begins, ends in stretches(record.switch(name))]


def number(record: Record, name: str) -> list[tuple[int, int]]:
    """Return a number's changes."""
    steps = record.number(name)
    return [(ms_of(when), value) for when, value in zip(*steps, strict=True)]


def test_every_stroke_of_a_block_is_a_moment_of_its_own() -> None:
    """A block is one event in the journal, and as many moments as it has strokes."""
    record = recorded(healthy(1))
    assert spans(record, "moving") == [(at, at) for at in range(PERIOD_MS, DAY_MS + 1, PERIOD_MS)]
    assert number(record, "reckoned")[-1] == (DAY_MS, 20_000_000 - 96 * 500)


def test_the_reservoir_and_its_reckoning_are_kept_apart() -> None:
    """What truly left the reservoir changes what it holds; what was commanded changes the reckoning."""
    story = Story().prescribe()
    story.journal.stroke(1, 500, {1: 0}, {1: 0}, moved_nl=100)
    story.tell(2, "pump.refill", computed=7_000).tell(3, "bench.refill", volume_nl=9_000, fluid={})
    record = recorded(story)
    assert number(record, "reservoir") == [(0, 20_000_000), (1, 19_999_900), (3, 9_000)]
    assert number(record, "reckoned") == [(0, 20_000_000), (1, 19_999_500), (2, 7_000)]


def test_a_lockout_runs_from_the_last_thing_that_began_it() -> None:
    """A prescription, the end of a bolus and a refill each begin it anew; it ends by itself."""
    story = Story().prescribe().tell(30 * MINUTE_MS, "pump.bolus", what="ended", kind="patient")
    story.tell(5 * HOUR_MS, "pump.refill", computed=1).tell(9 * HOUR_MS, "bench.end")
    half_past = HOUR_MS + 30 * MINUTE_MS
    assert spans(recorded(story), "lockout") == [(0, half_past), (5 * HOUR_MS, 6 * HOUR_MS)]


def test_boluses_are_counted_over_24_hours() -> None:
    """Each counts from its start for exactly 24 h."""
    story = Story().prescribe()
    for at_ms in (HOUR_MS, 2 * HOUR_MS):
        story.tell(at_ms, "pump.bolus", what="started", kind="patient")
    story.tell(3 * DAY_MS, "bench.end")
    later = [(DAY_MS + HOUR_MS, 1), (DAY_MS + 2 * HOUR_MS, 0)]
    assert number(recorded(story), "patient_boluses") == [(HOUR_MS, 1), (2 * HOUR_MS, 2), *later]


def test_a_silence_ends_by_itself_or_with_a_new_alarm() -> None:
    """Whatever the journal claims, it lasts 10 min at most, and a new alarm breaks it."""
    story = healthy(1).raised(DAY_MS, "memory").tell(DAY_MS + 1, "alarm.silenced", for_ms=HOUR_MS)
    story.tell(DAY_MS + HOUR_MS, "alarm.silenced", for_ms=HOUR_MS).raised(DAY_MS + HOUR_MS + 5, "motor_stall")
    first = (DAY_MS + 1, DAY_MS + 1 + 10 * MINUTE_MS)
    assert spans(recorded(story), "silenced") == [first, (DAY_MS + HOUR_MS, DAY_MS + HOUR_MS + 5)]


def test_an_alarm_is_there_from_raised_to_cleared() -> None:
    """Its name, its priority and “any” each have their level."""
    story = healthy(1).raised(DAY_MS, "memory").raised(DAY_MS + 1, "reservoir_low", "non_critical")
    story.tell(DAY_MS + 2, "alarm.cleared", alarm="memory").tell(DAY_MS + 3, "alarm.cleared", alarm="reservoir_low")
    record = recorded(story)
    assert spans(record, "alarm(memory)") == spans(record, "alarm(critical)") == [(DAY_MS, DAY_MS + 2)]
    assert spans(record, "alarm(non_critical)") == [(DAY_MS + 1, DAY_MS + 3)]
    assert spans(record, "alarm(any)") == [(DAY_MS, DAY_MS + 3)]


def test_a_prescription_is_in_doubt_after_power_returns() -> None:
    """It is confirmed by a clinician, in doubt from the return of power on, until confirmed again."""
    story = Story().prescribe(HOUR_MS).tell(DAY_MS, "power.cut").tell(2 * DAY_MS, "power.restored")
    record = recorded(story.prescribe(3 * DAY_MS))
    assert spans(record, "confirmed") == [(HOUR_MS, 2 * DAY_MS), (3 * DAY_MS, None)]
    assert spans(record, "powered") == [(0, DAY_MS), (2 * DAY_MS, None)]


def test_a_session_that_nobody_closed_is_lost() -> None:
    """Time-out and replacement are losses; a close that was asked for is none."""
    story = (
        Story().tell(1, "session.opened", role="clinician").tell(2, "session.closed", role="clinician", cause="idle")
    )
    story.tell(3, "session.opened", role="patient").tell(4, "session.closed", role="patient", cause="asked")
    record = recorded(story)
    assert spans(record, "session(any)") == [(1, 2), (3, 4)]
    assert spans(record, "session_lost(any)") == spans(record, "session_lost(clinician)") == [(2, 2)]


def test_the_rate_is_raised_only_when_it_goes_up() -> None:
    """A moment at the event with the higher rate, and none at a lower or equal one."""
    story = Story().state(1, "simple_continuous", RATE).state(2, "patient_bolus", RATE).state(3, "stopped", 0)
    assert spans(recorded(story), "rate_raised") == [(1, 1)]


def test_an_event_that_lacks_what_it_must_say_cannot_be_judged() -> None:
    """A refill that does not say what was entered is named, as for every watcher of the judge."""
    with pytest.raises(UnjudgeableError, match=r"event 3, pump\.refill"):
        judge([Event(3, 0, "pump.refill", {})], properties=load_properties())


def test_a_stroke_that_nobody_asked_for_is_marked() -> None:
    """A runaway's strokes move like others and are moments of their own kind; so is one that turns dry."""
    story = Story().prescribe()
    story.journal.stroke(5, 500, {1: 0}, {1: 0}, unasked=True)
    story.journal.stroke(6, 500, {1: 0}, {1: 0})
    record = recorded(story.tell(7, "drive.turned_dry"))
    assert spans(record, "moving") == [(5, 5), (6, 6)]
    assert spans(record, "unasked") == [(5, 5), (7, 7)]


def test_a_magnet_holds_a_rotor_or_opens_valves() -> None:
    """A rotor stands until it has recovered; valves are open while the magnet is there, or shut until reset."""
    magnet = ("fault.injected", "fault.cleared")
    rotor, valves = Story(drive="peristaltic"), Story(drive="valve")
    for story in (rotor, valves):
        for at_ms, kind in zip((1, 3), magnet, strict=True):
            story.tell(at_ms, kind, fault="mri")
    rotor.tell(9, "drive.recovered")
    valves.tell(9, "valve.shut").tell(12, "bench.valve_reset")
    assert spans(recorded(rotor), "standing") == [(1, 9)]
    assert spans(recorded(rotor), "valves_open") == []
    assert spans(recorded(valves), "standing") == []
    assert spans(recorded(valves), "valves_open") == [(1, 3)]
    assert spans(recorded(valves), "valve_shut") == [(9, 12)]


def test_a_battery_s_level_includes_those_above_it() -> None:
    """At the end of service the replacement indicator is reached, too."""
    story = Story().tell(1, "battery.level", level="eri", left_permille=90)
    record = recorded(story.tell(5, "battery.level", level="eos", left_permille=20))
    assert spans(record, "battery(eri)") == [(1, None)]
    assert spans(record, "battery(eos)") == [(5, None)]
    assert spans(record, "battery(empty)") == []
    assert number(record, "charge") == [(1, 90), (5, 20)]


def test_a_clock_stands_until_it_is_mended_and_jumps_in_a_moment() -> None:
    """Which of both the fault's setting says."""
    story = Story().tell(1, "fault.injected", fault="clock", settings={"how": "stands"})
    story.tell(4, "fault.cleared", fault="clock").tell(6, "fault.injected", fault="clock", settings={"how": "wraps"})
    record = recorded(story)
    assert spans(record, "clock_stands") == [(1, 4)]
    assert spans(record, "clock_mended")[0][0] == 4
    assert spans(record, "clock_jumps") == [(6, 6)]


def test_a_clock_was_just_mended_for_a_minute_that_waits_for_power() -> None:
    """It may have lost time that is noticed within a minute, or was noticed before power failed and is said after."""
    mended_ms = 4
    story = Story().tell(1, "fault.injected", fault="clock", settings={"how": "stands"})
    story.tell(mended_ms, "fault.cleared", fault="clock")
    lasting = recorded(deepcopy(story).tell(DAY_MS, "bench.end"))
    assert spans(lasting, "clock_mended") == [(mended_ms, mended_ms + MINUTE_MS + 1)]
    story.tell(9, "power.cut").tell(DAY_MS, "power.restored").tell(2 * DAY_MS, "bench.end")
    assert spans(recorded(story), "clock_mended") == [(mended_ms, 9), (DAY_MS, DAY_MS + 1)]


def test_without_power_no_receiver_is_held_no_stranger_counted_and_no_session_kept() -> None:
    """A power cut ends all three, the count with the next wrong proof, and a session that was open is lost."""
    story = Story().tell(1, "telemetry.held").tell(2, "session.opened", role="service")
    story.tell(3, "wire.rejected", what="bad proof").tell(4, "wire.rejected", what="damaged").tell(5, "power.cut")
    story.tell(6, "power.restored").tell(7, "wire.rejected", what="bad proof")
    record = recorded(story)
    assert spans(record, "telemetry_held") == [(1, 5)]
    assert spans(record, "session(service)") == [(2, 5)]
    assert spans(record, "session_lost(service)") == spans(record, "session_lost(any)") == [(5, 5)]
    assert spans(record, "wrong_proof") == [(3, 3), (7, 7)]
    assert number(record, "wrong_proofs") == [(2, 0), (3, 1)]


def test_alarms_that_are_forgotten_end_and_those_that_are_kept_do_not() -> None:
    """What an older memory still has goes on, or comes back."""
    story = healthy(1).raised(DAY_MS, "memory").raised(DAY_MS + 1, "motor_stall")
    record = recorded(story.tell(DAY_MS + 5, "alarm.forgotten", kept={"memory": "critical", "eri": "non-critical"}))
    assert spans(record, "alarm_forgotten") == [(DAY_MS + 5, DAY_MS + 5)]
    assert spans(record, "alarm(motor_stall)") == [(DAY_MS + 1, DAY_MS + 5)]
    assert spans(record, "alarm(memory)") == [(DAY_MS, None)]
    assert spans(record, "alarm(eri)") == spans(record, "alarm(non_critical)") == [(DAY_MS + 5, None)]
