"""CP2102 of Silicon Labs: one request for each setting, and no endpoint for news: the driver asks.

Request numbers are facts of the chip that its maker publishes (application note AN571).
"""

from __future__ import annotations

from hw.emulated.chip import Chip, Endpoint, Identity, Setup, Stall, Transfer
from hw.uart import Framing

ENABLE, SET_LINE, GET_LINE, SET_BREAK, SET_MODEM, GET_MODEM = 0x00, 0x03, 0x04, 0x05, 0x07, 0x08
GET_STATUS, PURGE, SET_FLOW, GET_FLOW, EMBED_EVENTS, SET_CHARACTERS = 0x10, 0x12, 0x13, 0x14, 0x15, 0x19
GET_BAUD, SET_BAUD, VENDOR_SPECIFIC = 0x1D, 0x1E, 0xFF
PART_NUMBER, PART_CP2102 = 0x370B, 0x02

PARITIES = "NOEMS"
STOP_HALVES = (2, 3, 4, 4)

PURGE_SENDING, PURGE_RECEIVED = 0x05, 0x0A
STATUS_OCTETS, FLOW_OCTETS = 19, 16


class Cp2102(Chip):
    """The chip of many small boards. Copies of it all say the serial number 0001."""

    IDENTITY = Identity(
        0x10C4, 0xEA60, 0x0100, 0x0110, 64, "Silicon Labs", "CP2102 USB to UART Bridge Controller", True
    )
    ENDPOINTS = (Endpoint(0x81, Transfer.BULK, 64), Endpoint(0x01, Transfer.BULK, 64))
    SEND_BUFFER_OCTETS = 640

    def __init__(self, serial: str = "0001") -> None:
        super().__init__(serial)

    def power_on(self) -> None:
        """Be as after plugging in."""
        super().power_on()
        self._line = 0x0800
        self._flow = bytes(FLOW_OCTETS)

    def request(self, setup: Setup, data: bytes, now_ns: int) -> bytes:
        """Carry out one of Silicon Labs' requests."""
        if setup.request_type & 0x80:
            return self._answer(setup, now_ns)
        self._command(setup, data, now_ns)
        return b""

    def _answer(self, setup: Setup, now_ns: int) -> bytes:
        if setup.request == VENDOR_SPECIFIC and setup.value == PART_NUMBER:
            return bytes((PART_CP2102,))
        answers = {
            GET_LINE: self._line.to_bytes(2, "little"),
            GET_MODEM: bytes((self._modem(),)),
            GET_STATUS: bytes(12) + self.end.unsent(now_ns).to_bytes(4, "little") + bytes(3),
            GET_FLOW: self._flow,
            GET_BAUD: self.end.framing.baud.to_bytes(4, "little"),
        }
        if setup.request not in answers:
            raise Stall
        return answers[setup.request]

    def _command(self, setup: Setup, data: bytes, now_ns: int) -> None:
        if setup.request == SET_BAUD:
            self.end.framing = self.end.framing._replace(baud=int.from_bytes(data, "little"))
        elif setup.request == SET_LINE:
            self._set_line(setup.value)
        elif setup.request == SET_MODEM:
            self._set_modem(setup.value)
        elif setup.request == SET_BREAK:
            self.end.set_break(bool(setup.value))
        elif setup.request == SET_FLOW:
            self._set_flow(data)
        elif setup.request == PURGE:
            self._purge(setup.value, now_ns)
        elif setup.request not in {ENABLE, EMBED_EVENTS, SET_CHARACTERS}:
            raise Stall

    def _set_line(self, value: int) -> None:
        self._line = value
        parity, stop_halves = PARITIES[value >> 4 & 7], STOP_HALVES[value & 3]
        self.end.framing = Framing(self.end.framing.baud, value >> 8, parity, stop_halves)

    def _set_modem(self, value: int) -> None:
        if value & 0x0100:
            self.end.ready = bool(value & 1)
        if value & 0x0200:
            self.end.request = bool(value & 2)

    def _set_flow(self, data: bytes) -> None:
        """Take the handshake's settings, which also drive DTR (bits 0-1) and RTS (bits 6-7 of the second word)."""
        self._flow = data
        self.end.ready = data[0] & 3 != 0
        self.end.request = data[4] >> 6 & 3 != 0

    def _purge(self, what: int, now_ns: int) -> None:
        if what & PURGE_SENDING:
            self.end.purge_sending(now_ns)
        if what & PURGE_RECEIVED:
            self.end.purge_received()

    def _modem(self) -> int:
        lines = self.end.lines()
        inputs = lines.clear_to_send << 4 | lines.data_set_ready << 5 | lines.ring << 6 | lines.carrier << 7
        return self.end.ready | self.end.request << 1 | inputs
