"""Power cut at every single step of every write: old or new, never between, nothing forgotten, always heard."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import pytest

from emulator.firmware.alarms import is_raised
from emulator.firmware.prescribing import fluid_of
from emulator.firmware.pump import Pump
from emulator.firmware.self_test import failed_checks
from emulator.firmware.state import State
from emulator.hardware.nonvolatile import PowerLostError
from emulator.journal import read_journal
from protocol.conversation import Conversation, NoAnswer
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    CancelBolus,
    ClinicianBolus,
    CommandReport,
    Commit,
    EnterRefill,
    Interrogate,
    LogEntry,
    Message,
    PatientBolus,
    Prescription,
    PrescriptionReport,
    Prime,
    QueryCommand,
    Refused,
    Schedule,
    SelfTest,
    SetWallClock,
    SilenceAlarms,
    Staged,
    StagePrescription,
    StageSchedule,
    Start,
    Stop,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, LogKind, Mode, Outcome, Section, TherapyState
from tests.emulator.worlds import FENTANYL, MORPHINE, Bare, World, drug, flex, granted, prescription, rng, schedule

pytestmark = pytest.mark.safety

MOST_STEPS = 60
LINE_NL = 327_000
PRIME = Prime(Nanolitres(50_000), Milliseconds(4 * HOUR_MS), False)
OLD = prescription(300_000, grant=granted(lockout_ms=5 * MINUTE_MS))
NEW = prescription(150_000, [drug(MORPHINE, 10_000)], low_nl=1_000_000)
BY = schedule(300_000, 200_000, 400_000)
SCHEDULED = flex(BY, grant=granted(lockout_ms=5 * MINUTE_MS))
BRIDGED = replace(NEW, bridge=NanolitresPerDay(150_000))
BOLUS = ClinicianBolus(Nanolitres(5_000), Milliseconds(HOUR_MS), "a test")


def infusing() -> World:
    """Return a world whose pump has infused the old prescription for hours."""
    world = World()
    assert isinstance(world.prescribe(OLD), Accepted)
    world.advance(5 * HOUR_MS + 1_000)
    return world


def in_a_bolus() -> World:
    """Return a world with a patient's bolus on a clinician's."""
    world = infusing()
    world.ask(BOLUS)
    world.ask(PatientBolus())
    world.advance(MINUTE_MS)
    return world


def alarming() -> World:
    """Return a world whose stalled pump turns again and waits for the acknowledgement."""
    world = infusing()
    world.bench.inject("motor_stall")
    world.advance(HOUR_MS)
    world.bench.clear("motor_stall")
    world.advance(10 * MINUTE_MS)
    return world


def stopped() -> World:
    """Return a world whose pump is stopped."""
    world = infusing()
    world.ask(Stop())
    return world


def by_schedule() -> World:
    """Return a world whose pump infuses by a schedule, shortly before a step."""
    world = World()
    assert isinstance(world.prescribe(SCHEDULED, BY), Accepted)
    world.advance(8 * HOUR_MS - MINUTE_MS)
    return world


def bridging() -> World:
    """Return a world whose pump bridges, with only little of the old fluid left."""
    world = infusing()
    world.bench.refill(18_000_000, fluid_of(NEW))
    assert isinstance(world.prescribe(BRIDGED), Accepted)
    world.advance(LINE_NL * DAY_MS // 150_000 - HOUR_MS)
    return world


def with_saline_line() -> World:
    """Return a world with a bolus running and saline in most of its line, as the pump knows."""
    world = in_a_bolus()
    world.bench.empty_line()
    assert isinstance(world.ask(Prime(Nanolitres(20_000), Milliseconds(HOUR_MS), True)), Accepted)
    world.ask(CancelBolus())
    world.ask(BOLUS)
    world.advance(MINUTE_MS)
    return world


def priming() -> World:
    """Return a world whose pump primes, with a bolus set aside, shortly before the end of the prime."""
    world = with_saline_line()
    assert isinstance(world.ask(PRIME), Accepted)
    world.advance(PRIME.duration.value - HOUR_MS // 4)
    return world


def committing(wanted: Prescription, by: Schedule | None = None) -> Callable[[Conversation], Message]:
    """Return what stages a prescription, which writes nothing, and returns the commit of it."""

    def commit(conversation: Conversation) -> Message:
        if by:
            conversation.request(StageSchedule(by))
        echo = conversation.request(StagePrescription(wanted))
        assert isinstance(echo, Staged)
        return Commit(echo.digest)

    return commit


def has(wanted: Prescription, by: Schedule | None = None) -> Callable[[Pump, State], bool]:
    """Return what says whether the pump holds a prescription with its schedule."""
    return lambda pump, _: (pump.therapy.prescription, pump.record.schedule) == (wanted, by)


class Case(NamedTuple):
    """A command, the world that it is given in, and how to see that it was done."""

    make: Callable[[], World]
    message: Callable[[Conversation], Message]
    done: Callable[[Pump, State], bool] | None


def stands(pump: Pump, _: State) -> bool:
    """Say whether the pump is stopped."""
    return pump.therapy.state is TherapyState.STOPPED


def counts_one_more(pump: Pump, before: State) -> bool:
    """Say whether another patient bolus is counted."""
    return len(pump.record.grants) > len(before.therapy.grants)


COMMANDS = {
    "commit": Case(infusing, committing(NEW), has(NEW)),
    "commit in a bolus": Case(in_a_bolus, committing(NEW), has(NEW)),
    "commit a schedule": Case(infusing, committing(SCHEDULED, BY), has(SCHEDULED, BY)),
    "commit in place of a schedule": Case(by_schedule, committing(OLD), has(OLD)),
    "commit a bridge": Case(infusing, committing(BRIDGED), has(BRIDGED)),
    "commit in a bridge": Case(bridging, committing(NEW), has(NEW)),
    "prime": Case(with_saline_line, lambda _: PRIME, None),
    "cancel a prime": Case(priming, lambda _: CancelBolus(), None),
    "stop": Case(infusing, lambda _: Stop(), stands),
    "stop in a bolus": Case(in_a_bolus, lambda _: Stop(), stands),
    "start": Case(stopped, lambda _: Start(), lambda pump, before: not stands(pump, before)),
    "clinician bolus": Case(
        infusing, lambda _: BOLUS, lambda pump, before: pump.record.lockout_until > before.therapy.lockout_until
    ),
    "patient bolus": Case(infusing, lambda _: PatientBolus(), counts_one_more),
    "refused patient bolus": Case(
        in_a_bolus, lambda _: PatientBolus(), lambda pump, before: pump.record.denied > before.therapy.denied
    ),
    "cancel": Case(in_a_bolus, lambda _: CancelBolus(), None),
    "refill": Case(
        infusing,
        lambda _: EnterRefill(Nanolitres(5), Nanolitres(1_999_999)),
        lambda pump, _: pump.reservoir_nl == 1_999_999,
    ),
    "empty": Case(
        in_a_bolus, lambda _: EnterRefill(Nanolitres(0), Nanolitres(0)), lambda pump, _: pump.reservoir_nl == 0
    ),
    "clock": Case(infusing, lambda _: SetWallClock(1 << 60), lambda pump, _: pump.record.wall_offset_ms != 0),
    "silence": Case(alarming, lambda _: SilenceAlarms(), None),
    "acknowledge": Case(
        alarming,
        lambda _: AcknowledgeAlarm(AlarmCode.MOTOR_STALL),
        lambda pump, _: not is_raised(pump.panel, AlarmCode.MOTOR_STALL),
    ),
    "self-test": Case(infusing, lambda _: SelfTest(), None),
}


def whole_log(world: World) -> list[LogEntry]:
    """Return the log in order, having seen that every entry is whole and has a number of its own."""
    entries = sorted(world.device.chip.log_entries(), key=lambda entry: entry.sequence)
    numbers = [entry.sequence for entry in entries]
    assert len(set(numbers)) == len(numbers)
    assert [entry.at.value for entry in entries] == sorted(entry.at.value for entry in entries)
    return entries


def settled_after_a_cut(world: World, before: State, asked: Message | None = None) -> None:
    """Give the power back and check everything that must hold after any cut."""
    world.bench.restore_power()
    pump = world.pump
    assert world.device.powered
    assert AlarmCode.RESET in {alarm.code for alarm in pump.panel.raised}
    acknowledged = {asked.code} if isinstance(asked, AcknowledgeAlarm) else set()
    assert {alarm.code for alarm in before.alarms.raised} - acknowledged <= {
        alarm.code for alarm in pump.panel.raised
    }
    assert pump.therapy.rate <= 6_000
    assert not pump.record.confirmed
    assert pump.therapy.prescription in (OLD, NEW, SCHEDULED, BRIDGED)
    assert (pump.record.schedule == BY) is (pump.therapy.prescription == SCHEDULED)
    assert pump.record.grants[: len(before.therapy.grants)] == before.therapy.grants
    assert pump.record.lockout_until >= before.therapy.lockout_until
    assert pump.line == world.device.body.line
    assert pump.strokes == world.device.body.strokes
    if world.device.now_ms <= DAY_MS:
        held = pump.ledgers[0]
        assert held.outlet.day.total >= world.device.body.tip_pg[MORPHINE]
        assert held.tip.day.total >= world.device.body.tip_pg[MORPHINE]
    assert world.device.chip.damage() == []
    assert failed_checks(pump) == 0
    assert LogKind.POWER_UP in [entry.kind for entry in whole_log(world)[-9:]]


@pytest.mark.verifies("COM-06", "COM-08")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_cut_at_any_write_is_done_or_not_done(command: str) -> None:
    """At every step of its writes a cut leaves the command wholly done or not at all, and the pump says which."""
    make, message, done = COMMANDS[command]
    outcomes = set()
    for step in range(MOST_STEPS):
        world = make()
        conversation = world.connect()
        asked = message(conversation)
        before = world.pump.state()
        world.bench.cut_power_at_write(step)
        try:
            conversation.request(asked)
        except NoAnswer as lost:
            session, counter = lost.session, lost.counter
        else:
            break
        assert not world.device.powered
        assert session is not None
        settled_after_a_cut(world, before, asked)
        report = world.ask(QueryCommand(session))
        assert isinstance(report, CommandReport)
        executed = report.counter == counter
        assert executed is (report.outcome is not Outcome.NONE)
        assert done is None or done(world.pump, before) is executed
        outcomes.add(executed)
    assert outcomes == {False, True}
    assert 3 <= step < MOST_STEPS - 1


@pytest.mark.verifies("COM-08")
def test_a_cut_at_any_write_of_a_session_is_no_trap() -> None:
    """Cut anywhere in opening a session, staging and committing, the pump runs the old or the new prescription."""
    seen = set()
    for step in range(MOST_STEPS):
        world = infusing()
        world.advance(10 * MINUTE_MS)
        before = world.pump.state()
        world.bench.cut_power_at_write(step)
        try:
            world.prescribe(NEW)
        except NoAnswer:
            settled_after_a_cut(world, before)
            stored = world.ask(Interrogate(Section.PRESCRIPTION))
            assert isinstance(stored, PrescriptionReport)
            seen.add(stored.prescription.rate.value)
            assert world.pump.therapy.state is TherapyState.MINIMUM_RATE
        else:
            break
    assert seen == {300_000, 150_000}
    assert step > 6


# --- strokes and everything that happens by itself ------------------------------------------------------------


@pytest.mark.verifies("DOSE-01", "DOSE-14")
@pytest.mark.parametrize("state", [infusing, in_a_bolus, alarming, by_schedule, bridging, priming])
def test_strokes_cut_at_any_write_are_counted_before_they_move(state: Callable[[], World]) -> None:
    """At each write of strokes and bolus ends, what left the tip was counted, and meter and line agree."""
    moved = set()
    for step in range(24):
        world = state()
        before = world.pump.state()
        world.bench.cut_power_at_write(step)
        world.advance(3 * HOUR_MS)
        assert not world.device.powered
        moved.add(world.device.body.strokes - before.metering.strokes)
        settled_after_a_cut(world, before)
    assert len(moved) > 3
    assert 0 in moved


@pytest.mark.verifies("FLT-10")
def test_power_cut_at_any_write_of_a_power_up_is_only_another_power_loss() -> None:
    """Cut at each step of starting, the pump starts again, and in the end it is as after one cut."""
    for step in range(12):
        world = infusing()
        before = world.pump.state()
        world.bench.cut_power()
        for _ in range(3):
            world.bench.cut_power_at_write(step)
            world.bench.restore_power()
            world.bench.cut_power()
        world.device.chip.steps_until_power_fails = None
        settled_after_a_cut(world, before)


@pytest.mark.verifies("FLT-03")
def test_a_cut_in_finding_damage_loses_no_alarm() -> None:
    """Power failing at any write after a flipped bit leaves the bit to be found again, or the alarm raised."""
    for place in ("therapy", "ledgers", "alarms"):
        for step in range(16):
            world = infusing()
            world.bench.inject("memory", place=place, bit=5)
            world.bench.cut_power_at_write(step)
            world.advance(2 * MINUTE_MS)
            world.device.chip.steps_until_power_fails = None
            world.bench.restore_power()
            world.advance(MINUTE_MS)
            assert AlarmCode.MEMORY in {alarm.code for alarm in world.pump.panel.raised}
            assert world.pump.therapy.rate <= 6_000
            assert place != "ledgers" or world.pump.ledgers[0].tip.day.total > 1 << 60


@pytest.mark.verifies("BOL-04", "DOSE-01", "FLT-10")
def test_a_storm_of_cuts_never_gives_budget_back_and_is_always_heard() -> None:
    """Hundreds of cuts at random writes and instants: what left the tip is counted, and each start is heard."""
    chance = rng(11)
    world = infusing()
    starts = 0
    for _ in range(400):
        world.bench.cut_power_at_write(chance.randrange(40))
        world.advance(chance.randrange(2 * HOUR_MS))
        world.bench.cut_power()
        world.device.chip.steps_until_power_fails = None
        heard = world.journal.lines[-1:]
        world.bench.restore_power()
        starts += (
            any('"alarm.sound"' in line for line in world.journal.lines[-6:]) and heard != world.journal.lines[-1:]
        )
        assert world.pump.line == world.device.body.line
        assert world.pump.delivered[MORPHINE] == world.device.body.strokes * 500 * 20_000
    assert starts == 400
    assert world.device.body.strokes > 200


@pytest.mark.verifies("DOSE-01", "PRM-06")
def test_the_tip_limit_holds_through_cuts_at_every_stroke_of_a_change_of_concentration() -> None:
    """Diluting five times with power failing at every stroke's write never lets the old fluid pass as the new one."""
    bare = Bare(line_fluid=((MORPHINE, 25_000),))
    wanted = prescription(250_000, [drug(MORPHINE, 5_000)])
    assert isinstance(bare.prescribe(wanted), Accepted)
    for step in range(200):
        bare.chip.steps_until_power_fails = 2 + step % 5
        try:
            bare.advance(4 * HOUR_MS)
        except PowerLostError:
            bare.chip.steps_until_power_fails = None
            bare.power_up()
        bare.prescribe(wanted)
        bare.ask(AcknowledgeAlarm(AlarmCode.RESET))
        bare.ask(Start())
    assert bare.pump.line == bare.body.line
    assert len(bare.pump.line) == 2
    faster = prescription(2_500_000, [drug(MORPHINE, 5_000)])
    assert isinstance(bare.prescribe(faster), Refused)


# --- flipped bits ---------------------------------------------------------------------------------------------


def bits_of(world: World, each: int) -> list[tuple[str, int]]:
    """Return some bits of every place of memory, the first and the last among them."""
    chance = rng(9)
    return [
        (place, bit)
        for place, bits in world.device.chip.places()
        for bit in sorted({0, bits - 1, *(chance.randrange(bits) for _ in range(each))})
    ]


def check_damaged(world: World, before: State, place: str) -> None:
    """Check everything that must hold once a flipped bit was found."""
    pump = world.pump
    assert AlarmCode.MEMORY in {alarm.code for alarm in pump.panel.raised}, place
    assert pump.therapy.rate <= 6_000
    assert not pump.record.confirmed
    for now, then in zip(pump.ledgers, before.ledgers, strict=True):
        assert now.code == then.code
        assert now.tip.limit_24h - now.tip.day.total <= then.tip.limit_24h - then.tip.day.total
        assert now.outlet.limit_1h - now.outlet.hour.total <= then.outlet.limit_1h - then.outlet.hour.total
    assert len(pump.record.grants) >= len(before.therapy.grants)
    for section in Section:
        world.ask(Interrogate(section))
    assert isinstance(world.ask(Stop()), Accepted)
    assert pump.therapy.rate == 0
    assert not isinstance(world.ask(PatientBolus()), Accepted)


@pytest.mark.verifies("FLT-03")
@pytest.mark.parametrize("when", ["at run time", "before boot"])
def test_a_flipped_bit_anywhere_is_found(when: str) -> None:
    """One bit turned over in any place, on either page or in the log, is alarmed and can only cost budget."""
    number = 0
    for place, bit in bits_of(in_a_bolus(), 1):
        world = in_a_bolus()
        before = world.pump.state()
        if when == "at run time":
            world.bench.inject("memory", place=place, bit=bit)
            world.advance(MINUTE_MS)
        else:
            world.bench.cut_power()
            world.bench.inject("memory", place=place, bit=bit)
            world.bench.restore_power()
        check_damaged(world, before, place)
        number += 1
    assert number > 50


@pytest.mark.verifies("FLT-01", "FLT-03")
@pytest.mark.parametrize("place", ["sequence@0", "sequence@1", "alarms@0", "log@2"])
def test_every_bit_of_a_small_place_is_found(place: str) -> None:
    """Every single bit of a place, turned over before a power-up, is found by it."""
    image = in_a_bolus()
    image.bench.cut_power()
    content = image.device.image()
    bits = dict(image.device.chip.places())[place]
    for bit in range(bits):
        world = image.thawed(content)
        world.bench.inject("memory", place=place, bit=bit)
        world.bench.restore_power()
        assert AlarmCode.MEMORY in {alarm.code for alarm in world.pump.panel.raised}, bit
        assert world.pump.therapy.rate <= 6_000
    assert bits >= 96


@pytest.mark.verifies("BOL-16", "FLT-03")
def test_repeated_damage_never_adds_up_to_more_budget() -> None:
    """Bits flipped again and again, running and not, in any place, never leave more room than there was before."""
    chance = rng(6)
    world = World()
    world.prescribe(prescription(300_000, [drug(), drug(FENTANYL, 100)]))
    world.advance(20 * HOUR_MS)  # so that nothing leaves the ledgers by mere time before the end
    least = {entry.code: entry.tip.day.total for entry in world.pump.ledgers}
    for _ in range(40):
        off = chance.random() < 0.5
        if off:
            world.bench.cut_power()
        place, bits = chance.choice(world.device.chip.places())
        world.bench.inject("memory", place=place, bit=chance.randrange(bits))
        world.bench.restore_power()
        world.advance(MINUTE_MS)
        for entry in world.pump.ledgers:
            assert entry.tip.day.total >= least[entry.code]
        assert AlarmCode.MEMORY in {alarm.code for alarm in world.pump.panel.raised}
        world.ask(EnterRefill(Nanolitres(0), Nanolitres(18_000_000)))
        world.prescribe(prescription(300_000, [drug(), drug(FENTANYL, 100)]))
    assert len(world.pump.ledgers) >= 2


def test_nobody_hears_of_an_alarm_that_a_cut_makes_the_pump_forget() -> None:
    """At every write around an alarm, whatever was told as raised is still raised when power returns."""
    told, untold = 0, 0
    for step in range(40):
        world = infusing()
        world.bench.inject("motor_stall")
        world.bench.cut_power_at_write(step)
        world.advance(HOUR_MS)
        world.journal.flush()
        heard = any('"alarm.raised"' in line and '"motor_stall"' in line for line in world.journal.lines)
        told, untold = told + heard, untold + (not heard)
        world.device.chip.steps_until_power_fails = None
        world.bench.restore_power()
        assert not heard or is_raised(world.pump.panel, AlarmCode.MOTOR_STALL)
    assert min(told, untold) > 2


# --- what is told, and what is kept ---------------------------------------------------------------------------


def with_a_standing_clock() -> World:
    """Return a world whose pump will soon notice that its clock stands."""
    world = infusing()
    world.bench.inject("clock", how="stands")
    return world


def with_an_alarm_to_acknowledge() -> World:
    """Return a world whose pump waits for nothing but the acknowledgement of an alarm."""
    world = infusing()
    world.bench.inject("annunciator")
    world.ask(SelfTest())
    world.bench.clear("annunciator")
    world.ask(SelfTest())
    return world


def told(world: World) -> set[str]:
    """Return the alarms that are raised by what the journal was told."""
    world.journal.flush()
    raised: set[str] = set()
    for event in read_journal(world.journal.lines):
        if event.kind == "alarm.raised":
            raised.add(str(event.data["alarm"]))
        elif event.kind == "alarm.cleared":
            raised.discard(str(event.data["alarm"]))
    return raised


ALARMING: dict[str, tuple[Callable[[], World], Callable[[World], object]]] = {
    "raised": (with_a_standing_clock, lambda world: world.advance(MINUTE_MS)),
    "cleared": (with_an_alarm_to_acknowledge, lambda world: world.ask(AcknowledgeAlarm(AlarmCode.ANNUNCIATOR))),
}


@pytest.mark.verifies("FLT-10")
@pytest.mark.parametrize("what", ALARMING)
def test_an_alarm_cut_at_any_write_is_told_as_it_is_kept(what: str) -> None:
    """Wherever power fails, observers know of exactly those alarms that the pump goes on with."""
    make, happen = ALARMING[what]
    seen = set()
    for step in range(MOST_STEPS):
        world = make()
        world.bench.cut_power_at_write(step)
        with suppress(NoAnswer):
            happen(world)
        if world.device.powered:
            break
        world.bench.restore_power()
        kept = {alarm.code.name.lower() for alarm in world.pump.panel.raised}
        assert told(world) == kept, step
        seen.add(len(kept))
    assert seen == {1, 2}
    assert step < MOST_STEPS - 1


@pytest.mark.verifies("COM-08", "FLT-10")
def test_a_session_cut_off_while_an_alarm_stops_the_pump_is_aborted() -> None:
    """Cut at any write of the stop, a pump that was attended to and comes up stopped says so in five minutes."""
    for step in range(8):
        world = World()
        world.prescribe(prescription(mode=Mode.MINIMUM_RATE))
        world.bench.inject("drive_runaway", rate=24_000_000, lasts=4_000)
        world.bench.cut_power_at_write(step)
        world.advance(4_000)
        assert not world.device.powered
        world.bench.restore_power()
        assert world.pump.therapy.state is TherapyState.STOPPED
        world.advance(5 * MINUTE_MS)
        assert is_raised(world.pump.panel, AlarmCode.SESSION_ABORTED), step
