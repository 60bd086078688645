"""Every message of the protocol: one frozen dataclass each, and the one table that maps their numbers.

A message is its type number, one byte, followed by its fields in order. Requests say which roles may send them.
The tables in ``docs/protocol.md`` are generated from this module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self, TypeVar, dataclass_transform, get_type_hints

from protocol.errors import RemoteProtocolError
from protocol.fields import AtMost, Field, Width, wire_field
from protocol.units import (
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerNanolitre,
)
from protocol.vocabulary import (
    AlarmCode,
    AlarmStatus,
    ChannelReason,
    LogKind,
    Mode,
    Outcome,
    Priority,
    Reason,
    Role,
    Section,
    TherapyState,
)

DIGEST_OCTETS = 16
"""Length of every digest on the wire: SHA-256, first 16 bytes. Finding a second text for one is out of reach."""
SESSION_OCTETS = 8
NO_SUBJECT = 255
"""Subject of a refusal that is about no drug and no alarm."""
SERIAL_OCTETS_MAX = 12

ANYONE = frozenset(Role)
CLINICIAN = frozenset({Role.CLINICIAN})
BEDSIDE = frozenset({Role.CLINICIAN, Role.SERVICE})
BOLUS_BUTTON = frozenset({Role.PATIENT, Role.CLINICIAN})

Digest = Annotated[bytes, Width(DIGEST_OCTETS)]
SessionId = Annotated[bytes, Width(SESSION_OCTETS)]

RecordType = TypeVar("RecordType", bound="WireRecord")
MessageType = TypeVar("MessageType", bound="Message")


class WireRecord:
    """Fields in order, without a type number; the base of messages and of the records inside them."""

    __slots__ = ()

    FIELDS: ClassVar[tuple[Field, ...]] = ()

    def pack(self) -> bytes:
        """Return the fields as bytes; ``LocalProtocolError`` names a field that does not fit."""
        return b"".join([field.pack(getattr(self, field.name)) for field in self.FIELDS])

    @classmethod
    def unpack(cls, data: bytes, at: int) -> tuple[Self, int]:
        """Read the fields at ``at``; return the record and the position behind it."""
        values = []
        for field in cls.FIELDS:
            value, at = field.unpack(data, at)
            values.append(value)
        return cls(*values), at


class Message(WireRecord):
    """A record with a type number."""

    __slots__ = ()

    TYPE: ClassVar[int] = 0
    ROLES: ClassVar[frozenset[Role]] = frozenset()
    """Who may send it, for a request; empty for a reply and for the handshake."""
    CHANGES_STATE: ClassVar[bool] = False
    """Whether the pump remembers it as an executed command."""


MESSAGES: dict[int, type[Message]] = {}
"""The codec table: type number to message class."""


@dataclass_transform(frozen_default=True)
def record(cls: type[RecordType]) -> type[RecordType]:
    """Make a dataclass of ``cls`` and read its fields' wire annotations."""
    cls = dataclass(frozen=True, slots=True)(cls)
    hints = get_type_hints(cls, include_extras=True)
    cls.FIELDS = tuple(wire_field(name, hints[name]) for name in cls.__dataclass_fields__)  # type: ignore[attr-defined]
    return cls


@dataclass_transform(frozen_default=True)
def message(
    number: int, roles: frozenset[Role] = frozenset(), *, changes_state: bool = False
) -> Callable[[type[MessageType]], type[MessageType]]:
    """Enter a message class into the codec table under ``number``."""

    def enter(cls: type[MessageType]) -> type[MessageType]:
        cls = record(cls)
        if number in MESSAGES:
            raise TypeError(f"message number {number:#04x} is taken by {MESSAGES[number].__name__}")
        cls.TYPE, cls.ROLES, cls.CHANGES_STATE = number, roles, changes_state
        MESSAGES[number] = cls
        return cls

    return enter


def encode(item: Message) -> bytes:
    """Return a message as bytes: type number, then fields."""
    return bytes((item.TYPE,)) + item.pack()


def decode(data: bytes) -> Message:
    """Read exactly one message; ``RemoteProtocolError`` if the bytes are anything else."""
    if not data:
        raise RemoteProtocolError("an empty message has no type")
    cls = MESSAGES.get(data[0])
    if cls is None:
        raise RemoteProtocolError(f"no message has the number {data[0]:#04x}")
    item, end = cls.unpack(data, 1)
    if end != len(data):
        raise RemoteProtocolError(f"{len(data) - end} bytes too many after {cls.__name__}")
    return item


# --- records inside messages ---------------------------------------------------------------------------------


@record
class Drug(WireRecord):
    """One drug of the fluid in the reservoir, with the limits it must keep at the pump outlet and at the tip."""

    code: Annotated[int, Width(1), "number of the drug in the library"]
    concentration: Annotated[PicogramsPerNanolitre, Width(4), "of this drug in the reservoir's fluid"]
    limit_1h: Annotated[Picograms, Width(8), "most mass in any sliding hour"]
    limit_24h: Annotated[Picograms, Width(8), "most mass in any sliding 24 hours"]


@record
class PatientBolusGrant(WireRecord):
    """What the patient may ask for; a volume of zero grants nothing."""

    volume: Annotated[Nanolitres, Width(4), "of one patient bolus; 0 grants none"]
    duration: Annotated[Milliseconds, Width(4), "over which it is delivered"]
    lockout: Annotated[Milliseconds, Width(4), "from the end of any bolus, programming or refill to the next request"]
    count_24h: Annotated[int, Width(1), "most patient boluses in any sliding 24 hours"]


NO_GRANT = PatientBolusGrant(Nanolitres(0), Milliseconds(0), Milliseconds(0), 0)
"""The grant of nothing: every field zero."""


@record
class Step(WireRecord):
    """One step of a flex schedule: it lasts until the next one of its pattern, the last one until midnight."""

    pattern: Annotated[int, Width(1), "pattern of the day that it belongs to, from 0"]
    begins: Annotated[Milliseconds, Width(4), "time of day, whole minutes; the first step of a pattern begins at 0"]
    rate: Annotated[NanolitresPerDay, Width(4), "basal flow"]


@record
class Schedule(WireRecord):
    """A flex schedule: patterns of the day, and which of them each day of the week follows. Runs in pump time."""

    anchor: Annotated[Milliseconds, Width(4), "pump time, modulo a week, at which Monday begins"]
    days: Annotated[bytes, Width(7), "pattern of each day, Monday first"]
    steps: Annotated[tuple[Step, ...], AtMost(20), "in order of pattern and time of day"]


NO_DIGEST = bytes(DIGEST_OCTETS)
"""Names nothing."""
NO_BRIDGE = NanolitresPerDay(0)
NO_VOLUME = Nanolitres(0)


@record
class Prescription(WireRecord):
    """What a clinician prescribes, complete; the pump never fills in a default."""

    mode: Annotated[Mode, Width(1), "what to infuse"]
    rate: Annotated[NanolitresPerDay, Width(4), "basal flow; 0 unless simple continuous (flex has its schedule)"]
    drugs: Annotated[tuple[Drug, ...], AtMost(5), "the fluid in the reservoir, primary drug first"]
    patient_bolus: Annotated[PatientBolusGrant, "what the patient may ask for"]
    low_reservoir: Annotated[Nanolitres, Width(4), "computed volume at which reservoir_low is raised"]
    library: Annotated[Digest, "digest of the drug library it was checked against"]
    override_reason: Annotated[str, AtMost(40), "why a soft limit is passed, or a bridge left out; empty if neither"]
    schedule: Annotated[Digest, "digest of the flex schedule; zeros unless the mode is flex"] = NO_DIGEST
    bridge: Annotated[NanolitresPerDay, Width(4), "flow until the line's old fluid has left it; 0 for no bridge"] = (
        NO_BRIDGE
    )


@record
class AlarmEntry(WireRecord):
    """One raised alarm."""

    code: Annotated[AlarmCode, Width(1), "which alarm"]
    priority: Annotated[Priority, Width(1), "how urgent"]
    status: Annotated[AlarmStatus, Width(1), "cause present, or gone and unacknowledged"]
    raised_at: Annotated[Milliseconds, Width(8), "pump time when it was raised"]


@record
class DrugTotal(WireRecord):
    """What the dose guard's ledgers hold for one drug. Counted as granted: never less than what was delivered."""

    code: Annotated[int, Width(1), "number of the drug in the library"]
    delivered: Annotated[Picograms, Width(8), "left the pump since the first power-up"]
    outlet_1h: Annotated[Picograms, Width(8), "counted at the pump outlet in the guard's hour"]
    outlet_24h: Annotated[Picograms, Width(8), "counted at the pump outlet in the guard's day"]
    tip_24h: Annotated[Picograms, Width(8), "counted at the catheter tip in the guard's day"]
    limit_24h: Annotated[Picograms, Width(8), "limit in force for any sliding 24 hours"]


@record
class LogEntry(WireRecord):
    """One event of the pump's log. ``LogKind`` says what subject and value mean."""

    sequence: Annotated[int, Width(4), "counts up from 0 and never repeats"]
    at: Annotated[Milliseconds, Width(8), "pump time"]
    kind: Annotated[LogKind, Width(1), "what happened"]
    subject: Annotated[int, Width(1), "what it happened to"]
    value: Annotated[int, Width(8), "see the kind"]


# --- handshake and seal --------------------------------------------------------------------------------------


@message(0x01)
class Hello(Message):
    """Programmer to pump: who wants to talk. Opens a handshake; changes nothing else."""

    role: Annotated[Role, Width(1), "in which role"]
    nonce: Annotated[bytes, Width(16), "fresh, from the programmer"]


@message(0x02)
class HelloReply(Message):
    """Pump to programmer: the pump's nonce and the proof that it knows the role's key."""

    serial: Annotated[str, AtMost(SERIAL_OCTETS_MAX), "the pump's serial number"]
    nonce: Annotated[bytes, Width(16), "fresh, from the pump"]
    ordinal: Annotated[int, Width(8), "number of this hello in the pump's life; never repeats"]
    proof: Annotated[bytes, Width(32), "HMAC-SHA256 over the transcript under the role's key"]


@message(0x03)
class Prove(Message):
    """Programmer to pump: the programmer's proof. The pump answers with a sealed Welcome.

    It repeats what the proof is about, so that the pump need not remember anything between hello and proof.
    """

    role: Annotated[Role, Width(1), "as in the hello"]
    nonce: Annotated[bytes, Width(16), "the programmer's, as in the hello"]
    ordinal: Annotated[int, Width(8), "the pump's, as in its reply"]
    proof: Annotated[bytes, Width(32), "HMAC-SHA256 over the transcript under the role's key"]


@message(0x04)
class Sealed(Message):
    """A message under the session's keys."""

    counter: Annotated[
        int, Width(8), "of a request: from 1, only ever up; of a reply: its request's; of the Welcome: 0"
    ]
    box: Annotated[bytes, "ChaCha20-Poly1305 of the inner message"]


@message(0x05)
class ChannelRefusal(Message):
    """Pump to programmer: no conversation, and why. Not authenticated: advice only."""

    reason: Annotated[ChannelReason, Width(1), "why"]
    wait: Annotated[Milliseconds, Width(4), "after which a hello will be answered"]


# --- requests ------------------------------------------------------------------------------------------------


@message(0x10, ANYONE)
class Interrogate(Message):
    """Ask for one section of the pump's state."""

    section: Annotated[Section, Width(1), "which section"]


@message(0x11, ANYONE)
class QueryCommand(Message):
    """Ask what became of the last command executed in a session: how an *unknown* result is resolved."""

    session: Annotated[SessionId, "whose commands"]


@message(0x12, BEDSIDE)
class ReadLog(Message):
    """Ask for a page of the event log."""

    first: Annotated[int, Width(4), "sequence number to begin with; older ones that are gone are passed over"]


@message(0x13, CLINICIAN)
class StagePrescription(Message):
    """Put a prescription before the pump. Nothing changes until it is committed."""

    prescription: Annotated[Prescription, "the whole prescription"]


@message(0x14, CLINICIAN, changes_state=True)
class Commit(Message):
    """Make the staged prescription the active one, whole or not at all."""

    digest: Annotated[Digest, "as the pump answered when it was staged"]


@message(0x15, CLINICIAN, changes_state=True)
class Stop(Message):
    """Stop the infusion. Accepted in every state."""


@message(0x16, CLINICIAN, changes_state=True)
class Start(Message):
    """Start or resume what the confirmed prescription asks for."""


@message(0x17, CLINICIAN, changes_state=True)
class ClinicianBolus(Message):
    """Deliver one bolus on top of the basal rate."""

    volume: Annotated[Nanolitres, Width(4), "to deliver"]
    duration: Annotated[
        Milliseconds,
        Width(4),
        "over which; the flow is rounded down to whole nL/day, so a few nanolitres may take much longer",
    ]
    override_reason: Annotated[str, AtMost(40), "why a soft limit is passed; empty if none is"]


@message(0x18, CLINICIAN, changes_state=True)
class CancelBolus(Message):
    """End the running or suspended boluses; what is delivered stays counted."""


@message(0x19, BOLUS_BUTTON, changes_state=True)
class PatientBolus(Message):
    """Press the patient's button."""


@message(0x1A, CLINICIAN, changes_state=True)
class EnterRefill(Message):
    """Tell the pump what was drawn out and what it holds now."""

    residual: Annotated[Nanolitres, Width(4), "measured volume drawn out"]
    contents: Annotated[Nanolitres, Width(4), "volume in the reservoir now"]


@message(0x1B, BEDSIDE, changes_state=True)
class SetWallClock(Message):
    """Set the wall clock. No limit, lockout or deadline depends on it."""

    unix_ms: Annotated[int, Width(8), "milliseconds since 1970-01-01T00:00Z"]


@message(0x1C, CLINICIAN, changes_state=True)
class SilenceAlarms(Message):
    """Silence the sounder for a bounded time; a new alarm breaks the silence."""


@message(0x1D, CLINICIAN, changes_state=True)
class AcknowledgeAlarm(Message):
    """Clear an alarm whose cause is gone."""

    code: Annotated[AlarmCode, Width(1), "which alarm"]


@message(0x1E, BEDSIDE, changes_state=True)
class SelfTest(Message):
    """Run the self-tests now."""


@message(0x1F, ANYONE)
class Close(Message):
    """End the session."""

    stopped_acknowledged: Annotated[bool, Width(1), "the user knows that the pump is stopped"]


@message(0x20, CLINICIAN)
class StageSchedule(Message):
    """Put a flex schedule before the pump, to be named by the prescription staged after it."""

    schedule: Annotated[Schedule, "the whole schedule"]


@message(0x21, CLINICIAN, changes_state=True)
class Prime(Message):
    """Fill the line with the reservoir's fluid. Nothing reaches the tip; what was going on goes on afterwards."""

    volume: Annotated[Nanolitres, Width(4), "at most the part of the line, from the tip, that holds no drug"]
    duration: Annotated[Milliseconds, Width(4), "over which; the limits at the pump outlet hold for it too"]
    line_emptied: Annotated[
        bool,
        Width(1),
        "tubing and catheter, as a clinician declares, now hold no drug: as in a new pump, or after both were rinsed",
    ]
    catheter_emptied: Annotated[
        bool,
        Width(1),
        "the catheter alone, as a clinician declares, now holds no drug: it is new, or was aspirated; "
        "the tubing holds what it held",
    ] = False


# --- replies -------------------------------------------------------------------------------------------------


@message(0x80)
class Welcome(Message):
    """The first sealed message: the session is established."""

    session: Annotated[SessionId, "name of the session, for QueryCommand"]
    idle_timeout: Annotated[Milliseconds, Width(4), "after this long without a request the pump ends the session"]


@message(0x81)
class Accepted(Message):
    """The command took effect."""

    state: Annotated[TherapyState, Width(1), "therapy state now"]
    rate: Annotated[NanolitresPerDay, Width(4), "commanded flow now"]


@message(0x82)
class Refused(Message):
    """The command changed nothing, and why."""

    reason: Annotated[Reason, Width(1), "why"]
    subject: Annotated[int, Width(1), "drug code or alarm code that the reason is about; 255 if none"]
    retry_after: Annotated[
        Milliseconds, Width(4), "when the same request can be asked again; 0 if not a matter of time"
    ]
    limit: Annotated[Picograms, Width(8), "the limit that would be passed; 0 if not a matter of a dose"]


@message(0x83)
class Staged(Message):
    """What the pump understood: the decoded prescription and the digest to commit it with."""

    digest: Annotated[Digest, "names exactly this prescription on exactly this pump"]
    prescription: Annotated[Prescription, "as decoded by the pump"]


@message(0x84)
class IdentityReport(Message):
    """Who the pump is."""

    serial: Annotated[str, AtMost(SERIAL_OCTETS_MAX), "serial number"]
    model: Annotated[str, AtMost(24), "model"]
    profile: Annotated[str, AtMost(16), "hardware profile"]
    firmware: Annotated[str, AtMost(12), "version of the emulator"]
    library: Annotated[Digest, "digest of the drug library in the pump"]
    rate_min: Annotated[NanolitresPerDay, Width(4), "smallest therapeutic rate"]
    rate_max: Annotated[NanolitresPerDay, Width(4), "largest rate, boluses included"]
    rate_minimum_mode: Annotated[NanolitresPerDay, Width(4), "flow of the minimum-rate mode"]
    stroke: Annotated[Nanolitres, Width(4), "volume of one stroke"]
    tubing: Annotated[Nanolitres, Width(4), "volume inside the pump between reservoir and catheter"]
    catheter: Annotated[Nanolitres, Width(4), "volume of the implanted catheter"]


@message(0x85)
class PrescriptionReport(Message):
    """The stored prescription."""

    confirmed: Annotated[bool, Width(1), "whether a clinician has confirmed it since it last became doubtful"]
    digest: Annotated[Digest, "digest of the prescription; zeros if there is none"]
    prescription: Annotated[Prescription, "as stored"]


@message(0x86)
class TherapyReport(Message):
    """What the pump is doing."""

    pump_time: Annotated[Milliseconds, Width(8), "powered time since the first power-up"]
    wall_clock: Annotated[int, Width(8), "Unix ms; 0 if never set"]
    state: Annotated[TherapyState, Width(1), "therapy state"]
    rate: Annotated[NanolitresPerDay, Width(4), "commanded flow"]
    bolus_remaining: Annotated[Nanolitres, Width(4), "of the running bolus, rounded up"]
    suspended_remaining: Annotated[Nanolitres, Width(4), "of the suspended clinician bolus, rounded up"]
    lockout_remaining: Annotated[Milliseconds, Width(4), "until the patient may ask again"]
    boluses_left: Annotated[int, Width(1), "patient boluses left in the sliding 24 hours"]
    denied: Annotated[int, Width(4), "denied patient requests so far"]
    stopped_for: Annotated[
        Milliseconds,
        Width(8),
        "how long it is stopped, or held at the minimum rate where more is prescribed; 0 if neither",
    ]
    bridge_remaining: Annotated[Nanolitres, Width(4), "to be infused until the bridge ends; 0 if none"] = NO_VOLUME
    drug_free: Annotated[Nanolitres, Width(4), "part of the line, from the tip, without drug: the most to prime"] = (
        NO_VOLUME
    )


@message(0x87)
class ReservoirReport(Message):
    """What the reservoir should hold, by dead reckoning: computed, never measured."""

    capacity: Annotated[Nanolitres, Width(4), "when full"]
    computed: Annotated[Nanolitres, Width(4), "contents by dead reckoning"]
    low: Annotated[Nanolitres, Width(4), "threshold of reservoir_low"]


@message(0x88)
class BatteryReport(Message):
    """The battery."""

    remaining_permille: Annotated[int, Width(2), "charge left"]
    power_ups: Annotated[int, Width(4), "number of power-ups so far"]
    eri: Annotated[bool, Width(1), "whether the elective replacement indicator is reached"]
    replace_in: Annotated[Milliseconds, Width(8), "until the pump must be replaced; 0 if that is now"]


@message(0x89)
class AlarmsReport(Message):
    """Every raised alarm."""

    word: Annotated[int, Width(4), "one bit for each alarm code that is raised"]
    silence_remaining: Annotated[Milliseconds, Width(4), "until the sounder may sound again; 0 if not silenced"]
    alarms: Annotated[tuple[AlarmEntry, ...], AtMost(19), "highest priority first, then in order of occurrence"]


@message(0x8A)
class TotalsReport(Message):
    """What was delivered, as the pump counts it."""

    volume: Annotated[Nanolitres, Width(8), "delivered since the first power-up"]
    strokes: Annotated[int, Width(8), "since the first power-up"]
    drugs: Annotated[tuple[DrugTotal, ...], AtMost(5), "ledgers, one for each limited drug"]


@message(0x8B)
class CommandReport(Message):
    """What the pump last executed for a session."""

    known: Annotated[bool, Width(1), "whether the pump still remembers the session"]
    counter: Annotated[int, Width(8), "of the last executed command"]
    command: Annotated[int, Width(1), "its message type; 0 if none was executed"]
    outcome: Annotated[Outcome, Width(1), "what became of it"]
    reason: Annotated[int, Width(1), "refusal reason, or 0"]
    at: Annotated[Milliseconds, Width(8), "pump time of the execution"]


@message(0x8C)
class LogPage(Message):
    """Consecutive entries of the event log."""

    oldest: Annotated[int, Width(4), "sequence number of the oldest entry kept"]
    next: Annotated[int, Width(4), "sequence number that the next event will get"]
    entries: Annotated[tuple[LogEntry, ...], AtMost(9), "in order"]


@message(0x8D)
class SelfTestReport(Message):
    """What the self-tests found."""

    failed: Annotated[int, Width(2), "one bit for each failed check; 0 is a pass"]


@message(0x8E)
class Closed(Message):
    """The session is over; this is its last message."""


@message(0x8F)
class ScheduleReport(Message):
    """A flex schedule as the pump understood it, and the digest to prescribe it by."""

    digest: Annotated[Digest, "names exactly this schedule; zeros if there is none"]
    schedule: Annotated[Schedule, "as decoded by the pump"]
