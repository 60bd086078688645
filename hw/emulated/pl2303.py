"""PL2303HX of Prolific: the requests of a modem's class, and vendor requests that mean nothing for us.

Request numbers and the rate's coding are facts of the chip that its public drivers use. It has no serial number.
"""

from __future__ import annotations

from hw.emulated.chip import CLASS, KIND_MASK, VENDOR, Chip, Endpoint, Identity, Setup, Stall, Transfer
from hw.emulated.wire_end import Damage
from hw.uart import Framing

SET_LINE_CODING, GET_LINE_CODING, SET_CONTROL_LINES, SEND_BREAK = 0x20, 0x21, 0x22, 0x23
LINE_CODING_OCTETS = 7
BASE = 12_000_000 * 32
"""What a rate is divided from when it is not given as a number."""

DIVIDED = 0x80
PARITIES = "NOEMS"
DAMAGE_BITS = {Damage.BREAK: 0x04, Damage.FRAMING: 0x10, Damage.PARITY: 0x20, Damage.OVERRUN: 0x40}


class Pl2303(Chip):
    """The chip of many old cables, in the HX version."""

    IDENTITY = Identity(
        0x067B, 0x2303, 0x0300, 0x0110, 64, "Prolific Technology Inc.", "USB-Serial Controller", False
    )
    ENDPOINTS = (
        Endpoint(0x81, Transfer.INTERRUPT, 10, interval=1),
        Endpoint(0x02, Transfer.BULK, 64),
        Endpoint(0x83, Transfer.BULK, 64),
    )
    SEND_BUFFER_OCTETS = 256

    def power_on(self) -> None:
        """Be as after plugging in, with nothing told yet."""
        super().power_on()
        self._coding = bytes((0x80, 0x25, 0, 0, 0, 0, 8))
        self._told: int | None = None
        self._noticed = Damage.NONE

    def request(self, setup: Setup, data: bytes, now_ns: int) -> bytes:
        """Carry out a request of the class, or one of Prolific's."""
        del now_ns
        kind = setup.request_type & KIND_MASK
        if kind == VENDOR:
            return bytes(1) if setup.request_type & 0x80 else b""
        if kind != CLASS:
            raise Stall
        if setup.request == GET_LINE_CODING:
            return self._coding
        self._command(setup, data)
        return b""

    def _command(self, setup: Setup, data: bytes) -> None:
        if setup.request == SET_LINE_CODING and len(data) == LINE_CODING_OCTETS:
            self._coding = data
            self.end.framing = Framing(baud_of(data[:4]), data[6], PARITIES[data[5]], 2 + data[4])
        elif setup.request == SET_CONTROL_LINES:
            self.end.ready = bool(setup.value & 1)
            self.end.request = bool(setup.value & 2)
        elif setup.request == SEND_BREAK:
            self.end.set_break(setup.value != 0)
        else:
            raise Stall

    def packets(self, room: int, now_ns: int) -> bytes | None:
        """Return what was received, and notice its damage: the other endpoint says it."""
        for received in self.end.received:
            self._noticed |= received.damage
        return super().packets(room, now_ns)

    def news(self, now_ns: int) -> bytes | None:
        """Say the modem lines and damage when they changed."""
        del now_ns
        lines = self.end.lines()
        state = lines.carrier | lines.data_set_ready << 1 | lines.ring << 3 | lines.clear_to_send << 7
        state |= sum(bit for kind, bit in DAMAGE_BITS.items() if kind in self._noticed)
        self._noticed = Damage.NONE
        if state == self._told:
            return None
        self._told = state
        return bytes((0xA1, 0x20, 0, 0, 0, 0, 2, 0, state, 0))


def baud_of(coded: bytes) -> int:
    """Return the rate in its four octets: a number, or a divisor with an exponent."""
    if coded[3] != DIVIDED:
        return int.from_bytes(coded, "little")
    mantissa = coded[0] | (coded[1] & 1) << 8
    exponent = coded[1] >> 1
    return BASE // max(mantissa, 1) >> 2 * exponent
