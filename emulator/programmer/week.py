"""A flex schedule in the clinician's words: which days, from what time of day, how much.

``mon-fri 06:00 3 mg/day`` is a step of five days that lasts until the next step of the same day, or until midnight.
Every day needs a step from 00:00; nothing is filled in. A week is a value: what was meant is kept, and a step given
as a dose stays that dose at another concentration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

from emulator.programmer.results import DraftError
from emulator.schedule import DAYS, MOST_STEPS_A_PATTERN, WEEK_MS
from protocol.messages import Schedule, Step
from protocol.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    NanolitresPerDay,
    PicogramsPerDay,
    PicogramsPerNanolitre,
    QuantityError,
    daily_dose,
    rate_for,
)

NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_STEPS = 20
"""Steps in a whole schedule: what fits one message."""
EXAMPLE = "write a step like “mon-fri 06:00 3 mg/day” or “all 00:00 0.1 mL/day”"
_NUMBERS = {name.lower(): number for number, name in enumerate(NAMES)}
_TIME = re.compile(r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])(:(?P<second>[0-5][0-9]))?")
_LABEL = re.compile(rf"step (?P<day>{'|'.join(NAMES)}) (?P<time>[0-9]+:[0-9]+)")

Amount = PicogramsPerDay | NanolitresPerDay
"""A daily dose of the primary drug, or a flow."""


class WeekError(DraftError):
    """A step or a time makes no sense, or the steps do not cover the week. The message says which and what to do."""


class FlexStep(NamedTuple):
    """What is to flow on one day of the week (0 is Monday) from a time of day on."""

    day: int
    begins: Milliseconds
    amount: Amount


class Moment(NamedTuple):
    """A day of the week and a time of day as it is shown."""

    day: int
    time: str


@dataclass(frozen=True, slots=True)
class Week:
    """The steps of all days, in order, and when in pump time a Monday begins, modulo a week; None if not said yet."""

    steps: tuple[FlexStep, ...]
    anchor: Milliseconds | None = None

    @classmethod
    def parse(cls, texts: tuple[str, ...]) -> Self:
        """Read steps such as ``mon-fri 06:00 3 mg/day``. Raises ``WeekError`` unless they cover every day once."""
        steps = sorted((step for text in texts for step in _parsed(text)), key=lambda step: (step.day, step.begins))
        for earlier, later in pairwise(steps):
            if earlier[:2] == later[:2]:
                raise WeekError(f"two steps begin on {_at(later)}; give one")
        begun = {step.day for step in steps if step.begins.value == 0}
        missing = [NAMES[day] for day in range(DAYS) if day not in begun]
        if missing:
            raise WeekError(f"no step begins at 00:00 on {', '.join(missing)}; every day needs one")
        for day in range(DAYS):
            count = sum(step.day == day for step in steps)
            if count > MOST_STEPS_A_PATTERN:
                raise WeekError(f"{NAMES[day]} has {count} steps; at most {MOST_STEPS_A_PATTERN} fit a day")
        return cls(tuple(steps))

    @classmethod
    def of(cls, schedule: Schedule, strength: PicogramsPerNanolitre) -> Self:
        """Return the week that a schedule describes, its flows as doses of the primary drug."""
        steps = (FlexStep(day, step.begins, daily_dose(step.rate, strength)) for day, step in steps_of(schedule))
        return cls(tuple(steps), schedule.anchor)

    @property
    def in_doses(self) -> bool:
        """Whether every step is meant as a dose, so that it means the same at another concentration."""
        return all(isinstance(step.amount, PicogramsPerDay) for step in self.steps)

    def schedule(self, strength: PicogramsPerNanolitre) -> Schedule:
        """Return what the pump is to hold. Raises ``WeekError`` with the step for a dose that does not divide, for
        too many steps in all, and without an anchor.
        """
        if self.anchor is None:
            raise WeekError("say what day and time it is now for the schedule")
        days = [tuple(_timed(step, strength) for step in self.steps if step.day == day) for day in range(DAYS)]
        patterns = list(dict.fromkeys(days))
        steps = tuple(
            Step(number, begins, rate) for number, pattern in enumerate(patterns) for begins, rate in pattern
        )
        if len(steps) > MOST_STEPS:
            raise WeekError(
                f"{len(steps)} different steps; at most {MOST_STEPS} fit a schedule: let days share theirs"
            )
        return Schedule(self.anchor, bytes(patterns.index(day) for day in days), steps)


def anchored(local: str, pump_time: Milliseconds) -> Milliseconds:
    """Return the anchor by which it is ``local``, such as ``mon 14:30``, at a pump time."""
    day, _, time = local.strip().lower().partition(" ")
    if day not in _NUMBERS:
        raise WeekError(f"“{local}” does not begin with a day of the week; write a time like “mon 14:30”")
    in_week = _NUMBERS[day] * DAY_MS + _time_of_day(time, local)
    return Milliseconds((pump_time.value - in_week) % WEEK_MS)


def local_time(schedule: Schedule, pump_time: Milliseconds) -> str:
    """Return the day and time that it is for a schedule, to the second, such as ``Mon 14:30:05``."""
    day, time = divmod((pump_time.value - schedule.anchor.value) % WEEK_MS, DAY_MS)
    return f"{NAMES[day]} {_clock(time)}:{time // 1_000 % 60:02}"


def steps_of(schedule: Schedule) -> Iterator[tuple[int, Step]]:
    """Yield every step with the day on which it begins, from Monday on."""
    for day, pattern in enumerate(schedule.days):
        for step in schedule.steps:
            if step.pattern == pattern:
                yield day, step


def step_label(day: int, begins: Milliseconds) -> str:
    """Name a step in a review, such as ``step Mon 06:00``."""
    return f"step {NAMES[day]} {_clock(begins.value)}"


def step_at(label: str) -> Moment | None:
    """Return the day and the time of day in a label that ``step_label`` made, None for any other label."""
    match = _LABEL.fullmatch(label)
    return Moment(NAMES.index(match["day"]), match["time"]) if match else None


def days_text(days: tuple[int, ...]) -> str:
    """Return days of the week for reading, neighbours joined: ``Mon-Fri, Sun``."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(NAMES[run[0]] if len(run) == 1 else f"{NAMES[run[0]]}-{NAMES[run[-1]]}" for run in runs)


def _parsed(text: str) -> Iterator[FlexStep]:
    days, _, rest = text.strip().partition(" ")
    time, _, amount = rest.strip().partition(" ")
    if not amount.strip():
        raise WeekError(f"“{text}” is no step; {EXAMPLE}")
    begins = _time_of_day(time, text)
    if begins % MINUTE_MS:
        raise WeekError(f"“{text}”: a step begins at a whole minute")
    try:
        # A slash is in both units; a volume has an L before it.
        kind = NanolitresPerDay if amount.partition("/")[0].strip().endswith("L") else PicogramsPerDay
        quantity = kind.parse(amount)
    except QuantityError as error:
        raise WeekError(f"step “{text}”: {error}") from error
    for day in _days(days.lower(), text):
        yield FlexStep(day, Milliseconds(begins), quantity)


def _days(text: str, whole: str) -> tuple[int, ...]:
    if text == "all":
        return tuple(range(DAYS))
    chosen: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if first not in _NUMBERS or (dash and last not in _NUMBERS):
            known = ", ".join(_NUMBERS)
            raise WeekError(
                f"“{whole}”: “{part}” is no day; write all, or days of {known}, such as mon-fri or sat,sun"
            )
        begin, end = _NUMBERS[first], _NUMBERS[last or first]
        if end < begin:
            raise WeekError(f"“{whole}”: “{part}” runs backwards; the week begins with mon")
        chosen += range(begin, end + 1)
    if len(set(chosen)) != len(chosen):
        raise WeekError(f"“{whole}” names a day twice")
    return tuple(chosen)


def _time_of_day(text: str, whole: str) -> int:
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise WeekError(f"“{whole}”: “{text}” is no time of day; write it like 06:00, from 00:00 to 23:59")
    return int(match["hour"]) * HOUR_MS + int(match["minute"]) * MINUTE_MS + int(match["second"] or 0) * 1_000


def _timed(step: FlexStep, strength: PicogramsPerNanolitre) -> tuple[Milliseconds, NanolitresPerDay]:
    if isinstance(step.amount, NanolitresPerDay):
        return step.begins, step.amount
    try:
        return step.begins, rate_for(step.amount, strength)
    except QuantityError as error:
        raise WeekError(f"step on {_at(step)}: {error}") from error


def _at(step: FlexStep) -> str:
    return f"{NAMES[step.day]} {_clock(step.begins.value)}"


def _clock(time_ms: int) -> str:
    return f"{time_ms // HOUR_MS:02}:{time_ms // MINUTE_MS % 60:02}"
