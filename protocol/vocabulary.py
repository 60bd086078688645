"""The words of the protocol: every enumeration that a message carries, with its number on the wire.

Numbers are never reused and never change meaning. The documentation's tables are generated from here.
"""

from __future__ import annotations

import enum


class Role(enum.IntEnum):
    """Who is asking. Each role has a key of its own, so a patient's controller cannot act as a clinician."""

    OBSERVER = 0
    PATIENT = 1
    CLINICIAN = 2
    SERVICE = 3


class Section(enum.IntEnum):
    """What an interrogation asks for; each section answers with its own report."""

    IDENTITY = 1
    PRESCRIPTION = 2
    THERAPY = 3
    RESERVOIR = 4
    BATTERY = 5
    ALARMS = 6
    TOTALS = 7
    SCHEDULE = 8


class Mode(enum.IntEnum):
    """What a prescription asks for."""

    STOPPED = 0
    MINIMUM_RATE = 1
    SIMPLE_CONTINUOUS = 2
    FLEX = 3


class TherapyState(enum.IntEnum):
    """What the pump is doing."""

    UNPROGRAMMED = 0
    STOPPED = 1
    MINIMUM_RATE = 2
    SIMPLE_CONTINUOUS = 3
    CLINICIAN_BOLUS = 4
    PATIENT_BOLUS = 5
    FLEX = 6
    PRIMING = 7
    BRIDGE = 8


class Priority(enum.IntEnum):
    """How urgent an alarm is."""

    NON_CRITICAL = 1
    CRITICAL = 2


class AlarmStatus(enum.IntEnum):
    """Where an alarm is in its life: its cause is present, or gone but not yet acknowledged."""

    ACTIVE = 1
    LATCHED = 2


class AlarmCode(enum.IntEnum):
    """Every alarm by its stable number, which is also its bit in the alarm word."""

    DOSE_LIMIT = 0
    MOTOR_STALL = 1
    RESERVOIR_LOW = 2
    RESERVOIR_EMPTY = 3
    RESET = 4
    MEMORY = 5
    STOPPED_48H = 6
    UNREQUESTED_DELIVERY = 7
    FREE_FLOW = 8
    ERI = 9
    EOS = 10
    CLOCK = 11
    ANNUNCIATOR = 12
    TELEMETRY_TIMEOUT = 13
    SESSION_ABORTED = 14
    INTRUSION = 15


class Outcome(enum.IntEnum):
    """What became of a command."""

    NONE = 0
    ACCEPTED = 1
    REFUSED = 2


class Reason(enum.IntEnum):
    """Why the pump refused a command."""

    NOT_PERMITTED = 1
    """The role may not ask this."""
    MALFORMED = 2
    """The sealed message is not one of the protocol's."""
    NOTHING_STAGED = 3
    """Commit without a staged prescription."""
    DIGEST_MISMATCH = 4
    """The commit names another prescription than the staged one."""
    LIBRARY_MISMATCH = 5
    """The prescription was checked against another drug library than the pump's."""
    UNKNOWN_DRUG = 6
    """The library has no such drug code."""
    CONCENTRATION_LIMIT = 7
    """The concentration is above the drug's hard limit."""
    LIMIT_ABOVE_LIBRARY = 8
    """A dose limit in the prescription is above the drug's hard limit."""
    RATE_RANGE = 9
    """The rate is outside what this hardware can deliver."""
    BOLUS_LIMIT = 10
    """The single bolus is above the drug's hard limit."""
    HOUR_LIMIT = 11
    """The bolus or rate, with what follows it, would pass a limit of the sliding hour."""
    DAY_LIMIT = 12
    """The bolus or rate, with what follows it, would pass a limit of the sliding 24 hours."""
    SOFT_LIMIT = 13
    """A soft limit is passed and no reason is given."""
    LOCKOUT = 14
    """The lockout after the last bolus, programming or refill is still running."""
    COUNT_LIMIT = 15
    """All patient boluses of the last 24 hours are used."""
    BOLUS_RUNNING = 16
    """A bolus is running; a second one is never queued."""
    NO_BOLUS = 17
    """There is no bolus to cancel."""
    WRONG_STATE = 18
    """The therapy state does not allow this."""
    ALARM_RESTRICTS = 19
    """An alarm that limits the flow is not yet cleared."""
    UNCONFIRMED = 20
    """No prescription is confirmed."""
    RESERVOIR = 21
    """The reservoir holds too little."""
    CAPACITY = 22
    """More volume is entered than the reservoir holds."""
    NO_SUCH_ALARM = 23
    """The alarm is not raised."""
    CAUSE_PRESENT = 24
    """The alarm's cause is still there."""
    SILENCE_SPENT = 25
    """The alarm has not sounded since the last silence."""
    STOPPED = 26
    """The pump is stopped and the close does not acknowledge it."""
    MEMORY_FAULT = 27
    """The pump's memory cannot be trusted with this."""
    DURATION_RANGE = 28
    """The duration or lockout is outside its range."""
    PATIENT_BOLUS_OFF = 29
    """The prescription grants no patient boluses."""
    INCOMPLETE = 30
    """The prescription contradicts itself or lacks something."""
    SCHEDULE_INVALID = 31
    """The schedule has a gap, an overlap, or days and patterns that do not fit each other."""
    NO_SCHEDULE = 32
    """Flex is prescribed and the schedule that it names is neither staged nor the one in force."""
    BRIDGE_NEEDED = 33
    """Another fluid stands in the line, and neither a bridge nor a reason for going without is given."""
    BRIDGE_IMPOSSIBLE = 34
    """A bridge cannot begin: the line holds more than one fluid."""
    LINE_HOLDS_DRUG = 35
    """Priming so much would push drug out at the catheter tip."""


class ChannelReason(enum.IntEnum):
    """Why the pump does not talk on this channel. Unauthenticated advice: never a basis for a decision."""

    NO_SESSION = 1
    """No session is established, or it has ended; start with a hello."""
    BAD_SEAL = 2
    """The seal does not open or the counter ran back."""
    BAD_PROOF = 3
    """The proof of the key is wrong."""
    SLOW_DOWN = 4
    """Too many failed proofs; hellos are answered again after the stated time."""
    UNKNOWN_RECORD = 5
    """Not a record of this protocol version."""


class LogKind(enum.IntEnum):
    """What an entry of the pump's event log says. The subject and value of each kind are documented with it."""

    POWER_UP = 1
    """value: number of power-ups so far."""
    SESSION_OPENED = 2
    """subject: role."""
    SESSION_CLOSED = 3
    """subject: role; value 1 if it ended by time-out or was replaced."""
    COMMAND = 4
    """subject: message type; value: 0 accepted, otherwise the refusal reason."""
    STATE = 5
    """subject: new therapy state; value: commanded rate in nL/day."""
    ALARM_RAISED = 6
    """subject: alarm code."""
    ALARM_CAUSE_GONE = 7
    """subject: alarm code."""
    ALARM_CLEARED = 8
    """subject: alarm code."""
    ALARM_SILENCED = 9
    """value: length of the silence in ms."""
    BOLUS_STARTED = 10
    """subject: therapy state of the bolus; value: volume in nL."""
    BOLUS_ENDED = 11
    """subject: therapy state of the bolus; value: volume not delivered, in nL."""
    PRESCRIPTION = 12
    """A prescription became active."""
    REFILL = 13
    """value: computed reservoir volume after the entry, in nL."""
    WALL_CLOCK = 14
    """value: new wall clock, Unix ms."""
    BOLUS_DENIED = 15
    """subject: refusal reason; value: number of denied patient requests so far."""
    AUTHENTICATION_FAILED = 16
    """value: failures in a row."""
    SELF_TEST = 17
    """subject: 0 commanded, 1 periodic; value: bits of the failed checks, 0 is a pass."""
    MEMORY_FAULT = 18
    """subject: number of the damaged memory record."""
    LINE_EMPTIED = 19
    """A clinician declared that the line holds no drug; subject: 1 if only the catheter."""
    BRIDGE_ENDED = 20
    """The old fluid has left the line."""
    UNREQUESTED = 21
    """The drive moved without a grant; value: volume in nL, of the first movement."""
    FREE_FLOW = 22
    """The valves came to stand open unasked; value: volume in nL that is taken to have escaped."""
    CLOCK_FAULT = 23
    """Clock and counter came to differ; subject: 1 if the clock is behind; value: by how many ms."""
    STALL = 24
    """The rotor did not turn when it was told to, for the first time."""
    STALL_RECOVERED = 25
    """The rotor turns again; value: for how many ms it did not."""
