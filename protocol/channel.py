"""The pump's end of the secure channel: records in, events out.

Handshake::

    programmer                          pump
        Hello(role, nonce)       ->
                                 <-     HelloReply(serial, nonce, ordinal, proof)
        Prove(…, proof)          ->
                                 <-     Sealed(Welcome)        session established

*An unproven hello costs the pump nothing to remember.* Its nonce is computed from a secret drawn at power-up and from
what the hello and its reply carry; the Prove repeats that, and the pump computes it all again. There is no table of
pending handshakes, so none can be filled or displaced: a flood of hellos cannot disturb an honest handshake, let
alone the established session. What the pump does remember is the ordinal of the last hello that was *proven*: a
Prove must be of a later one. Each hello thus opens at most one session, and an old recording opens none.

*One session at a time.* A newly proven one replaces it, whatever the roles: a programmer that lost its session (a
flat battery, a dropped cable) must not have to wait for a time-out before it can stop the pump. Only a holder of
one of the pump's keys can do that.

*What is refused is inert.* A record that is not proven or sealed for this moment changes no state of the pump,
except the count of failures (see ``protocol.channel_backoff``), and is reported as an event.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from protocol.channel_backoff import Backoff
from protocol.channel_events import (
    Answer,
    AuthenticationFailed,
    ChannelEvent,
    CloseCause,
    Malformed,
    NotPermitted,
    RecordRejected,
    Rejection,
    Request,
    SessionClosed,
    SessionOpened,
)
from protocol.channel_seal import Seal, Way
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.keys import (
    KEY_OCTETS,
    NONCE_OCTETS,
    Transcript,
    authenticator,
    programmer_proof,
    pump_proof,
    role_key,
    same,
    session_keys,
)
from protocol.messages import (
    SERIAL_OCTETS_MAX,
    ChannelRefusal,
    Hello,
    HelloReply,
    Message,
    Prove,
    Sealed,
    Welcome,
    decode,
    encode,
)
from protocol.units import Milliseconds
from protocol.vocabulary import ChannelReason, Role

SESSION_IDLE_MS = 300_000
"""Five minutes without a request: long enough to talk to the patient, short enough for a programmer left behind."""
HANDSHAKE_MS = 30_000
"""A proof is good for 30 to 60 s after its hello, so that one held back cannot open a session an hour later."""

_HELLOS_BITS = 40
"""Of the ordinal: at 2000 hellos a second they last 17 years of uninterrupted power; 24 bits remain for power-ups."""
_SEALED = bytes((Sealed.TYPE,))
_PUMP_NONCE = struct.Struct(f"<QBQ{NONCE_OCTETS}s")


class _Session:
    """What the pump knows of the established session."""

    __slots__ = ("answering", "deadline_ms", "from_programmer", "last_counter", "name", "role", "to_programmer")

    def __init__(self, key: bytes, transcript: Transcript, now_ms: int) -> None:
        keys = session_keys(key, transcript)
        self.role = transcript.role
        self.name = keys.session
        self.from_programmer = Seal(keys.to_pump, keys.session, Way.TO_PUMP)
        self.to_programmer = Seal(keys.to_programmer, keys.session, Way.TO_PROGRAMMER)
        self.last_counter = 0
        """0 is the Welcome's; requests come after it."""
        self.answering: int | None = None
        """Counter of the request that waits for its reply."""
        self.deadline_ms = now_ms + SESSION_IDLE_MS


class PumpChannel:
    """The pump's end of the channel. Time is the pump's own, in ms; entropy is asked once, at power-up.

    Make a new one at every power-up. ``entropy`` should return fresh bytes and ``power_ups`` a number never used
    before; either alone keeps recordings from before worthless. ``key`` is the pump's, ``serial`` its number::

        for event in channel.receive(record, now_ms):
            match event:
                case Answer(record): link.reply(request, record)
                case Request(message): link.reply(request, channel.seal(carry_out(message)))
                ...

    ``protocol.pump_end.PumpEnd`` does just that. Raises ``LocalProtocolError`` for a key or serial number that does
    not fit.
    """

    def __init__(self, key: bytes, serial: str, entropy: Callable[[int], bytes], power_ups: int) -> None:
        if len(serial.encode()) > SERIAL_OCTETS_MAX:
            raise LocalProtocolError(f"a serial number has at most {SERIAL_OCTETS_MAX} bytes")
        self._keys = {role: role_key(key, role) for role in Role}
        self._serial = serial
        self._secret = entropy(KEY_OCTETS)
        self._first_ordinal = (power_ups << _HELLOS_BITS) % (1 << 64)
        self._hellos = 0
        self._last_proven = self._first_ordinal - 1
        """Ordinals up to here open nothing any more; those of earlier power-ups are among them."""
        self._backoff = Backoff()
        self._session: _Session | None = None

    @property
    def role(self) -> Role | None:
        """Role of the established session; None if there is none."""
        return self._session.role if self._session else None

    @property
    def session(self) -> bytes | None:
        """Name of the established session; None if there is none."""
        return self._session.name if self._session else None

    @property
    def deadline_ms(self) -> int | None:
        """When ``expire`` has something to do if no request comes; None without a session."""
        return self._session.deadline_ms if self._session else None

    def receive(self, record: bytes, now_ms: int) -> list[ChannelEvent]:
        """Take one record from the link. Never raises for what is in it.

        At most one event is an ``Answer``, a ``Request``, a ``NotPermitted`` or a ``Malformed``; it comes last.
        """
        events = self.expire(now_ms)
        if record[:1] == _SEALED:
            return events + self._sealed(record, now_ms)
        try:
            message = decode(record)
        except RemoteProtocolError:
            message = None
        if not isinstance(message, Hello | Prove):
            return events + self._refuse(Rejection.UNKNOWN_RECORD, ChannelReason.UNKNOWN_RECORD)
        if wait_ms := self._backoff.wait_ms(now_ms):
            return events + self._refuse(Rejection.SLOWED_DOWN, ChannelReason.SLOW_DOWN, wait_ms)
        if isinstance(message, Hello):
            return [*events, self._greet(message, now_ms)]
        return events + self._prove(message, now_ms)

    def seal(self, reply: Message) -> bytes:
        """Return the record that answers the last request.

        Raises ``LocalProtocolError`` if there is no request to answer: each is answered once, because two replies
        under one counter would give both away.
        """
        session = self._session
        if session is None or session.answering is None:
            raise LocalProtocolError("no request waits for a reply")
        record = session.to_programmer.close(session.answering, encode(reply))
        session.answering = None
        return record

    def expire(self, now_ms: int) -> list[ChannelEvent]:
        """End the session if its idle time is over."""
        if self._session is None or now_ms < self._session.deadline_ms:
            return []
        return self.close(CloseCause.IDLE)

    def close(self, cause: CloseCause = CloseCause.ASKED) -> list[ChannelEvent]:
        """End the session, if there is one. Seal the last reply first."""
        session, self._session = self._session, None
        return [SessionClosed(session.role, session.name, cause)] if session else []

    def _sealed(self, record: bytes, now_ms: int) -> list[ChannelEvent]:
        session = self._session
        if session is None:
            return self._refuse(Rejection.NO_SESSION, ChannelReason.NO_SESSION)
        try:
            counter, inner = session.from_programmer.open(record)
        except RemoteProtocolError:
            return self._refuse(Rejection.BAD_SEAL, ChannelReason.BAD_SEAL)
        if counter <= session.last_counter:
            return self._refuse(Rejection.REPLAYED, ChannelReason.BAD_SEAL)
        session.last_counter = session.answering = counter
        session.deadline_ms = now_ms + SESSION_IDLE_MS
        return [_read(inner, session, counter)]

    def _greet(self, hello: Hello, now_ms: int) -> ChannelEvent:
        ordinal = self._first_ordinal + self._hellos
        self._hellos += 1
        transcript = self._transcript(hello.role, hello.nonce, ordinal, now_ms // HANDSHAKE_MS)
        proof = pump_proof(self._keys[hello.role], transcript)
        return Answer(encode(HelloReply(self._serial, transcript.pump_nonce, ordinal, proof)))

    def _prove(self, prove: Prove, now_ms: int) -> list[ChannelEvent]:
        transcript = self._proven(prove, now_ms)
        if transcript is None:
            due = self._backoff.failed(now_ms)
            report: list[ChannelEvent] = [AuthenticationFailed(self._backoff.failures)] if due else []
            return report + self._refuse(Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)
        self._backoff.succeeded()
        self._last_proven = prove.ordinal
        events = self.close(CloseCause.REPLACED)
        session = self._session = _Session(self._keys[prove.role], transcript, now_ms)
        welcome = encode(Welcome(session.name, Milliseconds(SESSION_IDLE_MS)))
        return [*events, SessionOpened(session.role, session.name), Answer(session.to_programmer.close(0, welcome))]

    def _proven(self, prove: Prove, now_ms: int) -> Transcript | None:
        """Return the transcript that the proof is of, if it is of a hello still to be proven."""
        if not self._last_proven < prove.ordinal < self._first_ordinal + self._hellos:
            return None
        this_period = now_ms // HANDSHAKE_MS
        for period in (this_period, this_period - 1):
            transcript = self._transcript(prove.role, prove.nonce, prove.ordinal, period)
            if same(prove.proof, programmer_proof(self._keys[prove.role], transcript)):
                return transcript
        return None

    def _transcript(self, role: Role, nonce: bytes, ordinal: int, period: int) -> Transcript:
        """Return what was said in a hello and its reply, computed again from what the Prove repeats."""
        said = _PUMP_NONCE.pack(period % (1 << 64), role, ordinal, nonce)
        return Transcript(role, nonce, authenticator(self._secret, said)[:NONCE_OCTETS], ordinal, self._serial)

    def _refuse(self, rejection: Rejection, reason: ChannelReason, wait_ms: int = 0) -> list[ChannelEvent]:
        return [RecordRejected(rejection), Answer(encode(ChannelRefusal(reason, Milliseconds(wait_ms))))]


def _read(inner: bytes, session: _Session, counter: int) -> ChannelEvent:
    """Return what an opened seal contains."""
    try:
        message = decode(inner)
    except RemoteProtocolError as error:
        return Malformed(str(error), session.role, session.name, counter)
    if not message.ROLES:
        return Malformed(f"{type(message).__name__} is not a request", session.role, session.name, counter)
    if session.role not in message.ROLES:
        return NotPermitted(message, session.role, session.name, counter)
    return Request(message, session.role, session.name, counter)
