"""The digest that names a prescription: what is staged, reviewed and committed is one text, or it is refused."""

from __future__ import annotations

import hashlib

from protocol.messages import DIGEST_OCTETS, Prescription

LABEL = b"thecal prescription 1\0"


def digest_of(prescription: Prescription, serial: str) -> bytes:
    """Return the digest that names exactly this prescription on exactly this pump."""
    text = LABEL + serial.encode() + b"\0" + prescription.pack()
    return hashlib.sha256(text).digest()[:DIGEST_OCTETS]
