"""How the pump tells observers of alarms and prescriptions: plain names and numbers, as the journal keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.firmware.alarm_table import PRIORITIES
from protocol.messages import Prescription, Schedule
from protocol.vocabulary import AlarmCode, TherapyState

Tell = Callable[..., None]
"""Told of everything that an observer would like to know: kind of event, then its data by name."""


class News:
    """What observers are told as soon as it is on the chip: neither before, nor not at all.

    Told before, a power cut in between would make the pump forget what others already know; told later than with the
    write itself, what the pump goes on with after a power cut would be news that nobody ever heard.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._waiting: list[tuple[str, dict[str, Any]]] = []

    def add(self, kind: str, **data: Any) -> None:
        """Note one event for the next ``flush``."""
        self._waiting.append((kind, data))

    def flush(self) -> None:
        """Tell of everything that waits, in order."""
        waiting, self._waiting = self._waiting, []
        for kind, data in waiting:
            self._tell(kind, **data)


def alarm_name(code: AlarmCode) -> str:
    """Return an alarm's name as observers read it, such as ``motor_stall``."""
    return code.name.lower()


def priority_name(code: AlarmCode) -> str:
    """Return how urgent an alarm is, such as ``non-critical``."""
    return PRIORITIES[code].name.lower().replace("_", "-")


def bolus_kind(state: TherapyState) -> str:
    """Return what kind of bolus a state delivers: ``patient``, ``clinician`` or ``prime``."""
    return "prime" if state is TherapyState.PRIMING else state.name.lower().removesuffix("_bolus")


def prescription_data(prescription: Prescription, schedule: Schedule | None) -> dict[str, Any]:
    """Return a prescription as plain values in base units, with the schedule that it names, if it is flex."""
    grant = prescription.patient_bolus
    flex = {"schedule": _schedule_data(schedule)} if schedule else {}
    return {
        "mode": prescription.mode.name,
        "rate": prescription.rate.value,
        "drugs": [
            {
                "code": drug.code,
                "concentration": drug.concentration.value,
                "limit_1h": drug.limit_1h.value,
                "limit_24h": drug.limit_24h.value,
            }
            for drug in prescription.drugs
        ],
        "patient_bolus": {
            "volume": grant.volume.value,
            "duration": grant.duration.value,
            "lockout": grant.lockout.value,
            "count_24h": grant.count_24h,
        },
        "low_reservoir": prescription.low_reservoir.value,
        "bridge": prescription.bridge.value,
        **flex,
    }


def _schedule_data(schedule: Schedule) -> dict[str, Any]:
    return {
        "anchor": schedule.anchor.value,
        "days": list(schedule.days),
        "steps": [[step.pattern, step.begins.value, step.rate.value] for step in schedule.steps],
    }
