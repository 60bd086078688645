"""What the firmware keeps in non-volatile memory, and how each section becomes bytes.

One write replaces all of it at once, so a command's effect and the note that it was executed can never be apart.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

from emulator.firmware.alarms import Panel, Raised
from emulator.firmware.guard import Ledger, Ring
from emulator.firmware.ledgers import DrugLedgers, Ledgers
from emulator.hardware.line import SALINE, Fluid, Line
from emulator.hardware.nonvolatile import Codec, NonVolatile, json_codec
from protocol.errors import ProtocolError
from protocol.messages import LogEntry, Prescription, Schedule, WireRecord
from protocol.vocabulary import AlarmCode, AlarmStatus, Outcome, Role, TherapyState

LOG_CAPACITY = 1000
"""Entries in the event log: a year of ordinary visits and alarms; the oldest is overwritten."""


class Identity(NamedTuple):
    """Who the pump is; written when it is made and at each power-up."""

    serial: str
    library: bytes
    power_ups: int


class Metering(NamedTuple):
    """What changes with every stroke. Times in pump ms, volumes in nL."""

    pump_ms: int
    credit: int
    """Commanded but not yet delivered, in nL·ms/day; less than a stroke."""
    line: Line
    """What the firmware believes to stand in the line."""
    reservoir_nl: int
    volume_nl: int
    strokes: int
    delivered: tuple[tuple[int, int], ...]
    """Picograms by drug code since the first power-up."""
    rotor: int = 0
    """Where the rotor stood when all of this was so."""
    granted: int = 0
    """Strokes that the guard has granted from there."""
    wait_ms: int = 0
    """Time still to come that the ledgers must not be credited with, because the clock lagged behind."""
    clock_ms: int = 0
    """What the clock last read beyond the counter."""


class Bolus(NamedTuple):
    """A bolus under way or suspended: its flow on top of the basal, and what is left of it as credit."""

    state: TherapyState
    """The state in which it is delivered: which kind of bolus it is."""
    volume_nl: int
    rate: int
    remaining: int


class CommandRecord(NamedTuple):
    """The last command executed in one session."""

    session: bytes
    role: Role
    counter: int = 0
    command: int = 0
    outcome: Outcome = Outcome.NONE
    reason: int = 0
    at: int = 0


class TherapyRecord(NamedTuple):
    """What was prescribed and what has been done with it. Times in pump ms; -1 is never."""

    state: TherapyState
    prescription: Prescription | None = None
    running: Bolus | None = None
    suspended: tuple[Bolus, ...] = ()
    """Set aside, the last one to go on first."""
    primed_from_stop: bool = False
    """Priming began while the pump was stopped, and it will be stopped again."""
    in_line: Fluid = SALINE
    """Of each drug the strongest that stands in the line: kept apart from the meters, in case those are lost."""
    schedule: Schedule | None = None
    """The flex schedule that the prescription names."""
    confirmed: bool = False
    stopped_at: int = -1
    """Since when the pump is stopped, or held at the minimum rate where more is prescribed."""
    reset_at: int = -1
    memory_fault_at: int = -1
    stalled_at: int = -1
    """The rotor did not turn at the last stroke, and not at any since this time."""
    guard_refused_at: int = -1
    """The dose guard refused the last stroke."""
    lockout_until: int = -1
    grants: tuple[int, ...] = ()
    """When the patient boluses of the last day were granted."""
    denied: int = 0
    wall_offset_ms: int = 0
    """Unix time minus pump time; 0 if the wall clock was never set."""
    commands: tuple[CommandRecord, ...] = ()


class Noticed(NamedTuple):
    """What the pump has noticed about its own parts. Times in pump ms; -1 is never, or not so."""

    overran_at: int = -1
    """The drive last moved without a grant."""
    valves_at: int = -1
    """Since when the valves stand open unasked, or the flow-activated one is shut."""
    exposed: bool = False
    """Whether drug can flow freely; what may have escaped since has been counted."""

    clock_at: int = -1
    """Since when clock and counter differ."""
    sounder_at: int = -1
    """Since when the self-test finds that the sounder does not sound."""
    tested_at: int = -1
    """When the self-tests last ran by themselves."""
    telemetry_at: int = -1
    """Since when interference holds the receiver on."""
    attended: bool = False
    """Whether a clinician's session is open."""
    aborted_at: int = -1
    """A clinician's session ended unasked and left the pump below what is prescribed."""
    intruded_at: int = -1
    """Several proofs in a row were wrong, and none was right since."""
    eri_at: int = -1
    """Since when the battery is at its elective replacement indicator."""
    eos_at: int = -1
    """Since when it is at its end of service."""
    replace_by: int = -1
    """When the pump must be replaced at the latest; it only ever comes nearer."""

    @property
    def instants(self) -> tuple[int, ...]:
        """Every instant that is noted and lies in the past."""
        return tuple(getattr(self, name) for name in Noticed._fields if name.endswith("_at"))


class State(NamedTuple):
    """Everything in non-volatile memory but the log."""

    identity: Identity
    ledgers: Ledgers
    metering: Metering
    therapy: TherapyRecord
    alarms: Panel
    noticed: Noticed = Noticed()


def new_chip() -> NonVolatile:
    """Return a blank memory chip with the firmware's layout."""
    return NonVolatile(CODECS, Codec(LogEntry.pack, _log_entry), LOG_CAPACITY)


def _log_entry(raw: bytes) -> LogEntry:
    try:
        entry, end = LogEntry.unpack(raw, 0)
    except ProtocolError as error:
        raise ValueError(str(error)) from None
    if end != len(raw):
        raise ValueError("a log entry of the wrong length")
    return entry


def _identity_to_plain(identity: Identity) -> Any:
    return [identity.serial, identity.library.hex(), identity.power_ups]


def _identity_from_plain(plain: Any) -> Identity:
    serial, library, power_ups = plain
    return Identity(serial, bytes.fromhex(library), power_ups)


def _ledgers_from_plain(plain: Any) -> Ledgers:
    return tuple(DrugLedgers(code, _ledger(outlet), _ledger(tip)) for code, outlet, tip in plain)


def _ledger(plain: Any) -> Ledger:
    hour, day, limit_1h, limit_24h, overrun = plain
    return Ledger(_ring(hour), _ring(day), limit_1h, limit_24h, overrun)


def _ring(plain: Any) -> Ring:
    newest, older, total, phase_ms = plain
    if newest + sum(older) != total:
        raise ValueError("a ring's sum is not the sum of its buckets")
    return Ring(newest, tuple(older), total, phase_ms)


def _metering_from_plain(plain: Any) -> Metering:
    pump_ms, credit, line, reservoir_nl, volume_nl, strokes, delivered, *counts = plain
    return Metering(
        pump_ms,
        credit,
        tuple((plug_nl, _pairs(fluid)) for plug_nl, fluid in line),
        reservoir_nl,
        volume_nl,
        strokes,
        _pairs(delivered),
        *counts,
    )


def _pairs(plain: Any) -> tuple[tuple[int, int], ...]:
    return tuple((code, amount) for code, amount in plain)


def _therapy_to_plain(record: TherapyRecord) -> Any:
    plain = record._asdict()
    plain["prescription"] = record.prescription.pack().hex() if record.prescription else None
    plain["schedule"] = record.schedule.pack().hex() if record.schedule else None
    plain["commands"] = [[command.session.hex(), *command[1:]] for command in record.commands]
    return plain


def _therapy_from_plain(plain: Any) -> TherapyRecord:
    plain = dict(plain)
    plain.update(
        state=TherapyState(plain["state"]),
        prescription=_unpacked(Prescription, plain["prescription"]),
        schedule=_unpacked(Schedule, plain["schedule"]),
        running=plain["running"] and _bolus(plain["running"]),
        suspended=tuple(_bolus(bolus) for bolus in plain["suspended"]),
        in_line=_pairs(plain["in_line"]),
        grants=tuple(plain["grants"]),
        commands=tuple(_command(command) for command in plain["commands"]),
    )
    return TherapyRecord(**plain)


Packed = TypeVar("Packed", bound=WireRecord)


def _unpacked(kind: type[Packed], packed: str | None) -> Packed | None:
    if packed is None:
        return None
    try:
        return kind.unpack(bytes.fromhex(packed), 0)[0]
    except ProtocolError as error:
        raise ValueError(str(error)) from None


def _bolus(plain: Any) -> Bolus:
    state, volume_nl, rate, remaining = plain
    return Bolus(TherapyState(state), volume_nl, rate, remaining)


def _command(plain: Any) -> CommandRecord:
    session, role, counter, command, outcome, reason, at = plain
    return CommandRecord(bytes.fromhex(session), Role(role), counter, command, Outcome(outcome), reason, at)


def _alarms_from_plain(plain: Any) -> Panel:
    raised, sounded_at, silenced_until, may_silence = plain
    return Panel(
        tuple(Raised(AlarmCode(code), AlarmStatus(status), at) for code, status, at in raised),
        sounded_at,
        silenced_until,
        may_silence,
    )


def _noticed_from_plain(plain: Any) -> Noticed:
    if not isinstance(plain, dict) or plain.keys() != set(Noticed._fields):
        raise ValueError("not what a pump notices")
    return Noticed(**{name: type(Noticed._field_defaults[name])(value) for name, value in plain.items()})


def _as_it_is(value: Any) -> Any:
    return value


CODECS = {
    "identity": json_codec(_identity_to_plain, _identity_from_plain),
    "ledgers": json_codec(_as_it_is, _ledgers_from_plain),
    "metering": json_codec(_as_it_is, _metering_from_plain),
    "therapy": json_codec(_therapy_to_plain, _therapy_from_plain),
    "alarms": json_codec(_as_it_is, _alarms_from_plain),
    "noticed": json_codec(Noticed._asdict, _noticed_from_plain),
}
"""The sections of a memory page; the names are those of ``State``."""
