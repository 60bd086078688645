"""Every byte arrives as it was sent, whatever kind of port carries it."""

from collections.abc import Callable

import pytest

from hw.abilities import Ability
from hw.descriptor import DescriptorPort
from hw.errors import PortError
from hw.ports import open_port
from hw.virtual import Wiring
from protocol.frame import MAX_PAYLOAD, Direction, Frame, FrameDecoder, Kind, encode_frame
from tests.adapters.conftest import Ends

Receive = Callable[[DescriptorPort, int], bytes]

EVERY_BYTE = bytes(range(256))
PIECE = 1024
"""Sent and read back in turn, so that no buffer on the way has to hold more."""


def test_every_byte_value_arrives_unchanged(ends: Ends, receive: Receive) -> None:
    """Control characters, line ends, zeros and 0xFF pass like any others, in each direction, and nothing is added."""
    for sender, receiver in ends.directions:
        sender.write(EVERY_BYTE)
        assert receive(receiver, 256) == EVERY_BYTE
        assert receiver.read(0) == b""


def test_many_bytes_arrive_in_order(ends: Ends, receive: Receive) -> None:
    """Sixteen kilobytes come through complete and in order."""
    for sender, receiver in ends.directions:
        for turn in range(16):
            piece = bytes((turn + index * 7) % 256 for index in range(PIECE))
            sender.write(piece)
            assert receive(receiver, PIECE) == piece


def test_frames_pass_both_ways(ends: Ends, receive: Receive) -> None:
    """Frames of every size are decoded as they were encoded, and no frame error is counted."""
    for direction, (sender, receiver) in zip(Direction, ends.directions, strict=False):
        decoder = FrameDecoder()
        for length in (0, 1, 127, MAX_PAYLOAD):
            payload = bytes((37 * index) % 256 for index in range(length))
            frame = Frame(direction, Kind.DATA, 0x0100 + length, payload)
            encoded = encode_frame(frame)
            sender.write(encoded)
            assert decoder.feed(receive(receiver, len(encoded))) == [frame]
        assert decoder.bad == 0


@pytest.mark.needs(Ability.EXCLUSIVE)
def test_a_second_program_is_refused(wiring: Wiring, ends: Ends) -> None:
    """Two programs on one line would steal each other's bytes, so the second cannot open it."""
    with pytest.raises(PortError, match="in use"):
        open_port(wiring.near)
    assert ends.near.read(0) == b""


def test_a_port_can_be_opened_again(wiring: Wiring, receive: Receive) -> None:
    """Closing and opening again gives a working port with nothing old in it."""
    for turn in range(3):
        with open_port(wiring.near) as near:
            far = near if wiring.far == wiring.near else open_port(wiring.far)
            with far:
                near.write(bytes([turn]))
                assert receive(far, 1) == bytes([turn])
                near.write(bytes([turn]))
                assert receive(far, 1) == bytes([turn])
