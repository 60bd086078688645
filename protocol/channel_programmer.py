"""The programmer's end of the secure channel: the same handshake from the other side.

Every method that takes a record raises ``RemoteProtocolError`` for one that is not what it has to be, and has then
changed nothing. A record is believed only because of its proof or seal: a ``ChannelRefusal`` is advice from nobody
in particular.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from protocol.channel_seal import Seal, Way
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.keys import NONCE_OCTETS, Transcript, check_key, programmer_proof, pump_proof, same, session_keys
from protocol.messages import ChannelRefusal, Hello, HelloReply, Message, Prove, Welcome, decode, encode
from protocol.vocabulary import Role

FIRST_REPLY = 0x80
"""Type numbers from here on are the pump's."""

Expected = TypeVar("Expected", bound=Message)


class ChannelRefused(RemoteProtocolError):  # noqa: N818 - says what happened
    """A ``ChannelRefusal`` came. Not authenticated: it may be anybody's."""

    def __init__(self, refusal: ChannelRefusal) -> None:
        super().__init__(f"the pump, or somebody in its place, refuses: {refusal.reason.name}")
        self.refusal = refusal


class WrongProof(RemoteProtocolError):  # noqa: N818 - says what happened
    """Whoever answered does not know the key, or is not the pump that was asked for."""


class ProgrammerChannel:
    """The programmer's end, for one role of one pump; ``key`` is the role's key.

    ``hello``, ``prove`` and ``welcome`` in turn establish a session; ``seal`` and ``open`` use it. Nothing of an
    established session changes before ``welcome`` has succeeded.
    """

    def __init__(self, key: bytes, role: Role, entropy: Callable[[int], bytes], serial: str | None = None) -> None:
        self._key = check_key(key)
        self._role = role
        self._entropy = entropy
        self._expected_serial = serial
        self._nonce: bytes | None = None
        self._transcript: Transcript | None = None
        self._to_pump: Seal | None = None
        self._from_pump: Seal | None = None
        self.session: bytes | None = None
        """Name of the established session."""
        self.serial: str | None = None
        """Serial number of the pump that proved itself."""
        self.counter = 0
        """Of the last sealed request."""
        self._awaiting_reply = False

    @property
    def established(self) -> bool:
        """Whether there are session keys to seal with."""
        return self._to_pump is not None

    def hello(self) -> bytes:
        """Begin a handshake with a fresh nonce; return its record."""
        self._nonce = self._entropy(NONCE_OCTETS)
        self._transcript = None
        return encode(Hello(self._role, self._nonce))

    def prove(self, record: bytes) -> bytes:
        """Check the pump's proof in its answer to the hello; return the record with ours."""
        if self._nonce is None:
            raise LocalProtocolError("a hello comes first")
        reply = _expect(HelloReply, record)
        transcript = Transcript(self._role, self._nonce, reply.nonce, reply.ordinal, reply.serial)
        if not same(reply.proof, pump_proof(self._key, transcript)):
            raise WrongProof("the pump's proof is wrong: another key, another pump, or somebody in between")
        if self._expected_serial not in (None, reply.serial):
            raise WrongProof(f"this is pump {reply.serial}, not {self._expected_serial}")
        self._transcript = transcript
        proof = programmer_proof(self._key, transcript)
        return encode(Prove(self._role, self._nonce, reply.ordinal, proof))

    def welcome(self, record: bytes) -> Welcome:
        """Open the sealed Welcome; from then on the session is established."""
        if self._transcript is None:
            raise LocalProtocolError("a proof comes first")
        keys = session_keys(self._key, self._transcript)
        from_pump = Seal(keys.to_programmer, keys.session, Way.TO_PROGRAMMER)
        message = _open(from_pump, record, 0)
        if not isinstance(message, Welcome) or message.session != keys.session:
            raise RemoteProtocolError("the first sealed message is not the session's welcome")
        self._to_pump = Seal(keys.to_pump, keys.session, Way.TO_PUMP)
        self._from_pump = from_pump
        self.session, self.serial, self.counter = keys.session, self._transcript.serial, 0
        self._nonce = self._transcript = None
        self._awaiting_reply = False
        return message

    def seal(self, message: Message) -> bytes:
        """Return the record of a request, under the next counter; ``LocalProtocolError`` without a session."""
        if self._to_pump is None:
            raise LocalProtocolError("no session is established")
        record = self._to_pump.close(self.counter + 1, encode(message))
        self.counter += 1
        self._awaiting_reply = True
        return record

    def open(self, record: bytes) -> Message:
        """Return the reply to the last sealed request; ``LocalProtocolError`` if none is awaited."""
        if self._from_pump is None or not self._awaiting_reply:
            raise LocalProtocolError("no request waits for a reply")
        message = _open(self._from_pump, record, self.counter)
        if message.TYPE < FIRST_REPLY:
            raise RemoteProtocolError(f"{type(message).__name__} is not a reply")
        self._awaiting_reply = False
        return message

    def forget(self) -> None:
        """Drop the session's keys; its name and counter stay, to ask about it later."""
        self._to_pump = self._from_pump = None


def _open(seal: Seal, record: bytes, expected: int) -> Message:
    if record[:1] == bytes((ChannelRefusal.TYPE,)):
        _expect(Welcome, record)
    counter, inner = seal.open(record)
    if counter != expected:
        raise RemoteProtocolError(f"a reply to request {counter} instead of {expected}")
    return decode(inner)


def _expect(kind: type[Expected], record: bytes) -> Expected:
    message = decode(record)
    if isinstance(message, ChannelRefusal):
        raise ChannelRefused(message)
    if not isinstance(message, kind):
        raise RemoteProtocolError(f"{type(message).__name__} instead of {kind.__name__}")
    return message
