"""The key log: the keys of sessions in a file, so that what was captured of them can be read.

**Whoever has this file reads every captured record of its sessions, and could have spoken in them.** It holds no
pump key and opens no other session. The format is for every decoder::

    # a comment
    THECAL_SESSION <session> <role> <key to the pump> <key to the programmer>

one session a line: the session's name is 16 hexadecimal digits, the role a lower-case word, each key 64 digits.

The keys are not taken out of the secure channel. A listener that knows the pump key hears both nonces on the wire
and derives them, as anybody could who has that key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from hw.capture import Flow
from protocol.channel_seal import Seal, Way
from protocol.errors import RemoteProtocolError
from protocol.frame import Frame, FrameDecoder, Kind
from protocol.keys import KEY_OCTETS, SessionKeys, Transcript, programmer_proof, role_key, same, session_keys
from protocol.link_payloads import read_data
from protocol.messages import SESSION_OCTETS, HelloReply, Prove, decode
from protocol.vocabulary import Role

MARK = "THECAL_SESSION"

WARNING = (
    "# Session keys of an emulated pump: whoever has this file reads the captured sessions. Not for clinical use."
)

REPLIES_REMEMBERED = 64
"""Handshakes that may be under way at once; a flood of hellos must not fill the memory."""


class KeyLogError(Exception):
    """A line is no line of a key log. The message says which and why."""


class SessionSecret(NamedTuple):
    """One session of the log."""

    role: Role
    keys: SessionKeys


class Opened(NamedTuple):
    """A sealed record, opened and verified."""

    secret: SessionSecret
    message: bytes


def line_of(secret: SessionSecret) -> str:
    """Return the session's line, without a line end."""
    keys = secret.keys
    return " ".join(
        (MARK, keys.session.hex(), secret.role.name.lower(), keys.to_pump.hex(), keys.to_programmer.hex())
    )


def read_keylog(lines: Iterable[str]) -> list[SessionSecret]:
    """Return the sessions of a key log; ``KeyLogError`` for a line that is none. Other programs' lines pass."""
    secrets = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words[:1] == [MARK]:
            try:
                secrets.append(_secret(words[1:]))
            except ValueError as error:
                raise KeyLogError(f"line {number} of the key log: {error}") from None
    return secrets


def _secret(words: list[str]) -> SessionSecret:
    if len(words) != 4:
        raise ValueError(f"{len(words)} words after {MARK} instead of session, role and two keys")
    session, role, to_pump, to_programmer = words
    if role.upper() not in Role.__members__:
        raise ValueError(f"“{role}” is no role")
    keys = SessionKeys(
        _octets(to_pump, KEY_OCTETS), _octets(to_programmer, KEY_OCTETS), _octets(session, SESSION_OCTETS)
    )
    return SessionSecret(Role[role.upper()], keys)


def _octets(text: str, octets: int) -> bytes:
    value = bytes.fromhex(text)
    if len(value) != octets:
        raise ValueError(f"“{text}” is not {2 * octets} hexadecimal digits")
    return value


class KeyRing:
    """Opens sealed records of the sessions that it knows. A seal names no session: the one whose key fits is it."""

    def __init__(self, secrets: Iterable[SessionSecret] = ()) -> None:
        self._secrets = list(secrets)

    def open(self, record: bytes, way: Way) -> Opened | None:
        """Return what is under the seal, or None if no session's key opens it."""
        for place, secret in enumerate(self._secrets):
            key = secret.keys.to_pump if way is Way.TO_PUMP else secret.keys.to_programmer
            try:
                _, message = Seal(key, secret.keys.session, way).open(record)
            except RemoteProtocolError:
                continue
            self._secrets.insert(0, self._secrets.pop(place))  # the next record is most likely of the same session
            return Opened(secret, message)
        return None


class KeyListener:
    """Hears handshakes on a wire and reports the keys of every session that was proven with the pump's key."""

    def __init__(self, pump_key: bytes, report: Callable[[SessionSecret], object]) -> None:
        self._pump_key = pump_key
        self._report = report
        self._decoders = {flow: FrameDecoder() for flow in Flow}
        self._replies: dict[int, HelloReply] = {}
        self._reported = b""

    def hear(self, flow: Flow, data: bytes) -> None:
        """Take a piece of the stream. Never raises for what is in it."""
        for frame in self._decoders[flow].feed(data):
            if isinstance(frame, Frame) and frame.kind is Kind.DATA:
                self._hear_record(frame.payload)

    def _hear_record(self, payload: bytes) -> None:
        try:
            message = decode(read_data(payload)[1])
        except RemoteProtocolError:
            return
        if isinstance(message, HelloReply):
            self._replies.pop(message.ordinal, None)
            self._replies[message.ordinal] = message
            if len(self._replies) > REPLIES_REMEMBERED:
                del self._replies[next(iter(self._replies))]
        elif isinstance(message, Prove):
            self._hear_proof(message)

    def _hear_proof(self, prove: Prove) -> None:
        reply = self._replies.get(prove.ordinal)
        if reply is None:
            return
        key = role_key(self._pump_key, prove.role)
        transcript = Transcript(prove.role, prove.nonce, reply.nonce, reply.ordinal, reply.serial)
        if not same(prove.proof, programmer_proof(key, transcript)):
            return
        keys = session_keys(key, transcript)
        if keys.session != self._reported:  # a repeated frame is no second session
            self._reported = keys.session
            self._report(SessionSecret(prove.role, keys))
