"""The last look before a session is closed: whatever is not as it should be is said, and a stop acknowledged.

Patients have left with a pump that was stopped for an update and never started again. So the programmer reads the
pump once more, lists every concern, and does not close on a pump that is not infusing until somebody says that this
is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.programmer.flow import FLOWS
from emulator.programmer.results import Result
from emulator.programmer.words import STATES, alarm_words
from protocol.messages import AlarmsReport, PrescriptionReport, TherapyReport
from protocol.vocabulary import TherapyState


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of the close, and everything that had to be said at it."""

    result: Result
    notes: tuple[str, ...]


def infusing(prescription: PrescriptionReport, therapy: TherapyReport) -> bool:
    """Say whether the pump infuses, and not only the minimum rate where more is prescribed."""
    if therapy.state in (TherapyState.UNPROGRAMMED, TherapyState.STOPPED) or therapy.rate.value == 0:
        return False
    if therapy.state is TherapyState.PRIMING:
        return not primes_from_stop(therapy)
    reduced = therapy.state is TherapyState.MINIMUM_RATE
    return not (reduced and prescription.prescription.mode in FLOWS)


def primes_from_stop(therapy: TherapyReport) -> bool:
    """Say whether the pump primes and will be stopped again afterwards."""
    return therapy.state is TherapyState.PRIMING and therapy.stopped_for.value > 0


def concerns(prescription: PrescriptionReport, therapy: TherapyReport, alarms: AlarmsReport) -> Iterator[str]:
    """Yield a sentence for everything that is not as it should be."""
    if primes_from_stop(therapy):
        yield "THE PUMP IS PRIMING AND WILL BE STOPPED AFTERWARDS, NO DRUG IS DELIVERED."
    elif not infusing(prescription, therapy):
        yield f"THE PUMP IS {STATES[therapy.state].upper()}."
    if not prescription.confirmed:
        yield "No prescription is confirmed."
    for alarm in alarms.alarms:
        yield alarm_words(alarm)
