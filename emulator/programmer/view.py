"""What an interrogation shows: every section of the pump's state in one frozen view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from emulator.programmer.results import NoContactError, ProgrammerRefusal
from emulator.programmer.words import REASONS
from protocol.messages import (
    NO_DIGEST,
    AlarmsReport,
    BatteryReport,
    IdentityReport,
    Interrogate,
    LogEntry,
    LogPage,
    Message,
    PrescriptionReport,
    ReadLog,
    Refused,
    ReservoirReport,
    Schedule,
    ScheduleReport,
    TherapyReport,
    TotalsReport,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import Nanolitres
from protocol.vocabulary import LogKind, Section

LOOK_BACK = 45
"""Entries looked through at a time for one that is most often near the end of the log: a few pages."""
Ask = Callable[[Message], Message]
Report = TypeVar("Report", bound=Message)


@dataclass(frozen=True, slots=True)
class PumpView:
    """The pump as it was at the last interrogation."""

    identity: IdentityReport
    prescription: PrescriptionReport
    therapy: TherapyReport
    reservoir: ReservoirReport
    battery: BatteryReport
    alarms: AlarmsReport
    totals: TotalsReport
    schedule: ScheduleReport

    @property
    def in_force(self) -> Schedule | None:
        """The schedule that the prescription names; None if it names none, or the pump shows another."""
        named = self.prescription.prescription.schedule
        shown = named != NO_DIGEST and self.schedule.digest == named == schedule_digest(self.schedule.schedule)
        return self.schedule.schedule if shown else None

    @property
    def line(self) -> Nanolitres:
        """The volume from the reservoir to the catheter tip."""
        return self.identity.tubing + self.identity.catheter


def interrogate(ask: Ask) -> PumpView:
    """Ask for every section. Raises ``NoContactError`` if one is missing."""
    return PumpView(
        read(ask, Section.IDENTITY, IdentityReport),
        read(ask, Section.PRESCRIPTION, PrescriptionReport),
        read(ask, Section.THERAPY, TherapyReport),
        read(ask, Section.RESERVOIR, ReservoirReport),
        read(ask, Section.BATTERY, BatteryReport),
        read(ask, Section.ALARMS, AlarmsReport),
        read(ask, Section.TOTALS, TotalsReport),
        read(ask, Section.SCHEDULE, ScheduleReport),
    )


def read(ask: Ask, section: Section, report: type[Report]) -> Report:
    """Ask for one section. Raises ``NoContactError`` if the answer is anything but its report."""
    reply = ask(Interrogate(section))
    if not isinstance(reply, report):
        raise NoContactError(f"The pump answered {type(reply).__name__} when asked for {section.name.lower()}.")
    return reply


def read_log(ask: Ask, first: int, end: int | None = None) -> tuple[LogEntry, ...]:
    """Ask for every page of the log from a sequence number to ``end``, or to what is its end when the first page
    comes.
    """
    page = _page(ask, first)
    end = page.next if end is None else end
    entries = list(page.entries)
    while page.entries and page.entries[-1].sequence + 1 < end and page.entries[-1].sequence >= first:
        first = page.entries[-1].sequence + 1
        page = _page(ask, first)
        entries += page.entries
    return tuple(entries)


def last_entry(ask: Ask, kind: LogKind) -> LogEntry | None:
    """Return the last entry of a kind in the log, or None; looks from the end, because it is most often near it."""
    page = _page(ask, 0)
    end = page.next
    while end > page.oldest:
        first = max(page.oldest, end - LOOK_BACK)
        found = [entry for entry in read_log(ask, first, end) if entry.kind is kind and entry.sequence < end]
        if found:
            return found[-1]
        end = first
    return None


def _page(ask: Ask, first: int) -> LogPage:
    reply = ask(ReadLog(first))
    if isinstance(reply, Refused):
        raise ProgrammerRefusal(REASONS[reply.reason])
    if not isinstance(reply, LogPage):
        raise NoContactError(f"The pump answered {type(reply).__name__} when asked for its log.")
    return reply
