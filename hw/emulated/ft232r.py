"""FT232R of FTDI: every packet begins with two octets of status, and short ones wait for the latency timer.

Request numbers and the divisor's coding are facts of the chip that its public drivers use.
"""

from __future__ import annotations

from hw.emulated.chip import MILLISECOND_NS, Chip, Endpoint, Identity, Setup, Stall, Transfer
from hw.emulated.wire_end import Damage
from hw.uart import Framing

PACKET_OCTETS = 64
STATUS_OCTETS = 2
DATA_OCTETS = PACKET_OCTETS - STATUS_OCTETS

RESET, MODEM_CONTROL, FLOW_CONTROL, SET_BAUD, SET_DATA = 0, 1, 2, 3, 4
MODEM_STATUS, EVENT_CHARACTER, ERROR_CHARACTER, SET_LATENCY, GET_LATENCY, READ_EEPROM = 5, 6, 7, 9, 10, 0x90
PURGE_RECEIVED, PURGE_SENDING = 1, 2

BASE = 24_000_000
"""Three megabaud in eighths: the chip divides by whole numbers and eighths."""

EIGHTHS = {0: 0, 1: 4, 2: 2, 3: 1, 4: 3, 5: 5, 6: 6, 7: 7}
"""The chip's code of a fraction, and the fraction in eighths."""

FASTEST = {0: 3_000_000, 1: 2_000_000}
"""Two divisors that mean something else."""

PARITIES = "NOEMS"
STOP_HALVES = (2, 3, 4, 4)

DAMAGE_BITS = {Damage.OVERRUN: 0x02, Damage.PARITY: 0x04, Damage.FRAMING: 0x08, Damage.BREAK: 0x10}
SENDER_EMPTY = 0x60


class Ft232r(Chip):
    """The chip of FTDI's cables. The latency timer starts at 16 ms, as after plugging in."""

    IDENTITY = Identity(0x0403, 0x6001, 0x0600, 0x0200, 8, "FTDI", "FT232R USB UART", True)
    ENDPOINTS = (Endpoint(0x81, Transfer.BULK, PACKET_OCTETS), Endpoint(0x02, Transfer.BULK, PACKET_OCTETS))
    SEND_BUFFER_OCTETS = 128

    def power_on(self) -> None:
        """Be as after plugging in, with nothing told yet and the slow timer."""
        super().power_on()
        self.latency_ms = 16
        self._flush_at_ns: int | None = None
        self._told = b""

    def request(self, setup: Setup, data: bytes, now_ns: int) -> bytes:
        """Carry out one of FTDI's requests."""
        del data
        if setup.request == MODEM_STATUS:
            return self._status(Damage.NONE, now_ns)
        if setup.request == GET_LATENCY:
            return bytes((self.latency_ms,))
        if setup.request == READ_EEPROM:
            return bytes(2)
        self._command(setup, now_ns)
        return b""

    def _command(self, setup: Setup, now_ns: int) -> None:
        if setup.request == RESET:
            self._reset(setup.value, now_ns)
        elif setup.request == MODEM_CONTROL:
            self._modem_control(setup.value)
        elif setup.request == SET_BAUD:
            self.end.framing = self.end.framing._replace(baud=baud_of(setup.value, setup.index))
        elif setup.request == SET_DATA:
            self._set_data(setup.value)
        elif setup.request == SET_LATENCY:
            self.latency_ms = max(1, setup.value & 0xFF)
        elif setup.request not in {FLOW_CONTROL, EVENT_CHARACTER, ERROR_CHARACTER}:
            raise Stall

    def _reset(self, what: int, now_ns: int) -> None:
        if what in {RESET, PURGE_RECEIVED}:
            self.end.purge_received()
        if what in {RESET, PURGE_SENDING}:
            self.end.purge_sending(now_ns)

    def _modem_control(self, value: int) -> None:
        if value & 0x0100:
            self.end.ready = bool(value & 1)
        if value & 0x0200:
            self.end.request = bool(value & 2)

    def _set_data(self, value: int) -> None:
        parity, stop_halves = PARITIES[value >> 8 & 7], STOP_HALVES[value >> 11 & 3]
        self.end.framing = Framing(self.end.framing.baud, value & 0xFF, parity, stop_halves)
        self.end.set_break(bool(value & 0x4000))

    def packets(self, room: int, now_ns: int) -> bytes | None:
        """Return packets: at once if one is full or a line changed, else when the latency timer runs out.

        The chip also sends packets that hold nothing new. The driver drops them, so they are left out.
        """
        if not self._sends(now_ns):
            return None
        self._flush_at_ns = None
        packets = b""
        while room - len(packets) >= PACKET_OCTETS:
            packet = self._packet(now_ns)
            packets += packet
            if len(packet) < PACKET_OCTETS:
                break
        return packets

    def _sends(self, now_ns: int) -> bool:
        waiting = len(self.end.received)
        if waiting >= DATA_OCTETS or self._status(Damage.NONE, now_ns)[:1] != self._told:
            return True
        if waiting and self._flush_at_ns is None:  # the timer runs freely
            latency_ns = self.latency_ms * MILLISECOND_NS
            self._flush_at_ns = (now_ns // latency_ns + 1) * latency_ns
        return self._flush_at_ns is not None and now_ns >= self._flush_at_ns

    def _packet(self, now_ns: int) -> bytes:
        """Return one packet. Its status covers all its octets, so a damaged one travels alone."""
        received = self.end.received
        damage, data = Damage.NONE, bytearray()
        while received and len(data) < DATA_OCTETS:
            if received[0].damage and data:
                break
            octet, damage = received.popleft()
            data.append(octet)
            if damage:
                break
        status = self._status(damage, now_ns)
        self._told = status[:1]
        return status + data

    def _status(self, damage: Damage, now_ns: int) -> bytes:
        lines = self.end.lines()
        modem = 0x01 | lines.clear_to_send << 4 | lines.data_set_ready << 5 | lines.ring << 6 | lines.carrier << 7
        line = sum(bit for kind, bit in DAMAGE_BITS.items() if kind in damage)
        return bytes((modem, line | (0 if self.end.unsent(now_ns) else SENDER_EMPTY)))

    def due_ns(self, now_ns: int) -> int | None:
        """Return when the latency timer runs out, or when a packet will be full."""
        times = [due for due in (super().due_ns(now_ns), self._flush_at_ns) if due is not None]
        return min(times, default=None)


def baud_of(value: int, index: int) -> int:
    """Return the rate that a divisor stands for."""
    code = value >> 14 | (index & 1) << 2
    divisor = (value & 0x3FFF) << 3 | EIGHTHS[code]
    if value in FASTEST and code == 0:
        return FASTEST[value]
    return BASE // divisor if divisor else 0
