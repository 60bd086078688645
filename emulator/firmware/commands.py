"""What the pump does with each request, and why it refuses.

Every handler either changes the pump and returns ``Accepted``, or changes nothing and returns ``Refused``. The
change and the note that it was executed reach the memory in one write, before the reply leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.firmware import alarms, contact, reports
from emulator.firmware.allowance import grants_today, restart_lockout
from emulator.firmware.meters import declare_line
from emulator.firmware.prescribing import refusal, schedule_objections
from emulator.firmware.pump import Pump
from emulator.firmware.refusals import (
    clinician_bolus_refused,
    patient_bolus_refused,
    prescription_refused,
    prime_refused,
    start_refused,
)
from emulator.firmware.state import CommandRecord
from emulator.firmware.telling import bolus_kind
from emulator.firmware.therapy import CLINICIAN_BOLUS, PATIENT_BOLUS, PRIMING, new_bolus
from emulator.firmware.upkeep import COMMANDED, run_self_test
from emulator.machine import NotAllowedError
from protocol.channel_events import CloseCause
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    CancelBolus,
    ClinicianBolus,
    Close,
    Closed,
    CommandReport,
    Commit,
    EnterRefill,
    Interrogate,
    Message,
    PatientBolus,
    Prescription,
    Prime,
    QueryCommand,
    ReadLog,
    Refused,
    Schedule,
    ScheduleReport,
    SelfTest,
    SelfTestReport,
    SetWallClock,
    SilenceAlarms,
    Staged,
    StagePrescription,
    StageSchedule,
    Start,
    Stop,
)
from protocol.prescription_digest import digest_of, schedule_digest
from protocol.units import Milliseconds, NanolitresPerDay
from protocol.vocabulary import LogKind, Mode, Outcome, Reason, Role, TherapyState

COUNTED_MOST = (1 << 32) - 1
"""A count as large as its field stays there: it must never come round to none."""
REMEMBERED = 4
"""Sessions whose last command is remembered, for the patient's controller and for all others apart."""


class Commands:
    """Carries out requests on a pump. Holds what belongs to the open session only."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._staged: Prescription | None = None
        self._schedule: Schedule | None = None

    def session_opened(self, session: bytes, role: Role) -> None:
        """Make room to remember what this session does; the oldest of its kind is forgotten."""
        self._pump.check_memory()
        self._staged = self._schedule = None
        mine = [each for each in self._pump.record.commands if _kind(each.role) == _kind(role)]
        others = [each for each in self._pump.record.commands if _kind(each.role) != _kind(role)]
        kept = (*others, *mine[-(REMEMBERED - 1) :], CommandRecord(session, role))
        self._pump.record = self._pump.record._replace(commands=kept)
        contact.session_opened(self._pump, role)
        self._pump.log.add(self._pump.now, LogKind.SESSION_OPENED, role)
        self._pump.news.add("session.opened", role=role.name.lower())
        self._pump.save()
        self._pump.watch()

    def session_closed(self, role: Role, cause: CloseCause) -> None:
        """Drop what the session had staged."""
        asked = cause is CloseCause.ASKED
        self._pump.check_memory()
        self._staged = self._schedule = None
        contact.session_ended(self._pump, role, asked=asked)
        self._pump.log.add(self._pump.now, LogKind.SESSION_CLOSED, role, 0 if asked else 1)
        self._pump.news.add("session.closed", role=role.name.lower(), cause=cause.value)
        self._pump.save()
        self._pump.watch()

    def handle(self, request: Message, role: Role, session: bytes, counter: int) -> Message:
        """Carry out one request and return the reply. Never raises for what is asked."""
        pump = self._pump
        pump.check_memory()
        reply = HANDLERS[type(request)](self, request)
        if not request.CHANGES_STATE:
            return reply
        reason = reply.reason if isinstance(reply, Refused) else 0
        outcome = Outcome.REFUSED if isinstance(reply, Refused) else Outcome.ACCEPTED
        done = CommandRecord(session, role, counter, request.TYPE, outcome, reason, pump.now)
        pump.record = pump.record._replace(
            commands=tuple(done if each.session == session else each for each in pump.record.commands)
        )
        pump.log.add(pump.now, LogKind.COMMAND, request.TYPE, reason)
        pump.save()
        pump.watch()
        return self._accepted() if isinstance(reply, Accepted) else reply

    def _accepted(self) -> Accepted:
        return Accepted(self._pump.therapy.state, NanolitresPerDay(self._pump.therapy.rate))

    # --- looking ---

    def _interrogate(self, request: Interrogate) -> Message:
        return reports.REPORTS[request.section](self._pump)

    def _query(self, request: QueryCommand) -> Message:
        for each in self._pump.record.commands:
            if each.session == request.session:
                return CommandReport(
                    known=True,
                    counter=each.counter,
                    command=each.command,
                    outcome=each.outcome,
                    reason=each.reason,
                    at=Milliseconds(each.at),
                )
        return CommandReport(known=False, counter=0, command=0, outcome=Outcome.NONE, reason=0, at=Milliseconds(0))

    def _read_log(self, request: ReadLog) -> Message:
        return self._pump.log.page(request.first)

    # --- programming ---

    def _stage(self, request: StagePrescription) -> Message:
        self._staged = None
        prescription = request.prescription
        refused = prescription_refused(self._pump, prescription, self._schedule_of(prescription))
        if refused:
            return refused
        self._staged = request.prescription
        return Staged(digest_of(request.prescription, self._pump.identity.serial), request.prescription)

    def _stage_schedule(self, request: StageSchedule) -> Message:
        self._staged = self._schedule = None
        refused = next(schedule_objections(request.schedule, self._pump.profile), None)
        if refused:
            return refused
        self._schedule = request.schedule
        return ScheduleReport(schedule_digest(request.schedule), request.schedule)

    def _schedule_of(self, prescription: Prescription) -> Schedule | None:
        """Return the schedule that a prescription names, if it is staged or the one in force."""
        for schedule in (self._schedule, self._pump.record.schedule):
            if schedule and prescription.mode is Mode.FLEX and schedule_digest(schedule) == prescription.schedule:
                return schedule
        return None

    def _commit(self, request: Commit) -> Message:
        staged = self._staged
        schedule = self._schedule_of(staged) if staged else None
        self._staged = self._schedule = None
        if staged is None:
            return refusal(Reason.NOTHING_STAGED)
        if request.digest != digest_of(staged, self._pump.identity.serial):
            return refusal(Reason.DIGEST_MISMATCH)
        refused = prescription_refused(self._pump, staged, schedule)
        if refused:
            return refused
        self._pump.course.prescribe(staged, schedule)
        self._pump.log.add(self._pump.now, LogKind.PRESCRIPTION)
        return self._accepted()

    def _stop(self, _: Stop) -> Message:
        self._pump.course.fire("stop")
        return self._accepted()

    def _start(self, _: Start) -> Message:
        refused = start_refused(self._pump)
        if refused:
            return refused
        self._pump.course.fire("infuse")
        return self._accepted()

    # --- boluses ---

    def _clinician_bolus(self, request: ClinicianBolus) -> Message:
        volume_nl, duration_ms = request.volume.value, request.duration.value
        refused = clinician_bolus_refused(self._pump, volume_nl, duration_ms, request.override_reason)
        if refused:
            return refused
        self._begin(CLINICIAN_BOLUS, "clinician_bolus", volume_nl, duration_ms)
        return self._accepted()

    def _patient_bolus(self, _: PatientBolus) -> Message:
        pump, prescription = self._pump, self._pump.therapy.prescription
        refused = patient_bolus_refused(pump)
        if refused or prescription is None:
            refused = refused or refusal(Reason.UNCONFIRMED)
            pump.record = pump.record._replace(denied=min(pump.record.denied + 1, COUNTED_MOST))
            pump.log.add(pump.now, LogKind.BOLUS_DENIED, refused.reason, pump.record.denied)
            pump.tell("pump.bolus", what="denied", kind="patient", reason=refused.reason.name.lower())
            return refused
        grant = prescription.patient_bolus
        pump.record = pump.record._replace(grants=(*grants_today(pump), pump.now))
        self._begin(PATIENT_BOLUS, "patient_bolus", grant.volume.value, grant.duration.value)
        return self._accepted()

    def _begin(self, state: TherapyState, event: str, volume_nl: int, duration_ms: int) -> None:
        pump = self._pump
        pump.course.fire(event, bolus=new_bolus(state, volume_nl, duration_ms))
        pump.log.add(pump.now, LogKind.BOLUS_STARTED, state, volume_nl)
        kind = bolus_kind(state)
        pump.tell("pump.bolus", what="started", kind=kind, volume_nl=volume_nl, duration_ms=duration_ms)

    def _prime(self, request: Prime) -> Message:
        refused = prime_refused(self._pump, request)
        if refused:
            return refused
        declare_line(self._pump, request)
        self._begin(PRIMING, "prime", request.volume.value, request.duration.value)
        return self._accepted()

    def _cancel(self, _: CancelBolus) -> Message:
        try:
            self._pump.course.fire("cancel")
        except NotAllowedError:
            return refusal(Reason.NO_BOLUS)
        return self._accepted()

    # --- reservoir, clock, alarms ---

    def _refill(self, request: EnterRefill) -> Message:
        pump = self._pump
        if max(request.contents.value, request.residual.value) > pump.profile.capacity.value:
            return refusal(Reason.CAPACITY)
        pump.reservoir_nl = request.contents.value
        restart_lockout(pump)
        pump.log.add(pump.now, LogKind.REFILL, 0, request.contents.value)
        pump.news.add("pump.refill", residual=request.residual.value, computed=request.contents.value)
        return self._accepted()

    def _set_clock(self, request: SetWallClock) -> Message:
        pump = self._pump
        pump.record = pump.record._replace(wall_offset_ms=request.unix_ms - pump.now)
        pump.log.add(pump.now, LogKind.WALL_CLOCK, 0, request.unix_ms)
        return self._accepted()

    def _silence(self, _: SilenceAlarms) -> Message:
        if not self._pump.panel.raised:
            return refusal(Reason.NO_SUCH_ALARM)
        if not self._pump.panel.may_silence:
            return refusal(Reason.SILENCE_SPENT)
        self._pump.alarms.silence()
        return self._accepted()

    def _acknowledge(self, request: AcknowledgeAlarm) -> Message:
        pump = self._pump
        pump.watch()
        if not alarms.is_raised(pump.panel, request.code):
            return refusal(Reason.NO_SUCH_ALARM, request.code)
        if alarms.is_active(pump.panel, request.code):
            return refusal(Reason.CAUSE_PRESENT, request.code)
        pump.alarms.clear(request.code)
        return self._accepted()

    def _self_test(self, _: SelfTest) -> Message:
        return SelfTestReport(run_self_test(self._pump, COMMANDED))

    def _close(self, request: Close) -> Message:
        if self._pump.therapy.rate == 0 and not request.stopped_acknowledged:
            return refusal(Reason.STOPPED)
        return Closed()


Handler = Callable[[Commands, Any], Message]

HANDLERS: dict[type[Message], Handler] = {
    Interrogate: Commands._interrogate,
    QueryCommand: Commands._query,
    ReadLog: Commands._read_log,
    StagePrescription: Commands._stage,
    Commit: Commands._commit,
    Stop: Commands._stop,
    Start: Commands._start,
    ClinicianBolus: Commands._clinician_bolus,
    CancelBolus: Commands._cancel,
    PatientBolus: Commands._patient_bolus,
    StageSchedule: Commands._stage_schedule,
    Prime: Commands._prime,
    EnterRefill: Commands._refill,
    SetWallClock: Commands._set_clock,
    SilenceAlarms: Commands._silence,
    AcknowledgeAlarm: Commands._acknowledge,
    SelfTest: Commands._self_test,
    Close: Commands._close,
}


def _kind(role: Role) -> bool:
    return role is Role.PATIENT
