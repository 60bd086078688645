"""A flex schedule as pure arithmetic: what flows when, and how much in any window.

A schedule is a week of days, each of which follows a pattern of steps. It is anchored in pump time: the wall clock,
a time zone or daylight saving cannot move it. A step lasts until the next one begins; neighbours of the same rate,
also across midnight, are one step. Programmer and pump use the same functions; times are milliseconds, flows nL/day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from protocol.messages import Schedule
from protocol.units import DAY_MS, MINUTE_MS

DAYS = 7
WEEK_MS = DAYS * DAY_MS
MOST_STEPS_A_PATTERN = 13
"""Steps in one pattern of the day (domain figure, low confidence)."""


class Week(NamedTuple):
    """A schedule laid out from Monday midnight: when each step begins, and its flow. The last one wraps around."""

    begins: tuple[int, ...]
    rates: tuple[int, ...]
    credits: tuple[int, ...]
    """What has flowed from Monday on by the beginning of each step, in nL·ms/day, and by the end of the week."""


def problem_with(schedule: Schedule) -> str | None:
    """Return in words why these steps do not cover a week exactly once, or None if they do."""
    if schedule.anchor.value >= WEEK_MS:
        return "the anchor is not within a week"
    begins: dict[int, list[int]] = {}
    for step in schedule.steps:
        begins.setdefault(step.pattern, []).append(step.begins.value)
    patterns = [step.pattern for step in schedule.steps]
    if patterns != sorted(patterns):
        return "the steps are not in order of their patterns"
    for pattern, times in begins.items():
        if problem := _problem_with_day(times):
            return f"pattern {pattern}: {problem}"
    used = set(schedule.days)
    if used != set(begins):
        return f"the days use patterns {sorted(used)}, the steps describe {sorted(begins)}"
    return None


def _problem_with_day(times: list[int]) -> str | None:
    if times[0] != 0:
        return "the first step does not begin at midnight"
    if any(later <= earlier for earlier, later in pairwise(times)):
        return "a step does not begin after the one before it"
    if times[-1] >= DAY_MS:
        return "a step begins after the end of the day"
    if any(time % MINUTE_MS for time in times):
        return "a step does not begin at a whole minute"
    if len(times) > MOST_STEPS_A_PATTERN:
        return f"more than {MOST_STEPS_A_PATTERN} steps"
    return None


@lru_cache(maxsize=64)
def week_of(schedule: Schedule) -> Week:
    """Lay a schedule out as a week; the caller has checked that nothing is wrong with it."""
    patterns: dict[int, list[tuple[int, int]]] = {}
    for step in schedule.steps:
        patterns.setdefault(step.pattern, []).append((step.begins.value, step.rate.value))
    begins: list[int] = []
    rates: list[int] = []
    for day, pattern in enumerate(schedule.days):
        for begin, rate in patterns[pattern]:
            if not rates or rates[-1] != rate:
                begins.append(day * DAY_MS + begin)
                rates.append(rate)
    flowed = [0]
    for begin, end, rate in zip(begins, [*begins[1:], WEEK_MS], rates, strict=True):
        flowed.append(flowed[-1] + rate * (end - begin))
    return Week(tuple(begins), tuple(rates), tuple(flowed))


def rate_at(schedule: Schedule, now_ms: int) -> int:
    """Return the flow at a pump time."""
    week = week_of(schedule)
    return week.rates[bisect_right(week.begins, _in_week(schedule, now_ms)) - 1]


def next_change_ms(schedule: Schedule, now_ms: int) -> int | None:
    """Return the first pump time after this one at which the flow changes; None if it never does."""
    week = week_of(schedule)
    if len(week.begins) == 1:
        return None
    at = _in_week(schedule, now_ms)
    after = bisect_right(week.begins, at)
    if after < len(week.begins):
        return now_ms + week.begins[after] - at
    wraps_into_same = week.rates[0] == week.rates[-1]
    first = week.begins[1] if wraps_into_same else 0
    return now_ms + WEEK_MS + first - at


def steps_from(schedule: Schedule, now_ms: int, for_ms: int) -> Iterator[tuple[int, int]]:
    """Yield (duration in ms, flow) from a pump time on, for so long."""
    end_ms = now_ms + for_ms
    while now_ms < end_ms:
        change = next_change_ms(schedule, now_ms)
        until = end_ms if change is None else min(change, end_ms)
        yield until - now_ms, rate_at(schedule, now_ms)
        now_ms = until


def credit_from(schedule: Schedule, now_ms: int, for_ms: int) -> int:
    """Return what flows from a pump time on, in nL·ms/day."""
    return _credit_by(schedule, now_ms + for_ms) - _credit_by(schedule, now_ms)


def peak_rate(schedule: Schedule) -> int:
    """Return the largest flow of the week."""
    return max(week_of(schedule).rates)


def lowest_rate(schedule: Schedule) -> int:
    """Return the smallest flow of the week."""
    return min(week_of(schedule).rates)


def average_rate(schedule: Schedule) -> int:
    """Return the mean flow of the week, rounded down."""
    return week_of(schedule).credits[-1] // WEEK_MS


def most_within(schedule: Schedule, window_ms: int) -> int:
    """Return the most volume that flows in any window of this length, in nL, rounded up.

    The fullest window of a flow that is constant in pieces begins or ends where a piece does.
    """
    anchored = schedule.anchor.value
    begins = [anchored + begin for begin in week_of(schedule).begins]
    starts = [*begins, *(begin - window_ms for begin in begins)]
    return -(-max(credit_from(schedule, start, window_ms) for start in starts) // DAY_MS)


def _in_week(schedule: Schedule, now_ms: int) -> int:
    return (now_ms - schedule.anchor.value) % WEEK_MS


def _credit_by(schedule: Schedule, now_ms: int) -> int:
    """Return what has flowed since the anchor of week 0, as credit."""
    week = week_of(schedule)
    weeks, at = divmod(now_ms - schedule.anchor.value, WEEK_MS)
    step = bisect_right(week.begins, at) - 1
    return weeks * week.credits[-1] + week.credits[step] + week.rates[step] * (at - week.begins[step])
