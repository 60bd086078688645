"""What followed from each step of a run, in the order in which it happened: who did what, and what came of it.

A journal tells strokes in blocks that begin before a step and end after it, and nothing of requests that change
nothing. Here strokes are counted for the step in which they came, and every question has its answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from emulator.journal import Event
from protocol.messages import Refused
from protocol.units import HOUR_MS, MINUTE_MS
from protocol.vocabulary import Reason
from verify.scene import STROKES, word
from verify.verdict import pump_time
from verify.world import Answer

SHOWN, LAST = 20, 5
"""So many things that follow from one step are told, so many of them the last ones; the rest is counted."""
UNTOLD = {"session.opened", "session.closed", "wire.alarms", "battery.level", "bench.start", "bench.end"} | {
    "wire.not_permitted",
    "wire.malformed",
}
"""What happens all the time and explains nothing, or is told by the answer."""
NOT_CARRIED_OUT = {Reason.NOT_PERMITTED, Reason.MALFORMED}
"""Refusals of which no journal tells as of a command."""
ACTORS = {"alarm": "pump", "guard": "pump", "drive": "pump", "session": "pump", "wire": "pump", "pump": "pump"}
"""Who does what an event tells of, by the first part of its kind; the rest is the bench's."""


class Item(NamedTuple):
    """One thing that happened."""

    at_ms: int
    order: float
    """Among what happened in the same millisecond."""
    words: str


class Begun(NamedTuple):
    """When a step began, and how much the journal had then."""

    at_ms: int
    lines: int
    answers: int


def followed(steps: Sequence[Begun], events: Sequence[Event], answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """Return what followed from each step, one line each."""
    if not steps:
        return []
    items: list[list[Item]] = [[] for _ in steps]
    lines, times = [step.lines for step in steps], [step.at_ms for step in steps]
    for number, event in enumerate(events):
        if event.kind == STROKES:
            for step, came in groupby(event.data["at"], key=lambda at_ms: max(0, bisect_left(times, at_ms) - 1)):
                strokes = [at_ms for at_ms in came if at_ms > times[0]]
                if strokes:
                    items[step].append(Item(strokes[0], number, _strokes(strokes)))
        elif (step := bisect_right(lines, number) - 1) >= 0 and (words := event_words(event)):
            items[step].append(Item(event.at, number, words))
    asked = [step.answers for step in steps]
    for number, answer in enumerate(answers):
        step = bisect_right(asked, number) - 1
        if step >= 0 and (words := answer_words(answer)):
            items[step].append(Item(answer.at_ms, answer.lines - 0.5, words))
    return [tuple(_told(sorted(each, key=lambda item: item[:2]))) for each in items]


def _told(items: Iterable[Item]) -> list[str]:
    """Return items as lines: what is said several times on end is said once, and not more than can be read."""
    lines = []
    for words, same in groupby(items, key=lambda item: item.words):
        first, *more = same
        lines.append(f"{pump_time(first.at_ms)}  {words}" + (f" ({1 + len(more)} times)" if more else ""))
    if len(lines) > SHOWN:
        return [*lines[: SHOWN - LAST], f"… {len(lines) - SHOWN} more …", *lines[-LAST:]]
    return lines


def _strokes(times: Sequence[int]) -> str:
    if len(times) == 1:
        return "pump: 1 stroke"
    return f"pump: {len(times)} strokes, until {pump_time(times[-1])}"


def answer_words(answer: Answer) -> str:
    """Return a question and its answer in words; nothing if the journal tells of it."""
    reply = answer.reply
    asked = f"{word(answer.role.name)}: {type(answer.asked).__name__}"
    if reply is None:
        return f"{asked} without an answer"
    if isinstance(reply, Refused):
        untold = not answer.asked.CHANGES_STATE or reply.reason in NOT_CARRIED_OUT
        return f"{asked} refused {word(reply.reason.name)}" if untold else ""
    return "" if answer.asked.CHANGES_STATE else f"{asked} answered by {type(reply).__name__}"


def event_words(event: Event) -> str:
    """Return an event in words: who, and what; nothing if it explains nothing."""
    kind, data = event.kind, event.data
    if (
        kind in UNTOLD
        or data.get("reason") == "no_such_alarm"
        or (kind == "pump.prescription" and "mode" not in data)
    ):
        return ""
    area, _, what = kind.partition(".")
    actor = ACTORS.get(area, "bench")
    match kind:
        case "wire.command":
            actor, outcome = word(data["role"]), (word(data[key]) for key in ("outcome", "reason") if data.get(key))
            words = " ".join((data["message"], *outcome))
        case "pump.prescription":
            words = f"prescription: {_prescribed(data)}"
        case "pump.state":
            words = f"goes into {word(data['state'])}, {data['rate']} nL/day"
        case "bench.refill":
            actor, words = "clinician", f"fills in, {_plain(data)}"
        case _:
            words = f"{what if area in ('pump', 'bench') else kind} {_plain(data)}".rstrip()
    return f"{actor}: {words}"


def _plain(data: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in data.items() if isinstance(value, int | str) and value != "")


def _prescribed(data: dict[str, Any]) -> str:
    mode, schedule = word(data["mode"]), data.get("schedule")
    if schedule is None:
        return f"{mode}, {data['rate']} nL/day"
    days = "".join(map(str, schedule["days"]))
    steps = ", ".join(
        f"{f'pattern {pattern} ' if len(set(days)) > 1 else ''}{_time_of_day(begins)} {rate} nL/day"
        for pattern, begins, rate in schedule["steps"]
    )
    return f"{mode}, {steps}" + (f", patterns of the days {days}" if len(set(days)) > 1 else "")


def _time_of_day(at_ms: int) -> str:
    return f"{at_ms // HOUR_MS:02}:{at_ms % HOUR_MS // MINUTE_MS:02}"
