"""What goes wrong: the bench's faults, power cuts at any instant, and what people then do."""

from __future__ import annotations

from emulator.bench import BenchError
from protocol.messages import AcknowledgeAlarm, PatientBolus
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode, Role
from verify.scripts.action import Who, action, between, faulty, one_of
from verify.scripts.people import (
    acknowledge_all,
    clinician_bolus,
    command,
    confirm,
    fill_the_windows,
    look_on,
    visit,
)
from verify.scripts.run import SLOW, Run

STALL = "motor_stall"
WORN = "battery_eos"


@action(Who.BENCH, faulty, stalled=one_of(False, True))
def magnet(run: Run, stalled: bool) -> None:
    """A strong magnetic field comes or goes."""
    if stalled and not run.valves:
        run.world.bench.inject(STALL)
    else:
        run.magnet_off()


@action(Who.BENCH, faulty)
def examination(run: Run) -> None:
    """A magnet stays until the stall is announced; the patient presses; the magnet goes and flow returns."""
    magnet(run, stalled=True)
    run.world.bench.advance(20 * MINUTE_MS)
    run.ask(Role.PATIENT, PatientBolus())
    clinician_bolus(run, 2, minutes=1)
    run.magnet_off()
    run.world.bench.advance(20 * MINUTE_MS)
    run.ask(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.MOTOR_STALL))


@action(Who.BENCH, faulty, rate=one_of(96_000, 1_000_000, 24_000_000), for_ms=one_of(1, MINUTE_MS, HOUR_MS))
def run_away(run: Run, rate: int, for_ms: int) -> None:
    """The drive turns by itself for a while; then a clinician comes."""
    run.world.bench.inject("drive_runaway", rate=rate, lasts=for_ms)
    run.world.bench.advance(for_ms)
    run.ask(Role.PATIENT, PatientBolus())
    run.world.bench.advance(16 * MINUTE_MS)
    visit(run)


@action(Who.BENCH, faulty, for_ms=one_of(1, MINUTE_MS, HOUR_MS), recovery=one_of(0, 1, HOUR_MS, DAY_MS))
def field(run: Run, for_ms: int, recovery: int) -> None:
    """The patient goes through an examination, and is interrogated before and after flow returns."""
    run.world.bench.inject("mri", lasts=for_ms, recovery=recovery)
    run.world.bench.advance(for_ms)
    look_on(run, "alarms")
    run.world.bench.advance(recovery if run.rate < SLOW else HOUR_MS)
    look_on(run, "alarms")
    visit(run)


@action(
    Who.BENCH,
    faulty,
    how=one_of("stands", "forwards", "backwards", "wraps"),
    by=one_of(2_000, HOUR_MS, DAY_MS),
    for_ms=one_of(1, 31_000, HOUR_MS),
)
def bad_clock(run: Run, how: str, by: int, for_ms: int) -> None:
    """The clock goes wrong for a while, and everybody presses for more meanwhile."""
    run.world.bench.inject("clock", how=how, by=by)
    run.world.bench.advance(for_ms)
    run.ask(Role.PATIENT, PatientBolus())
    fill_the_windows(run, wait=True)
    visit(run)


@action(Who.BENCH, faulty)
def mute(run: Run) -> None:
    """The sounder breaks, and a day later somebody notices."""
    run.world.bench.inject("annunciator")
    run.world.bench.advance(DAY_MS if run.rate < SLOW else HOUR_MS)
    look_on(run, "alarms")
    visit(run)
    command(run, "self_test")
    acknowledge_all(run)


@action(Who.BENCH, faulty, for_ms=one_of(MINUTE_MS, HOUR_MS, 3 * HOUR_MS))
def interference(run: Run, for_ms: int) -> None:
    """A disturbance, during which an alarm is likely to sound."""
    run.world.bench.inject("telemetry_latch")
    command(run, "stop")
    run.world.bench.advance(for_ms)
    visit(run)


@action(Who.BENCH, faulty, left=one_of(90, 21, 20))
def worn_battery(run: Run, left: int) -> None:
    """The battery gets old all at once, and is used on."""
    run.world.bench.inject(WORN if left <= 20 else "battery_eri", left=left)
    run.world.bench.advance(DAY_MS if run.rate < SLOW else HOUR_MS)
    acknowledge_all(run)


@action(Who.BENCH, faulty)
def new_battery(run: Run) -> None:
    """The emulation's own mercy: a full battery, so that the run can go on."""
    for fault in sorted(run.world.bench.faults & {"battery_eri", WORN}):
        run.world.bench.clear(fault)
    run.world.device.body.battery.used = 0
    run.world.device.body.look_at_battery()
    visit(run)


@action(Who.BENCH, faulty)
def flicker(run: Run) -> None:
    """The battery's voltage breaks down for a moment."""
    run.world.bench.inject("low_battery_reset")


@action(Who.BENCH, lambda run: faulty(run) and run.valves, for_ms=one_of(1, 600, MINUTE_MS))
def open_valves(run: Run, for_ms: int) -> None:
    """The valves come to stand open, and perhaps nobody looks after them."""
    run.world.bench.inject("valve_open", lasts=for_ms)
    run.world.bench.advance(for_ms)
    run.world.bench.advance(MINUTE_MS)


@action(
    Who.BENCH,
    faulty,
    place=one_of("therapy", "ledgers", "ledgers", "metering", "alarms", "identity", "log"),
    bit=between(0, 4_000),
)
def flip(run: Run, place: str, bit: int) -> None:
    """A bit flips in memory; not one that is damaged already, since flipping it back would repair it."""
    if not run.world.device.chip.damage():
        run.flipped = set()
    if (place, bit) in run.flipped:
        return
    try:
        run.world.bench.inject("memory", place=place, bit=bit)
        run.flipped.add((place, bit))
    except BenchError:
        run.reached["no such bit"] += 1


@action(Who.BENCH, faulty, bit=between(0, 400))
def lost_ledger(run: Run, bit: int) -> None:
    """The guard's ledgers are damaged: they count as full, and refuse every stroke until a day has gone by."""
    run.clear_sky()
    flip(run, "ledgers", bit)
    run.world.bench.advance(3 * HOUR_MS)
    visit(run)
    run.world.bench.advance(HOUR_MS)
    run.ask(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.DOSE_LIMIT))


@action(Who.BENCH, faulty, for_ms=one_of(0, 1, 60_000, HOUR_MS, DAY_MS))
def power_cut(run: Run, for_ms: int) -> None:
    """Power fails for a while."""
    run.world.bench.cut_power()
    run.world.bench.advance(for_ms)
    run.world.bench.restore_power()


@action(Who.BENCH, faulty)
def brown_out(run: Run) -> None:
    """The windows are full, power flickers, a clinician puts everything right, and asks for more."""
    fill_the_windows(run, wait=True)
    power_cut(run, for_ms=0)
    visit(run)
    fill_the_windows(run, wait=True)


@action(Who.BENCH, faulty, step=between(0, 12))
def power_cut_at_write(run: Run, step: int) -> None:
    """Power fails in the middle of a write to memory, one of the next, while a clinician is at it."""
    run.world.bench.cut_power_at_write(step)
    confirm(run)


@action(Who.BENCH, lambda run: not run.world.device.powered)
def power_returns(run: Run) -> None:
    """Power comes back after it failed at a write."""
    run.reached["power cut at a write"] += 1
    run.world.bench.restore_power()
