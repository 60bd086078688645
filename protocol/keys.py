"""Keys and proofs: from a pump's one secret to the keys of one session.

A pump holds one secret of 32 bytes, its *pump key*. Each role has a *role key*, derived from it, so that whoever
holds the patient controller's key can neither act as a clinician nor compute the clinician's key. A handshake
mixes a role key with everything both ends said, the *transcript*, into proofs and into the *session keys*.

Three rules keep the pieces apart:

* Both proofs are taken over the same transcript but under different labels, so neither is ever valid as the other:
  nobody can answer a challenge by sending it back.
* The transcript names role, serial number, hello ordinal and both nonces, each at a fixed place, so no two
  handshakes of any two pumps or roles share one.
* Each direction seals with its own key, so a record that is sent back to its sender does not open.

All keys are symmetric: there is no forward secrecy. Who learns a role key can read what was recorded earlier.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from protocol.errors import LocalProtocolError
from protocol.messages import SESSION_OCTETS
from protocol.vocabulary import Role

KEY_OCTETS = 32
NONCE_OCTETS = 16
"""Half of it would do against chance repetition; 16 bytes also leave an attacker nothing to precompute."""
PROOF_OCTETS = 32

ROLE_LABEL = b"thecal role "
TRANSCRIPT_LABEL = b"thecal channel 1"
PUMP_PROOF_LABEL = b"thecal proof of the pump"
PROGRAMMER_PROOF_LABEL = b"thecal proof of the programmer"
SESSION_LABEL = b"thecal session"

_TRANSCRIPT = struct.Struct(f"<B{NONCE_OCTETS}s{NONCE_OCTETS}sQB")


class Transcript(NamedTuple):
    """Everything that both ends said before either proved anything."""

    role: Role
    programmer_nonce: bytes
    pump_nonce: bytes
    ordinal: int
    serial: str

    def pack(self) -> bytes:
        """Return the bytes that proofs and session keys are taken over: each field at a fixed place, serial last."""
        serial = self.serial.encode()
        fixed = _TRANSCRIPT.pack(self.role, self.programmer_nonce, self.pump_nonce, self.ordinal, len(serial))
        return TRANSCRIPT_LABEL + fixed + serial


class SessionKeys(NamedTuple):
    """What one handshake yields."""

    to_pump: bytes
    """Seals what the programmer sends."""
    to_programmer: bytes
    """Seals what the pump sends."""
    session: bytes
    """Public name of the session."""


def role_key(pump_key: bytes, role: Role) -> bytes:
    """Return the key of one role of the pump whose key this is; ``LocalProtocolError`` unless it has 32 bytes."""
    return _expand(check_key(pump_key), None, ROLE_LABEL + role.name.lower().encode(), KEY_OCTETS)


def pump_proof(key: bytes, transcript: Transcript) -> bytes:
    """Return the proof that the pump knows the role key."""
    return authenticator(key, PUMP_PROOF_LABEL + transcript.pack())


def programmer_proof(key: bytes, transcript: Transcript) -> bytes:
    """Return the proof that the programmer knows the role key."""
    return authenticator(key, PROGRAMMER_PROOF_LABEL + transcript.pack())


def session_keys(key: bytes, transcript: Transcript) -> SessionKeys:
    """Return the keys and the name of the session that this transcript opens."""
    digest = Hash(SHA256())
    digest.update(transcript.pack())
    material = _expand(key, digest.finalize(), SESSION_LABEL, 2 * KEY_OCTETS + SESSION_OCTETS)
    return SessionKeys(material[:KEY_OCTETS], material[KEY_OCTETS : 2 * KEY_OCTETS], material[2 * KEY_OCTETS :])


def same(left: bytes, right: bytes) -> bool:
    """Compare two proofs in a time that does not tell where they differ."""
    return constant_time.bytes_eq(left, right)


def authenticator(key: bytes, data: bytes) -> bytes:
    """Return HMAC-SHA256 of the data under the key."""
    code = HMAC(key, SHA256())
    code.update(data)
    return code.finalize()


def check_key(key: bytes) -> bytes:
    """Return the key itself; ``LocalProtocolError`` if it is not 32 bytes long."""
    if len(key) != KEY_OCTETS:
        raise LocalProtocolError(f"a key has {KEY_OCTETS} bytes, not {len(key)}")
    return bytes(key)


def _expand(key: bytes, salt: bytes | None, info: bytes, octets: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=octets, salt=salt, info=info).derive(key)
