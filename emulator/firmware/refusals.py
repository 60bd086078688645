"""Why the pump would refuse something now: the questions that every dose-changing command must pass.

Each question is asked in a fixed order and the first that fails is the answer. Nothing here changes the pump.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.firmware.planner import Plan, obstacle
from emulator.firmware.prescribing import (
    BOLUS_DURATION_MS,
    basal_rate,
    bolus_objection,
    deliverable,
    fluid_of,
    objection,
    refusal,
)
from emulator.firmware.pump import Pump
from emulator.firmware.therapy import BOLUS, PATIENT_BOLUS, new_bolus
from protocol.messages import Prescription, Refused
from protocol.vocabulary import Mode, Reason


def prescription_refused(pump: Pump, prescription: Prescription) -> Refused | None:
    """Return why a prescription cannot be made the active one now, or None."""
    return next(_against_prescription(pump, prescription), None)


def start_refused(pump: Pump) -> Refused | None:
    """Return why the infusion cannot be started now, or None."""
    return next(_against_start(pump), None)


def clinician_bolus_refused(pump: Pump, volume_nl: int, duration_ms: int, reason: str) -> Refused | None:
    """Return why a clinician bolus cannot begin now, or None."""
    return next(_against_clinician_bolus(pump, volume_nl, duration_ms, reason), None)


def patient_bolus_refused(pump: Pump) -> Refused | None:
    """Return why a patient bolus cannot begin now, or None."""
    return next(_against_patient_bolus(pump), None)


def _against_prescription(pump: Pump, prescription: Prescription) -> Iterator[Refused]:
    if pump.library is None:
        yield refusal(Reason.MEMORY_FAULT)
        return
    refused = objection(prescription, pump.library, pump.profile)
    if refused:
        yield refused
    if prescription.mode is not Mode.STOPPED:
        plan = Plan((), basal_rate(prescription, pump.profile), pump.credit)
        yield from _against_plan(pump, plan, prescription)


def _against_start(pump: Pump) -> Iterator[Refused]:
    prescription = pump.therapy.prescription
    if prescription is None or not pump.record.confirmed:
        yield refusal(Reason.UNCONFIRMED)
        return
    if pump.therapy.flow_restricted:
        yield refusal(Reason.ALARM_RESTRICTS)
    if pump.therapy.state in BOLUS:
        yield refusal(Reason.BOLUS_RUNNING)
    if pump.reservoir_nl < pump.profile.stroke.value:
        yield refusal(Reason.RESERVOIR)
    yield from _against_prescription(pump, prescription)


def _against_clinician_bolus(pump: Pump, volume_nl: int, duration_ms: int, reason: str) -> Iterator[Refused]:
    if duration_ms not in BOLUS_DURATION_MS or volume_nl == 0:
        yield refusal(Reason.DURATION_RANGE)
    if pump.therapy.state in BOLUS:
        yield refusal(Reason.BOLUS_RUNNING)
    yield from _against_bolus(pump, "clinician_bolus", volume_nl, duration_ms, reason)


def _against_patient_bolus(pump: Pump) -> Iterator[Refused]:
    prescription = pump.therapy.prescription
    if prescription is None:
        yield refusal(Reason.UNCONFIRMED)
        return
    grant = prescription.patient_bolus
    if grant.volume.value == 0:
        yield refusal(Reason.PATIENT_BOLUS_OFF)
    if pump.therapy.state is PATIENT_BOLUS:
        yield refusal(Reason.BOLUS_RUNNING)
    if pump.now <= pump.record.lockout_until:
        yield refusal(Reason.LOCKOUT, retry_after_ms=pump.record.lockout_until - pump.now + 1)
    if len(pump.grants_today()) >= grant.count_24h:
        yield refusal(Reason.COUNT_LIMIT, retry_after_ms=pump.next_grant_in(grant.count_24h))
    yield from _against_bolus(
        pump, "patient_bolus", grant.volume.value, grant.duration.value, prescription.override_reason
    )


def _against_bolus(pump: Pump, event: str, volume_nl: int, duration_ms: int, reason: str) -> Iterator[Refused]:
    """Ask what both kinds of bolus must pass: confirmation, alarms, state, reservoir, hardware, library, guard."""
    prescription = pump.therapy.prescription
    if prescription is None or not pump.record.confirmed:
        yield refusal(Reason.UNCONFIRMED)
        return
    if pump.library is None:
        yield refusal(Reason.MEMORY_FAULT)
        return
    if pump.critical:
        yield refusal(Reason.ALARM_RESTRICTS)
    if not pump.therapy.may(event):
        yield refusal(Reason.WRONG_STATE)
    if volume_nl > pump.reservoir_nl:
        yield refusal(Reason.RESERVOIR)
    bolus = new_bolus(volume_nl, duration_ms)
    if not deliverable(pump.therapy.basal_rate + bolus.rate, pump.profile):
        yield refusal(Reason.RATE_RANGE)
    refused = bolus_objection(volume_nl, prescription, pump.library, reason)
    if refused:
        yield refused
    yield from _against_plan(pump, pump.plan(bolus), prescription)


def _against_plan(pump: Pump, plan: Plan, prescription: Prescription) -> Iterator[Refused]:
    found = obstacle(
        plan,
        pump.ledgers_under(prescription),
        pump.line,
        fluid_of(prescription),
        pump.profile.stroke.value,
        pump.sizes,
    )
    if found:
        yield refusal(found.reason, found.code, limit_pg=found.limit_pg)
