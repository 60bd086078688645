"""Flex schedules as arithmetic: compared minute by minute with a plain table of the week."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.schedule import (
    WEEK_MS,
    average_rate,
    credit_from,
    lowest_rate,
    most_within,
    next_change_ms,
    peak_rate,
    problem_with,
    rate_at,
    steps_from,
)
from protocol.messages import Schedule, Step
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, NanolitresPerDay
from tests.emulator.worlds import schedule

MINUTES_A_WEEK = WEEK_MS // MINUTE_MS


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Draw a good schedule: any patterns, any days, any anchor."""
    patterns = draw(st.integers(1, 3))
    steps = []
    for pattern in range(patterns):
        begins = sorted({0, *draw(st.lists(st.integers(0, 24 * 60 - 1), max_size=4))})
        rates = draw(st.lists(st.sampled_from([48_000, 60_000, 100_000]), min_size=5, max_size=5))
        steps += [
            Step(pattern, Milliseconds(begin * MINUTE_MS), NanolitresPerDay(rate))
            for begin, rate in zip(begins, rates, strict=False)
        ]
    free = draw(st.lists(st.integers(0, patterns - 1), min_size=7 - patterns, max_size=7 - patterns))
    days = draw(st.permutations([*range(patterns), *free]))
    return Schedule(Milliseconds(draw(st.integers(0, WEEK_MS - 1))), bytes(days), tuple(steps))


def minute_by_minute(week: Schedule) -> list[int]:
    """Return the flow of every minute from Monday on, worked out the slow way."""
    flows = []
    for day in week.days:
        for minute in range(24 * 60):
            running = [step for step in week.steps if step.pattern == day and step.begins.value <= minute * MINUTE_MS]
            flows.append(running[-1].rate.value)
    return flows


@given(schedules(), st.integers(0, 3 * WEEK_MS))
def test_the_flow_at_any_time_is_the_weeks_table(week: Schedule, now_ms: int) -> None:
    """At every instant the schedule flows as the minute of its own week says, whatever the anchor."""
    assert problem_with(week) is None
    table = minute_by_minute(week)
    minute = (now_ms - week.anchor.value) % WEEK_MS // MINUTE_MS
    assert rate_at(week, now_ms) == table[minute]
    assert (peak_rate(week), lowest_rate(week)) == (max(table), min(table))
    assert average_rate(week) == sum(table) // MINUTES_A_WEEK


@given(schedules(), st.integers(0, 2 * WEEK_MS))
def test_the_next_change_is_the_first_one(week: Schedule, now_ms: int) -> None:
    """Nothing changes before the next change, and something does at it; a step across midnight is one step."""
    change = next_change_ms(week, now_ms)
    table = minute_by_minute(week)
    if change is None:
        assert len(set(table)) == 1
        return
    assert change > now_ms
    assert rate_at(week, change) != rate_at(week, change - 1) == rate_at(week, now_ms)
    minute = (now_ms - week.anchor.value) % WEEK_MS // MINUTE_MS
    waited = (change - now_ms) // MINUTE_MS
    assert all(table[(minute + ahead) % MINUTES_A_WEEK] == table[minute] for ahead in range(waited))


@given(schedules(), st.integers(0, WEEK_MS), st.integers(1, 9 * DAY_MS))
def test_steps_add_up_to_what_flows(week: Schedule, now_ms: int, for_ms: int) -> None:
    """The steps from any instant on fill their time exactly and add up to the credit in closed form."""
    steps = list(steps_from(week, now_ms, for_ms))
    assert sum(duration for duration, _ in steps) == for_ms
    assert sum(duration * rate for duration, rate in steps) == credit_from(week, now_ms, for_ms)


@pytest.mark.verifies("DOSE-02")
@given(schedules(), st.integers(1, 30 * 60))
def test_no_window_holds_more_than_the_fullest(week: Schedule, minutes: int) -> None:
    """The fullest window is found exactly: no start gives more, and one gives as much."""
    table = minute_by_minute(week) * 2
    sums = [0]
    for flow in table:
        sums.append(sums[-1] + flow * MINUTE_MS)
    fullest = max(sums[start + minutes] - sums[start] for start in range(MINUTES_A_WEEK))
    assert most_within(week, minutes * MINUTE_MS) == -(-fullest // DAY_MS)


GOOD = schedule(100_000, 200_000, weekend=(60_000,))


def with_steps(*steps: tuple[int, int]) -> Schedule:
    """Return the schedule with other steps, as (pattern, begin)."""
    made = tuple(Step(pattern, Milliseconds(begin), NanolitresPerDay(50_000)) for pattern, begin in steps)
    return replace(GOOD, steps=made)


@pytest.mark.verifies("MODE-18")
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda: with_steps((0, MINUTE_MS), (1, 0)), "midnight"),
        (lambda: with_steps((0, 0), (0, HOUR_MS), (0, HOUR_MS), (1, 0)), "after the one before"),
        (lambda: with_steps((0, 0), (0, 2 * HOUR_MS), (0, HOUR_MS), (1, 0)), "after the one before"),
        (lambda: with_steps((0, 0), (0, DAY_MS), (1, 0)), "end of the day"),
        (lambda: with_steps((0, 0), (0, MINUTE_MS + 1), (1, 0)), "whole minute"),
        (lambda: with_steps((1, 0), (0, 0)), "order"),
        (lambda: with_steps((0, 0), (1, 0), (0, HOUR_MS)), "order"),
        (lambda: with_steps((0, 0)), "patterns"),
        (lambda: with_steps((0, 0), (1, 0), (2, 0)), "patterns"),
        (lambda: with_steps(*((0, at * HOUR_MS) for at in range(14)), (1, 0)), "more than 13"),
        (with_steps, "patterns"),
        (lambda: replace(GOOD, anchor=Milliseconds(WEEK_MS)), "anchor"),
    ],
)
def test_a_schedule_that_does_not_cover_a_week_once_is_named(bad: Callable[[], Schedule], words: str) -> None:
    """Gaps, overlaps, unknown patterns and steps off the minute are each found and said."""
    problem = problem_with(bad())
    assert problem is not None
    assert words in problem
