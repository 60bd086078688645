"""From captured bytes to what was said."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from hw.capture import Flow, Packet
from hw.keylog import KeyRing
from hw.listening import Heard, listen
from protocol.frame import FrameFault
from tests.decoders import wires


def heard(pieces: list[tuple[Flow, bytes]]) -> list[Heard]:
    """Return what is heard of pieces that all came at once."""
    return list(listen([Packet(0, *piece) for piece in pieces], KeyRing([wires.SECRET])))


@given(seed=st.integers(0, 1_000_000))
def test_how_a_stream_was_cut_makes_no_difference(seed: int) -> None:
    """Each direction gives the same frames, whole or in pieces, whatever the other says between them."""
    rng = random.Random(seed)
    pieces = wires.harmed(wires.every_message()[:12], rng)
    for flow in Flow:
        stream = b"".join(data for each, data in pieces if each is flow)
        together = [each for each in heard(pieces) if each.flow is flow]
        assert together == heard([(flow, stream)])


def test_every_message_is_heard() -> None:
    """None of the samples has a fault or a problem, and all that is sealed is opened."""
    said = heard(wires.every_message())
    assert len(said) == len(wires.every_message())
    assert not [each for each in said if each.fault or each.problem]


def test_damage_and_nonsense_are_told_apart() -> None:
    """Bytes that are no frame have a fault, an intact frame that says nothing known has a problem."""
    flow, data = wires.every_message()[0]
    damaged = heard([(flow, data[:8] + bytes([data[8] ^ 1]) + data[9:])])
    assert [each.fault for each in damaged] == [FrameFault.CHECKSUM]
    nonsense = heard(wires.malformed(random.Random(1)))
    assert {each.fault for each in nonsense} == {None}
    assert sum(bool(each.problem) for each in nonsense) > len(nonsense) / 2


def test_a_frames_time_is_that_of_its_last_byte() -> None:
    """A frame in three packets was said when the third came."""
    flow, data = wires.every_message()[0]
    packets = [Packet(at, flow, piece) for at, piece in ((10, data[:3]), (20, data[3:9]), (30, data[9:]))]
    assert [each.at_us for each in listen(packets, KeyRing())] == [30]
