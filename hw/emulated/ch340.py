"""CH340 of WCH: a handful of registers, written two at a time. It has no serial number.

Register numbers and the divisor's coding are facts of the chip that its public drivers use.
"""

from __future__ import annotations

from hw.emulated.chip import Chip, Endpoint, Identity, Setup, Stall, Transfer
from hw.uart import Framing

VERSION, INITIALISE, MODEM_CONTROL, READ, WRITE = 0x5F, 0xA1, 0xA4, 0x95, 0x9A
REGISTER_BREAK, REGISTER_STATUS, REGISTER_PRESCALER, REGISTER_DIVISOR, REGISTER_LINE = 0x05, 0x06, 0x12, 0x13, 0x18
CHIP_VERSION = 0x31

CLOCK = 48_000_000
REQUEST_BIT, READY_BIT = 0x40, 0x20
NO_BREAK = 0x01
"""A bit of the break register; the wire is held low while it is off."""

SENDER_ON, PARITY_ON, PARITY_EVEN, PARITY_FIXED, TWO_STOP_BITS = 0x40, 0x08, 0x10, 0x20, 0x04
PARITIES = {0: "O", PARITY_EVEN: "E", PARITY_FIXED: "M", PARITY_FIXED | PARITY_EVEN: "S"}


class Ch340(Chip):
    """The cheapest adapter chip."""

    IDENTITY = Identity(0x1A86, 0x7523, 0x0264, 0x0110, 8, "QinHeng Electronics", "USB Serial", False)
    ENDPOINTS = (
        Endpoint(0x82, Transfer.BULK, 32),
        Endpoint(0x02, Transfer.BULK, 32),
        Endpoint(0x81, Transfer.INTERRUPT, 8, interval=1),
    )
    SEND_BUFFER_OCTETS = 32

    def power_on(self) -> None:
        """Be as after plugging in, with nothing told yet."""
        super().power_on()
        self._registers = {REGISTER_BREAK: NO_BREAK, REGISTER_LINE: 0xC3}
        self._told: int | None = None

    def request(self, setup: Setup, data: bytes, now_ns: int) -> bytes:
        """Carry out one of WCH's requests."""
        del data, now_ns
        if setup.request == VERSION:
            return bytes((CHIP_VERSION, 0))
        if setup.request == READ:
            return bytes((self._read(setup.value & 0xFF), self._read(setup.value >> 8)))
        if setup.request == WRITE:
            self._write(setup.value & 0xFF, setup.index & 0xFF)
            self._write(setup.value >> 8, setup.index >> 8)
            self._apply()
        elif setup.request == MODEM_CONTROL:
            self.end.request = not setup.value & REQUEST_BIT
            self.end.ready = not setup.value & READY_BIT
        elif setup.request != INITIALISE:
            raise Stall
        return b""

    def _read(self, register: int) -> int:
        if register == REGISTER_STATUS:
            return self._status()
        return self._registers.get(register, 0)

    def _write(self, register: int, value: int) -> None:
        self._registers[register] = value

    def _apply(self) -> None:
        """Let the registers take effect."""
        line = self._registers[REGISTER_LINE]
        parity = PARITIES[line & (PARITY_EVEN | PARITY_FIXED)] if line & PARITY_ON else "N"
        stop_halves = 4 if line & TWO_STOP_BITS else 2
        self.end.framing = Framing(self._baud(), 5 + (line & 3), parity, stop_halves)
        self.end.set_break(not (self._registers[REGISTER_BREAK] & NO_BREAK and line & SENDER_ON))

    def _baud(self) -> int:
        if REGISTER_DIVISOR not in self._registers:
            return self.end.framing.baud
        return baud_of(self._registers[REGISTER_PRESCALER], self._registers[REGISTER_DIVISOR])

    def _status(self) -> int:
        """Return the modem lines, each low while it is on."""
        lines = self.end.lines()
        on = lines.clear_to_send | lines.data_set_ready << 1 | lines.ring << 2 | lines.carrier << 3
        return ~on & 0xFF

    def news(self, now_ns: int) -> bytes | None:
        """Say the modem lines when they changed."""
        del now_ns
        status = self._status()
        if status == self._told:
            return None
        self._told = status
        return bytes((0x08, 0x3F, status, 0xEE))


def baud_of(prescaler: int, divisor: int) -> int:
    """Return the rate that two registers stand for."""
    shift = 12 - 3 * (prescaler & 3) - (prescaler >> 2 & 1)
    return CLOCK // ((1 << shift) * (0x100 - divisor))
