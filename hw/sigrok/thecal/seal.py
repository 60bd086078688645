"""ChaCha20-Poly1305 (RFC 8439) with the standard library alone, for opening sealed records.

A logic analyser's Python has no cipher. This one is as slow as it is simple, and takes no care against timing: good
for reading a capture, nothing else.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterable
from typing import NamedTuple

MARK = "THECAL_SESSION"
TAG_OCTETS = 16
PRIME = (1 << 130) - 5
CLAMP = 0x0FFFFFFC_0FFFFFFC_0FFFFFFC_0FFFFFFF

ROUNDS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
"""Columns, then diagonals: the quarter rounds of one double round."""


class Session(NamedTuple):
    """One line of the key log."""

    name: bytes
    keys: dict[str, bytes]
    """By who seals with them: "programmer" and "pump"."""


def read_keylog(lines: Iterable[str]) -> list[Session]:
    """Return the sessions of a key log; ``ValueError`` names a line that is none."""
    sessions = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if words[:1] != [MARK]:
            continue
        try:
            _, name, _, to_pump, to_programmer = words
            keys = {"programmer": bytes.fromhex(to_pump), "pump": bytes.fromhex(to_programmer)}
        except ValueError:
            raise ValueError(f"line {number} of the key log is not {MARK}, session, role and two keys") from None
        sessions.append(Session(bytes.fromhex(name), keys))
    return sessions


def open_box(key: bytes, nonce: bytes, box: bytes, associated: bytes) -> bytes | None:
    """Return what is in the box, or None if its tag is not of this key, nonce and associated data."""
    if len(box) < TAG_OCTETS:
        return None
    text, tag = box[:-TAG_OCTETS], box[-TAG_OCTETS:]
    lengths = struct.pack("<QQ", len(associated), len(text))
    expected = _tag(_key_stream(key, nonce, 0)[:32], _padded(associated) + _padded(text) + lengths)
    if not hmac.compare_digest(tag, expected):
        return None
    stream = b"".join(_key_stream(key, nonce, 1 + block) for block in range((len(text) + 63) // 64))
    return bytes(left ^ right for left, right in zip(text, stream, strict=False))


def _padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 16)


def _tag(key: bytes, text: bytes) -> bytes:
    """Return the Poly1305 authenticator of the text."""
    factor = int.from_bytes(key[:16], "little") & CLAMP
    total = 0
    for at in range(0, len(text), 16):
        total = (total + int.from_bytes(text[at : at + 16] + b"\1", "little")) * factor % PRIME
    return ((total + int.from_bytes(key[16:], "little")) % (1 << 128)).to_bytes(16, "little")


def _key_stream(key: bytes, nonce: bytes, counter: int) -> bytes:
    """Return one block of 64 bytes."""
    start = (*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), counter)
    start += struct.unpack("<3I", nonce)
    state = list(start)
    for _ in range(10):
        for places in ROUNDS:
            _quarter_round(state, *places)
    return struct.pack("<16I", *((word + first) & 0xFFFFFFFF for word, first in zip(state, start, strict=True)))


def _quarter_round(state: list[int], a: int, b: int, c: int, d: int) -> None:
    for left, right, turned, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[left] = (state[left] + state[right]) & 0xFFFFFFFF
        word = state[turned] ^ state[left]
        state[turned] = (word << bits | word >> (32 - bits)) & 0xFFFFFFFF
