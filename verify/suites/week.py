"""A schedule in the clinician's words, and what is due when: read and reckoned a second time."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from emulator.programmer.dates import dates
from emulator.programmer.results import DraftError
from emulator.programmer.view import PumpView
from emulator.programmer.week import Week, anchored, days_text, local_time, step_at, step_label, steps_of
from protocol.messages import PatientBolusGrant, Schedule
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import Mode, TherapyState
from verify.suites.fakes import FakePump, seen
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


def refills(effort: Effort) -> None:
    """Reckon the day of the refill, with bridges, schedules, boluses under way and to come, minute by minute."""

    def check(
        schedule: Schedule | None, now: int, left: int, bridge: int, under_way: int, count: int, boluses_left: int
    ) -> None:
        view = _view(schedule, now, left, bridge, under_way, count, boluses_left)
        found = dates(view, LIBRARY, None)
        bridged = -(-bridge * DAY_MS // 200_000) if bridge else 0

        def used(for_ms: int) -> int:
            first = min(for_ms, bridged)
            rest = for_ms - first
            then = Table.of(schedule).between(now + first, rest) if schedule else 123_457 * rest
            presses = count * (for_ms // DAY_MS + 1) if for_ms else boluses_left
            return -(-(first * 200_000 + then) // DAY_MS) + presses * 1_000 + under_way

        at = found.volume.at.value - now if found.volume.at else -1
        if left <= 0:
            require(at == 0, f"at the threshold the refill is due in {at} ms")
            return
        require(used(at) >= left, f"the refill is due in {at} ms, when {used(at)} of {left} nL are used")
        require(at == 0 or used(at - 1) < left, f"the refill is due in {at} ms, and {left} nL are used before that")
        effort.reached["bridge"] += bool(bridge)
        effort.reached["boluses"] += bool(count)
        require(
            found.refill.at == found.volume.at and found.stability.at is None, f"a refill is due by {found.refill}"
        )

    effort.search(
        check,
        schedule=SCHEDULES | st.none(),
        now=st.integers(0, 2 * WEEK_MS),
        left=st.sampled_from([-1, 0, 1, 50_000, 1_000_000, 18_000_000]),
        bridge=st.sampled_from([0, 1, 327_000]),
        under_way=st.sampled_from([0, 20_000]),
        count=st.sampled_from([0, 1, 30]),
        boluses_left=st.sampled_from([0, 1]),
    )


def _view(
    schedule: Schedule | None, now: int, left: int, bridge: int, under_way: int, count: int, boluses_left: int
) -> PumpView:
    pump = FakePump(LIBRARY)
    plain = prescribe(rate=0 if schedule else 123_457, mode=Mode.FLEX if schedule else Mode.SIMPLE_CONTINUOUS)
    grant = PatientBolusGrant(Nanolitres(1_000), Milliseconds(HOUR_MS), Milliseconds(HOUR_MS), count)
    pump.prescription = replace(plain, patient_bolus=grant, bridge=NanolitresPerDay(200_000 if bridge else 0))
    if schedule:
        pump.prescription = replace(pump.prescription, schedule=schedule_digest(schedule))
    pump.state, pump.schedule, pump.pump_time = TherapyState.FLEX, schedule, Milliseconds(now)
    pump.bridge_remaining, pump.boluses_left = Nanolitres(bridge), boluses_left
    pump.computed = Nanolitres(2_000_000 + left)
    view = seen(pump)
    therapy = replace(
        view.therapy, bolus_remaining=Nanolitres(under_way // 2), suspended_remaining=Nanolitres(under_way // 2)
    )
    return replace(view, therapy=therapy)


def other_dates(effort: Effort) -> None:
    """Ask for what is due with and without a clock, a refill, a prescription, and at the battery's indicator."""
    effort.tried += 6
    stable = 90 * DAY_MS
    for refilled, clock in ((0, 0), (40 * DAY_MS, 1_900_000_000_000), (41 * DAY_MS, 951_782_400_000)):
        pump = FakePump(LIBRARY)
        pump.prescription, pump.state = prescribe(rate=48_000), TherapyState.SIMPLE_CONTINUOUS
        pump.pump_time, pump.wall_clock = Milliseconds(41 * DAY_MS), clock
        found = dates(seen(pump), LIBRARY, Milliseconds(refilled))
        require(found.stability.at == Milliseconds(refilled + stable), f"a fluid of {refilled} ms is due: {found}")
        require(
            found.refill.at == min(found.stability.at, found.volume.at or Milliseconds(0)), f"{found.refill} is due"
        )
        due = refilled + stable - 41 * DAY_MS
        day = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=clock + due)).date()
        require(found.stability.date == (day.isoformat() if clock else None), f"{found.stability} is not {day}")
        pump.replace_in, pump.eri = Milliseconds(5 * DAY_MS), True
        worn = dates(seen(pump), LIBRARY, None).replacement
        require(worn.at == Milliseconds(46 * DAY_MS) and "INDICATOR" in worn.words, f"at its indicator: {worn}")
    stopped = FakePump(LIBRARY)
    require(dates(seen(stopped), LIBRARY, None).volume.at is None, "a refill is due of a pump that holds nothing")
    stopped.prescription, stopped.computed = prescribe(rate=0, mode=Mode.STOPPED), Nanolitres(0)
    require(dates(seen(stopped), LIBRARY, None).volume.at is None, "a stopped pump runs empty")
    stranger = FakePump(LIBRARY)
    stranger.prescription = replace(prescribe(), drugs=(*prescribe().drugs, replace(prescribe().drugs[0], code=77)))
    require(dates(seen(stranger), LIBRARY, Milliseconds(0)).stability.at is None, "an unknown drug is stable")
    unknown = FakePump(LIBRARY)
    unknown.prescription = replace(prescribe(rate=0, mode=Mode.FLEX), schedule=bytes(range(16)))
    volume = dates(seen(unknown), LIBRARY, None).volume
    require(
        volume.at is None and "not known" in volume.words, f"of a schedule that nobody knows it is said: {volume}"
    )


SUITE = Suite(
    "week",
    "schedules and dates in the clinician's words",
    (
        Property("week.entered", "What is staged is what was entered.", entered, 150, ("doses", "flows")),
        Property("week.refusals", "A week that is not whole is none.", wrong_ones_are_refused),
        Property("week.clock", "Days and times are shown as they were said.", clocks, 120),
        Property("week.refill", "The refill is due when the worst use says so.", refills, 60, ("bridge", "boluses")),
        Property("week.dates", "What is due is the earliest that can be known.", other_dates),
    ),
)
