"""What ends a run of strokes: each premise of a leap by itself, seen from both sides."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from emulator.bench import FAULTS
from emulator.firmware import guard
from emulator.firmware.alarms import Panel, is_raised
from emulator.firmware.allowance import age_ledgers
from emulator.firmware.ledgers import DrugLedgers
from emulator.firmware.metering import credit_of
from emulator.firmware.pump import HEARTBEAT_MS, Pump
from emulator.hardware.line import SALINE
from emulator.hardware.profile import Profile, load_profile
from protocol.messages import Close, EnterRefill, PatientBolus, Prime, Stop
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, Mode, Role, TherapyState
from tests.emulator.pairs import Pair
from tests.emulator.worlds import (
    A_BOLUS,
    FLUID,
    MORPHINE,
    PROFILE,
    World,
    drug,
    flex,
    granted,
    prescription,
    schedule,
)

pytestmark = pytest.mark.safety

VALVE = load_profile("valve")
PROFILES = {"peristaltic": PROFILE, "valve": VALVE}
OTHER = ((MORPHINE, 10_000),)
ODD_MS = 7 * HOUR_MS + 123_457


def infusing(profile: Profile = PROFILE, rate: int = 240_000, **changes: Any) -> Pair:
    """Return a pair that has infused, and leapt, for some hours."""
    pair = Pair(profile)
    wanted = prescription(rate, **{"grant": granted(), **changes})
    pair.do(lambda world: world.prescribe(wanted))
    pair.advance(ODD_MS)
    assert pair.leapt > 0
    return pair


def alarms(pair: Pair) -> set[AlarmCode]:
    """Return what is raised."""
    return {code for code in AlarmCode if is_raised(pair.leaping.pump.panel, code)}


def state(pair: Pair) -> TherapyState:
    """Return what the pumps are doing."""
    return pair.leaping.pump.therapy.state


def test_quiet_strokes_are_leapt_over_all_but_a_few() -> None:
    """In ten quiet days next to no stroke is taken by itself, and the end is the same."""
    pair = infusing()
    pair.advance(10 * DAY_MS)
    assert pair.leapt > pair.plain.device.body.strokes - 20


# --- the flow changes, or something else is due ---


def test_a_bolus_ends_where_it_ends() -> None:
    """Strokes of a bolus are leapt over with its flow, those after it without."""
    pair = infusing()
    pair.do(lambda world: world.ask(A_BOLUS))
    pair.do(lambda world: world.ask(PatientBolus(), Role.PATIENT))
    before = pair.leapt
    for _ in range(9):
        pair.advance(11 * MINUTE_MS + 7)
    assert pair.leapt > before


@pytest.mark.parametrize("steps", [(96_000, 480_000, 240_000), (48_000, 960_000), (96_000, 480_000) * 4])
def test_a_run_ends_with_its_step_of_the_schedule(steps: tuple[int, ...]) -> None:
    """Every step of a flex schedule is taken at its time, and most strokes between steps are leapt over."""
    pair, by = Pair(), schedule(*steps, weekend=(100_000,), anchor_ms=5 * DAY_MS + 4_321)
    pair.do(lambda world: world.prescribe(flex(by, [drug(concentration=5_000)], grant=granted()), by))
    for _ in range(6):
        pair.advance(ODD_MS)
        pair.do(lambda world: world.ask(PatientBolus(), Role.PATIENT))
        pair.advance(DAY_MS - ODD_MS)
    assert pair.leapt > 0.7 * pair.plain.device.body.strokes > 100


@pytest.mark.parametrize("bridge", [200_000, 96_000])
def test_a_bridge_ends_with_the_stroke_that_ends_it(bridge: int) -> None:
    """A bridge is leapt over up to the stroke that pushes the old fluid's last out, and no further."""
    pair = infusing()
    pair.do(lambda world: world.bench.refill(18_000_000, OTHER))
    wanted = replace(prescription(400_000, [drug(concentration=10_000)]), bridge=NanolitresPerDay(bridge))
    pair.do(lambda world: type(world.prescribe(wanted)).__name__)
    assert state(pair) == TherapyState.BRIDGE
    before = pair.leapt
    for _ in range(9):
        pair.advance(DAY_MS // 2)
    assert state(pair) == TherapyState.SIMPLE_CONTINUOUS
    assert pair.leapt > before + 1_000


def test_a_prime_and_what_it_interrupts_are_the_same() -> None:
    """Priming a rinsed line moves along it as it would stroke by stroke."""
    pair = infusing(drugs=[drug(concentration=1_000)])
    pair.do(lambda world: world.device.body.fill_line(SALINE))
    pair.do(lambda world: world.ask(A_BOLUS))
    pair.do(lambda world: world.ask(Prime(Nanolitres(300_000), Milliseconds(2 * HOUR_MS), True)))
    assert state(pair) == TherapyState.PRIMING
    before = pair.leapt
    for _ in range(8):
        pair.advance(HOUR_MS // 2 + 1)
    assert pair.leapt > before + 500


def test_being_stopped_for_too_long_is_noticed_in_time() -> None:
    """Heartbeats of a stopped pump are leapt over, its alarm is not."""
    pair = infusing()
    pair.do(lambda world: world.ask(Stop()))
    pair.do(lambda world: world.ask(Close(True)))
    pair.advance(47 * HOUR_MS)
    assert alarms(pair) == set()
    pair.advance(3 * HOUR_MS)
    assert alarms(pair) == {AlarmCode.STOPPED_48H}


def test_a_session_ends_by_itself_when_nobody_speaks() -> None:
    """A session's deadline falls where it falls among the strokes."""
    pair = infusing()
    pair.do(lambda world: world.connect() and None)
    pair.advance(DAY_MS)
    assert not pair.leaping.device.session_open


SLOW = {
    "exactly together": prescription(48_000),
    "just apart": prescription(48_001),
    "minimum": prescription(mode=Mode.MINIMUM_RATE),
    "stopped": prescription(mode=Mode.STOPPED),
}


@pytest.mark.parametrize("slow", SLOW)
def test_heartbeats_between_slow_strokes_are_written(slow: str) -> None:
    """With strokes about as far apart as heartbeats, or further, memory is written as often and at the same times."""
    pair = Pair()
    pair.do(lambda world: world.prescribe(SLOW[slow]))
    for step in (HEARTBEAT_MS - 1, 1, DAY_MS, 3 * HEARTBEAT_MS, ODD_MS, 2 * DAY_MS):
        pair.advance(step)
    assert pair.leapt > 20 or slow == "stopped"


# --- what the guard, the alarms and the memory have to say ---


def tighter(world: World) -> None:
    """Let the guard grant only some strokes more in a day, as nobody but a test could."""
    pump = world.pump
    age_ledgers(pump)
    limits = {entry.code: entry.outlet.day.total + 40 * 500 * 20_000 for entry in pump.ledgers}
    pump.ledgers = tuple(
        DrugLedgers(code, outlet, guard.with_limits(tip, tip.limit_1h, limits[code]))
        for code, outlet, tip in pump.ledgers
    )


def test_a_stroke_that_the_guard_would_refuse_is_refused() -> None:
    """A run ends before the first stroke that is not certain to be granted."""
    pair = infusing()
    pair.do(tighter)
    before = pair.leapt
    pair.advance(2 * HOUR_MS)
    assert before < pair.leapt
    pair.advance(DAY_MS)
    assert AlarmCode.DOSE_LIMIT in alarms(pair)


@pytest.mark.parametrize("low_nl", [17_500_000, 17_499_999, 17_500_001, 0])
def test_a_low_reservoir_is_noticed_at_its_stroke(low_nl: int) -> None:
    """A run ends before the stroke with which the reservoir reaches its threshold."""
    pair = infusing(low_nl=low_nl)
    for _ in range(4):
        pair.advance(13 * HOUR_MS + 1)
    assert (AlarmCode.RESERVOIR_LOW in alarms(pair)) == (low_nl > 0)


@pytest.mark.parametrize("contents_nl", [30_000, 30_499, 30_500, 29_501])
def test_an_empty_reservoir_is_noticed_at_its_stroke(contents_nl: int) -> None:
    """A run ends before the last stroke that the reservoir holds."""
    pair = infusing(low_nl=0)

    def refill(world: World) -> object:
        world.bench.refill(contents_nl, FLUID)
        return world.ask(EnterRefill(Nanolitres(contents_nl), Nanolitres(contents_nl)))

    pair.do(refill)
    for _ in range(4):
        pair.advance(2 * HOUR_MS + 3)
    assert AlarmCode.RESERVOIR_EMPTY in alarms(pair)


def test_a_reservoir_that_holds_less_than_told_runs_dry_where_it_does() -> None:
    """A run ends before the physical last drop, which moves less than a stroke."""
    pair = infusing()
    pair.do(lambda world: world.bench.refill(25_300, FLUID))
    pair.advance(DAY_MS)
    assert pair.leaping.device.body.reservoir_nl == 0


def _stalled(pump: Pump) -> None:
    pump.record = pump.record._replace(stalled_at=pump.now)


def _refused(pump: Pump) -> None:
    pump.record = pump.record._replace(guard_refused_at=pump.now)


def _open(pump: Pump) -> None:
    pump.noticed = pump.noticed._replace(valves_at=pump.now, exposed=True)


def _turned(pump: Pump) -> None:
    pump.monitor.position += 1


NOTED = {"a stall": _stalled, "a refusal": _refused, "open valves": _open, "a turn of the rotor": _turned}


def note(world: World, what: str) -> None:
    """Let the pump have noted something of which no alarm is raised."""
    NOTED[what](world.pump)
    world.pump.watch()
    world.pump.alarms.panel = Panel()
    world.pump.alarms._seen = (world.pump.record, world.pump.noticed)


@pytest.mark.parametrize("what", NOTED)
def test_what_the_next_stroke_has_to_note_is_noted(what: str) -> None:
    """After a stall, a refusal or an escape the next stroke is taken by itself, because it corrects what is noted."""
    pair = infusing()
    pair.do(lambda world: note(world, what))
    assert pair.leaping.pump.quiet_strokes() == 0
    pair.advance(DAY_MS)
    record = pair.leaping.pump.record
    assert record.stalled_at == record.guard_refused_at == -1


def test_while_an_alarm_is_raised_every_stroke_is_taken_by_itself() -> None:
    """With an alarm raised the pump looks after every stroke, and the sounder sounds as often."""
    pair = infusing(rate=1_200_000, drugs=[drug(concentration=2_000)])
    pair.do(lambda world: world.bench.inject("motor_stall", lasts=HOUR_MS))
    pair.advance(2 * HOUR_MS)
    before = pair.leapt
    pair.advance(DAY_MS)
    assert pair.leapt == before


@pytest.mark.parametrize("rate", [0, 240_000])
def test_ledgers_that_wait_are_not_aged_before_their_time(rate: int) -> None:
    """While the ledgers wait for time that was not credited, nothing is leapt over, not even a heartbeat."""
    pair = infusing()
    if not rate:
        pair.do(lambda world: world.ask(Stop()))

    def forfeit(world: World) -> None:
        age_ledgers(world.pump)
        world.pump.ledgers_at += 5 * HOUR_MS

    pair.do(forfeit)
    pair.advance(3 * HOUR_MS + 1)
    pair.advance(DAY_MS)


def test_strokes_that_wait_are_taken_by_themselves() -> None:
    """Credit of several strokes, as only a fault could leave it, is spent as ever, also at the slowest beat."""
    pair = infusing(rate=48_000)

    def owe(world: World) -> None:
        world.pump.credit += 3 * credit_of(500) + 5

    pair.do(owe)
    pair.advance(DAY_MS)


WEAK = [drug(concentration=1_000)]


@pytest.mark.parametrize("rate", [240_000, 6_000_000])
@pytest.mark.parametrize("section", ["ledgers", "metering", "therapy", "alarms", "identity", "log"])
def test_damage_in_memory_is_found_within_the_minute(section: str, rate: int) -> None:
    """No run passes over damaged memory, also where many strokes would fit before memory is looked at next."""
    pair = Pair(fluid=((MORPHINE, 1_000),))
    pair.do(lambda world: world.prescribe(prescription(rate, WEAK)))
    pair.advance(ODD_MS)
    assert pair.leapt > 0
    pair.do(lambda world: world.bench.inject("memory", place=section, bit=3))
    pair.advance(DAY_MS)
    assert AlarmCode.MEMORY in alarms(pair)


@pytest.mark.parametrize("step", [0, 1, 2, 3, 17, 40, 41])
def test_power_fails_at_its_step(step: int) -> None:
    """A power cut that is set for a step of writing comes at that step, and the pump starts from the same page."""
    pair = infusing()
    pair.do(lambda world: world.bench.cut_power_at_write(step))
    pair.advance(DAY_MS)
    assert not pair.leaping.device.powered
    pair.do(lambda world: world.bench.restore_power())
    pair.advance(DAY_MS)


@pytest.mark.parametrize("after_ms", [0, 1, ODD_MS, 5 * DAY_MS + 1])
def test_after_a_leap_both_pages_hold_what_single_strokes_would_have_written(after_ms: int) -> None:
    """With the newest page lost, the older one gives back the very same state."""
    pair = infusing()
    pair.advance(after_ms)

    def lose_newest_page(world: World) -> None:
        for section in ("metering", "ledgers", "therapy"):
            world.device.chip.flip(world.device.chip.newest_place(section), 5)

    pair.do(lose_newest_page)
    pair.do(World.cycle_power)
    pair.advance(DAY_MS)


# --- what physically happens ---

AT_ONCE = [(name, drive) for name, fault in FAULTS.items() for drive in fault.drives if name != "memory"]


@pytest.mark.parametrize(("fault", "drive"), AT_ONCE)
def test_no_fault_is_passed_over(fault: str, drive: str) -> None:
    """With any fault, during it and after it, whatever moves moves as it would stroke by stroke."""
    pair = infusing(PROFILES[drive])
    pair.do(lambda world: world.bench.inject(fault, lasts=9 * HOUR_MS))
    pair.advance(2 * HOUR_MS)
    pair.do(lambda world: world.bench.refill(15_000_000, FLUID))
    pair.advance(DAY_MS)
    pair.do(World.cycle_power)
    pair.advance(DAY_MS)


@pytest.mark.parametrize(("fault", "drive"), AT_ONCE)
def test_a_fault_that_is_planned_happens_when_it_is_due(fault: str, drive: str) -> None:
    """A run ends before what the bench has planned."""
    pair = infusing(PROFILES[drive])
    pair.do(lambda world: world.bench.inject(fault, at=world.bench.now_ms + ODD_MS))
    pair.advance(DAY_MS)


def test_another_fluid_moves_along_the_line() -> None:
    """What is programmed anew, and what was filled in unknown to the pump, comes out once the line is displaced."""
    pair = infusing()
    pair.do(lambda world: world.bench.refill(18_000_000, OTHER))
    pair.advance(DAY_MS)
    wanted = prescription(240_000, [drug(concentration=10_000)])
    pair.do(lambda world: world.prescribe(wanted))
    before = pair.leapt
    for _ in range(4):
        pair.advance(DAY_MS + 1)
    assert pair.leapt > before + 1_000


def _inject(world: World, *, volume_nl: int) -> None:
    world.device.body.inject_at_port(volume_nl, OTHER)


def test_plugs_in_the_middle_of_the_line_come_out_one_after_the_other() -> None:
    """A run ends where the fluid at the tip changes."""
    pair = infusing()
    for volume_nl in (777, 20_000, 333):
        pair.do(partial(_inject, volume_nl=volume_nl))
        pair.advance(3 * HOUR_MS)
    pair.advance(3 * DAY_MS)


def test_open_valves_are_noticed_at_the_next_stroke() -> None:
    """However slowly drug escapes through open valves, the next stroke is the one that finds out."""
    pair = infusing(VALVE, 1_200_000, drugs=[drug(concentration=2_000)])
    pair.do(lambda world: world.device.body.open_valves(10_000))
    pair.advance(HOUR_MS)
    assert AlarmCode.FREE_FLOW in alarms(pair)


def test_a_catheter_under_pressure_is_not_sound() -> None:
    """While something is held back no two strokes are alike, whatever holds it."""
    body = infusing().leaping.device.body
    assert body.alike(10) == 10
    body.held = body.held._replace(pressure_nl=1)
    assert body.alike(10) == 0


def test_nobody_misses_a_stroke() -> None:
    """Who can only be told of single strokes is told of every single one."""
    pair = infusing()
    pair.leaping.device.body.on_run = None
    before = pair.leapt
    pair.advance(DAY_MS)
    assert pair.leapt == before
