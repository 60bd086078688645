"""Keys and proofs: derived as documented, different wherever anything differs."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.keys import (
    Transcript,
    programmer_proof,
    pump_proof,
    role_key,
    same,
    session_keys,
)
from protocol.vocabulary import Role

PUMP_KEY = bytes(range(32))
TRANSCRIPT = Transcript(Role.CLINICIAN, b"p" * 16, b"q" * 16, 7 << 40, "TC000001")
OTHER_TRANSCRIPTS = {
    "role": TRANSCRIPT._replace(role=Role.SERVICE),
    "programmer_nonce": TRANSCRIPT._replace(programmer_nonce=b"p" * 15 + b"x"),
    "pump_nonce": TRANSCRIPT._replace(pump_nonce=b"x" + b"q" * 15),
    "ordinal": TRANSCRIPT._replace(ordinal=(7 << 40) + 1),
    "serial": TRANSCRIPT._replace(serial="TC000002"),
}
Prover = Callable[[bytes, Transcript], bytes]
provers = pytest.mark.parametrize("prover", [pump_proof, programmer_proof])


def hkdf(key: bytes, salt: bytes, info: bytes, octets: int) -> bytes:
    """HKDF-SHA256 as RFC 5869 writes it, from the standard library alone."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    blocks, block = b"", b""
    for number in itertools.count(1):
        if len(blocks) >= octets:
            return blocks[:octets]
        block = hmac.digest(extracted, block + info + bytes((number,)), "sha256")
        blocks += block
    raise AssertionError


def test_the_documented_derivation_gives_the_same_keys() -> None:
    """Role key, proofs and session keys are what the documentation says, computed here from RFC 5869 alone."""
    key = hkdf(PUMP_KEY, b"", b"thecal role clinician", 32)
    packed = b"thecal channel 1" + b"\x02" + b"p" * 16 + b"q" * 16 + (7 << 40).to_bytes(8, "little") + b"\x08TC000001"
    material = hkdf(key, hashlib.sha256(packed).digest(), b"thecal session", 72)
    assert role_key(PUMP_KEY, Role.CLINICIAN) == key
    assert TRANSCRIPT.pack() == packed
    assert pump_proof(key, TRANSCRIPT) == hmac.digest(key, b"thecal proof of the pump" + packed, "sha256")
    assert programmer_proof(key, TRANSCRIPT) == hmac.digest(key, b"thecal proof of the programmer" + packed, "sha256")
    assert session_keys(key, TRANSCRIPT) == (material[:32], material[32:64], material[64:])


def test_every_role_of_every_pump_has_a_key_of_its_own() -> None:
    """No two roles share a key, none is the pump key, and another pump's keys are all different."""
    keys = [role_key(pump, role) for pump in (PUMP_KEY, bytes(32)) for role in Role]
    assert len({*keys, PUMP_KEY, bytes(32)}) == 2 * len(Role) + 2


@provers
@pytest.mark.parametrize("field", OTHER_TRANSCRIPTS)
def test_a_proof_is_of_one_transcript(prover: Prover, field: str) -> None:
    """Changing any one thing that was said changes the proof."""
    assert not same(prover(PUMP_KEY, TRANSCRIPT), prover(PUMP_KEY, OTHER_TRANSCRIPTS[field]))


@pytest.mark.parametrize("field", OTHER_TRANSCRIPTS)
def test_session_keys_are_of_one_transcript(field: str) -> None:
    """Changing any one thing that was said changes all three session values."""
    here, there = session_keys(PUMP_KEY, TRANSCRIPT), session_keys(PUMP_KEY, OTHER_TRANSCRIPTS[field])
    assert all(mine != theirs for mine, theirs in zip(here, there, strict=True))


@provers
def test_a_proof_needs_the_key(prover: Prover) -> None:
    """Another key gives another proof of the same transcript."""
    assert not same(prover(PUMP_KEY, TRANSCRIPT), prover(bytes(32), TRANSCRIPT))


def test_the_two_proofs_of_a_transcript_differ() -> None:
    """The pump's proof is never the programmer's, so it cannot be sent back as an answer."""
    assert not same(pump_proof(PUMP_KEY, TRANSCRIPT), programmer_proof(PUMP_KEY, TRANSCRIPT))


def test_each_direction_has_a_key_of_its_own() -> None:
    """The keys of the two directions differ, so nothing opens at its sender."""
    keys = session_keys(PUMP_KEY, TRANSCRIPT)
    assert keys.to_pump != keys.to_programmer


@given(
    st.lists(
        st.builds(
            Transcript,
            st.sampled_from(Role),
            st.binary(min_size=16, max_size=16),
            st.binary(min_size=16, max_size=16),
            st.integers(0, 2**64 - 1),
            st.text("AB\0", max_size=12),
        ),
        unique=True,
        max_size=8,
    )
)
def test_no_two_transcripts_have_the_same_bytes(transcripts: list[Transcript]) -> None:
    """Different things said never pack to the same bytes, so no proof is of two handshakes."""
    assert len({transcript.pack() for transcript in transcripts}) == len(transcripts)


@pytest.mark.parametrize("octets", [0, 16, 31, 33, 64])
def test_a_key_has_32_bytes(octets: int) -> None:
    """A key of any other length is our own mistake and is refused at once."""
    with pytest.raises(LocalProtocolError, match="32 bytes"):
        role_key(bytes(octets), Role.CLINICIAN)
