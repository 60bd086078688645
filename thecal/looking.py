"""What an interrogation shows, section by section: what the pump says, and what follows from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emulator.library import Library
from emulator.programmer.dates import Dates, Due
from emulator.programmer.describe import schedule_lines
from emulator.programmer.review import changes, gathered
from emulator.programmer.view import PumpView
from emulator.programmer.week import NAMES, local_time
from emulator.programmer.words import clock
from emulator.schedule import WEEK_MS
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from thecal.plain import plain, rows

SECTIONS = ("identity", "prescription", "therapy", "reservoir", "battery", "alarms", "totals", "schedule", "dates")
CLOCKS_DIFFER_MS = 5 * MINUTE_MS
"""A schedule that runs this much beside the clock on the wall is worth a word: after a change to summer time."""

Rows = list[tuple[str, str]]


def documents(view: PumpView, dates: Dates | None, sections: tuple[str, ...]) -> dict[str, Any]:
    """Return the chosen sections as JSON can carry them."""
    shown: dict[str, Any] = {}
    for name in sections:
        shown[name] = plain(dates) if name == "dates" else plain(getattr(view, name))
    if "schedule" in shown and view.in_force:
        shown["schedule"]["clock"] = local_time(view.in_force, view.therapy.pump_time)
    return shown


def section_rows(view: PumpView, dates: Dates | None, section: str, library: Library) -> Rows:
    """Return one section as names and texts."""
    if section == "schedule":
        return _schedule_rows(view, library)
    if section == "dates":
        return _date_rows(view, dates) if dates else []
    return list(rows(getattr(view, section)))


def this_computers_time() -> str:
    """Return the day and time here, such as ``mon 14:30:05``: what a clinician at this computer would say."""
    now = datetime.now().astimezone()
    return f"{NAMES[now.weekday()].lower()} {now:%H:%M:%S}"


def clocks_apart(view: PumpView, local: str) -> str:
    """Say by how much the schedule's clock is beside a time here; nothing if it is not, or there is no schedule."""
    if view.in_force is None:
        return ""
    scheduled = local_time(view.in_force, view.therapy.pump_time)
    apart = (_in_week(scheduled) - _in_week(local)) % WEEK_MS
    apart = min(apart, WEEK_MS - apart)
    if apart < CLOCKS_DIFFER_MS:
        return ""
    return f"The schedule's clock says {scheduled}; here it is {local.capitalize()}, {clock(apart)} apart."


def _in_week(local: str) -> int:
    day, _, time = local.partition(" ")
    hours, minutes, seconds = map(int, time.split(":"))
    return NAMES.index(day.capitalize()) * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * 1_000


def _schedule_rows(view: PumpView, library: Library) -> Rows:
    schedule = view.in_force
    if schedule is None:
        return [("schedule", "none")]
    lines = schedule_lines(schedule, view.prescription.prescription.drugs, library)
    steps = gathered(changes({}, lines))
    return [
        ("clock", local_time(schedule, view.therapy.pump_time)),
        *((change.field, change.new) for change in steps),
    ]


def _date_rows(view: PumpView, dates: Dates) -> Rows:
    named = (
        ("refill due", dates.refill),
        ("by volume", dates.volume),
        ("by stability", dates.stability),
        ("replacement due", dates.replacement),
    )
    return [(name, _due_text(view, due)) for name, due in named]


def _due_text(view: PumpView, due: Due) -> str:
    if due.at is None:
        return due.words
    left = due.at.value - view.therapy.pump_time.value
    when = f"in {clock(left)}" if left > 0 else "NOW"
    return f"{due.date + ' ' if due.date else ''}({when}): {due.words}"
