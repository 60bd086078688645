"""The digests that name a prescription and its schedule: what is staged, reviewed and committed is one text."""

from __future__ import annotations

import hashlib

from protocol.messages import DIGEST_OCTETS, Prescription, Schedule

LABEL = b"thecal prescription 1\0"
SCHEDULE_LABEL = b"thecal schedule 1\0"


def digest_of(prescription: Prescription, serial: str) -> bytes:
    """Return the digest that names exactly this prescription on exactly this pump."""
    text = LABEL + serial.encode() + b"\0" + prescription.pack()
    return hashlib.sha256(text).digest()[:DIGEST_OCTETS]


def schedule_digest(schedule: Schedule) -> bytes:
    """Return the digest by which a prescription names exactly this schedule."""
    return hashlib.sha256(SCHEDULE_LABEL + schedule.pack()).digest()[:DIGEST_OCTETS]
