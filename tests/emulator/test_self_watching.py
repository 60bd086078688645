"""What the pump knows of its own parts: battery, clock, sounder, receiver, sessions and strangers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.firmware.allowance import age_ledgers, grants_today
from emulator.firmware.contact import ABORTED_HOLD_MS, INTRUSION_FAILURES
from emulator.firmware.replacement import Consumption, eri_in_ms, replace_by
from emulator.firmware.time_bases import COMPARE_MS
from emulator.firmware.upkeep import PERIODIC
from emulator.hardware.battery import EMPTY, Battery
from emulator.hardware.clock import WRAPS_AT_MS
from emulator.journal import Event, read_journal
from protocol.carrier import DirectCarrier
from protocol.conversation import Conversation, NoAnswer
from protocol.errors import ProtocolError
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    BatteryReport,
    Close,
    Closed,
    Interrogate,
    Message,
    PatientBolus,
    Prove,
    SelfTest,
    SelfTestReport,
    Start,
    Stop,
    encode,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode, AlarmStatus, LogKind, Mode, Role, Section, TherapyState
from tests.emulator.worlds import PROFILE, Bare, World, granted, infusing, prescription, press, ready

ERI_PERMILLE = PROFILE.battery_eri


def started(rate: int = 100_000) -> World:
    """Return a world whose pump infuses, with the clinician gone after a proper close."""
    world = World()
    world.prescribe(prescription(rate, grant=granted()))
    assert isinstance(world.ask(Close(False)), Closed)
    return world


def raised(world: World) -> set[AlarmCode]:
    """Return the alarms that are raised."""
    return {alarm.code for alarm in world.pump.panel.raised}


def events(world: World, kind: str) -> list[Event]:
    """Return every event of a kind in the journal so far."""
    world.journal.flush()
    return [event for event in read_journal(world.journal.lines) if event.kind == kind]


def battery(world: World) -> BatteryReport:
    """Interrogate for the battery, as an observer."""
    report = world.ask(Interrogate(Section.BATTERY), Role.OBSERVER)
    assert isinstance(report, BatteryReport)
    return report


# --- battery --------------------------------------------------------------------------------------------------


@pytest.mark.verifies("PWR-01")
def test_from_eri_to_eos_there_are_ninety_days_at_a_millilitre_a_day() -> None:
    """At a high flow kept up day and night, the end of service comes 90 days after its indicator or later."""
    cell = Battery(PROFILE)
    cell.wear(ERI_PERMILLE + 1)
    strokes = day = 0
    seen: dict[str, int] = {}
    while cell.level() != EMPTY:
        day += 1
        strokes += 2_000
        cell.settle(day * DAY_MS, strokes)
        seen.setdefault(cell.level(), day)
    assert seen["eos"] - seen["eri"] >= 90
    assert seen["eri"] < seen["eos"] < seen["empty"]


@pytest.mark.verifies("PWR-06")
def test_eri_is_said_at_every_interrogation_and_therapy_goes_on() -> None:
    """The indicator is in the report and in the list of alarms each time, and lowers no flow."""
    world = started()
    assert not battery(world).eri
    world.bench.inject("battery_eri")
    for _ in range(3):
        world.advance(HOUR_MS)
        assert (battery(world).eri, battery(world).replace_in.value) == (True, 0)
        assert raised(world) == {AlarmCode.ERI}
        assert world.pump.therapy.rate == 100_000


@pytest.mark.verifies("ALM-17", "PWR-05")
def test_eos_stops_the_pump_and_comes_before_the_pump_dies() -> None:
    """The critical alarm is there while there is charge to sound it; then the pump is dead, and stays so."""
    world = started()
    world.bench.inject("battery_premature", within="3 days")
    world.advance(3 * DAY_MS + 2 * HOUR_MS)
    levels = [event.data["level"] for event in events(world, "battery.level")]
    alarms = {event.data["alarm"]: event.at for event in events(world, "alarm.raised")}
    assert levels == ["eri", "eos", "empty"]
    cut = events(world, "power.cut")[0].at
    assert alarms["eri"] < alarms["eos"] < cut
    assert cut - alarms["eri"] < 2 * DAY_MS
    assert [event.data["state"] for event in events(world, "pump.state")][-1] == "stopped"
    assert not world.device.powered
    world.bench.restore_power()
    assert not world.device.powered
    with pytest.raises(NoAnswer):
        world.connect()


def test_a_level_is_recorded_before_the_alarm_that_it_causes() -> None:
    """However the pump comes to look at its battery, by itself or after a power cut, its level is told of first."""
    for wait_ms in range(0, 60 * HOUR_MS, 7 * HOUR_MS):
        world = started()
        world.bench.inject("battery_eri", left=21)
        world.advance(wait_ms)
        world.device.body.battery.used += world.device.body.battery.whole // 500
        world.cycle_power()
        world.advance(HOUR_MS)
        told = next(event.seq for event in events(world, "battery.level") if event.data["level"] == "eos")
        assert told < next(event.seq for event in events(world, "alarm.raised") if event.data["alarm"] == "eos")


@pytest.mark.verifies("FLT-04", "FLT-10", "PWR-08")
def test_a_brown_out_keeps_everything_but_the_confirmation() -> None:
    """After it the pump runs at the minimum rate until a clinician confirms, with ledger, lockout and alarms kept."""
    world = started()
    world.advance(5 * HOUR_MS)
    assert isinstance(world.ask(PatientBolus(), Role.PATIENT), Accepted)
    world.advance(HOUR_MS)
    age_ledgers(world.pump)
    before, lockout = world.pump.ledgers[0].outlet.day.total, world.pump.record.lockout_until
    world.bench.inject("low_battery_reset")
    assert raised(world) == {AlarmCode.RESET}
    assert (world.pump.therapy.rate, world.pump.record.confirmed) == (6_000, False)
    assert world.pump.ledgers[0].outlet.day.total == before
    assert world.pump.record.lockout_until >= lockout


@pytest.mark.verifies("FLT-15")
def test_who_sends_without_a_key_drains_a_bounded_share() -> None:
    """A flood of bytes for an hour costs no more than a minute of telemetry."""
    world = started()
    cell = world.device.body.battery
    quiet = Battery(PROFILE)
    quiet.settle(HOUR_MS, 0)
    world.device.body.battery_permille()
    before = cell.used
    for _ in range(3_600):
        world.device.receive(b"\x00garbage\x00")
        world.advance(1_000)
    world.device.body.battery_permille()
    strokes = world.device.body.strokes * PROFILE.battery_life_idle.value
    minute_of_telemetry = 60_000 * -(-cell.whole // PROFILE.battery_telemetry.value)
    assert quiet.used < cell.used - before <= quiet.used + strokes + minute_of_telemetry


CONSUMPTION = Consumption(PROFILE.battery_life_idle.value, PROFILE.battery_strokes, PROFILE.stroke.value)
LIFE_MS = PROFILE.design_life.value


@pytest.mark.verifies("PRG-21")
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 24_000_000), st.integers(0, 40)), max_size=40))
def test_the_replacement_date_only_comes_nearer(steps: list[tuple[int, int, int]]) -> None:
    """Whatever the flow, the date is never later than said before, than the design life, or than the indicator."""
    said, now, left = -1, 0, 1_000
    for days, rate, used in steps:
        now, left = now + days * DAY_MS, max(0, left - used)
        date = replace_by(said, now, LIFE_MS, eri_in_ms(left, ERI_PERMILLE, rate, CONSUMPTION))
        assert date <= LIFE_MS
        assert said < 0 or date <= said
        assert left > ERI_PERMILLE or date <= now
        said = date


@pytest.mark.verifies("PRG-21", "PWR-07")
def test_the_replacement_date_is_kept_over_a_power_loss_and_falls_with_use() -> None:
    """More flow brings the date nearer; less does not put it off again, nor does a power loss."""
    world = started()
    first = world.pump.noticed.replace_by
    assert isinstance(world.prescribe(prescription(700_000)), Accepted)
    world.advance(DAY_MS)
    nearer = world.pump.noticed.replace_by
    assert nearer < first <= LIFE_MS
    world.prescribe(prescription(48_000))
    world.cycle_power()
    world.advance(DAY_MS)
    assert world.pump.noticed.replace_by <= nearer


# --- clock ----------------------------------------------------------------------------------------------------


def stop_clock(bare: Bare) -> None:
    """Let the clock stand still."""
    bare.body.clock.stop(bare.now)


JUMPS: dict[str, Callable[[Bare], None]] = {
    "stands": stop_clock,
    "forwards": lambda bare: bare.body.clock.jump(DAY_MS),
    "backwards": lambda bare: bare.body.clock.jump(-DAY_MS),
    "wraps": lambda bare: bare.body.clock.jump(-WRAPS_AT_MS),
}


@pytest.mark.verifies("FLT-04", "LOG-08")
@pytest.mark.parametrize("how", JUMPS)
@pytest.mark.parametrize("after_ms", [0, 1, 29_500, 29_999, 30_000])
def test_a_bad_clock_is_alarmed_within_a_minute(how: str, after_ms: int) -> None:
    """Standing still or jumping, at any phase of the comparison: the alarm, the minimum rate and one log entry."""
    bare = infusing()
    bare.advance(HOUR_MS + after_ms)
    JUMPS[how](bare)
    bare.advance(MINUTE_MS)
    assert bare.alarm(AlarmCode.CLOCK) is not None
    assert bare.rate == 6_000
    assert [entry.kind for entry in bare.chip.log_entries()].count(LogKind.CLOCK_FAULT) == 1


@pytest.mark.verifies("BOL-04", "DOSE-15", "LOG-08")
@pytest.mark.parametrize("how", JUMPS)
def test_no_jump_gives_back_lockout_count_or_budget(how: str) -> None:
    """The next patient bolus comes no earlier than without the fault, and the ledgers hold no less."""
    sound, bad = ready(count=1), ready(count=1)
    for bare in (sound, bad):
        assert press(bare) is None
        bare.advance(HOUR_MS)
    JUMPS[how](bad)
    for bare in (sound, bad):
        bare.advance(10 * MINUTE_MS)
        age_ledgers(bare.pump)
    assert bad.pump.record.lockout_until >= sound.pump.record.lockout_until
    assert all(ours >= theirs for ours, theirs in zip(grants_today(bad.pump), grants_today(sound.pump), strict=True))
    assert bad.pump.ledgers_at >= sound.pump.ledgers_at


@pytest.mark.verifies("BOL-01", "DOSE-15")
def test_while_the_clock_stands_no_lockout_passes() -> None:
    """A clock that stands for a day keeps the lockout as long as it was: the lesser of two times counts."""
    bare = ready()
    assert press(bare) is None
    bare.advance(HOUR_MS)
    left = bare.pump.record.lockout_until - bare.now
    stop_clock(bare)
    bare.advance(DAY_MS)
    assert bare.pump.record.lockout_until - bare.now >= left - COMPARE_MS


def test_putting_the_pump_away_does_not_make_up_for_a_standing_clock() -> None:
    """However often it is put away and taken out: lockout and ledgers wait, and the alarm stays."""
    world = World()
    world.prescribe(prescription(grant=granted()))
    world.advance(HOUR_MS)
    counted_ms = world.pump.record.lockout_until - world.pump.now
    hour = world.pump.ledgers[0].outlet.hour
    world.pump.body.clock.stop(world.pump.now)
    for _ in range(180):
        world.advance(20_000)
        world = world.thawed(world.device.image())
    age_ledgers(world.pump)
    assert world.pump.record.lockout_until - world.pump.now >= counted_ms - COMPARE_MS
    assert world.pump.ledgers[0].outlet.hour.total >= hour.total
    assert AlarmCode.CLOCK in {alarm.code for alarm in world.pump.panel.raised}


def test_a_power_cut_does_not_make_up_for_a_standing_clock() -> None:
    """What the ledgers still have to wait for is remembered."""
    bare = infusing()
    bare.advance(HOUR_MS)
    stop_clock(bare)
    bare.advance(COMPARE_MS)
    waits_until = bare.pump.ledgers_at
    assert waits_until > bare.now
    bare.power_up()
    assert bare.pump.ledgers_at == waits_until


@pytest.mark.verifies("FLT-04", "ALM-16")
@pytest.mark.parametrize("before_ms", [1, 1_000, 1_001, 29_999, 30_000])
def test_a_power_cut_makes_no_standing_clock_well(before_ms: int) -> None:
    """However shortly before the next comparison power fails: while the clock stands, its alarm stays active."""
    bare = infusing()
    bare.advance(HOUR_MS)
    stop_clock(bare)
    bare.advance(MINUTE_MS + COMPARE_MS - before_ms)
    bare.pump.save()  # or its time would fall back to the last write
    bare.power_up()
    for _ in range(3):
        bare.advance(before_ms)
        assert bare.alarm(AlarmCode.CLOCK) is AlarmStatus.ACTIVE


def test_a_healthy_clock_costs_nothing() -> None:
    """Without a fault nothing is compared: no instant is due for it."""
    bare = infusing()
    assert bare.pump.time_bases.due_ms is None
    stop_clock(bare)
    assert bare.pump.time_bases.due_ms is not None


# --- sounder and self-tests -----------------------------------------------------------------------------------


@pytest.mark.verifies("ALM-17", "ALM-18")
def test_a_mute_pump_says_so_within_a_day_and_infuses_on() -> None:
    """The daily self-test finds it, the journal says that nobody heard, and no other alarm is hidden by it."""
    world = started()
    world.advance(HOUR_MS)
    world.bench.inject("annunciator")
    world.advance(DAY_MS)
    assert raised(world) == {AlarmCode.ANNUNCIATOR}
    assert world.pump.therapy.rate == 100_000
    assert not any(event.data["heard"] for event in events(world, "alarm.sound"))
    world.bench.inject("motor_stall")
    world.advance(20 * MINUTE_MS)
    assert raised(world) == {AlarmCode.ANNUNCIATOR, AlarmCode.MOTOR_STALL}
    world.bench.clear("annunciator")
    assert isinstance(world.ask(SelfTest()), SelfTestReport)
    world.advance(10 * MINUTE_MS)
    assert events(world, "alarm.sound")[-1].data["heard"]


@pytest.mark.verifies("FLT-02")
def test_self_tests_run_every_day_and_are_logged_apart() -> None:
    """One a day by itself, and one for each command, told apart in the log."""
    world = started()
    world.ask(SelfTest())
    world.advance(3 * DAY_MS + HOUR_MS)
    tests = [entry for entry in world.device.chip.log_entries() if entry.kind is LogKind.SELF_TEST]
    assert [entry.subject for entry in tests].count(PERIODIC) == 1 + 3
    assert len(tests) == 5
    assert all(entry.value == 0 for entry in tests)


def test_a_sound_has_the_length_of_its_pattern() -> None:
    """The journal says when it sounded, which pattern, and for how long."""
    world = started()
    world.bench.inject("battery_eri")
    world.bench.inject("motor_stall")
    world.advance(HOUR_MS)
    lengths = {event.data["pattern"]: event.data["lasts_ms"] for event in events(world, "alarm.sound")}
    assert lengths == {"critical": 3_000, "non-critical": 1_000}


# --- sessions, strangers, interference ------------------------------------------------------------------------


def aborted(world: World, last: Message | None = None) -> None:
    """Let a clinician stop the pump, say a last thing, and vanish until the session has timed out."""
    world.ask(Stop())
    if last:
        world.ask(last)
    world.advance(5 * MINUTE_MS + ABORTED_HOLD_MS)


@pytest.mark.verifies("ALM-21", "ALM-26")
def test_a_stopped_pump_with_nobody_there_is_alarmed() -> None:
    """A session that timed out on a stopped pump is a critical alarm; starting it again is its end."""
    world = started()
    aborted(world)
    assert raised(world) == {AlarmCode.SESSION_ABORTED}
    world.ask(Start())
    assert world.pump.panel.raised[0].status is AlarmStatus.LATCHED
    assert isinstance(world.ask(AcknowledgeAlarm(AlarmCode.SESSION_ABORTED)), Accepted)
    assert raised(world) == set()


@pytest.mark.verifies("ALM-21")
@pytest.mark.parametrize("last", [Start(), Close(True)], ids=["started again", "closed with an acknowledgement"])
def test_a_session_that_left_nothing_wanting_is_no_alarm(last: Message) -> None:
    """Cut off while infusing, or closed by somebody who says that the stop is meant: nothing is aborted."""
    world = started()
    aborted(world, last)
    assert raised(world) == set()


def test_a_prescription_to_stand_still_is_a_prescription() -> None:
    """Cut off after prescribing a stop: that is the new prescription, and it is what the pump does."""
    world = started()
    world.prescribe(prescription(mode=Mode.STOPPED))
    world.advance(10 * MINUTE_MS)
    assert raised(world) == set()


def test_a_clinician_who_is_back_at_once_hears_nothing() -> None:
    """A dropped cable and a new session within the minute: somebody sees to the therapy."""
    world = started()
    world.ask(Stop())
    world.connect()
    world.advance(4 * MINUTE_MS)
    assert raised(world) == set()


@pytest.mark.verifies("ALM-21")
def test_power_lost_in_a_session_is_an_aborted_one() -> None:
    """A pump that was being programmed when its power failed says so, besides its reset."""
    world = started()
    world.ask(Stop())
    world.cycle_power()
    world.advance(5 * MINUTE_MS)
    assert raised(world) == {AlarmCode.RESET, AlarmCode.SESSION_ABORTED}


def knock(world: World, times: int) -> None:
    """Send so many proofs that are none, half a minute apart."""
    for number in range(times):
        wire = Conversation(DirectCarrier(world.device.receive), bytes(32), Role.CLINICIAN, world.random.randbytes)
        with suppress(ProtocolError):
            wire.exchange(encode(Prove(Role.CLINICIAN, bytes(16), number, bytes(32))))
        world.advance(30_000)


@pytest.mark.verifies("COM-12", "FLT-15", "SEC-01")
def test_strangers_are_noticed_change_nothing_and_lock_nobody_out() -> None:
    """One wrong proof too many is an alarm; the therapy goes on, and a clinician gets in and can clear it."""
    world = started()
    knock(world, INTRUSION_FAILURES - 1)
    assert raised(world) == set()
    knock(world, 1)
    assert raised(world) == {AlarmCode.INTRUSION}
    assert world.pump.therapy.state is TherapyState.SIMPLE_CONTINUOUS
    assert isinstance(world.ask(AcknowledgeAlarm(AlarmCode.INTRUSION)), Accepted)
    assert raised(world) == set()


@pytest.mark.verifies("ALM-25", "COM-09", "COM-13", "FLT-15")
def test_interference_in_an_alarm_holds_the_receiver_and_not_the_therapy() -> None:
    """Within five minutes it is alarmed and the receiver is off again; no stroke was late for it."""
    world = started()
    world.bench.inject("telemetry_latch")
    world.bench.inject("battery_eri")
    strokes = world.device.body.strokes
    world.advance(5 * MINUTE_MS)
    assert AlarmCode.TELEMETRY_TIMEOUT in raised(world)
    assert not world.device.body.telemetry_held
    world.advance(HOUR_MS - 5 * MINUTE_MS)
    assert world.device.body.strokes - strokes >= 8
    held = [event.at for event in events(world, "telemetry.held")]
    released = [event.at for event in events(world, "telemetry.released")]
    assert all(end - begin <= 5 * MINUTE_MS for begin, end in zip(held, released, strict=False))


@pytest.mark.verifies("FLT-07")
def test_a_stall_and_its_recovery_are_each_logged_once_whoever_asks_between() -> None:
    """One entry when the rotor first did not turn and one when it turned again, with interrogations between."""
    world = started()
    world.bench.inject("mri", lasts="30 min", recovery="2 h")
    for _ in range(20):
        world.ask(Interrogate(Section.ALARMS), Role.OBSERVER)
        world.advance(10 * MINUTE_MS)
    kinds = (LogKind.STALL, LogKind.STALL_RECOVERED)
    told = [entry for entry in world.device.chip.log_entries() if entry.kind in kinds]
    assert [entry.kind for entry in told] == [LogKind.STALL, LogKind.STALL_RECOVERED]
    assert told[1].at.value - told[0].at.value == told[1].value
    assert 2 * HOUR_MS < told[1].value < 3 * HOUR_MS
