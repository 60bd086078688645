"""A pump that only talks: it answers every message, obeys a script of faults, and delivers nothing.

It is for tests of the programmer. It knows no limit and checks almost nothing, so that whatever the programmer lets
through arrives.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import replace

from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.view import PumpView, interrogate
from emulator.programmer.workflow import Phase
from emulator.schedule import rate_at
from protocol.conversation import ChannelEnded, NoAnswer
from protocol.messages import (
    NO_DIGEST,
    NO_GRANT,
    Accepted,
    AlarmEntry,
    AlarmsReport,
    BatteryReport,
    Close,
    Closed,
    CommandReport,
    Commit,
    Drug,
    DrugTotal,
    IdentityReport,
    Interrogate,
    LogEntry,
    LogPage,
    Message,
    Prescription,
    PrescriptionReport,
    QueryCommand,
    ReadLog,
    Refused,
    ReservoirReport,
    Schedule,
    ScheduleReport,
    SelfTest,
    SelfTestReport,
    Staged,
    StagePrescription,
    StageSchedule,
    Start,
    Stop,
    TherapyReport,
    TotalsReport,
    Welcome,
)
from protocol.prescription_digest import digest_of, schedule_digest
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, Picograms, PicogramsPerNanolitre
from protocol.vocabulary import Mode, Outcome, Reason, Section, TherapyState

SERIAL = "TH-0001"
LOG_PAGE = 9
NO_SCHEDULE = Schedule(Milliseconds(0), bytes(7), ())
STATE_OF = {
    Mode.STOPPED: TherapyState.STOPPED,
    Mode.MINIMUM_RATE: TherapyState.MINIMUM_RATE,
    Mode.SIMPLE_CONTINUOUS: TherapyState.SIMPLE_CONTINUOUS,
    Mode.FLEX: TherapyState.FLEX,
}


class Fault(enum.Enum):
    """What happens to one request."""

    UNSENT = enum.auto()
    """It never leaves."""
    NO_SESSION = enum.auto()
    """This end finds that its session is over; nothing is sent."""
    REQUEST_LOST = enum.auto()
    """It is sent and does not arrive; a copy is still on its way."""
    REPLY_LOST = enum.auto()
    """It is carried out, and the reply does not arrive."""
    INTERRUPTED = enum.auto()
    """It is carried out, and the user breaks off while waiting."""


class FakePump:
    """The other end of every ``FakeConversation``."""

    def __init__(self, library: Library, serial: str = SERIAL) -> None:
        self.serial = serial
        self.library = library.digest
        self.prescription = empty_prescription(library)
        self.confirmed = False
        self.state = TherapyState.UNPROGRAMMED
        self.alarms: tuple[AlarmEntry, ...] = ()
        self.log: tuple[LogEntry, ...] = ()
        self.computed = Nanolitres(10_000_000)
        self.staged: Prescription | None = None
        self.schedule: Schedule | None = None
        self.staged_schedule: Schedule | None = None
        self.pump_time = Milliseconds(0)
        self.wall_clock = 0
        self.stopped_for = Milliseconds(0)
        self.eri = False
        self.replace_in = Milliseconds(2_000 * 86_400_000)
        self.bridge_remaining = Nanolitres(0)
        self.drug_free = Nanolitres(0)
        self.boluses_left = 0
        self.totals: tuple[DrugTotal, ...] = ()
        self.faults: list[tuple[type[Message], Fault]] = []
        self.refusals: dict[type[Message], Reason] = {}
        self.tamper: Callable[[Message], Message] = lambda reply: reply
        self.silent = False
        self.requests: list[Message] = []
        self.executed: list[Message] = []
        self.executions: list[tuple[bytes, int]] = []
        """Session and counter of every executed command."""
        self.on_the_way: list[tuple[bytes, int, Message]] = []
        self.sessions = 0
        self.remembered: dict[bytes, CommandReport] = {}
        self.session = b""
        self.last_counter = 0

    def dial(self) -> FakeConversation:
        """Return a conversation with this pump."""
        return FakeConversation(self)

    def programmer(self, library: Library) -> Programmer:
        """Return a programmer that talks to this pump."""
        return Programmer(self.dial, library)

    def open_session(self) -> bytes:
        """Begin a new session; the old one is over, its last command remembered."""
        self.sessions += 1
        self.session = self.sessions.to_bytes(8, "big")
        self.last_counter = 0
        self.staged = self.staged_schedule = None
        self.remembered[self.session] = CommandReport(True, 0, 0, Outcome.NONE, 0, Milliseconds(0))
        return self.session

    def deliver_late(self) -> None:
        """Let what was on its way arrive now."""
        late, self.on_the_way = self.on_the_way, []
        for session, counter, message in late:
            if session == self.session and counter > self.last_counter:
                self.answer(message, counter)

    def answer(self, message: Message, counter: int) -> Message:
        """Answer one request of the present session."""
        self.last_counter = counter
        self.requests.append(message)
        reason = self.refusals.get(type(message))
        if reason is not None:
            reply: Message = Refused(reason, 255, Milliseconds(0), Picograms(0))
        else:
            reply = self._carry_out(message)
        if message.CHANGES_STATE:
            self._remember(message, counter, reply)
        return self.tamper(reply)

    def _remember(self, message: Message, counter: int, reply: Message) -> None:
        outcome, reason = Outcome.ACCEPTED, 0
        if isinstance(reply, Refused):
            outcome, reason = Outcome.REFUSED, int(reply.reason)
        else:
            self.executed.append(message)
            self.executions.append((self.session, counter))
        self.remembered[self.session] = CommandReport(True, counter, message.TYPE, outcome, reason, Milliseconds(0))

    def _carry_out(self, message: Message) -> Message:
        reply = self._read(message)
        if reply is not None:
            return reply
        match message:
            case Commit(digest):
                return self._commit(digest)
            case Close(acknowledged):
                return Closed() if acknowledged or self._infusing else self._refused(Reason.STOPPED)
            case SelfTest():
                return SelfTestReport(0)
            case Stop():
                self.state = TherapyState.STOPPED
            case Start():
                self.state = STATE_OF[self.prescription.mode]
        return Accepted(self.state, self._rate)

    def _read(self, message: Message) -> Message | None:
        match message:
            case Interrogate(section):
                return self._report(section)
            case QueryCommand(session):
                unknown = CommandReport(False, 0, 0, Outcome.NONE, 0, Milliseconds(0))
                return self.remembered.get(session, unknown)
            case ReadLog(first):
                return self._page(first)
            case StagePrescription(prescription):
                self.staged = prescription
                return Staged(digest_of(prescription, self.serial), prescription)
            case StageSchedule(schedule):
                self.staged_schedule = schedule
                return ScheduleReport(schedule_digest(schedule), schedule)
        return None

    def _commit(self, digest: bytes) -> Message:
        if self.staged is None:
            return self._refused(Reason.NOTHING_STAGED)
        if digest != digest_of(self.staged, self.serial):
            return self._refused(Reason.DIGEST_MISMATCH)
        self.prescription, self.staged, self.confirmed = self.staged, None, True
        self.schedule = self.staged_schedule if self.prescription.mode is Mode.FLEX else None
        self.state = STATE_OF[self.prescription.mode]
        return Accepted(self.state, self._rate)

    @property
    def _infusing(self) -> bool:
        return self.state not in (TherapyState.UNPROGRAMMED, TherapyState.STOPPED)

    @property
    def _rate(self) -> NanolitresPerDay:
        if not self._infusing:
            return NanolitresPerDay(0)
        if self.state is TherapyState.MINIMUM_RATE:
            return NanolitresPerDay(6_000)
        return (
            NanolitresPerDay(rate_at(self.schedule, self.pump_time.value))
            if self.schedule
            else self.prescription.rate
        )

    def _refused(self, reason: Reason) -> Refused:
        return Refused(reason, 255, Milliseconds(0), Picograms(0))

    def _page(self, first: int) -> LogPage:
        entries = tuple(entry for entry in self.log if entry.sequence >= first)[:LOG_PAGE]
        oldest = self.log[0].sequence if self.log else 0
        return LogPage(oldest, self.log[-1].sequence + 1 if self.log else 0, entries)

    def _report(self, section: Section) -> Message:
        nothing, never = Nanolitres(0), Milliseconds(0)
        reports: dict[Section, Message] = {
            Section.IDENTITY: IdentityReport(
                self.serial,
                "fake",
                "fake",
                "0",
                self.library,
                NanolitresPerDay(48_000),
                NanolitresPerDay(24_000_000),
                NanolitresPerDay(6_000),
                Nanolitres(500),
                Nanolitres(140_000),
                Nanolitres(187_000),
            ),
            Section.PRESCRIPTION: PrescriptionReport(
                self.confirmed, digest_of(self.prescription, self.serial), self.prescription
            ),
            Section.THERAPY: TherapyReport(
                self.pump_time,
                self.wall_clock,
                self.state,
                self._rate,
                nothing,
                nothing,
                never,
                self.boluses_left,
                0,
                self.stopped_for,
                self.bridge_remaining,
                self.drug_free,
            ),
            Section.RESERVOIR: ReservoirReport(Nanolitres(20_000_000), self.computed, Nanolitres(2_000_000)),
            Section.BATTERY: BatteryReport(1000, 1, self.eri, self.replace_in),
            Section.ALARMS: AlarmsReport(0, never, self.alarms),
            Section.TOTALS: TotalsReport(nothing, 0, self.totals),
            Section.SCHEDULE: ScheduleReport(
                schedule_digest(self.schedule) if self.schedule else NO_DIGEST, self.schedule or NO_SCHEDULE
            ),
        }
        return reports[section]


class FakeConversation:
    """Talks to a ``FakePump`` and lets its script of faults happen."""

    def __init__(self, pump: FakePump) -> None:
        self._pump = pump
        self.session: bytes | None = None
        self.serial: str | None = None
        self.last_counter = 0

    def connect(self) -> Welcome:
        """Establish a session unless the pump is silent."""
        if self._pump.silent:
            raise NoAnswer("nobody answers", sent=False)
        self.session, self.serial, self.last_counter = self._pump.open_session(), self._pump.serial, 0
        return Welcome(self.session, Milliseconds(300_000))

    def request(self, message: Message) -> Message:
        """Ask the pump, or let the next fault in the script happen if it is for this kind of message."""
        message.pack()
        fault = None
        if self._pump.faults and isinstance(message, self._pump.faults[0][0]):
            fault = self._pump.faults.pop(0)[1]
        if fault is Fault.NO_SESSION or self.session != self._pump.session:
            raise ChannelEnded("no session")
        if fault is Fault.UNSENT:
            raise NoAnswer("not sent", sent=False)
        self.last_counter += 1
        if self._pump.silent or fault is Fault.REQUEST_LOST:
            self._pump.on_the_way.append((self.session, self.last_counter, message))
            raise NoAnswer("no reply", sent=True)
        reply = self._pump.answer(message, self.last_counter)
        if fault is Fault.REPLY_LOST:
            raise NoAnswer("no reply", sent=True)
        if fault is Fault.INTERRUPTED:
            raise KeyboardInterrupt
        return reply


def empty_prescription(library: Library) -> Prescription:
    """Return what a pump without a prescription reports."""
    return Prescription(Mode.STOPPED, NanolitresPerDay(0), (), NO_GRANT, Nanolitres(0), library.digest, "")


def morphine_prescription(library: Library) -> Prescription:
    """Return 1 mg/day of morphine at 20 mg/mL, no patient bolus, limits of the library."""
    entry = library.by_name("morphine")
    if entry is None:
        raise KeyError("morphine")
    drug = Drug(entry.code, PicogramsPerNanolitre(20_000), entry.hard_1h, entry.hard_24h)
    return replace(
        empty_prescription(library),
        mode=Mode.SIMPLE_CONTINUOUS,
        rate=NanolitresPerDay(50_000),
        drugs=(drug,),
        low_reservoir=Nanolitres(2_000_000),
    )


def infusing_pump(library: Library) -> FakePump:
    """Return a pump that infuses 1 mg/day of morphine."""
    pump = FakePump(library)
    pump.prescription, pump.confirmed, pump.state = (
        morphine_prescription(library),
        True,
        TherapyState.SIMPLE_CONTINUOUS,
    )
    return pump


def phase(programmer: Programmer) -> Phase:
    """Return where the programming stands now."""
    return programmer.state


def seen(pump: FakePump) -> PumpView:
    """Return what an interrogation of a pump shows."""
    conversation = pump.dial()
    conversation.connect()
    return interrogate(conversation.request)
