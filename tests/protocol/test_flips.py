"""Flipped bits: no damaged frame passes for a good one, and none takes its neighbour with it."""

from __future__ import annotations

import itertools
from collections import Counter
from random import Random

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from protocol import flips
from protocol.flips import (
    ACCEPTED,
    NEIGHBOUR_LOST,
    OUTCOMES,
    PARTS,
    SAMPLES,
    SPLIT,
    flip_table,
    flipped,
    outcome,
    parts_of,
    sample_frame,
)
from protocol.frame import MIN_PACKET, Frame, FrameDecoder, FrameError, FrameFault

pytestmark = pytest.mark.safety

DEFECTS = {ACCEPTED, NEIGHBOUR_LOST}
SHORT_PAYLOADS = [b"", b"\0", b"\xff\xff", b"pump"]
PATTERNS_OF_THREE = 25_000


def test_good_frame_is_accepted() -> None:
    """The judge calls an undamaged frame accepted, so that it could call a damaged one so."""
    assert {outcome(sample_frame(payload)) for payload in SAMPLES.values()} == {ACCEPTED}


def test_lost_neighbour_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge notices a decoder that loses the frame behind a damaged one."""

    class Forgetful(FrameDecoder):
        def feed(self, data: bytes) -> list[Frame | FrameError]:
            events = super().feed(data)
            bad = [index for index, event in enumerate(events) if isinstance(event, FrameError)]
            return events[: bad[0] + 1] if bad else events

    damaged = flipped(sample_frame(b"pump"), 8 * sample_frame(b"pump").index(b"pump"))
    assert outcome(damaged) == FrameFault.CHECKSUM.value
    monkeypatch.setattr(flips, "FrameDecoder", Forgetful)
    assert outcome(damaged) == NEIGHBOUR_LOST


@pytest.mark.verifies("COM-01")
@given(st.binary(max_size=600))
def test_nothing_between_two_frames_costs_a_frame(data: bytes) -> None:
    """Whatever bytes stand between two frames, both frames arrive."""
    assert outcome(data) != NEIGHBOUR_LOST


@pytest.mark.verifies("COM-01")
@pytest.mark.parametrize("payload", SAMPLES.values(), ids=SAMPLES)
def test_every_single_flip_is_rejected(payload: bytes) -> None:
    """Whichever bit of a frame flips, delimiters included, it is rejected and both neighbours arrive."""
    encoded = sample_frame(payload)
    seen = Counter(outcome(flipped(encoded, bit)) for bit in range(8 * len(encoded)))
    assert not DEFECTS & seen.keys()
    assert seen.total() == 8 * len(encoded)


@pytest.mark.verifies("COM-01")
@pytest.mark.parametrize("payload", SHORT_PAYLOADS)
def test_every_double_flip_is_rejected(payload: bytes) -> None:
    """Whichever two bits of a short frame flip, it is rejected and both neighbours arrive."""
    encoded = sample_frame(payload)
    seen = Counter(outcome(flipped(encoded, *pair)) for pair in itertools.combinations(range(8 * len(encoded)), 2))
    assert not DEFECTS & seen.keys()
    assert seen.total() > 5_000
    assert seen[SPLIT] > 100


@pytest.mark.verifies("COM-01")
def test_every_triple_flip_of_the_shortest_frame_is_rejected() -> None:
    """Whichever three bits of the shortest frame flip, it is rejected and both neighbours arrive."""
    encoded = sample_frame(b"")
    seen = Counter(outcome(flipped(encoded, *bits)) for bits in itertools.combinations(range(8 * len(encoded)), 3))
    assert not DEFECTS & seen.keys()
    assert seen.total() == 182_104


@pytest.mark.verifies("COM-01")
@pytest.mark.parametrize("payload", SAMPLES.values(), ids=SAMPLES)
def test_sampled_triple_flips_are_rejected(payload: bytes) -> None:
    """Whichever three bits of a frame flip, drawn at random, it is rejected and both neighbours arrive."""
    encoded = sample_frame(payload)
    random = Random(3)
    bits = range(8 * len(encoded))
    seen = Counter(outcome(flipped(encoded, *random.sample(bits, 3))) for _ in range(PATTERNS_OF_THREE))
    assert not DEFECTS & seen.keys()
    assert seen[SPLIT] > 10
    assert seen[FrameFault.CHECKSUM.value] > 1_000


def test_full_last_block_hides_no_delimiter() -> None:
    """A delimiter that flips from 00 to 01 behind a full last COBS block, which decodes to the same, is rejected."""
    encoded = sample_frame(SAMPLES["full block"])
    assert cobs.decode(encoded[1:-1] + b"\x01") == cobs.decode(encoded[1:-1])
    assert outcome(flipped(encoded, 8 * len(encoded) - 8)) == FrameFault.STUFFING.value


@pytest.mark.parametrize("payload", SAMPLES.values(), ids=SAMPLES)
def test_parts_cover_the_frame(payload: bytes) -> None:
    """Each byte of a frame is counted to one part, and all parts but those made of zeros have their bytes."""
    encoded = sample_frame(payload)
    parts = Counter(parts_of(encoded))
    zeros = cobs.decode(encoded[1:-1]).count(0)
    full_blocks = len(encoded) - 3 - MIN_PACKET - len(payload)
    assert parts.total() == len(encoded)
    assert parts["delimiter"] == 2
    assert parts["COBS code"] == zeros + full_blocks + 1
    assert parts["checksum"] <= 4
    assert parts.keys() <= set(PARTS)


def test_table_counts_every_bit_once() -> None:
    """The table holds every bit of every sample once, without a defect, and comes out the same again."""
    table = flip_table()
    assert [row.part for row in table] == list(PARTS)
    assert sum(row.flips for row in table) == sum(8 * len(sample_frame(payload)) for payload in SAMPLES.values())
    assert all(tuple(row.outcomes) == OUTCOMES and sum(row.outcomes.values()) == row.flips for row in table)
    assert not any(row.outcomes[defect] for row in table for defect in DEFECTS)
    assert flip_table() == table
