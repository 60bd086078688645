"""The controller over time: power losses, the rotor, rollovers, and steps of any length."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.firmware.allowance import age_ledgers
from emulator.hardware.nonvolatile import PowerLostError
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    CancelBolus,
    Interrogate,
    SetWallClock,
    SilenceAlarms,
    StagePrescription,
    Stop,
    TherapyReport,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode, Mode, Section
from tests.emulator.worlds import (
    A_BOLUS,
    MORPHINE,
    Bare,
    drug,
    granted,
    infusing,
    prescription,
    press,
    ready,
    rng,
)


@pytest.mark.verifies("FLT-10", "MODE-02")
@pytest.mark.parametrize(
    "started", ["simple", "minimum", "stopped", "clinician bolus", "patient bolus", "unprogrammed"]
)
def test_after_a_power_loss_the_flow_is_at_most_the_minimum_and_nothing_is_confirmed(started: str) -> None:
    """Power-up lowers any flow to the minimum rate, starts none, raises the reset alarm and awaits confirmation."""
    bare = Bare() if started == "unprogrammed" else ready()
    match started:
        case "minimum":
            bare.prescribe(prescription(mode=Mode.MINIMUM_RATE))
        case "stopped":
            bare.ask(Stop())
        case "clinician bolus":
            bare.ask(A_BOLUS)
        case "patient bolus":
            press(bare)
    bare.advance(MINUTE_MS)
    rate = bare.rate
    bare.power_up()
    assert bare.rate == min(rate, 6_000)
    assert not bare.pump.record.confirmed
    assert [alarm.code for alarm in bare.pump.panel.raised] == [AlarmCode.RESET]
    assert bare.told[-1][0] == bare.now
    assert bare.count("pump.state", rate=bare.rate) >= 1


@pytest.mark.verifies("BOL-04", "DOSE-15")
def test_time_without_power_is_credited_to_nothing() -> None:
    """A stroke's rest, the ledgers, the lockout and the pump's time are after a power loss what was last written."""
    bare = ready()
    press(bare)
    bare.advance(HOUR_MS)
    bare.pump.save()
    state = bare.pump.state()
    bare.power_up()
    assert bare.now == state.metering.pump_ms
    assert bare.pump.credit == state.metering.credit
    assert bare.pump.ledgers == state.ledgers
    assert bare.pump.record.lockout_until >= state.therapy.lockout_until


def test_ledgers_and_time_are_written_together() -> None:
    """What is written is the ledger of that very instant, so that flow and window are put back by the same time."""
    bare = infusing(100_000)
    bare.advance(3 * HOUR_MS)
    bare.advance(5 * MINUTE_MS)
    bare.ask(SetWallClock(1))
    age_ledgers(bare.pump)
    old, now = bare.pump.ledgers, bare.now
    bare.power_up()
    assert (bare.pump.ledgers, bare.now) == (old, now)


def test_the_rotor_tells_whether_a_cut_off_stroke_moved() -> None:
    """If power fails around a stroke, meter and line follow the rotor: what moved is counted, no more and no less."""
    for turned in (0, 1, 2, 3):
        bare = infusing(drugs=[drug(MORPHINE, 5_000)])
        bare.advance(DAY_MS)
        bare.pump.save()
        for _ in range(turned):
            bare.body.stroke()
        bare.power_up()
        assert bare.pump.line == bare.body.line
        assert bare.pump.reservoir_nl == bare.body.reservoir_nl
        assert bare.pump.strokes == bare.body.strokes
        assert bare.pump.delivered[MORPHINE] == bare.body.strokes * 500 * 5_000


def test_a_battery_that_gives_in_at_every_stroke_leaves_no_error_behind() -> None:
    """Power failing at each start of the motor, for a whole line's length, never puts the believed line ahead."""
    bare = infusing(250_000, drugs=[drug(MORPHINE, 5_000)])
    cut = 0
    for number in range(240):
        bare.chip.steps_until_power_fails = number % 40
        try:
            bare.advance(2 * HOUR_MS)
        except PowerLostError:
            cut += 1
        bare.chip.steps_until_power_fails = None
        bare.power_up()
        assert bare.pump.line == bare.body.line
        assert bare.pump.reservoir_nl == bare.body.reservoir_nl
    assert cut > 120
    assert bare.body.strokes > 60


def day_of_therapy(start_ms: int) -> list[tuple[int, str, object]]:
    """Live through days with a bit of everything; return what was told and moved, with times from the start."""
    bare = Bare(start_ms=start_ms)
    bare.prescribe(prescription(300_000, grant=granted(lockout_ms=5 * MINUTE_MS)))
    bare.advance(6 * MINUTE_MS)
    press(bare)
    bare.ask(StagePrescription(prescription()))
    bare.advance(MINUTE_MS)
    bare.ask(CancelBolus())
    bare.ask(A_BOLUS)
    bare.advance(6 * MINUTE_MS)
    press(bare)
    bare.advance(3 * HOUR_MS)
    bare.body.stalled = True
    bare.advance(HOUR_MS)
    bare.ask(SilenceAlarms())
    bare.body.stalled = False
    bare.advance(HOUR_MS)
    bare.ask(AcknowledgeAlarm(AlarmCode.MOTOR_STALL))
    bare.ask(Stop())
    bare.advance(50 * HOUR_MS)
    bare.power_up()
    bare.advance(HOUR_MS)
    told: list[tuple[int, str, object]] = [(at - start_ms, kind, data) for at, kind, data in bare.told]
    return told + [(stroke.at_ms - start_ms, "stroke", stroke.tip) for stroke in bare.strokes]


ROLLOVERS = (1 << 15, 1 << 16, 1 << 31, 1 << 32, (1 << 32) // 1000, 1 << 53, 10 * 365 * DAY_MS)


@pytest.mark.verifies("LOG-05")
@pytest.mark.parametrize("rollover", ROLLOVERS)
@pytest.mark.parametrize("before", [5_000, 3 * HOUR_MS])
def test_nothing_changes_at_a_rollover(rollover: int, before: int) -> None:
    """Started shortly before a counter of some width would wrap, the pump does exactly what it does from 0."""
    assert day_of_therapy(max(0, rollover - before)) == day_of_therapy(0)


def test_the_length_of_the_steps_does_not_matter() -> None:
    """Time in one leap, or in steps of any length, gives the same strokes, sounds and states."""

    def lived(steps: Callable[[], int]) -> tuple[object, ...]:
        bare = ready()
        press(bare)
        bare.body.stalled = True
        end = bare.now + 5 * HOUR_MS
        while bare.now < end:
            bare.advance(min(steps(), end - bare.now))
        return bare.strokes, bare.told, bare.pump.state()

    chance = rng(3)
    leap = lived(lambda: DAY_MS)
    assert lived(lambda: 60_000) == leap
    assert lived(lambda: chance.randrange(1, 900_000)) == leap
    assert lived(lambda: 1_009) == leap


def test_time_does_not_run_back() -> None:
    """Asked to be earlier than it is, the pump stays where it is."""
    bare = infusing()
    bare.advance(HOUR_MS)
    state, strokes = bare.pump.state(), len(bare.strokes)
    bare.pump.advance_to(5)
    bare.advance(-DAY_MS)
    assert (bare.pump.state(), len(bare.strokes)) == (state, strokes)


@pytest.mark.verifies("DOSE-15", "LOG-06", "LOG-07")
@pytest.mark.parametrize("unix_ms", [0, 1, 999, (1 << 63), (1 << 64) - 1])
def test_any_wall_clock_can_be_set_and_nothing_depends_on_it(unix_ms: int) -> None:
    """Every time that a message holds is accepted and reported, also past its field; therapy is the same."""
    bare, other = ready(), ready()
    assert isinstance(bare.ask(SetWallClock(unix_ms)), Accepted)
    for each in (bare, other):
        press(each)
        each.advance(HOUR_MS)
    report = bare.ask(Interrogate(Section.THERAPY))
    assert isinstance(report, TherapyReport)
    assert report.wall_clock == (unix_ms + HOUR_MS) % (1 << 64)
    report.pack()
    assert bare.strokes == other.strokes
    assert bare.pump.ledgers == other.pump.ledgers
