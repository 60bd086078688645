"""What there is on a serial wire besides bytes: modem lines, break, parity, the rate."""

import platform
import time
from collections.abc import Callable

import pytest
import serial

from hw.abilities import Ability
from hw.baud import ActualBaud, actual_baud
from hw.descriptor import DescriptorPort
from protocol.frame import Direction, Frame, FrameDecoder, FrameError, Kind, encode_frame
from tests.adapters.conftest import PATIENCE_MS, Ends

Receive = Callable[[DescriptorPort, int], bytes]

STANDARD_RATES = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400)
FRAME = Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 1, b"after the break")


def _line(port: DescriptorPort) -> serial.SerialBase:
    assert port.line is not None
    return port.line


def _becomes(line: serial.SerialBase, entry: str, wanted: bool) -> bool:
    """Say whether a line takes that level; over a network it may take its time."""
    end = time.monotonic() + PATIENCE_MS / 1_000
    while bool(getattr(line, entry)) is not wanted:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.needs(Ability.MODEM_LINES)
def test_modem_lines_reach_the_other_end(ends: Ends) -> None:
    """RTS is seen as CTS and DTR as DSR, up and down, each by itself."""
    for sender, receiver in ends.directions:
        out, entry = _line(sender), _line(receiver)
        for rts, dtr in ((True, True), (False, True), (True, False), (False, False), (True, True)):
            out.rts, out.dtr = rts, dtr
            assert _becomes(entry, "cts", rts), f"CTS does not follow RTS to {rts}"
            assert _becomes(entry, "dsr", dtr), f"DSR does not follow DTR to {dtr}"


@pytest.mark.needs(Ability.MODEM_LINES)
def test_an_edge_on_a_line_is_no_data(ends: Ends, receive: Receive) -> None:
    """Opening a port pulses DTR and RTS: that must never put or lose a byte."""
    for _ in range(3):
        _line(ends.near).dtr = _line(ends.near).rts = False
        _line(ends.near).dtr = _line(ends.near).rts = True
    ends.near.write(b"still here")
    assert receive(ends.far, 10) == b"still here"


@pytest.mark.needs(Ability.BREAK)
def test_a_break_costs_no_frame(ends: Ends) -> None:
    """A break arrives as zeros, which are delimiters: the frame after it is decoded, and nothing else is."""
    for sender, receiver in ends.directions:
        _line(sender).send_break(0.05)
        sender.write(encode_frame(FRAME))
        decoder, raw = FrameDecoder(), b""
        frames: list[Frame | FrameError] = []
        while not frames:
            data = receiver.read(PATIENCE_MS)
            assert data, f"only {raw!r} came"
            raw += data
            frames += decoder.feed(data)
        assert frames == [FRAME]
        assert raw.startswith(b"\0\0"), "the break itself did not arrive"


@pytest.mark.needs(Ability.PARITY)
def test_parity_is_set_at_both_ends(ends: Ends, receive: Receive) -> None:
    """With the same parity at both ends, every byte that the data bits can hold comes through."""
    for bits, parity in ((7, "E"), (7, "O"), (8, "E"), (8, "O")):
        for port in {_line(ends.near), _line(ends.far)}:
            port.apply_settings({"bytesize": bits, "parity": parity})
        every = bytes(range(1 << bits))
        for sender, receiver in ends.directions:
            sender.write(every)
            assert receive(receiver, len(every)) == every, f"{bits}{parity}1"


@pytest.mark.needs(Ability.PARITY)
def test_the_parity_bit_is_on_the_wire(ends: Ends, receive: Receive) -> None:
    """Seven bits and even parity, read as eight bits and none, show the parity as the eighth bit."""
    if ends.near is ends.far:
        pytest.skip("one echoing port cannot have two settings")
    _line(ends.near).apply_settings({"bytesize": 7, "parity": "E"})
    ends.near.write(bytes(range(128)))
    expected = bytes(octet | (octet.bit_count() % 2) << 7 for octet in range(128))
    assert receive(ends.far, 128) == expected


@pytest.mark.needs(Ability.BAUD)
def test_every_standard_rate_works(ends: Ends, receive: Receive) -> None:
    """Bytes come through at each rate that programs use."""
    for baud in STANDARD_RATES:
        for port in {_line(ends.near), _line(ends.far)}:
            port.baudrate = baud
        for sender, receiver in ends.directions:
            sender.write(bytes(range(256)))
            assert receive(receiver, 256) == bytes(range(256)), f"{baud} baud"


@pytest.mark.needs(Ability.BAUD)
def test_different_rates_do_not_understand_each_other(ends: Ends) -> None:
    """With one end at another rate no frame arrives, and what does arrive is counted as damage."""
    if ends.near is ends.far:
        pytest.skip("one echoing port cannot have two rates")
    _line(ends.near).baudrate = 9_600
    ends.near.write(encode_frame(FRAME) * 3)
    decoder, frames = FrameDecoder(), []
    while data := ends.far.read(1_000):
        frames += decoder.feed(data)
    assert FRAME not in frames


@pytest.mark.needs(Ability.BAUD_READ_BACK)
def test_the_driver_says_which_rate_it_set(ends: Ends) -> None:
    """The rate read back from the driver is near enough to the one that was asked for."""
    for baud in STANDARD_RATES:
        _line(ends.near).baudrate = baud
        actual = actual_baud(ends.near.fileno(), platform.machine())
        if actual is None:
            pytest.skip("this system has no TCGETS2")
        assert ActualBaud(baud, actual).usable, f"asked for {baud}, got {actual}"
