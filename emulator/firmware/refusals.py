"""Why the pump would refuse something now: the questions that every dose-changing command must pass.

Each question is asked in a fixed order and the first that fails is the answer. Nothing here changes the pump.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.firmware.allowance import grants_today, ledgers_under, next_grant_in
from emulator.firmware.metering import whole_strokes_nl
from emulator.firmware.meters import line_as_declared
from emulator.firmware.outlook import basal_peak, plan_bolus, plan_prescription, plan_prime
from emulator.firmware.planner import Plan, obstacle
from emulator.firmware.prescribing import (
    BOLUS_DURATION_MS,
    bolus_objection,
    deliverable,
    fluid_of,
    objection,
    refusal,
)
from emulator.firmware.pump import Pump
from emulator.firmware.state import Bolus
from emulator.firmware.therapy import BOUNDED, CLINICIAN_BOLUS, PATIENT_BOLUS, PRIMING, new_bolus
from emulator.hardware.line import Line, drug_free_nl, foreign_nl
from protocol.messages import Prescription, Prime, Refused, Schedule
from protocol.vocabulary import Mode, Reason


def prescription_refused(pump: Pump, prescription: Prescription, schedule: Schedule | None = None) -> Refused | None:
    """Return why a prescription, with the schedule that it names, cannot be made the active one now, or None."""
    return next(_against_prescription(pump, prescription, schedule), None)


def start_refused(pump: Pump) -> Refused | None:
    """Return why the infusion cannot be started now, or None."""
    return next(_against_start(pump), None)


def clinician_bolus_refused(pump: Pump, volume_nl: int, duration_ms: int, reason: str) -> Refused | None:
    """Return why a clinician bolus cannot begin now, or None."""
    return next(_against_clinician_bolus(pump, volume_nl, duration_ms, reason), None)


def patient_bolus_refused(pump: Pump) -> Refused | None:
    """Return why a patient bolus cannot begin now, or None."""
    return next(_against_patient_bolus(pump), None)


def prime_refused(pump: Pump, request: Prime) -> Refused | None:
    """Return why priming cannot begin now, or None."""
    return next(_against_prime(pump, request), None)


def _against_prescription(pump: Pump, prescription: Prescription, schedule: Schedule | None) -> Iterator[Refused]:
    if pump.library is None:
        yield refusal(Reason.MEMORY_FAULT)
        return
    refused = objection(prescription, pump.library, pump.profile, schedule)
    if refused:
        yield refused
        return
    if prescription.mode is not Mode.STOPPED:
        yield from _against_change_of_fluid(pump, prescription)
        yield from _against_plan(pump, plan_prescription(pump, prescription, schedule), prescription)


def _against_change_of_fluid(pump: Pump, prescription: Prescription) -> Iterator[Refused]:
    """Ask for a bridge, or a reason against one, where the line holds another drug or strength than the reservoir."""
    fluid = fluid_of(prescription)
    if not foreign_nl(pump.line, fluid):
        return
    if not prescription.bridge.value:
        if not prescription.override_reason.strip():
            yield refusal(Reason.BRIDGE_NEEDED)
    elif len({plug for _, plug in pump.line if plug != fluid}) > 1 or not _may_bridge(pump, prescription):
        yield refusal(Reason.BRIDGE_IMPOSSIBLE)


def _may_bridge(pump: Pump, prescription: Prescription) -> bool:
    """Whether a bridge begins with a line of one fluid, or goes on as it was prescribed before."""
    before = pump.therapy.prescription
    goes_on = before is not None and (before.bridge, fluid_of(before)) == (
        prescription.bridge,
        fluid_of(prescription),
    )
    return goes_on or len(pump.line) == 1


def _against_start(pump: Pump) -> Iterator[Refused]:
    prescription = pump.therapy.prescription
    if prescription is None or not pump.record.confirmed:
        yield refusal(Reason.UNCONFIRMED)
        return
    if pump.therapy.flow_restricted:
        yield refusal(Reason.ALARM_RESTRICTS)
    if pump.therapy.state in BOUNDED:
        yield refusal(Reason.BOLUS_RUNNING)
    if pump.reservoir_nl < pump.profile.stroke.value:
        yield refusal(Reason.RESERVOIR)
    yield from _against_prescription(pump, prescription, pump.record.schedule)


def _against_clinician_bolus(pump: Pump, volume_nl: int, duration_ms: int, reason: str) -> Iterator[Refused]:
    if duration_ms not in BOLUS_DURATION_MS or volume_nl == 0:
        yield refusal(Reason.DURATION_RANGE)
        return
    if pump.therapy.state in BOUNDED:
        yield refusal(Reason.BOLUS_RUNNING)
    bolus = new_bolus(CLINICIAN_BOLUS, volume_nl, duration_ms)
    yield from _against_bolus(pump, "clinician_bolus", bolus, reason)


def _against_patient_bolus(pump: Pump) -> Iterator[Refused]:
    prescription = pump.therapy.prescription
    if prescription is None:
        yield refusal(Reason.UNCONFIRMED)
        return
    grant = prescription.patient_bolus
    if grant.volume.value == 0:
        yield refusal(Reason.PATIENT_BOLUS_OFF)
        return
    if pump.therapy.state in (PATIENT_BOLUS, PRIMING):
        yield refusal(Reason.BOLUS_RUNNING)
    if pump.now <= pump.record.lockout_until:
        yield refusal(Reason.LOCKOUT, retry_after_ms=pump.record.lockout_until - pump.now + 1)
    if len(grants_today(pump)) >= grant.count_24h:
        yield refusal(Reason.COUNT_LIMIT, retry_after_ms=next_grant_in(pump, grant.count_24h))
    bolus = new_bolus(PATIENT_BOLUS, grant.volume.value, grant.duration.value)
    yield from _against_bolus(pump, "patient_bolus", bolus, prescription.override_reason)


def _against_bolus(pump: Pump, event: str, bolus: Bolus, reason: str) -> Iterator[Refused]:
    """Ask what both kinds of bolus must pass: confirmation, alarms, state, reservoir, hardware, library, guard."""
    yield from _against_any_bolus(pump, event, bolus)
    prescription, library = pump.therapy.prescription, pump.library
    if prescription is None or library is None:
        return
    if not deliverable(basal_peak(pump) + bolus.rate, pump.profile):
        yield refusal(Reason.RATE_RANGE)
    refused = bolus_objection(bolus.volume_nl, prescription, library, reason)
    if refused:
        yield refused
    yield from _against_plan(pump, plan_bolus(pump, bolus), prescription)


def _against_any_bolus(pump: Pump, event: str, bolus: Bolus) -> Iterator[Refused]:
    """Ask what also a prime must pass: confirmation, alarms, state and reservoir."""
    if pump.therapy.prescription is None or not pump.record.confirmed:
        yield refusal(Reason.UNCONFIRMED)
    if pump.library is None:
        yield refusal(Reason.MEMORY_FAULT)
    if pump.alarms.critical:
        yield refusal(Reason.ALARM_RESTRICTS)
    if not pump.therapy.may(event, bolus=bolus):
        yield refusal(Reason.WRONG_STATE)
    if bolus.volume_nl > pump.reservoir_nl:
        yield refusal(Reason.RESERVOIR)


def _against_prime(pump: Pump, request: Prime) -> Iterator[Refused]:
    if request.duration.value not in BOLUS_DURATION_MS or request.volume.value == 0:
        yield refusal(Reason.DURATION_RANGE)
        return
    if pump.therapy.state is PRIMING:
        yield refusal(Reason.BOLUS_RUNNING)
    prime = new_bolus(PRIMING, request.volume.value, request.duration.value)
    yield from _against_any_bolus(pump, "prime", prime)
    prescription = pump.therapy.prescription
    if prescription is None:
        return
    line = line_as_declared(pump, request)
    if whole_strokes_nl(pump.credit + prime.remaining, pump.profile.stroke.value) > drug_free_nl(line):
        yield refusal(Reason.LINE_HOLDS_DRUG)
    if not deliverable(prime.rate, pump.profile):
        yield refusal(Reason.RATE_RANGE)
    yield from _against_plan(pump, plan_prime(pump, prime), prescription, line)


def _against_plan(pump: Pump, plan: Plan, prescription: Prescription, line: Line | None = None) -> Iterator[Refused]:
    found = obstacle(
        plan,
        ledgers_under(pump, prescription),
        pump.line if line is None else line,
        fluid_of(prescription),
        pump.profile.stroke.value,
        pump.sizes,
    )
    if found:
        yield refusal(found.reason, found.code, limit_pg=found.limit_pg)
