"""What the chips see when programs use them through the kernel's own drivers."""

from __future__ import annotations

import array
import fcntl
import platform
import time
from collections.abc import Callable, Iterator

import pytest
import serial

from hw.baud import ActualBaud, actual_baud
from hw.bridge import PORT_FAILURES
from hw.emulated.ft232r import Ft232r
from hw.emulated.pl2303 import Pl2303
from hw.emulated.wire_end import Damage
from hw.ports import open_port
from hw.uart import Framing
from protocol.carrier import CarrierLost
from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame
from tests.usb.inside.bench import CHIPS, Bench, Looped, becomes

STANDARD_RATES = (9_600, 19_200, 38_400, 57_600, 115_200, 230_400)
PATIENCE_S = 10
FRAME = encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 7, b"a payload"))

TIOCGICOUNT = 0x545D
"""Asks a driver for its counts; the fields below stand at these places."""
FRAMING, OVERRUN, PARITY, BREAK = 6, 7, 8, 9


@pytest.fixture(params=CHIPS, ids=lambda chip: chip.__name__)
def looped(request: pytest.FixtureRequest, bench: Bench) -> Looped:
    """Return a looped-back adapter with each chip in turn."""
    return bench.looped[request.param]


@pytest.fixture
def port(looped: Looped) -> Iterator[serial.Serial]:
    """Yield its port, open."""
    with serial.Serial(looped.name, 115_200, timeout=PATIENCE_S, exclusive=True) as port:
        yield port


def counts(port: serial.Serial) -> array.array[int]:
    """Return what the driver has counted."""
    numbers = array.array("i", bytes(80))
    fcntl.ioctl(port.fileno(), TIOCGICOUNT, numbers)
    return numbers


def test_the_chip_is_set_to_the_rate_that_was_asked_for(port: serial.Serial, looped: Looped) -> None:
    """What the chip's divisor gives, the driver's report and the wish are the same rate, as near as UARTs need."""
    for baud in STANDARD_RATES:
        port.baudrate = baud
        seen = looped.adapter.chip.end.framing.baud
        assert ActualBaud(baud, seen).usable, f"asked for {baud}, the chip makes {seen}"
        reported = actual_baud(port.fileno(), platform.machine())
        assert reported is not None
        assert ActualBaud(reported, seen).usable, f"the driver says {reported}, the chip makes {seen}"


def test_a_rate_that_the_chip_cannot_make_is_not_hidden(bench: Bench) -> None:
    """Asked for 4 megabaud, FTDI's driver falls back to 9600 while pyserial repeats the wish; the driver says so."""
    looped = bench.looped[Ft232r]
    with serial.Serial(looped.name, 4_000_000, exclusive=True) as port:
        assert port.baudrate == 4_000_000
        assert actual_baud(port.fileno(), platform.machine()) == 9_600
        assert looped.adapter.chip.end.framing.baud == 9_600


@pytest.mark.parametrize(
    ("bits", "parity", "stop"), [(8, "N", 1), (7, "E", 1), (7, "O", 2), (8, "E", 1), (8, "O", 2)]
)
def test_the_chip_frames_octets_as_asked(
    port: serial.Serial, looped: Looped, bits: int, parity: str, stop: int
) -> None:
    """Data bits, parity and stop bits reach the chip."""
    port.apply_settings({"bytesize": bits, "parity": parity, "stopbits": stop})
    framing = looped.adapter.chip.end.framing
    assert framing == Framing(framing.baud, bits, parity, 2 * stop)


def test_the_lines_reach_the_chip_and_come_back(port: serial.Serial, looped: Looped) -> None:
    """DTR and RTS are set each by itself; ring, which nobody drives here, is seen when it comes."""
    end = looped.adapter.chip.end
    for ready, request in ((True, False), (False, True), (False, False), (True, True)):
        port.dtr, port.rts = ready, request
        assert (end.ready, end.request) == (ready, request)
        assert becomes(lambda: (port.dsr, port.cd, port.cts), (ready, ready, request))
    assert not port.ri
    looped.ring(True)
    assert becomes(lambda: port.ri, True)
    looped.ring(False)
    assert becomes(lambda: port.ri, False)


def test_a_break_is_one_zero(port: serial.Serial, looped: Looped) -> None:
    """The chip holds its line low once and lets go; the receiver hands on one zero."""
    before = looped.adapter.chip.end.breaks
    port.send_break(0.05)
    assert looped.adapter.chip.end.breaks == before + 1
    assert not looped.adapter.chip.end.breaking
    port.write(b"after")
    assert port.read(6) == b"\0after"


def test_octets_take_their_time(port: serial.Serial) -> None:
    """A hundred octets at 9600 baud are not here before the wire can have carried them."""
    port.baudrate = 9_600
    start = time.monotonic()
    port.write(bytes(100))
    assert port.read(100) == bytes(100)
    assert time.monotonic() - start >= 100 * 10 / 9_650  # the CH340 makes 9615


@pytest.mark.parametrize(("damage", "counted"), [(Damage.PARITY, PARITY), (Damage.FRAMING, FRAMING)])
def test_a_damaged_octet_is_delivered_as_a_good_one(bench: Bench, damage: Damage, counted: int) -> None:
    """FTDI's driver counts wrong parity and framing and hands the octet on: only the CRC protects a frame."""
    looped = bench.looped[Ft232r]
    with serial.Serial(looped.name, 115_200, timeout=PATIENCE_S, exclusive=True) as port:
        before = counts(port)[counted]
        looped.spoil(damage)
        port.write(b"good?")
        assert port.read(5) == b"good?"
        assert counts(port)[counted] == before + 1


def test_an_overrun_costs_its_frame_and_no_other(bench: Bench) -> None:
    """FTDI's driver puts a zero where octets were lost: that frame is refused, and the next one is read."""
    looped = bench.looped[Ft232r]
    with serial.Serial(looped.name, 115_200, timeout=PATIENCE_S, exclusive=True) as port:
        before = counts(port)[OVERRUN]
        port.write(FRAME[:5])
        first = port.read(5)
        looped.spoil(Damage.OVERRUN)
        port.write(FRAME[5:] + FRAME)
        decoder = FrameDecoder()
        heard = decoder.feed(first + port.read(2 * len(FRAME) - 5 + 1))
        assert counts(port)[OVERRUN] == before + 1
        assert [item for item in heard if isinstance(item, Frame)] == FrameDecoder().feed(FRAME)
        assert decoder.bad > 0


@pytest.mark.parametrize("chip", [Pl2303, Ft232r])
def test_what_is_wrong_on_the_wire_harms_nothing_later(bench: Bench, chip: type) -> None:
    """After every kind of damage the port goes on as if nothing had been."""
    looped = bench.looped[chip]
    with open_port(looped.name) as port:
        for damage in (Damage.PARITY, Damage.FRAMING, Damage.PARITY | Damage.FRAMING):
            looped.spoil(damage)
            port.write(FRAME)
            heard = b""
            while len(heard) < len(FRAME):
                piece = port.read(PATIENCE_S * 1_000)
                assert piece, f"only {len(heard)} of {len(FRAME)} bytes came"
                heard += piece
            assert heard == FRAME


def test_opening_a_port_shortens_the_latency_timer(bench: Bench) -> None:
    """FTDI's chip waits 16 ms for more bytes before it hands on a few; ``open_port`` asks for the least there is."""
    looped = bench.looped[Ft232r]
    looped.pull_out()
    looped.put_in()
    with open_port(looped.name):
        chip = looped.adapter.chip
        assert isinstance(chip, Ft232r)
        assert chip.latency_ms == 1


USES: dict[str, Callable[[serial.Serial], object]] = {
    "read": lambda port: port.read(1),
    "write": lambda port: port.write(b"x"),
    "in_waiting": lambda port: port.in_waiting,
    "flush": lambda port: port.flush(),
    "reset_input_buffer": lambda port: port.reset_input_buffer(),
    "cts": lambda port: port.cts,
    "rts": lambda port: setattr(port, "rts", False),
}


def test_whatever_is_done_with_an_unplugged_adapter_is_an_error_we_catch(looped: Looped, port: serial.Serial) -> None:
    """Drivers say it in three ways; ``PORT_FAILURES`` is all of them."""
    looped.pull_out()
    for use in USES.values():
        with pytest.raises(PORT_FAILURES):
            use(port)
    looped.put_in()


def test_a_reader_is_woken_when_its_adapter_is_pulled_out(looped: Looped) -> None:
    """Waiting for bytes ends with CarrierLost at once, not when the time is up; after plugging in it works again."""
    with open_port(looped.name) as port:
        looped.pull_out()
        with pytest.raises(CarrierLost, match="gone"):
            port.read(600_000)
    looped.put_in()
    with open_port(looped.name) as port:
        port.write(b"!")
        assert port.read(PATIENCE_S * 1_000) == b"!"
