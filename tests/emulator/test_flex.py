"""Flex at the pump: the schedule flows in pump time, with boluses on top, and nothing else moves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.schedule import credit_from
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    ClinicianBolus,
    Commit,
    Interrogate,
    Message,
    PatientBolus,
    Refused,
    Schedule,
    ScheduleReport,
    SetWallClock,
    Staged,
    StagePrescription,
    StageSchedule,
    Start,
    Stop,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, Reason, Section, TherapyState
from tests.emulator.worlds import Bare, World, drug, flex, granted, infusing, prescription, schedule

BY = schedule(100_000, 300_000, 60_000, weekend=(80_000, 200_000), anchor_ms=5 * HOUR_MS)
STROKE_NL = 500


def scheduled(by: Schedule = BY, start_ms: int = 0, **changes: object) -> Bare:
    """Return a pump that infuses by a schedule."""
    bare = Bare(start_ms=start_ms)
    assert isinstance(bare.prescribe(flex(by, **changes), by), Accepted)  # type: ignore[arg-type]
    return bare


def reason_of(reply: Message) -> Reason | None:
    """Return why something was refused."""
    return reply.reason if isinstance(reply, Refused) else None


@pytest.mark.verifies("MODE-18")
@pytest.mark.parametrize("start_ms", [0, 2**31 - HOUR_MS, 2**32 - HOUR_MS])
def test_a_schedule_delivers_what_it_says(start_ms: int) -> None:
    """Over any stretch of two weeks, across rollovers too, the drive moved the schedule's volume to one stroke."""
    bare = scheduled(start_ms=start_ms)
    began = bare.now
    for span in (1, MINUTE_MS, 7 * HOUR_MS + 1, DAY_MS - 1, 3 * DAY_MS, 9 * DAY_MS):
        bare.advance(span)
        owed = credit_from(BY, began, bare.now - began)
        assert 0 <= owed - bare.pump.volume_nl * DAY_MS < STROKE_NL * DAY_MS
    assert bare.state is TherapyState.FLEX
    assert bare.pump.panel.raised == ()


@pytest.mark.verifies("MODE-18")
def test_a_step_across_midnight_is_one_step() -> None:
    """At midnight between two days of the same flow nothing is told and nothing changes."""
    by = schedule(100_000, 200_000, 100_000)
    bare = scheduled(by)
    bare.advance(3 * DAY_MS)
    steps = [at for at, kind, _ in bare.told if kind == "pump.state"][1:]
    assert len(steps) == 6
    assert not any(at % DAY_MS == 0 for at in steps)


@pytest.mark.verifies("LOG-07")
def test_nothing_but_pump_time_moves_a_schedule() -> None:
    """Setting the wall clock, into any year or across daylight saving, changes no stroke."""
    plain, moved = scheduled(), scheduled()
    for day in range(9):
        moved.ask(SetWallClock((2**32 + day * 7_777_777) * 1_000))
        plain.advance(DAY_MS)
        moved.advance(DAY_MS)
    assert [stroke.at_ms for stroke in plain.strokes] == [stroke.at_ms for stroke in moved.strokes]


@pytest.mark.verifies("LOG-07")
def test_a_stop_does_not_shift_the_schedule() -> None:
    """After a stop of hours the flow is that of the hour it is started in, not of the one it was stopped in."""
    bare = scheduled(schedule(100_000, 200_000))
    bare.advance(HOUR_MS)
    bare.ask(Stop())
    assert bare.rate == 0
    bare.advance(12 * HOUR_MS)
    bare.ask(Start())
    assert bare.rate == 200_000


def test_a_bolus_rides_on_the_steps() -> None:
    """A bolus across a change of step delivers its volume on top of both steps, and the schedule goes on."""
    by = schedule(100_000, 200_000)
    bare = scheduled(by, grant=granted(10_000, 4 * HOUR_MS, 5 * MINUTE_MS))
    bare.advance(10 * HOUR_MS)
    assert isinstance(bare.ask(PatientBolus()), Accepted)
    bolus = bare.rate - 100_000
    bare.advance(3 * HOUR_MS)
    assert (bare.state, bare.rate) == (TherapyState.PATIENT_BOLUS, 200_000 + bolus)
    bare.advance(11 * HOUR_MS)
    assert (bare.state, bare.rate) == (TherapyState.FLEX, 100_000)
    owed = credit_from(by, 0, bare.now) + 10_000 * DAY_MS
    assert 0 <= owed - bare.pump.volume_nl * DAY_MS < STROKE_NL * DAY_MS


@pytest.mark.verifies("FLT-10")
def test_the_schedule_survives_a_power_loss_but_waits_for_confirmation() -> None:
    """After a reset the pump is at its minimum rate, shows the schedule, and flows by it once it is confirmed."""
    bare = scheduled()
    bare.advance(DAY_MS)
    bare.power_up()
    assert bare.rate == 6_000
    report = bare.ask(Interrogate(Section.SCHEDULE))
    assert report == ScheduleReport(schedule_digest(BY), BY)
    stored = bare.pump.therapy.prescription
    assert stored is not None
    assert isinstance(bare.prescribe(stored), Accepted)
    assert bare.rate == 6_000
    bare.ask(AcknowledgeAlarm(AlarmCode.RESET))
    bare.ask(Start())
    assert bare.state is TherapyState.FLEX


def test_a_prescription_without_its_schedule_is_refused() -> None:
    """Flex needs the schedule that it names, staged in this session or in force; other modes may name none."""
    bare = Bare()
    assert reason_of(bare.prescribe(flex(BY))) is Reason.NO_SCHEDULE
    bare.ask(StageSchedule(BY))
    other = schedule(100_000, 100_000)
    assert reason_of(bare.ask(StagePrescription(flex(other)))) is Reason.NO_SCHEDULE
    simple = replace(prescription(), schedule=schedule_digest(BY))
    assert reason_of(bare.ask(StagePrescription(simple))) is Reason.INCOMPLETE
    assert isinstance(bare.ask(StagePrescription(flex(BY))), Staged)
    bare.commands.session_opened(bare.session, bare.pump.record.commands[-1].role)
    assert reason_of(bare.ask(StagePrescription(flex(BY)))) is Reason.NO_SCHEDULE


@pytest.mark.verifies("PRG-11")
def test_another_schedule_staged_after_the_prescription_takes_it_down() -> None:
    """What is committed is what was echoed: a new schedule needs a new staging."""
    bare = Bare()
    bare.ask(StageSchedule(BY))
    staged = bare.ask(StagePrescription(flex(BY)))
    assert isinstance(staged, Staged)
    bare.ask(StageSchedule(schedule(500_000)))
    assert reason_of(bare.ask(Commit(staged.digest))) is Reason.NOTHING_STAGED
    assert bare.rate == 0


@pytest.mark.verifies("MODE-09")
@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (schedule(100_000, 47_999), Reason.RATE_RANGE),
        (schedule(100_000, 24_000_001), Reason.RATE_RANGE),
        (schedule(100_000, 0), Reason.RATE_RANGE),
        (replace(BY, days=bytes((0, 0, 0, 0, 0, 2, 2))), Reason.SCHEDULE_INVALID),
        (replace(BY, steps=BY.steps[1:]), Reason.SCHEDULE_INVALID),
    ],
)
def test_a_schedule_that_cannot_be_infused_is_not_staged(by: Schedule, expected: Reason) -> None:
    """Gaps, unknown patterns and undeliverable steps are refused before any prescription can name them."""
    bare = Bare()
    assert reason_of(bare.ask(StageSchedule(by))) is expected
    assert reason_of(bare.ask(StagePrescription(flex(by)))) is Reason.NO_SCHEDULE


@pytest.mark.verifies("DOSE-02")
def test_the_fullest_day_of_the_week_counts() -> None:
    """A weekend that passes the day's limit is refused on a Monday, days before it would come."""
    tight = [drug(limit_24h=3_000_000_000)]
    for weekend, expected in ((120_000, None), (160_000, Reason.DAY_LIMIT)):
        by = schedule(100_000, weekend=(weekend,))
        assert reason_of(Bare().prescribe(flex(by, tight), by)) is expected


@pytest.mark.verifies("DOSE-02")
def test_a_bolus_is_weighed_against_the_steps_to_come() -> None:
    """A bolus that fits beside the present step but not beside the next one is refused now."""
    limited = [drug(concentration=20_000, limit_1h=500_000_000)]
    by = schedule(48_000, 400_000)
    calm = scheduled(by, drugs=limited)
    calm.advance(HOUR_MS)
    bolus = ClinicianBolus(Nanolitres(12_000), Milliseconds(10 * MINUTE_MS), "a test")
    assert isinstance(calm.ask(bolus), Accepted)
    soon = scheduled(by, drugs=limited)
    soon.advance(12 * HOUR_MS - 20 * MINUTE_MS)
    assert reason_of(soon.ask(bolus)) is Reason.HOUR_LIMIT


def test_changing_to_another_mode_forgets_the_schedule() -> None:
    """After a simple prescription there is no schedule left to confirm by."""
    bare = scheduled()
    bare.prescribe(prescription())
    assert bare.ask(Interrogate(Section.SCHEDULE)) == ScheduleReport(
        bytes(16), Schedule(Milliseconds(0), bytes(7), ())
    )
    assert reason_of(bare.prescribe(flex(BY))) is Reason.NO_SCHEDULE


def test_an_image_goes_on_in_the_same_step() -> None:
    """A pump taken out of an image flows by its schedule as if it had never been put away."""
    world = World()
    world.prescribe(flex(BY), BY)
    world.advance(3 * DAY_MS + 5)
    other = world.thawed(world.device.image())
    assert other.pump.therapy.rate == world.pump.therapy.rate
    world.advance(DAY_MS)
    other.advance(DAY_MS)
    assert other.pump.state() == world.pump.state()


def test_a_pump_without_schedule_reports_none() -> None:
    """A pump that infuses simply says that it has no schedule."""
    report = infusing().ask(Interrogate(Section.SCHEDULE))
    assert isinstance(report, ScheduleReport)
    assert report.digest == bytes(16)
