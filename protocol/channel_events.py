"""What the pump's end of the channel reports. The firmware acts on the first group and writes down the second.

* ``Answer``: send these bytes back as they are.
* ``Request``: carry out, then ``seal`` the reply.
* ``NotPermitted`` and ``Malformed``: carry out nothing; ``seal`` a refusal.

* ``SessionOpened``: for the log.
* ``SessionClosed``: for the log; drop what the session had staged.
* ``AuthenticationFailed``: for the log; rare by construction, whatever an intruder does.
* ``RecordRejected``: one for every bad record. For a journal that may grow, never for non-volatile memory.
"""

from __future__ import annotations

import enum
from typing import NamedTuple, TypeAlias

from protocol.messages import Message
from protocol.vocabulary import Role


class CloseCause(enum.Enum):
    """Why a session ended."""

    ASKED = "asked"
    """Its programmer closed it."""
    IDLE = "idle"
    """No request came for the idle time-out."""
    REPLACED = "replaced"
    """Another handshake was proven; there is one session at a time."""


class Rejection(enum.Enum):
    """Why a record was dropped without any effect."""

    UNKNOWN_RECORD = "unknown record"
    """Not a record that a programmer sends."""
    NO_SESSION = "no session"
    """Sealed, but nothing is established."""
    BAD_SEAL = "bad seal"
    """Forged, damaged, of another session or pump, or sent back to its sender."""
    REPLAYED = "replayed"
    """A genuine record of this session, whose counter is not above the last accepted one."""
    BAD_PROOF = "bad proof"
    """A proof that is wrong, late, repeated, or of no hello of this pump."""
    SLOWED_DOWN = "slowed down"
    """A handshake record during a pause after failed proofs; it was not examined."""


class Answer(NamedTuple):
    """Send this record back; it changes nothing in the pump."""

    record: bytes


class Request(NamedTuple):
    """A message from the session's programmer, never seen before and allowed to its role."""

    message: Message
    role: Role
    session: bytes
    counter: int


class NotPermitted(NamedTuple):
    """A genuine message that its role may not send; answer ``Refused(NOT_PERMITTED)``."""

    message: Message
    role: Role
    session: bytes
    counter: int


class Malformed(NamedTuple):
    """Genuinely sealed, yet no request of this protocol; answer ``Refused(MALFORMED)``."""

    why: str
    role: Role
    session: bytes
    counter: int


class SessionOpened(NamedTuple):
    """A programmer has proven its role's key."""

    role: Role
    session: bytes


class SessionClosed(NamedTuple):
    """A session is over; its records are dead from now on."""

    role: Role
    session: bytes
    cause: CloseCause


class AuthenticationFailed(NamedTuple):
    """Proofs have failed. Given for the first of a run, then only now and then, with how many in a row so far."""

    failures: int


class RecordRejected(NamedTuple):
    """A record was dropped without any effect."""

    rejection: Rejection


ChannelEvent: TypeAlias = (
    Answer
    | Request
    | NotPermitted
    | Malformed
    | SessionOpened
    | SessionClosed
    | AuthenticationFailed
    | RecordRejected
)
