"""Flex on the whole pump: a schedule flows as it was staged, by pump time, and within every limit all week long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    Commit,
    Interrogate,
    Message,
    Prescription,
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
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms
from protocol.vocabulary import AlarmCode, LogKind, Mode, Reason, Section, TherapyState
from verify.starts import STROKE_NL, bolus, grant
from verify.suites.asking import ask, done, flicker, refused, strokes_of, therapy
from verify.suites.schedule import Table, made
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import World

WEEKDAYS, WEEKEND = {0: 96_000, 12: 480_000, 36: 192_000}, {0: 192_000, 20: 48_000}
DAYS = [0, 0, 0, 0, 0, 1, 1]
THURSDAY_EVENING = 3 * DAY_MS + 22 * HOUR_MS
"""How far the week is when the tests begin: Friday and the weekend lie ahead."""


def week(anchor: int = -THURSDAY_EVENING % (7 * DAY_MS)) -> Schedule:
    """Return a schedule of several steps a day and other ones at the weekend."""
    return made(anchor, DAYS, [WEEKDAYS, WEEKEND])


def by(world: World, schedule: Schedule) -> Prescription:
    """Return a prescription that names a schedule."""
    return replace(world.prescription(0, mode=Mode.FLEX), schedule=schedule_digest(schedule))


def program(world: World, schedule: Schedule, wanted: Prescription | None = None) -> Message | None:
    """Stage a schedule, stage and commit what names it; return the last reply."""
    done(world, StageSchedule(schedule))
    return world.program(wanted or by(world, schedule))


def flexing(seed: int) -> World:
    """Return a pump that infuses by the schedule from now on."""
    world = World(seed)
    reply = program(world, week())
    require(isinstance(reply, Accepted) and reply.state is TherapyState.FLEX, f"a schedule is answered by {reply}")
    return world


def flows_as_staged(effort: Effort) -> None:
    """Infuse through a night, a weekend and a Monday, step by step, and count every stroke."""
    world = flexing(effort.seed)
    table, begins = Table.of(week()), world.device.now_ms
    report = done(world, Interrogate(Section.SCHEDULE))
    require(report == ScheduleReport(schedule_digest(week()), week()), f"the pump shows another schedule: {report}")
    for at in (1, HOUR_MS, 2 * HOUR_MS - 1, 2 * HOUR_MS, 8 * HOUR_MS, 26 * HOUR_MS, 2 * DAY_MS, 4 * DAY_MS + 7):
        effort.tried += 1
        world.bench.advance(begins + at - world.device.now_ms)
        state = therapy(world)
        rate, exact = table.rate(at), table.between(0, at) // (STROKE_NL * DAY_MS)
        require(state.rate.value == rate, f"after {at} ms it infuses at {state.rate}, not {rate} nL/day")
        require(strokes_of(world) == exact, f"after {at} ms {strokes_of(world)} of {exact} strokes have moved")


def nothing_moves_the_week(effort: Effort) -> None:
    """Set the clock, stop and start, program it again, give a bolus, cut the power, and look what time it is."""
    tricks: tuple[Callable[[World], object], ...] = (
        lambda world: done(world, SetWallClock(1_900_000_000_000)),
        _stop_and_start,
        lambda world: program(world, week()),
        lambda world: world.program(by(world, week())),
        _give_a_bolus,
        _cut_and_confirm,
    )
    for trick in tricks:
        effort.tried += 1
        world = flexing(effort.seed)
        trick(world)
        for _ in range(5):
            world.bench.advance(5 * HOUR_MS + 1)
            state, rate = therapy(world), Table.of(week()).rate(world.device.now_ms)
            require(state.rate.value == rate, f"at {world.device.now_ms} it infuses at {state.rate}, not {rate}")
            require(state.state is TherapyState.FLEX, f"instead of the schedule the pump is {state.state.name}")


def _stop_and_start(world: World) -> None:
    done(world, Stop())
    world.bench.advance(3 * HOUR_MS)
    done(world, Start())


def _give_a_bolus(world: World) -> None:
    done(world, bolus(10, 150))
    world.bench.advance(150 * MINUTE_MS + 2)


def _cut_and_confirm(world: World) -> None:
    flicker(world)
    held = therapy(world)
    minimum = world.profile.minimum_rate.value
    require(held.rate.value == minimum, f"after a reset a schedule flows at {held.rate}, confirmed by nobody")
    require(isinstance(world.program(by(world, week())), Accepted), "what is in force cannot be confirmed")
    done(world, AcknowledgeAlarm(AlarmCode.RESET))
    done(world, Start())


def wrong_ones_are_refused(effort: Effort) -> None:
    """Stage schedules and prescriptions that do not fit each other, the hardware or the library."""
    world = flexing(effort.seed)
    good, other = by(world, week()), made(0, [0] * 7, [{0: 300_000}])
    cases: tuple[tuple[Reason, Schedule | None, Prescription], ...] = (
        (Reason.NO_SCHEDULE, None, by(world, other)),
        (Reason.NO_SCHEDULE, other, by(world, week(1))),
        (Reason.NO_SCHEDULE, None, replace(good, schedule=bytes(16))),
        (Reason.INCOMPLETE, None, replace(world.prescription(100_000), schedule=good.schedule)),
        (Reason.INCOMPLETE, None, replace(good, rate=NanolitresPerDay(48_000))),
        (Reason.RATE_RANGE, None, replace(good, patient_bolus=grant(strokes=33, minutes=1, lockout=60, count=1))),
        (Reason.DAY_LIMIT, None, replace(good, patient_bolus=grant(strokes=10, minutes=30, lockout=60, count=99))),
        (Reason.SOFT_LIMIT, None, replace(good, override_reason="")),
    )
    for reason, schedule, wanted in cases:
        effort.tried += 1
        done(world, StageSchedule(schedule or week()))
        refused(world, StagePrescription(wanted), reason)
        refused(world, Commit(bytes(16)), Reason.NOTHING_STAGED)
    for reason, wrong in (
        (Reason.SCHEDULE_INVALID, replace(week(), days=bytes(7))),
        (Reason.RATE_RANGE, made(0, [0] * 7, [{0: 100_000, 5: 47_999}])),
        (Reason.RATE_RANGE, made(0, [0] * 7, [{0: 100_000, 5: 24_000_001}])),
    ):
        refused(world, StageSchedule(wrong), reason)
    done(world, StageSchedule(other))
    staged = done(world, StagePrescription(by(world, other)))
    require(isinstance(staged, Staged), f"a staged prescription is answered by {staged}")
    done(world, StageSchedule(week(1)))
    refused(world, Commit(staged.digest if isinstance(staged, Staged) else b""), Reason.NOTHING_STAGED)
    done(world, StageSchedule(other))
    ask(world, Interrogate(Section.THERAPY))
    flicker(world)
    refused(world, StagePrescription(by(world, other)), Reason.NO_SCHEDULE)
    held = done(world, Interrogate(Section.SCHEDULE))
    require(held == ScheduleReport(schedule_digest(week()), week()), "a refused schedule has replaced the old one")


def limits_hold_all_week(effort: Effort) -> None:
    """Prescribe weeks whose one full day is far away, or lies over midnight, and boluses before a full step."""
    strong = 25_000
    busy = made(0, [0, 0, 0, 0, 0, 1, 0], [{0: 96_000}, {0: 96_000, 24: 960_000}])
    late = made(0, [0, 0, 0, 0, 0, 1, 2], [{0: 96_000}, {0: 96_000, 24: 480_000}, {0: 480_000, 24: 96_000}])
    for schedule, fullest in ((busy, 528_000), (late, 480_000)):
        effort.tried += 1
        for spare, fits in ((-2, False), (9, True)):
            world = World(effort.seed, concentration=strong)
            limit = (fullest + spare * STROKE_NL) * strong
            wanted = by(world, schedule)
            wanted = replace(wanted, drugs=(replace(wanted.drugs[0], limit_24h=Picograms(limit)),))
            reply = program(world, schedule, wanted)
            accepted = not isinstance(reply, Refused)
            require(
                accepted is fits, f"with {spare} strokes to spare in its fullest day a week is answered by {reply}"
            )
            if isinstance(reply, Refused):
                require(reply.reason is Reason.DAY_LIMIT, f"a full day is refused for {reply.reason.name}")
    rising = made(0, [0] * 7, [{0: 48_000, 1: 960_000, 9: 48_000}])
    world = World(effort.seed, concentration=strong)
    wanted = by(world, rising)
    wanted = replace(wanted, drugs=(replace(wanted.drugs[0], limit_1h=Picograms(100 * STROKE_NL * strong)),))
    require(isinstance(program(world, rising, wanted), Accepted), "80 strokes an hour do not fit 100")
    world.bench.advance(24 * MINUTE_MS)
    refused(world, bolus(40, 3), Reason.HOUR_LIMIT)
    done(world, bolus(10, 3))
    world.bench.advance(DAY_MS)
    log = [entry.kind for entry in world.device.chip.log_entries()]
    require(LogKind.ALARM_RAISED not in log, "what was accepted has run into the guard")
    most = World(effort.seed, concentration=strong)
    require(isinstance(program(most, made(0, [0] * 7, [{0: 48_000, 40: 960_000}])), Accepted), "a week is refused")
    at_the_peak = replace(bolus(1, 1), volume=Nanolitres(16_300), duration=Milliseconds(MINUTE_MS))
    refused(most, at_the_peak, Reason.RATE_RANGE)


SUITE = Suite(
    "flex",
    "schedules on the whole pump",
    (
        Property(
            "flex.flows", "A schedule flows as it was staged, to the stroke.", flows_as_staged, verifies=("MODE-18",)
        ),
        Property(
            "flex.time",
            "Nothing moves a schedule: it goes by pump time.",
            nothing_moves_the_week,
            verifies=("LOG-07",),
        ),
        Property(
            "flex.refusals",
            "A schedule that does not fit changes nothing.",
            wrong_ones_are_refused,
            verifies=("MODE-09", "MODE-10"),
        ),
        Property(
            "flex.limits",
            "The fullest day and hour of a week keep the limits.",
            limits_hold_all_week,
            verifies=("DOSE-02",),
        ),
    ),
)
