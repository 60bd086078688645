"""The pump watches itself: each of its own failures is caused on the bench, alarmed as documented, and put right."""

from __future__ import annotations

from collections.abc import Callable

from emulator.firmware.guard import Ring
from emulator.firmware.ledgers import DrugLedgers
from emulator.hardware.line import filled
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    BatteryReport,
    Close,
    Interrogate,
    PatientBolus,
    SelfTest,
    SelfTestReport,
    Start,
    TotalsReport,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode, AlarmStatus, LogKind, Reason, Role, Section
from verify.starts import STROKE_NL, bolus
from verify.suites.alarmed import alarms, alone, events, logged, only, over, quiet
from verify.suites.asking import NEXT, RATE, ask, done, flicker, infusing, refused, strokes_of, therapy
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import MORPHINE, World


def clocks(effort: Effort) -> None:
    """Let the clock stand, jump either way and wrap, at several phases of the comparison; jump by too little."""
    for how in ("stands", "forwards", "backwards", "wraps"):
        for phase in (0, 29_999):
            effort.tried += 1
            world = alone(effort.seed)
            world.bench.advance(phase)
            quiet(world, "with a sound clock")
            world.bench.inject("clock", how=how, **({"by": 2_000} if how in ("forwards", "backwards") else {}))
            if how != "stands":
                world.bench.advance(30_000)
                require(
                    AlarmCode.CLOCK in alarms(world), f"half a minute after a clock that went {how}: {alarms(world)}"
                )
            else:
                world.bench.advance(MINUTE_MS)
                only(world, AlarmCode.CLOCK, "a minute after the clock stands")
                world.bench.clear("clock")
            require(
                therapy(world).rate.value == world.profile.minimum_rate.value, f"with a clock that {how} it infuses"
            )
            world.bench.advance(MINUTE_MS)
            over(world, AlarmCode.CLOCK, f"a minute after a clock that {how} goes on")
            require(logged(world, LogKind.CLOCK_FAULT) == 1, f"a clock that {how} is not in the log once")
    world = alone(effort.seed)
    world.device.body.clock.jump(999)
    world.bench.advance(2 * MINUTE_MS)
    quiet(world, "less than a second apart")
    world.bench.cut_power()
    world.device.body.clock.jump(3 * HOUR_MS)
    world.bench.restore_power()
    world.bench.advance(2 * MINUTE_MS)
    require(AlarmCode.CLOCK not in alarms(world), "what a clock did without power is held against it")


def lesser_time_counts(effort: Effort) -> None:
    """Let the clock stand for two hours after a full hour and a press of the button: nothing is given back."""
    effort.tried += 2
    world = infusing(effort.seed)
    done(world, bolus(70, 3))
    world.bench.advance(3 * MINUTE_MS + 2)
    left, held = therapy(world).lockout_remaining.value, _hour(world)
    require(left > 29 * MINUTE_MS, f"after a bolus the patient may press in {left} ms")
    world.bench.inject("clock")
    world.bench.advance(2 * HOUR_MS)
    kept = therapy(world).lockout_remaining.value
    require(left - MINUTE_MS <= kept <= left + 1, f"while the clock stands a lockout of {left} ms becomes {kept}")
    require(_hour(world) >= held, f"while the clock stands the hour of {held} pg becomes {_hour(world)}")
    world.bench.clear("clock")
    world.bench.advance(NEXT + 2 * HOUR_MS)
    require(therapy(world).lockout_remaining.value == 0, "a clock that goes on is never caught up with")
    require(_hour(world) < held // 10, f"two hours later the hour still holds {_hour(world)} pg")
    wrapped = infusing(effort.seed)
    done(wrapped, bolus(1, 1))
    left = therapy(wrapped).lockout_remaining.value
    wrapped.bench.inject("clock", how="wraps")
    wrapped.bench.advance(MINUTE_MS)
    now = therapy(wrapped).lockout_remaining.value
    require(now <= left + NEXT, f"a clock that wraps makes a lockout of {left} ms one of {now}")
    counted = infusing(effort.seed)
    for _ in range(3):
        counted.bench.advance(2 * MINUTE_MS + 2 + NEXT)
        done(counted, PatientBolus(), Role.PATIENT)
    counted.bench.inject("clock")
    counted.bench.advance(20 * HOUR_MS)
    counted.bench.clear("clock")
    counted.bench.advance(6 * HOUR_MS)
    require(therapy(counted).boluses_left == 0, "while the clock stood a day of the patient's boluses has passed")


def _hour(world: World) -> int:
    report = done(world, Interrogate(Section.TOTALS))
    if not isinstance(report, TotalsReport):
        raise TypeError(report)
    return report.drugs[0].outlet_1h.value


def sounders(effort: Effort) -> None:
    """Let the sounder fall silent, and look that the pump says so within a day and infuses on."""
    effort.tried += 2
    world = alone(effort.seed)
    world.bench.advance(20 * HOUR_MS)
    require(done(world, SelfTest()) == SelfTestReport(0), "a healthy pump fails its self-test")
    done(world, Close(False))
    world.bench.inject("annunciator")
    world.bench.advance(4 * HOUR_MS + MINUTE_MS)
    only(world, AlarmCode.ANNUNCIATOR, "a day after the last test of a silent sounder")
    since = world.device.now_ms
    require(done(world, SelfTest()) == SelfTestReport(1 << 5), "the self-test does not know the sounder")
    world.bench.advance(2 * DAY_MS)
    require(therapy(world).rate.value == RATE, "a silent sounder stops the therapy")
    require(logged(world, LogKind.ALARM_RAISED) == 1, "a silence is raised again and again")
    world.bench.clear("annunciator")
    require(AlarmStatus.ACTIVE in alarms(world).values(), "a sounder is believed before it was tested")
    done(world, SelfTest())
    over(world, AlarmCode.ANNUNCIATOR, "after a test")
    heard = [event.data["heard"] for event in events(world, "alarm.sound")]
    require(heard and not any(heard), f"a silent sounder is heard after {since} ms")


def _more(ring: Ring) -> Ring:
    return ring._replace(total=ring.total + 1)


OVERFULL: tuple[Callable[[DrugLedgers], DrugLedgers], ...] = (
    lambda it: it._replace(outlet=it.outlet._replace(hour=_more(it.outlet.hour))),
    lambda it: it._replace(outlet=it.outlet._replace(day=_more(it.outlet.day))),
    lambda it: it._replace(tip=it.tip._replace(hour=_more(it.tip.hour))),
    lambda it: it._replace(tip=it.tip._replace(day=_more(it.tip.day))),
)
"""Each ring of a drug, with a sum that is not that of its buckets."""


def tests_of_memory(effort: Effort) -> None:
    """Break what the controller holds, piece by piece, and let it test itself."""

    def shortened(world: World) -> None:
        if world.device.pump:
            world.device.pump.line = filled(1, world.device.pump.fluid)

    def overfull(wrong: Callable[[DrugLedgers], DrugLedgers]) -> Callable[[World], None]:
        def broken(world: World) -> None:
            if world.device.pump:
                first, *rest = world.device.pump.ledgers
                world.device.pump.ledgers = (wrong(first), *rest)

        return broken

    def misled(world: World) -> None:
        if world.device.pump:
            world.device.pump.library = None

    rings = [(3, overfull(wrong)) for wrong in OVERFULL]
    for bit, broken in ((2, misled), *rings, (4, shortened)):
        effort.tried += 1
        world = alone(effort.seed)
        broken(world)
        report = done(world, SelfTest())
        require(report == SelfTestReport(1 << bit), f"with check {bit} broken a self-test says {report}")
        done(world, Close(False))
        only(world, AlarmCode.MEMORY, f"after check {bit} has failed")
        failed = [entry.value for entry in world.device.chip.log_entries() if entry.kind is LogKind.SELF_TEST][-1]
        require(failed == 1 << bit, f"the log says that the checks {failed:b} fail, not {bit}")
    world = alone(effort.seed)
    world.bench.advance(12 * HOUR_MS)
    done(world, SelfTest())
    done(world, Close(False))
    shortened(world)
    world.bench.advance(10 * HOUR_MS)
    require(AlarmCode.MEMORY in alarms(world), "what is broken is not found by the day's test")


def batteries(effort: Effort) -> None:
    """Wear the battery down to each of its levels, and look what the pump says and does."""
    effort.tried += 5
    world = alone(effort.seed)
    first = _battery(world)
    require(first.remaining_permille in (999, 1000) and not first.eri, f"of a new battery the pump says {first}")
    latest = _date(world)
    require(isinstance(world.program(world.prescription(700_000)), Accepted), "an ordinary update is refused")
    world.bench.advance(DAY_MS)
    nearer = _date(world)
    require(nearer < latest, f"at three times the flow the pump must be replaced at {nearer}, not before {latest}")
    world.program(world.prescription(48_000))
    world.bench.advance(DAY_MS)
    flicker(world)
    world.bench.advance(DAY_MS)
    later = _date(world)
    require(later <= nearer, f"the date that was said, {nearer}, is put off to {later}")
    for fault, left, code, stops in (
        ("battery_eri", 90, AlarmCode.ERI, False),
        ("battery_eos", 20, AlarmCode.EOS, True),
    ):
        worn = alone(effort.seed)
        worn.device.body.battery.wear(left + 1)
        worn.device.body.look_at_battery()
        worn.bench.advance(HOUR_MS)
        require(code not in alarms(worn), f"{code.name} with {left + 1} thousandths left")
        worn.bench.inject(fault, left=left)
        worn.bench.advance(2 * HOUR_MS)
        found = alarms(worn)
        require(code in found, f"two hours after {left} thousandths were left: {found}")
        report = _battery(worn)
        require(report.eri and report.replace_in.value == 0, f"at {code.name} the pump says {report}")
        require(report.remaining_permille <= left, f"with {left} thousandths the pump says {report}")
        flow = therapy(worn).rate.value
        require(flow == (0 if stops else RATE), f"at {code.name} the pump infuses at {flow}")
        refused(worn, AcknowledgeAlarm(code), Reason.CAUSE_PRESENT)


def _date(world: World) -> int:
    """Return when the pump must be replaced, in its own time: a power cut makes it forget some minutes."""
    left_ms = _battery(world).replace_in.value
    return therapy(world).pump_time.value + left_ms


def _battery(world: World) -> BatteryReport:
    report = ask(world, Interrogate(Section.BATTERY), Role.OBSERVER)
    if not isinstance(report, BatteryReport):
        raise TypeError(report)
    return report


def escapes(effort: Effort) -> None:
    """Let valves stand open and a drive run away, and look that what escaped is counted, alarmed and stopped."""
    effort.tried += 2
    world = World(effort.seed, profile="valve")
    world.program(world.prescription(RATE))
    world.bench.advance(HOUR_MS)
    done(world, Close(False))
    moved, held = _volume(world), _hour(world)
    done(world, Close(False))
    world.bench.inject("valve_open")
    world.bench.advance(MINUTE_MS)
    only(world, AlarmCode.FREE_FLOW, "with open valves")
    escaped = _volume(world) - moved
    require(10_000 <= escaped <= 10_000 + STROKE_NL, f"through the valves {escaped} nL are counted")
    require(_hour(world) >= held + 10_000 * world.concentration, "what escaped is not in the hour")
    done(world, Close(True))
    world.bench.advance(HOUR_MS)
    world.bench.clear("valve_open")
    world.bench.advance(MINUTE_MS)
    require(alarms(world) == {AlarmCode.FREE_FLOW: AlarmStatus.ACTIVE}, "a valve that has shut is forgotten")
    world.bench.reset_valve()
    over(world, AlarmCode.FREE_FLOW, "when the valve is open again")
    require(_volume(world) - moved == escaped, "one escape is counted twice")
    require(logged(world, LogKind.FREE_FLOW) == 1, "an escape is not in the log once")
    done(world, Start())
    done(world, Close(False))
    world.bench.inject("valve_open")
    world.bench.advance(MINUTE_MS)
    require(_volume(world) - moved >= 2 * escaped - STROKE_NL, "a second escape is not counted")
    runaway = alone(effort.seed)
    before = runaway.device.body.strokes
    while runaway.device.body.strokes < before + 3:
        runaway.bench.jump()  # one granted stroke after the other, and not all of them at once
    before, held = strokes_of(runaway), _hour(runaway)
    done(runaway, Close(False))
    runaway.bench.inject("drive_runaway", rate=24_000_000, lasts=2_000)
    runaway.bench.advance(3_000)
    only(runaway, AlarmCode.UNREQUESTED_DELIVERY, "after one stroke too many")
    require(strokes_of(runaway) == before + 1, f"of {before + 1} strokes {strokes_of(runaway)} are counted")
    require(_hour(runaway) >= held + STROKE_NL * runaway.concentration, "a stroke too many is not in the hour")
    at = next(event.at for event in events(runaway, "alarm.raised"))
    done(runaway, Close(True))
    runaway.bench.advance(at + 15 * MINUTE_MS - 1 - runaway.device.now_ms)
    require(AlarmStatus.ACTIVE in alarms(runaway).values(), "a drive is taken for quiet too soon")
    runaway.bench.advance(2)
    over(runaway, AlarmCode.UNREQUESTED_DELIVERY, "a quarter of an hour after the last stroke")
    require(runaway.device.body.tip_pg[MORPHINE] > 0, "nothing has ever moved")


def _volume(world: World) -> int:
    report = done(world, Interrogate(Section.TOTALS))
    if not isinstance(report, TotalsReport):
        raise TypeError(report)
    return report.volume.value


SUITE = Suite(
    "watching",
    "what the pump knows of its own parts",
    (
        Property(
            "watching.clock",
            "A clock that fails is found within a minute.",
            clocks,
            verifies=("ALM-02", "ALM-04", "FLT-04", "LOG-08"),
        ),
        Property(
            "watching.lesser time",
            "While two clocks differ, the lesser time counts.",
            lesser_time_counts,
            verifies=("BOL-01", "BOL-05", "DOSE-15"),
        ),
        Property(
            "watching.sounder",
            "A silent sounder is found within a day.",
            sounders,
            verifies=("ALM-02", "ALM-17", "ALM-18", "FLT-02"),
        ),
        Property(
            "watching.self-test",
            "What is broken in memory is found by the day's test.",
            tests_of_memory,
            verifies=("FLT-02",),
        ),
        Property(
            "watching.battery",
            "The battery's levels are alarmed, and its date only comes nearer.",
            batteries,
            verifies=("ALM-02", "PRG-21", "PWR-05", "PWR-06", "PWR-07"),
        ),
        Property(
            "watching.escapes",
            "What moves unasked is counted, alarmed and stopped.",
            escapes,
            verifies=("ALM-02", "ALM-03", "DOSE-10", "DOSE-14"),
        ),
    ),
)
