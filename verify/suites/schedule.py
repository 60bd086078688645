"""A schedule as arithmetic, against a table of the week: what flows in every half hour, and sums over it.

The table is read off the steps hour by hour, and whatever is asked of a schedule is looked up in it or added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from hypothesis import strategies as st

from emulator.firmware.basal import Basal
from emulator.programmer.flow import Flow, flow_of
from emulator.schedule import (
    credit_from,
    most_within,
    next_change_ms,
    problem_with,
    rate_at,
    steps_from,
)
from protocol.messages import Schedule, Step
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, NanolitresPerDay
from protocol.vocabulary import Mode
from verify.suites.fakes import FakePump, seen
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import LIBRARY, prescribe

SLOT_MS = 30 * MINUTE_MS
SLOTS_A_DAY = DAY_MS // SLOT_MS
WEEK_MS = 7 * DAY_MS
IDENTITY = seen(FakePump(LIBRARY)).identity


class Table(NamedTuple):
    """The flow of every half hour from Monday midnight on, and what has flowed by its beginning."""

    anchor: int
    rates: tuple[int, ...]
    flowed: tuple[int, ...]

    @classmethod
    def of(cls, schedule: Schedule) -> Table:
        """Read a schedule off, half hour by half hour."""
        rates = tuple(_flow_of(schedule, day, slot * SLOT_MS) for day in range(7) for slot in range(SLOTS_A_DAY))
        return cls(schedule.anchor.value, rates, (0, *accumulate(rate * SLOT_MS for rate in rates)))

    def rate(self, at_ms: int) -> int:
        """Return the flow at a pump time."""
        return self.rates[(at_ms - self.anchor) % WEEK_MS // SLOT_MS]

    def by(self, at_ms: int) -> int:
        """Return what has flowed by a pump time, from the Monday on from which the anchor counts."""
        weeks, rest = divmod(at_ms - self.anchor, WEEK_MS)
        slot, within = divmod(rest, SLOT_MS)
        return weeks * self.flowed[-1] + self.flowed[slot] + self.rates[slot] * within

    def between(self, at_ms: int, for_ms: int) -> int:
        """Return what flows in a span."""
        return self.by(at_ms + for_ms) - self.by(at_ms)

    def change_after(self, at_ms: int) -> int | None:
        """Return the first pump time after this one at which the flow is another."""
        begun = (at_ms - self.anchor) // SLOT_MS
        for slot in range(1, 7 * SLOTS_A_DAY + 1):
            edge = self.anchor + (begun + slot) * SLOT_MS
            if self.rate(edge) != self.rate(at_ms):
                return edge
        return None

    def most(self, window_ms: int) -> int:
        """Return the most volume in any window that begins or ends with a half hour, rounded up."""
        edges = [self.anchor + slot * SLOT_MS for slot in range(7 * SLOTS_A_DAY)]
        fullest = max(self.between(at, window_ms) for edge in edges for at in (edge, edge - window_ms))
        return -(-fullest // DAY_MS)

    def steps(self, at_ms: int, for_ms: int) -> Iterator[tuple[int, int]]:
        """Yield each step of a span: how long, and its flow."""
        end = at_ms + for_ms
        while at_ms < end:
            change = self.change_after(at_ms)
            until = end if change is None else min(end, change)
            yield until - at_ms, self.rate(at_ms)
            at_ms = until


def _flow_of(schedule: Schedule, day: int, time_ms: int) -> int:
    begun = [step for step in schedule.steps if step.pattern == schedule.days[day] and step.begins.value <= time_ms]
    return max(begun, key=lambda step: step.begins.value).rate.value


def made(anchor: int, days: list[int], patterns: list[dict[int, int]]) -> Schedule:
    """Return the schedule of some days, each of which has the flows of a pattern from a half hour on."""
    used = sorted(set(days))
    steps = tuple(
        Step(number, Milliseconds(slot * SLOT_MS), NanolitresPerDay(rate))
        for number, pattern in enumerate(used)
        for slot, rate in sorted(patterns[pattern].items())
    )
    return Schedule(Milliseconds(anchor), bytes(used.index(day) for day in days), steps)


RATES = st.sampled_from([48_000, 100_000, 100_000, 240_007, 24_000_000])
PATTERNS = st.builds(
    lambda first, later: {**later, 0: first},
    RATES,
    st.dictionaries(st.sampled_from([1, 12, 13, 24, 47]), RATES, max_size=3),
)
ANCHORS = st.sampled_from([0, 1, 12_345, WEEK_MS - 1]) | st.integers(0, WEEK_MS - 1)
SCHEDULES = st.builds(
    made,
    ANCHORS,
    st.lists(st.sampled_from([0, 0, 1, 2]), min_size=7, max_size=7),
    st.lists(PATTERNS, min_size=3, max_size=3),
)


def arithmetic(effort: Effort) -> None:
    """Ask for flows, changes, steps and sums anywhere, and look them up in the table of the week."""

    def check(schedule: Schedule, edge: int, off: int, for_ms: int) -> None:
        table = Table.of(schedule)
        at = schedule.anchor.value + edge * SLOT_MS + off
        require(problem_with(schedule) is None, f"nothing is wrong with {schedule}: {problem_with(schedule)}")
        require(rate_at(schedule, at) == table.rate(at), f"at {at} ms another rate flows than {schedule} says")
        change = table.change_after(at)
        found = next_change_ms(schedule, at)
        require(found == change, f"after {at} ms {schedule} changes at {change}, not {found}")
        flowed, told = table.between(at, for_ms), credit_from(schedule, at, for_ms)
        require(told == flowed, f"from {at} ms on {schedule} brings {flowed} in {for_ms} ms, not {told}")
        steps = list(steps_from(schedule, at, for_ms))
        require(steps == list(table.steps(at, for_ms)), f"{steps} are not the steps of {schedule} from {at} ms on")
        effort.reached["never changes"] += change is None
        if change is not None:
            effort.reached["over midnight"] += any(span > DAY_MS for span, _ in table.steps(at, 2 * WEEK_MS))
            effort.reached["over Sunday"] += table.rates[0] == table.rates[-1]

    effort.search(
        check,
        schedule=SCHEDULES,
        edge=st.integers(0, 14 * SLOTS_A_DAY),
        off=st.sampled_from([-1, 0, 1, 777_777]),
        for_ms=st.sampled_from([0, 1, SLOT_MS, HOUR_MS, DAY_MS, WEEK_MS]) | st.integers(0, 2 * WEEK_MS),
    )


def figures(effort: Effort) -> None:
    """Work out the least, the most, the mean and the fullest windows of schedules, for pump and programmer."""

    def check(schedule: Schedule, window: int) -> None:
        table = Table.of(schedule)
        require(most_within(schedule, window) == table.most(window), f"not the fullest {window} ms of {schedule}")
        basal = Basal(0, schedule)
        found = (basal.lowest, basal.peak, basal.fullest_day_nl)
        wanted = (min(table.rates), max(table.rates), table.most(DAY_MS))
        require(found == wanted, f"the pump takes {schedule} for {found}, not {wanted}")
        mean = table.flowed[-1] // WEEK_MS
        flow = flow_of(replace(prescribe(rate=0), mode=Mode.FLEX), IDENTITY, schedule)
        shown = Flow(wanted[0], wanted[1], mean, 24 * table.most(HOUR_MS), table.most(DAY_MS))
        require(flow == shown, f"the programmer takes {schedule} for {flow}, not {shown}")
        effort.reached["varies"] += flow.varies

    effort.search(check, schedule=SCHEDULES, window=st.sampled_from([1, HOUR_MS, DAY_MS, WEEK_MS]))
    constant = Basal(77_777)
    require((constant.lowest, constant.peak, constant.fullest_day_nl) == (77_777,) * 3, "a rate is not itself")
    require(list(constant.steps(5, 9)) == [(9, 77_777)], "a constant flow has steps")
    least = flow_of(prescribe(rate=0, mode=Mode.MINIMUM_RATE), IDENTITY)
    require(set(least) == {IDENTITY.rate_minimum_mode.value}, f"the minimum rate is taken for {least}")


def _wrong() -> Iterator[tuple[str, Schedule]]:
    good = made(0, [0, 0, 0, 0, 0, 1, 1], [{0: 48_000, 12: 100_000}, {0: 100_000}])
    first, second, weekend = good.steps

    def steps(*wanted: Step) -> Schedule:
        return replace(good, steps=wanted)

    def begins(step: Step, at_ms: int) -> Step:
        return replace(step, begins=Milliseconds(at_ms))

    many = tuple(begins(first, hour * HOUR_MS) for hour in range(14))
    yield "an anchor a week long", replace(good, anchor=Milliseconds(WEEK_MS))
    yield "patterns out of order", steps(weekend, first, second)
    yield "no step at midnight", steps(begins(first, MINUTE_MS), second, weekend)
    yield "two steps at once", steps(first, second, second, weekend)
    yield "steps out of order", steps(first, begins(second, 2 * HOUR_MS), begins(second, HOUR_MS), weekend)
    yield "a step after the day", steps(first, begins(second, DAY_MS), weekend)
    yield "half a minute", steps(first, begins(second, HOUR_MS + 30_000), weekend)
    yield "fourteen steps a day", steps(*many, weekend)
    yield "days without steps", steps(first, second)
    yield "steps without days", replace(good, days=bytes(7))
    yield "nothing at all", steps()


def malformed(effort: Effort) -> None:
    """Offer weeks that do not cover every day once, and the largest one that does."""
    for what, schedule in _wrong():
        effort.tried += 1
        require(problem_with(schedule) is not None, f"a schedule with {what} is nothing wrong")
    most = Schedule(
        Milliseconds(WEEK_MS - 1),
        bytes(7),
        tuple(
            Step(0, Milliseconds(at), NanolitresPerDay(48_000))
            for at in (*range(0, 12 * MINUTE_MS, MINUTE_MS), DAY_MS - MINUTE_MS)
        ),
    )
    require(problem_with(most) is None, f"thirteen steps, the last a minute before midnight: {problem_with(most)}")


SUITE = Suite(
    "schedule",
    "schedules as arithmetic",
    (
        Property(
            "schedule.malformed", "A schedule covers its week once, or is none.", malformed, verifies=("MODE-18",)
        ),
        Property(
            "schedule.arithmetic",
            "A schedule flows as its steps say.",
            arithmetic,
            120,
            ("never changes", "over midnight", "over Sunday"),
            verifies=("MODE-18",),
        ),
        Property(
            "schedule.figures",
            "Limits are held against the fullest windows of a week.",
            figures,
            40,
            ("varies",),
            verifies=("DOSE-02",),
        ),
    ),
)
