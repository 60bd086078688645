"""The chip models by themselves: requests in, packets out, at a time that the test says."""

from __future__ import annotations

import pytest

from hw.emulated import ch340, ft232r, pl2303
from hw.emulated.ch340 import Ch340
from hw.emulated.chip import MILLISECOND_NS, Chip, Setup, Stall
from hw.emulated.cp2102 import Cp2102
from hw.emulated.ft232r import Ft232r
from hw.emulated.pl2303 import Pl2303
from hw.emulated.wire_end import SECOND_NS, Damage, WireEnd
from hw.uart import Framing

CHIPS = (Ft232r, Cp2102, Ch340, Pl2303)
TO_DEVICE, TO_HOST, VENDOR, CLASS = 0x00, 0x80, 0x40, 0x20

every_chip = pytest.mark.parametrize("chip", [kind() for kind in CHIPS], ids=lambda chip: type(chip).__name__)


def ask(chip: Chip, request_type: int, request: int, value: int = 0, index: int = 0, data: bytes = b"") -> bytes:
    """Carry out one control transfer at the time zero."""
    return chip.control(Setup(request_type, request, value, index, 255), data, 0)


@every_chip
def test_descriptors_are_as_long_as_they_say(chip: Chip) -> None:
    """The device's and the configuration's descriptor carry their own length, and every endpoint is in the second."""
    device = ask(chip, TO_HOST, 0x06, 0x0100)
    assert (len(device), device[0], device[1]) == (18, 18, 1)
    configuration = ask(chip, TO_HOST, 0x06, 0x0200)
    assert int.from_bytes(configuration[2:4], "little") == len(configuration)
    rest, addresses = configuration, []
    while rest:
        if rest[1] == 5:
            addresses.append(rest[2])
        rest = rest[rest[0] :]
    assert addresses == [endpoint.address for endpoint in chip.ENDPOINTS]


def test_only_chips_that_have_one_give_a_serial_number() -> None:
    """A CH340 and a PL2303 stall when asked for theirs, whatever the model was told; an FT232R says it."""
    assert ask(Ft232r("A1"), TO_HOST, 0x06, 0x0303) == b"\x06\x03A\x001\x00"
    for chip in (Ch340("A1"), Pl2303("A1")):
        assert ask(chip, TO_HOST, 0x06, 0x0100)[16] == 0
        with pytest.raises(Stall):
            ask(chip, TO_HOST, 0x06, 0x0303)


@every_chip
def test_an_unknown_request_stalls(chip: Chip) -> None:
    """The driver is told, and the chip goes on."""
    with pytest.raises(Stall):
        ask(chip, TO_HOST, 0x77)
    if not isinstance(chip, Pl2303):  # whose vendor requests all mean nothing for us
        with pytest.raises(Stall):
            ask(chip, TO_DEVICE | VENDOR, 0x77)
    assert ask(chip, TO_HOST, 0x08) == b"\x01"


@pytest.mark.parametrize(
    ("value", "index", "baud"),
    [
        (0, 0, 3_000_000),
        (1, 0, 2_000_000),
        (26, 0, 115_384),
        (0x4138, 0, 9_600),
        (0xC034, 0, 57_553),
        (0xC00D, 1, 216_216),
    ],
)
def test_divisors_of_the_ft232r(value: int, index: int, baud: int) -> None:
    """Whole numbers, eighths and the two exceptions give the rates of FTDI's table."""
    assert ft232r.baud_of(value, index) == baud


@pytest.mark.parametrize(
    ("prescaler", "divisor", "baud"), [(0x83, 0xCC, 115_384), (0x82, 0xB2, 9_615), (0x87, 0x98, 115_384)]
)
def test_divisors_of_the_ch340(prescaler: int, divisor: int, baud: int) -> None:
    """The clock of 48 MHz, a prescaler in powers of two and a divisor give the rate."""
    assert ch340.baud_of(prescaler, divisor) == baud


def test_rates_of_the_pl2303() -> None:
    """A rate is a plain number, or a divisor with an exponent of four."""
    assert pl2303.baud_of((115_200).to_bytes(4, "little")) == 115_200
    assert pl2303.baud_of(bytes((0x80, 0x02, 0, 0x80))) == 12_000_000 * 32 // 128 // 4


def test_octets_arrive_when_their_last_bit_has_been_sent() -> None:
    """Ten bits at 9600 baud take 1.04 ms: nothing arrives earlier, and the second octet comes after the first."""
    end = WireEnd()
    octet_ns = 10 * SECOND_NS // 9_600
    end.send(b"ab", now_ns=0)
    end.carry(octet_ns - 1)
    assert not end.received
    end.carry(octet_ns)
    assert [received.octet for received in end.received] == [ord("a")]
    assert end.unsent(octet_ns) == 1
    end.carry(2 * octet_ns)
    assert [received.octet for received in end.received] == [ord("a"), ord("b")]
    assert end.next_at_ns(1) is None


def test_octets_wait_for_those_before_them() -> None:
    """What is sent while the wire is busy begins when it is free, and not before."""
    end = WireEnd()
    octet_ns = 10 * SECOND_NS // 9_600
    end.send(b"abc", now_ns=0)
    end.send(b"d", now_ns=octet_ns)
    end.carry(3 * octet_ns)
    assert len(end.received) == 3
    end.carry(4 * octet_ns)
    assert [received.octet for received in end.received] == list(b"abcd")


def test_two_ends_with_different_parity_hear_what_a_receiver_would() -> None:
    """Seven bits and even parity, read as eight bits, show the parity bit."""
    near, far = WireEnd(), WireEnd()
    near.join(far)
    near.framing = Framing(9_600, 7, "E")
    near.send(b"\x01", 0)
    near.carry(SECOND_NS)
    assert far.received[0].octet == 0x81


def test_an_unplugged_end_drives_no_line() -> None:
    """The other end sees its lines fall when the power goes, and hears it again after a new start."""
    near, far = WireEnd(), WireEnd()
    near.join(far)
    near.ready = near.request = True
    assert far.lines()[:3] == (True, True, True)
    near.power_on()
    assert far.lines()[:3] == (False, False, False)
    near.send(b"x", 0)
    near.carry(SECOND_NS)
    assert far.received[0].octet == ord("x")


def test_the_latency_timer_holds_a_short_answer_back() -> None:
    """A few octets wait for the timer, which runs freely; a full packet does not."""
    chip = Ft232r()
    assert chip.packets(512, 0) is not None  # the modem lines, once
    chip.end.framing = Framing(3_000_000)
    chip.end.send(b"few", 0)
    chip.end.carry(MILLISECOND_NS)
    assert chip.packets(512, MILLISECOND_NS) is None
    assert chip.due_ns(MILLISECOND_NS) == 16 * MILLISECOND_NS
    packet = chip.packets(512, 16 * MILLISECOND_NS)
    assert packet is not None
    assert packet[2:] == b"few"
    chip.end.send(bytes(62), 16 * MILLISECOND_NS)
    chip.end.carry(17 * MILLISECOND_NS)
    full = chip.packets(512, 17 * MILLISECOND_NS)
    assert full is not None
    assert len(full) >= 64


def test_a_shorter_latency_is_kept_until_the_power_goes() -> None:
    """The driver may ask for one millisecond; after plugging in it is sixteen again."""
    chip = Ft232r()
    ask(chip, TO_DEVICE | VENDOR, ft232r.SET_LATENCY, 1)
    assert ask(chip, TO_HOST | VENDOR, ft232r.GET_LATENCY) == b"\x01"
    chip.power_on()
    assert ask(chip, TO_HOST | VENDOR, ft232r.GET_LATENCY) == b"\x10"


@pytest.mark.parametrize(
    ("damage", "bit"),
    [(Damage.OVERRUN, 0x02), (Damage.PARITY, 0x04), (Damage.FRAMING, 0x08), (Damage.BREAK, 0x10)],
)
def test_a_damaged_octet_travels_in_a_packet_of_its_own(damage: Damage, bit: int) -> None:
    """The status covers a whole packet, so what came before the damage must not share it."""
    chip = Ft232r()
    chip.packets(512, 0)
    chip.end.send(b"a", 0)
    chip.end.carry(SECOND_NS)
    chip.end.spoil(damage)
    chip.end.send(b"b", SECOND_NS)
    chip.end.carry(2 * SECOND_NS)
    chip.packets(0, 2 * SECOND_NS)
    first = chip.packets(64, 3 * SECOND_NS)
    chip.end.send(b"c", 3 * SECOND_NS)
    chip.end.carry(4 * SECOND_NS)
    chip.packets(0, 4 * SECOND_NS)
    second = chip.packets(64, 5 * SECOND_NS)
    assert first is not None
    assert second is not None
    assert (first[2:], first[1] & 0x1E) == (b"a", 0)
    assert (second[2:3], second[1] & 0x1E) == (b"b", bit)


def test_the_ch340_says_its_lines_inverted_and_once() -> None:
    """Looped back, DTR comes back as DSR and carrier; nothing is said while nothing changes."""
    chip = Ch340()
    assert chip.news(0) == bytes((0x08, 0x3F, 0xFF, 0xEE))
    assert chip.news(0) is None
    ask(chip, TO_DEVICE | VENDOR, ch340.MODEM_CONTROL, ~ch340.READY_BIT & 0xFFFF)
    assert chip.news(0) == bytes((0x08, 0x3F, 0xFF & ~0x0A, 0xEE))


def test_the_pl2303_says_its_lines_and_damage() -> None:
    """Carrier, DSR and CTS have their bits, and damage is said once."""
    chip = Pl2303()
    assert chip.news(0) == bytes((0xA1, 0x20, 0, 0, 0, 0, 2, 0, 0, 0))
    ask(chip, TO_DEVICE | CLASS, pl2303.SET_CONTROL_LINES, 3)
    said = chip.news(0)
    assert said is not None
    assert said[8] == 0x83
    chip.end.spoil(Damage.PARITY)
    chip.end.send(b"x", 0)
    chip.end.carry(SECOND_NS)
    chip.packets(64, SECOND_NS)
    said = chip.news(0)
    assert said is not None
    assert said[8] == 0x83 | 0x20


def test_the_cp2102_reads_back_what_it_was_told() -> None:
    """Rate, line settings, modem lines and unsent octets."""
    chip = Cp2102()
    ask(chip, TO_DEVICE | VENDOR | 1, 0x1E, data=(57_600).to_bytes(4, "little"))
    ask(chip, TO_DEVICE | VENDOR | 1, 0x03, 0x0722)
    assert chip.end.framing == Framing(57_600, 7, "E", 4)
    assert ask(chip, TO_HOST | VENDOR | 1, 0x1D) == (57_600).to_bytes(4, "little")
    assert ask(chip, TO_HOST | VENDOR | 1, 0x04) == b"\x22\x07"
    ask(chip, TO_DEVICE | VENDOR | 1, 0x07, 0x0303)
    assert ask(chip, TO_HOST | VENDOR | 1, 0x08) == bytes((0x01 | 0x02 | 0x10 | 0x20 | 0x80,))
    chip.end.send(bytes(5), 0)
    assert ask(chip, TO_HOST | VENDOR | 1, 0x10)[12] == 5
