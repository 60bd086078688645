"""The seal: one message under a session's keys, bound to its session, its direction and its counter.

A record ``Sealed`` is its counter in clear and the box. The AEAD's nonce is the direction and the counter; its
associated data is the session's name and that nonce. A box therefore opens only in its own session, in its own
direction and under its own counter, and a nonce never repeats under a key as long as no counter is used twice,
which both ends of the channel see to.

ChaCha20-Poly1305 was chosen over AES-GCM: an implant's processor has no AES unit, and AES without one leaks through
its timing. On a desktop processor AES-GCM would save under one microsecond a record.
"""

from __future__ import annotations

import enum
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.messages import Sealed

RECORD_OCTETS_MAX = 252
"""A frame carries 256 bytes, of which the link's epoch takes 4."""
TAG_OCTETS = 16
COUNTER_LIMIT = 1 << 64
"""Counters are u64: at a million records a second they last half a million years."""

_HEADER = struct.Struct("<BQ")
_NONCE = struct.Struct("<IQ")
MESSAGE_OCTETS_MAX = RECORD_OCTETS_MAX - _HEADER.size - TAG_OCTETS
"""The longest message that fits under a seal: 227 bytes."""


class Way(enum.IntEnum):
    """Which way a sealed record goes; part of its nonce."""

    TO_PUMP = 0
    TO_PROGRAMMER = 1


class Seal:
    """Seals and opens the records of one direction of one session."""

    __slots__ = ("_box", "_session", "_way")

    def __init__(self, key: bytes, session: bytes, way: Way) -> None:
        self._box = ChaCha20Poly1305(key)
        self._session = session
        self._way = int(way)

    def close(self, counter: int, message: bytes) -> bytes:
        """Return the record that carries the message; never call it twice with one counter.

        Raises ``LocalProtocolError`` for a message that does not fit a frame and for a used-up counter.
        """
        if len(message) > MESSAGE_OCTETS_MAX:
            raise LocalProtocolError(
                f"a message of {len(message)} bytes; at most {MESSAGE_OCTETS_MAX} fit under a seal"
            )
        if counter >= COUNTER_LIMIT:
            raise LocalProtocolError("the session's counters are used up")
        nonce = _NONCE.pack(self._way, counter)
        return _HEADER.pack(Sealed.TYPE, counter) + self._box.encrypt(nonce, message, self._session + nonce)

    def open(self, record: bytes) -> tuple[int, bytes]:
        """Return counter and message of a record; ``RemoteProtocolError`` unless it was sealed for here.

        That the counter is a new one is the caller's to check.
        """
        if len(record) < _HEADER.size + TAG_OCTETS:
            raise RemoteProtocolError("the record is too short for a seal")
        kind, counter = _HEADER.unpack_from(record)
        if kind != Sealed.TYPE:
            raise RemoteProtocolError("the record is not sealed")
        nonce = _NONCE.pack(self._way, counter)
        try:
            return counter, self._box.decrypt(nonce, record[_HEADER.size :], self._session + nonce)
        except InvalidTag:
            raise RemoteProtocolError("the seal does not open") from None
