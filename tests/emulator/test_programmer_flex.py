"""Flex schedules: what is typed is what is meant, judged by its fullest hour and day, shown and sent step by step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.drug import Verdict
from emulator.library import Library
from emulator.programmer.describe import describe
from emulator.programmer.dose_change import dose_change_findings
from emulator.programmer.draft import Draft, DraftError
from emulator.programmer.flow import flow_of
from emulator.programmer.limits import examine, examine_bolus
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NotDone
from emulator.programmer.review import changes, gathered
from emulator.programmer.week import FlexStep, Week, WeekError, anchored, days_text, local_time
from emulator.schedule import DAYS, WEEK_MS, problem_with, rate_at
from protocol.messages import (
    NO_DIGEST,
    Commit,
    IdentityReport,
    Interrogate,
    Message,
    Schedule,
    ScheduleReport,
    StagePrescription,
    StageSchedule,
    Step,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    PicogramsPerDay,
    PicogramsPerNanolitre,
    QuantityError,
)
from protocol.vocabulary import Mode, Reason, Section
from verify.suites import tiny
from verify.suites.fakes import FakePump, infusing_pump, morphine_prescription

LIBRARY = Library.shipped()
MORPHINE = PicogramsPerNanolitre(20_000)
NIGHT_AND_DAY = ("all 00:00 1 mg/day", "mon-fri 06:00 1.4 mg/day", "mon-fri 22:00 1 mg/day")
CAPACITY = Nanolitres(20_000_000)
MONDAY = Milliseconds(0)


def week(*steps: str) -> Week:
    """Return a week whose Monday begins with the pump's own time."""
    return replace(Week.parse(steps), anchor=MONDAY)


def schedule(*steps: str, strength: PicogramsPerNanolitre = MORPHINE) -> Schedule:
    """Return the schedule of some steps."""
    return week(*steps).schedule(strength)


def identity(library: Library = LIBRARY) -> IdentityReport:
    """Return who the fake pump is: 48 000 to 24 000 000 nL/day."""
    report = FakePump(library).answer(Interrogate(Section.IDENTITY), 1)
    assert isinstance(report, IdentityReport)
    return report


# --- steps in words ------------------------------------------------------------------------------------------


def test_a_week_of_two_patterns_is_what_the_words_say() -> None:
    """Days that are alike share a pattern; each day begins at midnight."""
    made = schedule(*NIGHT_AND_DAY)
    assert made.days == bytes((0, 0, 0, 0, 0, 1, 1))
    assert [(step.pattern, step.begins.value // HOUR_MS, step.rate.value) for step in made.steps] == [
        (0, 0, 50_000),
        (0, 6, 70_000),
        (0, 22, 50_000),
        (1, 0, 50_000),
    ]
    assert problem_with(made) is None


def test_doses_and_flows_may_stand_side_by_side() -> None:
    """The unit says which is meant."""
    made = schedule("all 00:00 2 mg/day", "sat,sun 08:00 0.2 mL/day", "sat,sun 20:00 5 uL/h")
    assert [step.rate.value for step in made.steps] == [100_000, 100_000, 200_000, 120_000]


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (("mon-fri 00:00 1 mg/day",), "no step begins at 00:00 on Sat, Sun"),
        (("all 06:00 1 mg/day",), "no step begins at 00:00 on Mon, Tue"),
        (("all 00:00 1 mg/day", "mon 00:00 2 mg/day"), "two steps begin on Mon 00:00"),
        (("all 00:00 1 mg",), "step “all 00:00 1 mg”: .*mg/day"),
        (("all 00:00 1",), "has no unit"),
        (("all 00:00 1,4 mg/day",), "plain decimal"),
        (("all 00:00 1 mL",), "mL/day"),
        (("all 00:00",), "is no step; write a step like"),
        (("all 24:00 1 mg/day",), "“24:00” is no time of day"),
        (("all 6:00 1 mg/day",), "“6:00” is no time of day"),
        (("all 06:60 1 mg/day",), "“06:60” is no time of day"),
        (("all 06:00:30 1 mg/day",), "whole minute"),
        (("everyday 00:00 1 mg/day",), "“everyday” is no day"),
        (("sat-mon 00:00 1 mg/day",), "runs backwards"),
        (("mon,mon 00:00 1 mg/day",), "names a day twice"),
        (("mon-wed,tue 00:00 1 mg/day",), "names a day twice"),
        (("mon- 00:00 1 mg/day",), "is no day"),
        ((), "no step begins"),
        (("all 00:00 1 mg/day", *(f"mon {hour:02}:30 1 mg/day" for hour in range(13))), "Mon has 14 steps"),
    ],
)
def test_steps_that_make_no_sense_say_what_and_where(steps: tuple[str, ...], says: str) -> None:
    """Gaps, overlaps, bare numbers, wrong units and unreadable days or times are refused in words."""
    with pytest.raises(WeekError, match=says):
        Week.parse(steps)


def test_a_dose_that_does_not_divide_names_its_step_and_the_nearest_below() -> None:
    """No step is rounded."""
    with pytest.raises(WeekError, match=r"step on Tue 06:00: .* nearest dose below is"):
        schedule("all 00:00 1 mg/day", "tue-wed 06:00 1.00001 mg/day")


def test_at_most_twenty_different_steps_fit_a_schedule() -> None:
    """Days that are all different do not fit, and that is said; twenty do."""
    hours = ("02:00", "04:00")
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    each = [
        f"{day} {hour} {number}.{day_number} mg/day"
        for day_number, day in enumerate(names)
        for number, hour in enumerate(hours, 1)
    ]
    with pytest.raises(WeekError, match="21 different steps; at most 20"):
        schedule("all 00:00 1 mg/day", *each)
    assert len(schedule("all 00:00 1 mg/day", *each[:-1]).steps) == 20


RATES = st.integers(1, 500).map(lambda thousands: thousands * 1_000)
DAY = st.dictionaries(st.integers(1, 1439), RATES, max_size=4)


@given(days=st.lists(st.tuples(RATES, DAY), min_size=7, max_size=7), anchor=st.integers(0, WEEK_MS - 1))
def test_every_minute_flows_as_it_was_typed(days: list[tuple[int, dict[int, int]]], anchor: int) -> None:
    """Whatever the steps, the schedule gives at each step's begin and a minute before it what the words say."""
    steps = [
        FlexStep(day, Milliseconds(minute * MINUTE_MS), NanolitresPerDay(rate))
        for day, (first, rest) in enumerate(days)
        for minute, rate in sorted({0: first, **rest}.items())
    ]
    try:
        made = Week(tuple(steps), Milliseconds(anchor)).schedule(MORPHINE)
    except WeekError:
        assert len({tuple(step[1:] for step in steps if step.day == day) for day in range(DAYS)}) > 1
        return
    assert problem_with(made) is None
    for before, step in zip([steps[-1], *steps], steps, strict=False):
        at = anchor + step.day * DAY_MS + step.begins.value
        assert rate_at(made, at) == step.amount.value
        assert rate_at(made, at - 1 + WEEK_MS) == before.amount.value
    again = Week.of(made, MORPHINE)
    assert again.schedule(MORPHINE) == made
    assert [step[:2] for step in again.steps] == [step[:2] for step in steps]


@pytest.mark.parametrize("local", ["", "mon", "14:30", "mon 14.30", "monday 14:30", "mon 24:00"])
def test_a_time_now_that_makes_no_sense_is_refused(local: str) -> None:
    """A day and a time of day are needed."""
    with pytest.raises(WeekError, match=r"mon 14:30|06:00"):
        anchored(local, Milliseconds(0))


@given(pump_time=st.integers(0, 2**40), day=st.integers(0, 6), minute=st.integers(0, 1439))
def test_the_schedules_clock_says_what_the_clinician_said(pump_time: int, day: int, minute: int) -> None:
    """At the pump time that was read it is the day and the time that were stated, and the anchor is within a week."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    local = f"{names[day]} {minute // 60:02}:{minute % 60:02}"
    anchor = anchored(local, Milliseconds(pump_time))
    assert anchor.value < WEEK_MS
    set_so = replace(schedule("all 00:00 1 mg/day"), anchor=anchor)
    assert local_time(set_so, Milliseconds(pump_time)) == f"{local.capitalize()}:00"


def test_days_are_read_easily() -> None:
    """Neighbours are joined."""
    assert days_text((0, 1, 2, 4, 6)) == "Mon-Wed, Fri, Sun"


# --- the draft -----------------------------------------------------------------------------------------------

DRAFT = Draft(LIBRARY).fluid(("morphine", "20 mg/mL"))


def test_a_flex_prescription_names_its_schedule_and_has_no_rate() -> None:
    """The schedule's digest stands in the prescription."""
    draft = DRAFT.flex(*NIGHT_AND_DAY).now("mon 00:00", Milliseconds(0))
    made, names = draft.prescription(), draft.schedule()
    assert names == schedule(*NIGHT_AND_DAY)
    assert (made.mode, made.rate, made.schedule) == (Mode.FLEX, NanolitresPerDay(0), schedule_digest(names))


def test_without_a_time_now_there_is_no_first_schedule() -> None:
    """A schedule never begins at a time that nobody stated."""
    with pytest.raises(DraftError, match="what day and time it is"):
        DRAFT.flex(*NIGHT_AND_DAY).prescription()
    with pytest.raises(DraftError, match="steps first"):
        DRAFT.now("mon 00:00", Milliseconds(0))


def test_new_steps_keep_the_clock_of_the_schedule_in_force() -> None:
    """Only a stated time moves it."""
    held = replace(schedule(*NIGHT_AND_DAY), anchor=Milliseconds(12_345))
    prescription = replace(
        morphine_prescription(LIBRARY), mode=Mode.FLEX, rate=NanolitresPerDay(0), schedule=schedule_digest(held)
    )
    draft = Draft.from_prescription(prescription, LIBRARY, held)
    assert draft.prescription() == prescription
    changed = draft.flex("all 00:00 1.2 mg/day").schedule()
    assert changed is not None
    assert changed.anchor == held.anchor


def test_a_flex_prescription_whose_schedule_is_not_known_must_be_entered_anew() -> None:
    """Nothing is made up for it."""
    held = replace(morphine_prescription(LIBRARY), mode=Mode.FLEX, rate=NanolitresPerDay(0))
    with pytest.raises(DraftError, match="the steps of the schedule"):
        Draft.from_prescription(held, LIBRARY).prescription()


def test_steps_in_doses_stay_the_doses_at_another_concentration_and_flows_are_dropped() -> None:
    """The same milligrams at half the strength are twice the flow; the same flow would be another dose."""
    doses = DRAFT.flex(*NIGHT_AND_DAY).now("mon 00:00", Milliseconds(0)).fluid(("morphine", "10 mg/mL"))
    weaker = doses.schedule()
    assert weaker is not None
    assert [step.rate.value for step in weaker.steps] == [100_000, 140_000, 100_000, 100_000]
    mixed = DRAFT.flex(*NIGHT_AND_DAY, "sun 12:00 0.1 mL/day").now("mon 00:00", Milliseconds(0))
    assert mixed.fluid(("morphine", "10 mg/mL")).week is None
    assert mixed.fluid(("hydromorphone", "10 mg/mL")).week is None


@pytest.mark.parametrize(
    "leave",
    [
        lambda draft: draft.daily_dose("1 mg/day"),
        lambda draft: draft.rate("0.1 mL/day"),
        Draft.minimum_rate,
        Draft.stopped,
    ],
)
def test_another_mode_names_no_schedule(leave: Callable[[Draft], Draft]) -> None:
    """Leaving flex leaves nothing of it behind."""
    left = leave(DRAFT.flex(*NIGHT_AND_DAY).now("mon 00:00", Milliseconds(0)))
    assert left.schedule() is None
    assert left.prescription().schedule == NO_DIGEST


# --- limits --------------------------------------------------------------------------------------------------


def found(*steps: str, verdict: Verdict, **entries: int) -> list[str]:
    """Return the objections of one verdict to steps of the tiny drug, at 1 ug/mL: a nanolitre is a picogram."""
    by = schedule(*steps, strength=PicogramsPerNanolitre(1))
    prescribed = replace(tiny.prescribe(rate=0, mode=Mode.FLEX, **entries), schedule=schedule_digest(by))
    findings = examine(prescribed, tiny.LIBRARY, identity(tiny.LIBRARY), CAPACITY, by)
    return [finding.words for finding in findings if finding.verdict is verdict]


OVER_MIDNIGHT = (
    "mon,wed-sun 00:00 0.1 mL/day",
    "mon 18:00 0.7 mL/day",
    "tue 00:00 0.7 mL/day",
    "tue 06:00 0.1 mL/day",
)
"""Twelve hours at 0.7 and twelve at 0.1 mL/day are 400 uL, half of them late on Monday and half early on Tuesday."""


@pytest.mark.verifies("MODE-18")
def test_a_step_over_midnight_is_a_whole_one() -> None:
    """A day and a night of 0.7 mL/day are too much, though neither calendar day is."""
    longer = (OVER_MIDNIGHT[0], "mon 10:00 0.7 mL/day", OVER_MIDNIGHT[2], "tue 14:00 0.1 mL/day")
    assert "drug daily dose is 700 ng/day; the hard limit is 480 ng/day" in found(*longer, verdict=Verdict.HARD)


@pytest.mark.verifies("DOSE-02", "DOSE-08")
@pytest.mark.parametrize(("limit", "refused"), [(400_000, False), (399_999, True)])
def test_the_fullest_24_hours_meet_the_limit_to_the_picogram(limit: int, refused: bool) -> None:
    """It is the sliding day that counts."""
    words = found(*OVER_MIDNIGHT, verdict=Verdict.HARD, limit_24h=limit)
    assert any("in 24 h" in line for line in words) is refused


@pytest.mark.parametrize(("count", "refused"), [(80, False), (81, True)])
def test_every_patient_bolus_comes_on_top_of_the_fullest_day(count: int, refused: bool) -> None:
    """400 uL by the schedule leave room for eighty boluses of a microlitre within 480."""
    words = found(*OVER_MIDNIGHT, verdict=Verdict.HARD, bolus=1_000, count=count, limit_1h=30_167)
    assert any("in 24 h" in line for line in words) is refused


def test_one_slip_in_a_short_step_is_caught_by_the_hour() -> None:
    """Ten times the dose for one hour moves the day little and passes the limit of the hour."""
    slip = ("all 00:00 0.1 mL/day", "wed 06:00 1 mL/day", "wed 07:00 0.1 mL/day")
    assert "drug would reach 41.667 ng in one hour; its limit is 30 ng" in found(*slip, verdict=Verdict.HARD)


def test_each_step_must_be_a_flow_of_this_pump_and_is_named() -> None:
    """The lowest step is no less than the pump's lowest rate; the message says which step."""
    words = found("all 00:00 0.1 mL/day", "sun 03:00 47.999 uL/day", "sun 05:00 0.1 mL/day", verdict=Verdict.HARD)
    assert words == ["step Sun 03:00 47.999 uL/day; this pump delivers 48 uL/day to 24 mL/day"]


def test_a_bolus_is_judged_on_top_of_the_highest_step_and_beside_the_fullest_hour() -> None:
    """A bolus that fits the night may not fit the day, and it may be given at any time."""
    by = schedule("all 00:00 0.1 mL/day", "all 12:00 0.6 mL/day", strength=PicogramsPerNanolitre(1))
    prescribed = replace(tiny.prescribe(rate=0, mode=Mode.FLEX), schedule=schedule_digest(by))
    who = identity(tiny.LIBRARY)
    for volume, refused in ((5_000, False), (5_001, True)):
        findings = examine_bolus(Nanolitres(volume), tiny.LONG, prescribed, tiny.LIBRARY, who, by)
        assert any("in one hour" in finding.words for finding in findings) is refused
    slow = replace(who, rate_max=NanolitresPerDay(720_000))
    for volume, refused in ((5_000, False), (5_042, True)):
        findings = examine_bolus(Nanolitres(volume), tiny.LONG, prescribed, tiny.LIBRARY, slow, by)
        assert any("would need" in finding.words for finding in findings) is refused


def test_without_its_schedule_a_flex_prescription_is_refused() -> None:
    """Nothing is judged by a flow that nobody knows."""
    unknown = tiny.prescribe(rate=0, mode=Mode.FLEX)
    who = identity(tiny.LIBRARY)
    for findings in (
        examine(unknown, tiny.LIBRARY, who, CAPACITY),
        examine_bolus(Nanolitres(1_000), tiny.LONG, unknown, tiny.LIBRARY, who),
    ):
        assert Verdict.HARD in {finding.verdict for finding in findings}


@given(days=st.lists(st.tuples(RATES, DAY), min_size=1, max_size=2))
@settings(max_examples=20)
def test_the_figures_of_a_schedule_hold_for_every_window(days: list[tuple[int, dict[int, int]]]) -> None:
    """No hour and no day that begins at any half hour brings more than the fullest; the average is the week's."""
    steps = tuple(
        FlexStep(day, Milliseconds(minute * MINUTE_MS), NanolitresPerDay(rate))
        for day in range(DAYS)
        for minute, rate in sorted({0: days[day % len(days)][0], **days[day % len(days)][1]}.items())
    )
    by = Week(steps, MONDAY).schedule(MORPHINE)
    flow = flow_of(replace(morphine_prescription(LIBRARY), mode=Mode.FLEX), identity(), by)
    minutes = [rate_at(by, minute * MINUTE_MS) for minute in range(0, WEEK_MS // MINUTE_MS)]
    by_then = [0, *accumulate(minutes + minutes)]
    for width, fullest in ((60, flow.fullest_hour), (1440, flow.fullest_day)):
        most = max(by_then[start + width] - by_then[start] for start in range(0, len(minutes), 30))
        assert most <= fullest * width
    assert flow.average == sum(minutes) // len(minutes)
    assert (flow.lowest, flow.highest) == (min(minutes), max(minutes))


# --- how far a dose moves ------------------------------------------------------------------------------------


def moved(old: tuple[str, ...], new: tuple[str, ...]) -> list[str]:
    """Return the objections to going from one schedule of morphine to another."""
    schedules = schedule(*old), schedule(*new)
    held = replace(morphine_prescription(LIBRARY), mode=Mode.FLEX, rate=NanolitresPerDay(0))
    return [finding.words for finding in dose_change_findings(held, held, identity(), LIBRARY, schedules)]


def test_a_decimal_point_in_one_step_needs_a_reason_though_the_day_hardly_moves() -> None:
    """14 mg/day for an hour instead of 1.4 are within every limit; the step says it."""
    slip = ("all 00:00 1 mg/day", "mon 06:00 14 mg/day", "mon 07:00 1 mg/day")
    assert moved(NIGHT_AND_DAY, slip) == [
        "morphine highest step goes from 1.4 mg/day to 14 mg/day, more than 2 times as much"
    ]
    down = ("all 00:00 1 mg/day", "mon 06:00 0.48 mg/day", "mon 07:00 1 mg/day")
    assert ["less than half" in words for words in moved(NIGHT_AND_DAY, down)] == [True]
    assert moved(NIGHT_AND_DAY, ("all 00:00 1 mg/day", "all 12:00 2 mg/day")) == []


def test_a_simple_dose_and_a_schedule_are_compared() -> None:
    """From a constant dose, a step of more than twice as much needs a reason."""
    old = morphine_prescription(LIBRARY)
    new = replace(old, mode=Mode.FLEX, rate=NanolitresPerDay(0))
    by = schedule("all 00:00 1 mg/day", "all 12:00 2.2 mg/day")
    words = [finding.words for finding in dose_change_findings(old, new, identity(), LIBRARY, (None, by))]
    assert words == ["morphine highest step goes from 1 mg/day to 2.2 mg/day, more than 2 times as much"]


# --- review and update ---------------------------------------------------------------------------------------


def ready(pump: FakePump) -> Programmer:
    """Return a programmer that has interrogated the pump."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


def flexing(pump: FakePump) -> Programmer:
    """Return a programmer whose pump infuses by night and day."""
    programmer = ready(pump)
    programmer.edit(programmer.draft.flex(*NIGHT_AND_DAY).now("mon 14:30", Milliseconds(0)))
    assert isinstance(programmer.update(programmer.review()), Done)
    assert programmer.verify().agrees
    return programmer


@pytest.mark.verifies("PRG-12")
def test_every_step_that_changes_is_shown_and_days_that_change_alike_share_a_line() -> None:
    """Old and new of each step with every dose, what is new, what goes, and nothing else."""
    programmer = flexing(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft.flex("all 00:00 1 mg/day", "mon-thu 06:00 1.5 mg/day", "mon-fri 22:00 1 mg/day"))
    shown = [tuple(change) for change in programmer.review().changes if change.field.startswith("step")]
    assert shown == [
        ("step Mon-Thu 06:00", "70 uL/day, 1.4 mg/day of morphine", "75 uL/day, 1.5 mg/day of morphine"),
        ("step Fri 06:00", "70 uL/day, 1.4 mg/day of morphine", "-"),
    ]


def test_the_review_says_what_a_schedule_comes_to() -> None:
    """Lowest, highest and average dose, the fullest day, and which day and time it is for the schedule."""
    programmer = ready(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft.flex(*NIGHT_AND_DAY).now("mon 14:30", Milliseconds(0)))
    derived = {change.field: change.new for change in programmer.review().derived}
    assert derived["the schedule's clock at the interrogation"] == "Mon 14:30:00"
    assert derived["morphine lowest step"] == "1 mg/day"
    assert derived["morphine highest step"] == "1.4 mg/day"
    assert derived["morphine in the fullest 24 h"] == "1.26668 mg"
    assert derived["morphine basal dose"].endswith("on average")


def test_each_drug_of_a_mixture_has_its_doses_in_every_step() -> None:
    """The second drug scales with the first and is shown, judged by its own limits."""
    programmer = ready(infusing_pump(LIBRARY))
    draft = programmer.draft.fluid(("morphine", "20 mg/mL"), ("bupivacaine", "20 mg/mL"))
    programmer.edit(draft.flex("all 00:00 1 mg/day", "all 12:00 16 mg/day").now("mon 00:00", Milliseconds(0)))
    review = programmer.review()
    steps = {change.field: change.new for change in review.changes if change.field.startswith("step")}
    assert steps["step Mon-Sun 12:00"] == "800 uL/day, 16 mg/day of morphine, 16 mg/day of bupivacaine"
    derived = {change.field: change.new for change in review.derived}
    for name in ("morphine", "bupivacaine"):
        assert (derived[f"{name} lowest step"], derived[f"{name} highest step"]) == ("1 mg/day", "16 mg/day")
        assert derived[f"{name} in the fullest 24 h"] == "8.5 mg"


@pytest.mark.verifies("PRG-12")
@given(number=st.integers(0, 10))
def test_a_schedule_that_differs_in_anything_differs_in_a_line(number: int) -> None:
    """Each step's rate or time, the days and the clock: whatever changes is shown."""
    base = schedule(*NIGHT_AND_DAY)
    steps = list(base.steps)
    index = number % len(steps)
    others = [
        replace(base, anchor=Milliseconds(1 + number)),
        replace(base, days=bytes((1, 0, 0, 0, 0, 1, 1))),
        replace(
            base,
            steps=tuple(
                replace(step, rate=NanolitresPerDay(step.rate.value + 1)) if at == index else step
                for at, step in enumerate(steps)
            ),
        ),
    ]
    held = replace(morphine_prescription(LIBRARY), mode=Mode.FLEX)
    for other in others:
        named = [replace(held, schedule=schedule_digest(each)) for each in (base, other)]
        shown = gathered(changes(describe(named[0], LIBRARY, base), describe(named[1], LIBRARY, other)))
        assert any("digest" not in change.field for change in shown)


def test_the_schedule_is_staged_before_the_prescription_that_names_it() -> None:
    """First the schedule, then the prescription, then one commit; the pump then holds both."""
    pump = infusing_pump(LIBRARY)
    programmer = ready(pump)
    programmer.edit(programmer.draft.flex(*NIGHT_AND_DAY).now("mon 00:00", Milliseconds(0)))
    review = programmer.review()
    assert isinstance(programmer.update(review), Done)
    sent = [type(message) for message in pump.requests if not isinstance(message, Interrogate)]
    assert sent == [StageSchedule, StagePrescription, Commit]
    assert (pump.schedule, pump.prescription) == (review.schedule, review.prescription)


Tampering = Callable[[ScheduleReport], ScheduleReport]
TAMPERED: dict[str, Tampering] = {
    "step Mon-Fri 06:00": lambda report: replace(
        report,
        schedule=replace(
            report.schedule,
            steps=tuple(
                replace(step, rate=NanolitresPerDay(700_000)) if step.begins.value == 6 * HOUR_MS else step
                for step in report.schedule.steps
            ),
        ),
    ),
    "step Sat 06:00": lambda report: replace(
        report, schedule=replace(report.schedule, days=bytes((0, 0, 0, 0, 0, 0, 1)))
    ),
    "the schedule's Monday": lambda report: replace(
        report, schedule=replace(report.schedule, anchor=Milliseconds(HOUR_MS))
    ),
    "schedule": lambda report: replace(
        report,
        schedule=replace(report.schedule, steps=(*report.schedule.steps, Step(9, MONDAY, NanolitresPerDay(1)))),
    ),
    "digest of the schedule": lambda report: replace(report, digest=bytes(16)),
}


@pytest.mark.verifies("PRG-11")
@pytest.mark.parametrize("field", TAMPERED)
def test_a_schedule_that_is_understood_differently_is_not_committed(field: str) -> None:
    """Whatever the pump echoes otherwise, digest included, is named, and the old prescription stays."""
    pump = infusing_pump(LIBRARY)
    programmer = ready(pump)
    programmer.edit(programmer.draft.flex(*NIGHT_AND_DAY).now("mon 00:00", Milliseconds(0)))
    review = programmer.review()
    pump.tamper = lambda reply: TAMPERED[field](reply) if isinstance(reply, ScheduleReport) else reply
    result = programmer.update(review)
    assert isinstance(result, NotDone)
    assert field in result.words
    assert not any(isinstance(message, StagePrescription | Commit) for message in pump.requests)


def test_a_schedule_that_the_pump_refuses_comes_back_in_words() -> None:
    """The pump's refusal of the schedule ends the update, and the draft can be changed."""
    pump = infusing_pump(LIBRARY)
    pump.refusals[StageSchedule] = Reason.SCHEDULE_INVALID
    programmer = ready(pump)
    programmer.edit(programmer.draft.flex(*NIGHT_AND_DAY).now("mon 00:00", Milliseconds(0)))
    result = programmer.update(programmer.review())
    assert isinstance(result, NotDone)
    assert result.refusal is not None
    assert pump.executed == []


def test_verification_looks_at_the_schedule_too() -> None:
    """A pump that holds another schedule afterwards does not agree, and the step is named."""
    pump = infusing_pump(LIBRARY)
    programmer = ready(pump)
    programmer.edit(programmer.draft.flex(*NIGHT_AND_DAY).now("mon 00:00", Milliseconds(0)))
    programmer.update(programmer.review())
    pump.schedule = schedule("all 00:00 1 mg/day", "mon-fri 06:00 14 mg/day", "mon-fri 22:00 1 mg/day")
    verification = programmer.verify()
    assert "step Mon-Fri 06:00" in [change.field for change in verification.differences]


def test_a_schedule_under_another_name_is_not_taken_for_the_one_in_force() -> None:
    """If the pump shows a schedule that is not the one its prescription names, nothing is known of it."""
    pump = infusing_pump(LIBRARY)
    programmer = flexing(pump)

    def shown_wrongly(reply: Message) -> Message:
        return replace(reply, schedule=schedule("all 00:00 2 mg/day")) if isinstance(reply, ScheduleReport) else reply

    pump.tamper = shown_wrongly
    assert programmer.interrogate().in_force is None
    with pytest.raises(DraftError):
        programmer.draft.prescription()


def test_a_step_that_cannot_be_read_leaves_the_draft_as_it_was() -> None:
    """A failed entry changes nothing and arms nothing."""
    programmer = flexing(infusing_pump(LIBRARY))
    before = programmer.draft
    with pytest.raises((DraftError, QuantityError)):
        programmer.edit(programmer.draft.flex("all 00:00 1 mg/day", "mon 06:00 14"))
    assert programmer.draft == before
    assert PicogramsPerDay(10**9) in {step.amount for step in before.week.steps} if before.week else False
