"""The whole pump, step by step through real frames: what each command must do, and each refusal must refuse.

The script at random (``wire``) is judged by what physically moved; it cannot see that a command was refused for
nothing, or answered wrongly. Here every step has the one answer that it must have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    AlarmsReport,
    CancelBolus,
    ClinicianBolus,
    Close,
    Closed,
    EnterRefill,
    Interrogate,
    PatientBolus,
    PatientBolusGrant,
    ReservoirReport,
    SelfTest,
    SelfTestReport,
    SetWallClock,
    SilenceAlarms,
    Start,
    Stop,
    TotalsReport,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, Reason, Role, Section, TherapyState
from verify.starts import STROKE_NL, bolus
from verify.suites.asking import NEXT, PATIENT, RATE, done, flicker, infusing, refused, strokes_of, therapy
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import NO_BOLUS, World

BUCKET_MS, BUCKETS = 61_000, 61
"""The hour of the dose guard, as documented."""


def basal_is_exact(effort: Effort) -> None:
    """Infuse at a slow and at the fastest rate, and count every stroke."""
    for concentration, rate, hours in ((25_000, 777_777, 24), (500, 23_333_333, 2)):
        effort.tried += 1
        world = World(effort.seed, concentration=concentration)
        reply = world.program(world.prescription(rate))
        require(isinstance(reply, Accepted), f"{rate} nL/day is refused: {reply}")
        end_ms = hours * HOUR_MS
        while (due_ms := world.device.next_event_ms) is not None and due_ms <= end_ms:
            world.bench.jump()  # one event after the other: a long way in one piece is reckoned, not walked
        world.bench.advance(end_ms - world.device.now_ms)
        exact = rate * hours * HOUR_MS // (DAY_MS * STROKE_NL)
        counted = strokes_of(world)
        require(counted == exact, f"of {exact} strokes of {rate} nL/day {counted} have moved")
        at_ms = [-(-number * STROKE_NL * DAY_MS // rate) for number in range(1, exact + 1)]
        oldest = world.device.now_ms // BUCKET_MS - BUCKETS + 1
        held = sum(at // BUCKET_MS >= oldest for at in at_ms) * STROKE_NL * concentration
        require(_hour(world) == held, f"the hour holds {_hour(world)} pg of {held}")


def boluses_arrive(effort: Effort) -> None:
    """Give boluses of both kinds, one on the other, cut them short, and count strokes."""
    for strokes, minutes in ((1, 1), (10, 1), (40, 30)):
        effort.tried += 1
        world = infusing(effort.seed)
        before = strokes_of(world)
        done(world, bolus(strokes, minutes))
        state = therapy(world)
        require(state.state is TherapyState.CLINICIAN_BOLUS, f"in a bolus the pump says {state.state.name}")
        require(state.bolus_remaining.value == strokes * STROKE_NL, f"at its begin {state.bolus_remaining} remain")
        world.bench.advance(minutes * MINUTE_MS + 2)
        after = therapy(world)
        require(after.state is TherapyState.SIMPLE_CONTINUOUS, f"after a bolus the pump says {after.state.name}")
        require(after.rate.value == RATE, f"after a bolus it infuses at {after.rate}")
        extra = strokes_of(world) - before - RATE * minutes * MINUTE_MS // (DAY_MS * STROKE_NL)
        require(strokes <= extra + 1 and extra <= strokes + 1, f"of a bolus of {strokes} strokes {extra} arrive")
    world = infusing(effort.seed)
    before = strokes_of(world)
    done(world, bolus(20, 20))
    world.bench.advance(10 * MINUTE_MS)
    done(world, PatientBolus(), Role.PATIENT)
    both = therapy(world)
    require(both.state is TherapyState.PATIENT_BOLUS, f"the patient's bolus does not pre-empt: {both.state.name}")
    require(
        both.suspended_remaining.value in range(4_990, 5_011), f"{both.suspended_remaining} are suspended, not 5 uL"
    )
    world.bench.advance(2 * MINUTE_MS + 2)
    again = therapy(world)
    require(again.state is TherapyState.CLINICIAN_BOLUS, "the clinician's bolus does not go on")
    world.bench.advance(10 * MINUTE_MS + 2)
    extra = strokes_of(world) - before - RATE * 22 * MINUTE_MS // (DAY_MS * STROKE_NL)
    require(24 - 1 <= extra <= 24 + 1, f"of two boluses of 24 strokes together {extra} arrive")


def boluses_are_refused(effort: Effort) -> None:
    """Ask for boluses at every wrong time and of every wrong size."""
    effort.tried += 14
    world = infusing(effort.seed)
    refused(world, bolus(0, 1), Reason.DURATION_RANGE)
    for wrong in (MINUTE_MS - 1, DAY_MS + 1):
        refused(world, ClinicianBolus(Nanolitres(500), Milliseconds(wrong), ""), Reason.DURATION_RANGE)
    refused(world, replace(bolus(41, 60), override_reason=" "), Reason.SOFT_LIMIT)
    refused(world, bolus(81, 60), Reason.BOLUS_LIMIT)
    refused(world, ClinicianBolus(Nanolitres(17_000), Milliseconds(MINUTE_MS), ""), Reason.RATE_RANGE)
    done(world, bolus(4, 5))
    refused(world, bolus(1, 1), Reason.BOLUS_RUNNING)
    done(world, CancelBolus())
    refused(world, CancelBolus(), Reason.NO_BOLUS)
    lockout = refused(world, PatientBolus(), Reason.LOCKOUT, Role.PATIENT)
    require(lockout.retry_after.value in range(NEXT - 1_000, NEXT + 1), f"after a cancel the lockout is {lockout}")
    world.bench.advance(lockout.retry_after.value - 1)
    refused(world, PatientBolus(), Reason.LOCKOUT, Role.PATIENT)
    world.bench.advance(1)
    first_ms = world.device.now_ms
    done(world, PatientBolus(), Role.PATIENT)
    refused(world, PatientBolus(), Reason.BOLUS_RUNNING, Role.PATIENT)
    for _ in range(2):
        world.bench.advance(2 * MINUTE_MS + 2 + NEXT)
        done(world, PatientBolus(), Role.PATIENT)
    world.bench.advance(2 * MINUTE_MS + 2 + NEXT)
    most = refused(world, PatientBolus(), Reason.COUNT_LIMIT, Role.PATIENT)
    day_ms = world.device.now_ms + most.retry_after.value - first_ms
    require(1_000 * day_ms >= 1_003 * DAY_MS, f"the day of the patient's boluses has {day_ms} ms")
    left = therapy(world)
    require((left.boluses_left, left.denied) == (0, 4), f"{left.boluses_left} boluses left and {left.denied} denied")
    began_ms = world.device.now_ms
    power_and_confirm(world, PATIENT)
    world.bench.advance(NEXT)
    refused(world, PatientBolus(), Reason.COUNT_LIMIT, Role.PATIENT)
    world.bench.advance(most.retry_after.value - 1 - (world.device.now_ms - began_ms) + HOUR_MS)
    refused(world, PatientBolus(), Reason.COUNT_LIMIT, Role.PATIENT)
    world.bench.advance(1)
    done(world, PatientBolus(), Role.PATIENT)
    refused(infusing(effort.seed, patient=None), PatientBolus(), Reason.PATIENT_BOLUS_OFF, Role.PATIENT)
    nearly_empty = infusing(effort.seed)
    done(nearly_empty, EnterRefill(Nanolitres(0), Nanolitres(5 * STROKE_NL - 1)))
    refused(nearly_empty, bolus(5, 1), Reason.RESERVOIR)
    stopped = infusing(effort.seed)
    done(stopped, Stop())
    refused(stopped, bolus(1, 1), Reason.WRONG_STATE)
    refused(stopped, PatientBolus(), Reason.WRONG_STATE, Role.PATIENT)


def budget_is_not_given_back(effort: Effort) -> None:
    """Fill the hour, then do everything that might empty the ledger, and ask again."""
    tricks: tuple[Callable[[World], object], ...] = (
        lambda world: done(world, SetWallClock(1 << 42)),
        lambda world: (done(world, Stop()), done(world, Start())),
        lambda world: done(world, EnterRefill(Nanolitres(0), Nanolitres(20_000_000))),
        lambda world: world.program(world.prescription(RATE)),
        lambda world: world.program(world.prescription(50_000)),
        lambda world: done(world, CancelBolus()),
        power_and_confirm,
        lambda world: done(world, SelfTest()),
    )
    for trick in tricks:
        effort.tried += 1
        world = infusing(effort.seed, patient=None)
        done(world, bolus(70, 3))
        world.bench.advance(3 * MINUTE_MS + 2)
        held = 70 * STROKE_NL * world.concentration
        done(world, bolus(1, 1))
        trick(world)
        world.bench.advance(MINUTE_MS)
        require(_hour(world) >= held, f"the hour held {held} pg and holds {_hour(world)}")
        refused(world, bolus(75, 5), Reason.HOUR_LIMIT)


def power_and_confirm(world: World, patient: PatientBolusGrant = NO_BOLUS) -> None:
    """Cut the power for an hour, and let a clinician put everything right."""
    world.bench.cut_power()
    world.bench.advance(HOUR_MS)
    world.bench.restore_power()
    reply = world.program(replace(world.prescription(RATE), patient_bolus=patient))
    require(isinstance(reply, Accepted), f"after a power cut the prescription cannot be confirmed: {reply}")
    done(world, AcknowledgeAlarm(AlarmCode.RESET))
    done(world, Start())


def _hour(world: World) -> int:
    report = done(world, Interrogate(Section.TOTALS))
    if not isinstance(report, TotalsReport):
        raise TypeError(report)
    return report.drugs[0].outlet_1h.value


def states_are_kept(effort: Effort) -> None:
    """Stop, start, refill, close and silence in every state in which it must not do, or must."""
    effort.tried += 12
    new = World(effort.seed)
    refused(new, Start(), Reason.UNCONFIRMED)
    done(new, Stop())
    world = infusing(effort.seed)
    refused(world, AcknowledgeAlarm(AlarmCode.RESET), Reason.NO_SUCH_ALARM)
    refused(world, SilenceAlarms(), Reason.NO_SUCH_ALARM)
    refused(world, EnterRefill(Nanolitres(0), Nanolitres(20_000_001)), Reason.CAPACITY)
    refused(world, EnterRefill(Nanolitres(20_000_001), Nanolitres(0)), Reason.CAPACITY)
    done(world, EnterRefill(Nanolitres(0), Nanolitres(19_000_000)))
    level = done(world, Interrogate(Section.RESERVOIR))
    require(isinstance(level, ReservoirReport) and level.computed.value == 19_000_000, f"after a refill: {level}")
    refused(world, PatientBolus(), Reason.LOCKOUT, Role.PATIENT)
    done(world, bolus(20, 20))
    done(world, Stop())
    before = strokes_of(world)
    world.bench.advance(DAY_MS)
    require((therapy(world).rate.value, strokes_of(world)) == (0, before), "a stopped pump infuses")
    require(therapy(world).stopped_for.value == DAY_MS, f"it was stopped for {therapy(world).stopped_for}")
    refused(world, Close(False), Reason.STOPPED)
    done(world, Start())
    require(therapy(world).rate.value == RATE, f"after a start it infuses at {therapy(world).rate}")
    require(isinstance(done(world, Close(False)), Closed), "a session on an infusing pump cannot be closed")
    report = done(world, SelfTest())
    require(report == SelfTestReport(0), f"a healthy pump's self-test says {report}")
    world.bench.cut_power()
    world.bench.restore_power()
    held = therapy(world)
    minimum = world.profile.minimum_rate.value
    require(
        (held.state, held.rate.value) == (TherapyState.MINIMUM_RATE, minimum), f"after a reset: {held.state.name}"
    )
    refused(world, Start(), Reason.UNCONFIRMED)
    refused(world, bolus(1, 1), Reason.UNCONFIRMED)
    refused(world, PatientBolus(), Reason.UNCONFIRMED, Role.PATIENT)
    refused(world, AcknowledgeAlarm(AlarmCode.RESET), Reason.CAUSE_PRESENT)
    done(world, SilenceAlarms())
    refused(world, SilenceAlarms(), Reason.SILENCE_SPENT)
    world.program(world.prescription(RATE))
    refused(world, Start(), Reason.ALARM_RESTRICTS)
    done(world, AcknowledgeAlarm(AlarmCode.RESET))
    require(therapy(world).rate.value == minimum, "an acknowledgement raises the flow")
    done(world, Start())


def alarms_come_in_time(effort: Effort) -> None:
    """Cause each alarm, look that it was not there before and is there in time, and take the cause away."""
    effort.tried += 4
    world = infusing(effort.seed)
    done(world, bolus(40, 60))
    world.bench.inject("motor_stall")
    world.bench.advance(20 * MINUTE_MS)
    in_alarm = therapy(world)
    require(in_alarm.bolus_remaining.value == 0, f"a bolus goes on through a critical alarm: {in_alarm}")
    require(
        in_alarm.state is TherapyState.SIMPLE_CONTINUOUS, f"with a stalled motor the pump is {in_alarm.state.name}"
    )
    require(_raised(world) == [AlarmCode.MOTOR_STALL], f"with a stalled motor these are raised: {_raised(world)}")
    refused(world, bolus(1, 1), Reason.ALARM_RESTRICTS)
    refused(world, AcknowledgeAlarm(AlarmCode.MOTOR_STALL), Reason.CAUSE_PRESENT)
    world.bench.clear("motor_stall")
    world.bench.advance(20 * MINUTE_MS)
    require(_raised(world) == [AlarmCode.MOTOR_STALL], "an alarm whose cause is gone is gone by itself")
    done(world, AcknowledgeAlarm(AlarmCode.MOTOR_STALL))
    require(not _raised(world), f"after the acknowledgement these are raised: {_raised(world)}")
    world.bench.inject("motor_stall")
    world.bench.advance(20 * MINUTE_MS)
    world.bench.clear("motor_stall")
    world.bench.inject("drive_runaway", rate=24_000_000, lasts=2_000)
    world.bench.advance(3_000)
    require(AlarmCode.UNREQUESTED_DELIVERY in _raised(world), f"one stroke too many, and only {_raised(world)}")
    world = infusing(effort.seed)
    done(world, Stop())
    done(world, Close(True))
    world.bench.advance(48 * HOUR_MS - MINUTE_MS)
    require(not _raised(world), f"before 48 hours these are raised: {_raised(world)}")
    world.bench.advance(2 * MINUTE_MS)
    require(_raised(world) == [AlarmCode.STOPPED_48H], f"after 48 hours these are raised: {_raised(world)}")
    empty = World(effort.seed, volume_nl=30 * STROKE_NL)
    empty.program(replace(empty.prescription(480_000), low_reservoir=Nanolitres(20 * STROKE_NL)))
    empty.bench.advance(14 * MINUTE_MS)
    require(not _raised(empty), f"above the threshold these are raised: {_raised(empty)}")
    empty.bench.advance(3 * MINUTE_MS)
    require(_raised(empty) == [AlarmCode.RESERVOIR_LOW], f"at the threshold these are raised: {_raised(empty)}")
    empty.bench.advance(30 * MINUTE_MS)
    both = [AlarmCode.RESERVOIR_EMPTY, AlarmCode.RESERVOIR_LOW]
    require(_raised(empty) == both, f"when it is empty these are raised: {_raised(empty)}")
    require(therapy(empty).state is TherapyState.STOPPED, "an empty pump goes on")


def the_guard_has_the_last_word(effort: Effort) -> None:
    """Lose the ledgers, which then count as full, and look that nothing moves for a day and that it is said."""
    effort.tried += 1
    world = infusing(effort.seed)
    world.bench.inject("memory", place="ledgers", bit=1)
    world.bench.advance(2 * MINUTE_MS)
    held = therapy(world)
    minimum = world.profile.minimum_rate.value
    require(held.rate.value == minimum, f"with its ledgers lost the pump infuses at {held.rate}")
    require(_raised(world) == [AlarmCode.MEMORY], f"with its ledgers lost these are raised: {_raised(world)}")
    before = strokes_of(world)
    done(world, Close(False))
    world.bench.advance(STROKE_NL * DAY_MS // minimum)
    both = [AlarmCode.MEMORY, AlarmCode.DOSE_LIMIT]
    require(_raised(world) == both, f"when the guard refuses a stroke these are raised: {_raised(world)}")
    refused(world, AcknowledgeAlarm(AlarmCode.DOSE_LIMIT), Reason.CAUSE_PRESENT)
    world.bench.advance(DAY_MS - 3 * HOUR_MS)
    require(strokes_of(world) == before, "strokes move that the guard refuses")
    world.bench.advance(2 * STROKE_NL * DAY_MS // minimum + HOUR_MS)
    require(strokes_of(world) > before, "when a day has passed the guard still refuses")
    done(world, AcknowledgeAlarm(AlarmCode.DOSE_LIMIT))


def what_moves_unasked_is_counted(effort: Effort) -> None:
    """Let the drive run away for a while, and look what the pump says has left its reservoir, and which drug."""
    effort.tried += 1
    world = infusing(effort.seed)
    level, strokes, hour = _computed(world), strokes_of(world), _hour(world)
    truth = world.bench.residual_nl()
    world.bench.inject("drive_runaway", rate=24_000_000, lasts=20_000)
    world.bench.advance(20_000)
    moved_nl = truth - world.bench.residual_nl()
    require(moved_nl >= 10 * STROKE_NL, f"a runaway moved only {moved_nl} nL")
    require(level - _computed(world) == moved_nl, f"of {moved_nl} nL that moved {level - _computed(world)} are gone")
    require((strokes_of(world) - strokes) * STROKE_NL == moved_nl, "not every stroke that moved is counted")
    mass = moved_nl * world.concentration
    require(_hour(world) - hour == mass, f"of {mass} pg that moved the hour holds {_hour(world) - hour}")


def _computed(world: World) -> int:
    report = done(world, Interrogate(Section.RESERVOIR))
    if not isinstance(report, ReservoirReport):
        raise TypeError(report)
    return report.computed.value


def a_clock_that_stands_is_not_well(effort: Effort) -> None:
    """Let power fail shortly before the two time bases are compared: a short agreement does not end the alarm."""
    effort.tried += 1
    world = infusing(effort.seed)
    world.bench.inject("clock", how="stands")
    world.bench.advance(2 * MINUTE_MS - world.device.now_ms % MINUTE_MS - 1)
    require(AlarmCode.CLOCK in _raised(world), f"with a clock that stands these are raised: {_raised(world)}")
    flicker(world)
    world.bench.advance(1_000)
    refused(world, AcknowledgeAlarm(AlarmCode.CLOCK), Reason.CAUSE_PRESENT)
    world.bench.clear("clock")
    world.bench.advance(2 * MINUTE_MS)
    done(world, AcknowledgeAlarm(AlarmCode.CLOCK))


def everything_is_kept(effort: Effort) -> None:
    """Let power fail at once after commands, and after an alarm was raised, and look what is still known."""
    effort.tried += 3
    world = infusing(effort.seed)
    done(world, EnterRefill(Nanolitres(0), Nanolitres(19_000_000)))
    flicker(world)
    level = done(world, Interrogate(Section.RESERVOIR))
    require(isinstance(level, ReservoirReport) and level.computed.value == 19_000_000, f"a refill is lost: {level}")
    world = infusing(effort.seed)
    done(world, Stop())
    flicker(world)
    require(therapy(world).state is TherapyState.STOPPED, "a stop is lost with the power")
    world = infusing(effort.seed)
    world.bench.inject("motor_stall")
    for _ in range(1_000):
        if _raised(world):
            break
        world.bench.jump()
    flicker(world)
    require(AlarmCode.MOTOR_STALL in _raised(world), "an alarm is lost with the power")
    world.program(world.prescription(RATE))
    done(world, Stop())
    done(world, Close(True))
    world.bench.advance(HOUR_MS)
    pump = world.device.pump
    if pump is None:
        raise TypeError("a pump without power")
    kept = world.device.chip.load()[0]["alarms"]
    require(kept == pump.panel, f"of the alarms {pump.panel} is so and {kept} is kept")


def _raised(world: World) -> list[AlarmCode]:
    report = done(world, Interrogate(Section.ALARMS))
    if not isinstance(report, AlarmsReport):
        raise TypeError(report)
    bits = sum(1 << alarm.code for alarm in report.alarms)
    require(report.word == bits, f"the alarm word is {report.word:b} for {report.alarms}")
    return [alarm.code for alarm in report.alarms]


SUITE = Suite(
    "pump",
    "the whole pump, step by step",
    (
        Property("pump.basal", "The basal flow arrives, to the stroke.", basal_is_exact, verifies=("MODE-04",)),
        Property(
            "pump.boluses",
            "A bolus arrives whole, and what it interrupts goes on.",
            boluses_arrive,
            verifies=("BOL-11", "DOSE-04", "MODE-05", "MODE-06", "MODE-12", "MODE-13", "MODE-17"),
        ),
        Property(
            "pump.refusals",
            "A bolus is refused at every wrong time and size.",
            boluses_are_refused,
            verifies=("BOL-01", "BOL-03", "BOL-04", "BOL-05", "BOL-07", "BOL-12", "DOSE-06", "MODE-05"),
        ),
        Property(
            "pump.budget", "Nothing gives budget back.", budget_is_not_given_back, verifies=("DOSE-01", "DOSE-15")
        ),
        Property(
            "pump.states",
            "Each state allows what it must, and no more.",
            states_are_kept,
            verifies=(
                "ALM-13",
                "ALM-16",
                "BOL-06",
                "BOL-11",
                "FLT-10",
                "MODE-03",
                "MODE-08",
                "MODE-15",
                "PRG-18",
                "RES-09",
            ),
        ),
        Property(
            "pump.guard",
            "What the guard refuses does not move, and is said.",
            the_guard_has_the_last_word,
            verifies=("DOSE-01", "DOSE-03", "FLT-04"),
        ),
        Property(
            "pump.unasked", "What moves unasked is counted.", what_moves_unasked_is_counted, verifies=("DOSE-14",)
        ),
        Property(
            "pump.clock",
            "A clock that stands is not well by a flicker.",
            a_clock_that_stands_is_not_well,
            verifies=("ALM-16",),
        ),
        Property(
            "pump.kept",
            "What was done and raised is kept when power fails.",
            everything_is_kept,
            verifies=("PWR-08",),
        ),
        Property(
            "pump.alarms",
            "Alarms come in time, and stay until they are acknowledged.",
            alarms_come_in_time,
            verifies=("ALM-16", "ALM-20", "BOL-08", "BOL-09", "DOSE-10", "DOSE-11", "RES-01"),
        ),
    ),
)
