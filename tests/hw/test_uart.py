"""The modelled wire, bit by bit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.modelled import looped_back, null_modem
from hw.uart import Framing, heard
from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame

EVERY = bytes(range(256))
FRAMINGS = st.builds(
    Framing,
    baud=st.sampled_from([1_200, 9_600, 115_200]),
    data_bits=st.sampled_from([5, 6, 7, 8]),
    parity=st.sampled_from("NEOMS"),
    stop_halves=st.sampled_from([2, 3, 4]),
)


@given(data=st.binary(max_size=40), framing=FRAMINGS, off=st.integers(-20, 20))
def test_nearly_the_same_rate_is_understood(data: bytes, framing: Framing, off: int) -> None:
    """A receiver up to 2 % off the sender's rate hears every byte, as far as its data bits hold it."""
    receiver = framing._replace(baud=framing.baud * (1_000 + off) // 1_000)
    mask = (1 << framing.data_bits) - 1
    assert heard(data, framing, receiver) == bytes(octet & mask for octet in data)


def test_even_parity_is_the_eighth_bit_to_who_expects_none() -> None:
    """Seven bits and even parity look like eight bits with an even number of ones."""
    got = heard(bytes(range(128)), Framing(parity="E", data_bits=7), Framing())
    assert got == bytes(octet | octet.bit_count() % 2 << 7 for octet in range(128))


@pytest.mark.parametrize(("parity", "bit"), [("O", 1), ("M", 1), ("S", 0)])
def test_every_parity_is_on_the_wire(parity: str, bit: int) -> None:
    """Of a zero byte the parity bit alone is left: set for odd and mark, clear for space."""
    assert heard(b"\0", Framing(parity=parity, data_bits=7), Framing()) == bytes([bit << 7])


def test_twice_the_rate_hears_every_bit_twice() -> None:
    """0 1111 0000 1 at half the rate is 0 0111 1111 1 and 0 0000 0001 1: worked out on paper."""
    assert heard(b"\x0f", Framing(9_600), Framing(19_200)) == b"\xfe\x80"


@given(payload=st.binary(max_size=40), rates=st.permutations([1_200, 9_600, 19_200, 57_600, 115_200]))
def test_a_frame_at_a_wrong_rate_is_none(payload: bytes, rates: list[int]) -> None:
    """Whatever a receiver at another rate hears, it is no frame."""
    encoded = encode_frame(Frame(Direction.FROM_PUMP, Kind.DATA, 1, payload))
    decoded = FrameDecoder().feed(heard(encoded, Framing(rates[0]), Framing(rates[1])))
    assert not any(isinstance(found, Frame) for found in decoded)


def test_a_null_modem_crosses_the_lines() -> None:
    """RTS goes to CTS and DTR to DSR and DCD of the other end, and a closed end raises nothing."""
    near, far = null_modem()
    near.rts, near.dtr, far.rts, far.dtr = True, False, False, True
    assert (far.cts, far.dsr, far.cd, far.ri) == (True, False, False, False)
    assert (near.cts, near.dsr, near.cd, near.ri) == (False, True, True, False)
    near.close()
    assert (far.cts, far.dsr) == (False, False)


def test_a_break_arrives_as_a_zero() -> None:
    """One zero byte for a break, however long; the byte after it is heard."""
    near, far = null_modem()
    near.break_condition = True
    near.break_condition = False
    near.write(b"x")
    assert far.read(10) == b"\0x"


def test_a_looped_port_hears_itself() -> None:
    """TX goes to RX, RTS to CTS, DTR to DSR."""
    port = looped_back()
    port.write(EVERY)
    assert port.in_waiting == 256
    assert port.read(256) == EVERY
    port.rts, port.dtr = False, True
    assert (port.cts, port.dsr) == (False, True)
    port.write(b"old")
    port.reset_input_buffer()
    assert port.read(1) == b""
