"""The review: old against new for everything that changes, before anything is sent.

A review is of exactly one prescription. What is sent is ``review.prescription``, and the commit names it by the
digest worked out here, not by one that the pump supplies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from emulator.library import Library
from emulator.programmer.describe import ABSENT, Lines, derive, describe
from emulator.programmer.dose_change import dose_change_findings
from emulator.programmer.findings import Finding, passes
from emulator.programmer.limits import basal_flow, examine
from emulator.programmer.line_change import line_findings
from emulator.programmer.view import PumpView
from protocol.messages import Prescription, Staged
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
    digest: bytes
    changes: tuple[Change, ...]
    derived: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def reason(self) -> str:
        """Return the reason given for passing soft limits; it is part of the prescription."""
        return self.prescription.override_reason

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


def review(number: int, prescription: Prescription, view: PumpView, library: Library) -> Review:
    """Compare a prescription with what the pump holds and judge it."""
    old, identity = view.prescription.prescription, view.identity
    line_nl = identity.tubing.value + identity.catheter.value
    findings = (
        *examine(prescription, library, identity, view.reservoir.capacity),
        *dose_change_findings(old, prescription, identity, library),
        *line_findings(old, prescription, basal_flow(prescription, identity), line_nl, library),
    )
    return Review(
        number,
        prescription,
        digest_of(prescription, identity.serial),
        changes(describe(old, library), describe(prescription, library)),
        both(derive(old, library, identity), derive(prescription, library, identity)),
        findings,
    )


def changes(old: Lines, new: Lines) -> tuple[Change, ...]:
    """Return the lines that differ, in the order of the new ones."""
    return tuple(change for change in both(old, new) if change.old != change.new)


def both(old: Lines, new: Lines) -> tuple[Change, ...]:
    """Return every line of either side."""
    return tuple(Change(label, old.get(label, ABSENT), new.get(label, ABSENT)) for label in {**new, **old})


def echo_differences(reviewed: Review, echo: Staged, library: Library) -> tuple[Change, ...]:
    """Return where the pump's echo is not what was reviewed; empty if it is, digest included."""
    return _differences(reviewed, echo.prescription, echo.digest, library)


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
    if not report.confirmed:
        found = (*found, Change("confirmed", "yes", "no"))
    return Verification(view, found)


def _differences(reviewed: Review, held: Prescription, digest: bytes, library: Library) -> tuple[Change, ...]:
    """Return the lines that differ; if none does, still anything at all that is not the same."""
    if held != reviewed.prescription:
        found = changes(describe(reviewed.prescription, library), describe(held, library))
        return found or (Change("prescription", "as reviewed", "another that reads the same"),)
    return () if digest == reviewed.digest else (Change("digest", reviewed.digest.hex(), digest.hex()),)
