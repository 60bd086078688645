"""A schedule in the clinician's words, read a second time."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from emulator.programmer.results import DraftError, NotDone
from emulator.programmer.week import Week, anchored, days_text, local_time, step_at, step_label, steps_of
from protocol.messages import Commit, Message, Refused, Schedule, ScheduleReport, StageSchedule
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, NanolitresPerDay, Picograms
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import Reason, TherapyState
from verify.suites.fakes import FakePump, Fault
from verify.suites.schedule import SCHEDULES, WEEK_MS, Table
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import LIBRARY, prescribe

NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPANS = ("mon", "sun", "mon-fri", "sat,sun", "mon,wed-thu", "all", "Tue-TUE")
DAYS_OF = {
    "mon": {0},
    "sun": {6},
    "mon-fri": {0, 1, 2, 3, 4},
    "sat,sun": {5, 6},
    "mon,wed-thu": {0, 2, 3},
    "all": set(range(7)),
    "Tue-TUE": {1},
}
STRENGTH = 4
"""In pg/nL."""


def entered(effort: Effort) -> None:
    """Write steps in any order, as flows or as doses, and hold what is staged against a list of them."""

    def check(extra: list[tuple[str, int, int]], dosed: bool, seed: int) -> None:
        steps = [("all", 0, 100), *extra]
        held: dict[tuple[int, int], int] = {}
        for span, minute, rate in steps:
            for day in DAYS_OF[span]:
                if (day, minute) in held:
                    return
                held[day, minute] = rate
        texts = [
            f"{span} {minute // 60:02}:{minute % 60:02} "
            + (f"{rate * STRENGTH} ng/day" if dosed else f"{rate} uL/day")
            for span, minute, rate in steps
        ]
        random.Random(seed).shuffle(texts)  # noqa: S311 - an experiment must be repeatable
        try:
            week = replace(Week.parse(tuple(texts)), anchor=Milliseconds(7))
            schedule = week.schedule(Concentration(STRENGTH))
        except DraftError as refusal:
            counts = [sum(day == each for day, _ in held) for each in range(7)]
            most = len(
                {tuple(sorted((at, rate) for (day, at), rate in held.items() if day == each)) for each in range(7)}
            )
            require(max(counts) > 13 or most * max(counts) > 20, f"{texts} are refused: {refusal}")
            return
        effort.reached["doses" if dosed else "flows"] += 1
        found = {(day, step.begins.value // MINUTE_MS): step.rate.value // 1_000 for day, step in steps_of(schedule)}
        require(found == held, f"{texts} are taken for {found}, not {held}")
        require(week.in_doses is dosed, "doses are taken for flows")
        twice = replace(Week.parse(tuple(texts)), anchor=Milliseconds(7)) if dosed else None
        if twice:
            rates = [step.rate.value for _, step in steps_of(twice.schedule(Concentration(2 * STRENGTH)))]
            require(rates == [step.rate.value // 2 for _, step in steps_of(schedule)], "a dose is another one")

    effort.search(
        check,
        extra=st.lists(
            st.tuples(st.sampled_from(SPANS), st.integers(1, 1_439), st.sampled_from([48, 100, 1_000])), max_size=4
        ),
        dosed=st.booleans(),
        seed=st.integers(0, 99),
    )


WRONG = (
    (),
    ("mon-sat 00:00 1 mL/day",),
    ("all 00:01 1 mL/day",),
    ("all 00:00 1 mL/day", "wed 00:00 2 mL/day"),
    ("all 00:00 1 mL/day", "wed 06:00 1 mL/day", "mon-fri 06:00 2 mL/day"),
    ("all 00:00",),
    ("all 00:00 1",),
    ("all 00:00 1 mL",),
    ("all 0:00 1 mL/day",),
    ("all 24:00 1 mL/day", "all 00:00 1 mL/day"),
    ("all 00:60 1 mL/day", "all 00:00 1 mL/day"),
    ("all 00:00:30 1 mL/day", "all 00:00 1 mL/day"),
    ("all 00:00 1 mL/day", "sat-mon 06:00 2 mL/day"),
    ("all 00:00 1 mL/day", "mon,mon 06:00 1 mL/day"),
    ("all 00:00 1 mL/day", "mon-wed,tue 06:00 1 mL/day"),
    ("all 00:00 1 mL/day", "mon- 06:00 1 mL/day", "someday 07:00 1 mL/day"),
    ("all 00:00 1 mL/day", *(f"mon {hour:02}:00 1 mL/day" for hour in range(1, 14))),
)


def wrong_ones_are_refused(effort: Effort) -> None:
    """Enter weeks that are not whole, say a thing twice, or cannot be read."""
    for texts in WRONG:
        effort.tried += 1
        try:
            week = Week.parse(texts)
        except DraftError:
            continue
        require(False, f"{texts} are a week: {week}")
    week = replace(Week.parse(("all 00:00 1.001 ng/day",)), anchor=Milliseconds(0))
    alone = Week.parse(("all 00:00 1 mL/day",))
    many = [f"{day} {hour:02}:00 {number + 1} mL/day" for number, day in enumerate(NAMES) for hour in (0, 8, 16)]
    for meant, refused in (
        (week, "a dose that does not divide"),
        (alone, "no anchor"),
        (_anchored(many), "21 steps"),
    ):
        effort.tried += 1
        try:
            meant.schedule(Concentration(STRENGTH))
        except DraftError:
            continue
        require(False, f"a schedule is made of {refused}")
    shared = _anchored([each for each in many if not each.startswith("sun 16")])
    require(len(shared.schedule(Concentration(STRENGTH)).steps) == 20, "twenty steps are too many")


def _anchored(texts: Iterable[str]) -> Week:
    return replace(Week.parse(tuple(texts)), anchor=Milliseconds(0))


def clocks(effort: Effort) -> None:
    """Say what day and time it is at any pump time, and ask what it is later; name days and steps."""

    def check(now: int, day: int, minute: int, later: int, days: set[int], schedule: Schedule) -> None:
        text = f"{NAMES[day]} {minute // 60:02}:{minute % 60:02}"
        anchor = anchored(f" {text} ", Milliseconds(now))
        require(anchor.value < WEEK_MS, f"an anchor of {anchor}")
        at = (day * DAY_MS + minute * MINUTE_MS + later) % WEEK_MS
        second = at // 1_000
        clock = f"{second // 3_600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
        shown = local_time(replace(schedule, anchor=anchor), Milliseconds(now + later))
        wanted = f"{NAMES[at // DAY_MS].title()} {clock}"
        require(shown == wanted, f"{later} ms after {text} it is {shown}, not {wanted}")
        parts = [part.split("-") for part in days_text(tuple(days)).split(", ")]
        named = [set(range(_number(part[0]), _number(part[-1]) + 1)) for part in parts]
        require(set().union(*named) == days, f"{days} are shown as {days_text(tuple(days))}")
        require(sum(map(len, named)) == len(days), f"{days} are shown as {days_text(tuple(days))}")
        label = step_at(step_label(day, Milliseconds(minute * MINUTE_MS)))
        require(label == (day, text[4:]), f"{text} is shown as {label}")
        again = Week.of(schedule, Concentration(STRENGTH))
        table = Table.of(again.schedule(Concentration(STRENGTH)))
        require(table == Table.of(schedule), f"{schedule} is another one when it is edited")

    effort.search(
        check,
        now=st.integers(0, 3 * WEEK_MS),
        day=st.integers(0, 6),
        minute=st.integers(0, 1_439),
        later=st.sampled_from([0, 999, 1_000, HOUR_MS, DAY_MS]) | st.integers(0, 2 * WEEK_MS),
        days=st.sets(st.integers(0, 6), min_size=1),
        schedule=SCHEDULES,
    )


def _number(name: str) -> int:
    return NAMES.index(name.lower())


def echoes(effort: Effort) -> None:
    """Let the pump echo a staged schedule as another, refuse it or not answer: nothing is committed."""
    plain = Week.parse(("all 00:00 0.1 mL/day", "sun 06:00 0.2 mL/day"))
    wanted = replace(plain, anchor=Milliseconds(7)).schedule(Concentration(1))
    first, *rest = wanted.steps
    others: tuple[Message, ...] = (
        ScheduleReport(bytes(16), wanted),
        *(
            ScheduleReport(schedule_digest(other), other)
            for other in (
                replace(wanted, anchor=Milliseconds(8)),
                replace(wanted, days=bytes(reversed(wanted.days))),
                replace(wanted, steps=(replace(first, rate=NanolitresPerDay(100_001)), *rest)),
                replace(wanted, steps=wanted.steps[:-1]),
            )
        ),
        Refused(Reason.SCHEDULE_INVALID, 255, Milliseconds(0), Picograms(0)),
    )
    for other in (*others, Fault.REPLY_LOST, Fault.REQUEST_LOST, None):
        effort.tried += 1
        pump = FakePump(LIBRARY)
        pump.prescription, pump.state = prescribe(), TherapyState.SIMPLE_CONTINUOUS
        programmer = pump.programmer(LIBRARY)
        programmer.connect()
        programmer.interrogate()
        programmer.edit(
            programmer.draft.flex("all 00:00 0.1 mL/day", "sun 06:00 0.2 mL/day").now("mon 00:00", Milliseconds(7))
        )
        shown = programmer.review()
        if isinstance(other, Fault):
            pump.faults = [(StageSchedule, other)]
        elif other is not None:
            pump.tamper = lambda said, other=other: other if isinstance(said, ScheduleReport) else said  # type: ignore[misc]
        result = programmer.update(shown)
        committed = any(isinstance(sent, Commit) for sent in pump.executed)
        require(committed is (other is None), f"a schedule is answered by {other}, and the update is {result}")
        require(isinstance(result, NotDone) is not committed, f"an update that is {committed} done is {result}")


SUITE = Suite(
    "week",
    "schedules in the clinician's words",
    (
        Property(
            "week.entered",
            "What is staged is what was entered.",
            entered,
            150,
            ("doses", "flows"),
            verifies=("MODE-18",),
        ),
        Property("week.refusals", "A week that is not whole is none.", wrong_ones_are_refused, verifies=("MODE-18",)),
        Property(
            "week.echo", "A schedule that comes back as another is not committed.", echoes, verifies=("PRG-11",)
        ),
        Property("week.clock", "Days and times are shown as they were said.", clocks, 120),
    ),
)
