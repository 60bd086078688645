"""The review: old against new for everything that changes, before anything is sent.

A review is of exactly one prescription. What is sent is ``review.prescription``, and the commit names it by the
digest worked out here, not by one that the pump supplies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from emulator.library import Library
from emulator.programmer.bridge import Change as PlannedChange
from emulator.programmer.describe import ABSENT, Lines, derive, describe
from emulator.programmer.dose_change import dose_change_findings
from emulator.programmer.draft import Draft
from emulator.programmer.findings import Finding, passes
from emulator.programmer.limits import examine
from emulator.programmer.line_change import line_change
from emulator.programmer.view import PumpView
from emulator.programmer.week import days_text, step_at
from protocol.messages import Prescription, Schedule, ScheduleReport, Staged
from protocol.prescription_digest import digest_of


class Change(NamedTuple):
    """One line of the review."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Review:
    """What the clinician looks at and confirms. ``number`` tells one screen from the next."""

    number: int
    prescription: Prescription
    schedule: Schedule | None
    """The one that the prescription names."""
    digest: bytes
    changes: tuple[Change, ...]
    derived: tuple[Change, ...]
    findings: tuple[Finding, ...]
    reason: str
    """Given for what was shown; it is part of the prescription, beside one for leaving out a bridge."""

    @property
    def approved(self) -> bool:
        """Whether it may be sent: nothing hard, and a reason if anything is soft."""
        return passes(self.findings, self.reason)

    def text(self) -> str:
        """Return the review for reading, old and new side by side."""
        lines = ["Changes:"]
        lines += [f"  {change.field}: {change.old} -> {change.new}" for change in self.changes] or ["  none"]
        lines += ["What follows:"]
        lines += [f"  {change.field}: {change.old} -> {change.new}" for change in self.derived]
        lines += [f"  {finding}" for finding in self.findings]
        return "\n".join(lines) + "\n"


def review(number: int, draft: Draft, view: PumpView, library: Library, reason: str) -> Review:
    """Compare a draft, with a reason or none, with what the pump holds, and judge it.

    The bridge that a change of fluid needs is put in here, from what the pump was found with.
    """
    old, identity, schedule = view.prescription.prescription, view.identity, draft.schedule()
    line = line_change(PlannedChange(view, draft.prescription(), schedule), draft.bridging, library)
    prescription = draft.prescription(reason, line.bridge)
    findings = (
        *examine(prescription, library, identity, view.reservoir.capacity, schedule),
        *dose_change_findings(old, prescription, identity, library, (view.in_force, schedule)),
        *line.findings,
    )
    now = view.therapy.pump_time
    before = derive(old, library, identity, view.in_force, now)
    after = derive(prescription, library, identity, schedule, now) | line.lines
    return Review(
        number,
        prescription,
        schedule,
        digest_of(prescription, identity.serial),
        gathered(changes(describe(old, library, view.in_force), describe(prescription, library, schedule))),
        both(before, after),
        findings,
        reason,
    )


def gathered(found: tuple[Change, ...]) -> tuple[Change, ...]:
    """Join the steps that change in the same way at the same time of several days into one line, in order of time."""
    days: dict[tuple[str, str, str], list[int]] = {}
    for change in found:
        if step := step_at(change.field):
            days.setdefault((step.time, change.old, change.new), []).append(step.day)
    steps = [
        Change(f"step {days_text(tuple(sorted(on)))} {time}", old, new)
        for (time, old, new), on in sorted(days.items(), key=lambda item: (min(item[1]), item[0]))
    ]
    rest = [change for change in found if not step_at(change.field)]
    at = next((number for number, change in enumerate(found) if step_at(change.field)), 0)
    return (*rest[:at], *steps, *rest[at:])


def changes(old: Lines, new: Lines) -> tuple[Change, ...]:
    """Return the lines that differ, in the order of the new ones."""
    return tuple(change for change in both(old, new) if change.old != change.new)


def both(old: Lines, new: Lines) -> tuple[Change, ...]:
    """Return every line of either side."""
    return tuple(Change(label, old.get(label, ABSENT), new.get(label, ABSENT)) for label in {**new, **old})


def echo_differences(reviewed: Review, echo: Staged, library: Library) -> tuple[Change, ...]:
    """Return where the pump's echo is not what was reviewed; empty if it is, digest included."""
    return _differences(reviewed, echo.prescription, echo.digest, library)


def schedule_differences(reviewed: Review, echo: ScheduleReport, library: Library) -> tuple[Change, ...]:
    """Return where the schedule that the pump shows is not the reviewed one; empty if it is, digest included."""
    named = reviewed.prescription.schedule
    if echo.schedule != reviewed.schedule:
        lines = (describe(reviewed.prescription, library, each) for each in (reviewed.schedule, echo.schedule))
        found = gathered(changes(*lines))
        return found or (Change("schedule", "as reviewed", "another that reads the same"),)
    return () if echo.digest == named else (Change("digest of the schedule", named.hex(), echo.digest.hex()),)


@dataclass(frozen=True, slots=True)
class Verification:
    """What the pump holds after an update, against what was reviewed."""

    view: PumpView
    differences: tuple[Change, ...]

    @property
    def agrees(self) -> bool:
        """Whether the pump holds, confirmed, exactly what was reviewed."""
        return not self.differences


def verification(reviewed: Review, view: PumpView, library: Library) -> Verification:
    """Compare a fresh view with what was reviewed."""
    report = view.prescription
    found = _differences(reviewed, report.prescription, report.digest, library)
    if reviewed.schedule is not None:
        found = (*found, *schedule_differences(reviewed, view.schedule, library))
    if not report.confirmed:
        found = (*found, Change("confirmed", "yes", "no"))
    return Verification(view, found)


def _differences(reviewed: Review, held: Prescription, digest: bytes, library: Library) -> tuple[Change, ...]:
    """Return the lines that differ; if none does, still anything at all that is not the same."""
    if held != reviewed.prescription:
        found = changes(describe(reviewed.prescription, library), describe(held, library))
        return found or (Change("prescription", "as reviewed", "another that reads the same"),)
    return () if digest == reviewed.digest else (Change("digest", reviewed.digest.hex(), digest.hex()),)
