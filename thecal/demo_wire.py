"""The demo's wire: a real pty, opened by the programmer through pyserial, with a pump at its other end.

One thread does everything: when the programmer has written, the pump's side is read and answered, so that every
run of the demo is the same. While the programmer waits for bytes that do not come, simulated time passes instead
of real time.
"""

from __future__ import annotations

from emulator.device import PumpDevice
from hw.descriptor import DescriptorPort
from protocol.carrier import CarrierLost

PATIENCE_MS = 2_000
"""Real time for bytes to get through the kernel's pty; they take microseconds unless the machine is overloaded."""


class DemoWire:
    """A carrier for the programmer; see ``protocol.carrier``. Can lose the pump's replies on demand."""

    def __init__(self, device: PumpDevice, pump_port: DescriptorPort, programmer_port: DescriptorPort) -> None:
        self._device = device
        self._pump_port = pump_port
        self._programmer_port = programmer_port
        self._under_way = 0
        self.sent = 0
        """Bytes that the programmer has written."""
        self.received = 0
        self.answers_until_lost: int | None = None
        """After so many further answers everything that the pump sends is lost; None loses nothing."""

    def write(self, data: bytes) -> None:
        """Send bytes through the pty and let the pump take and answer all of them."""
        self._programmer_port.write(data)
        self.sent += len(data)
        arrived = _exactly(self._pump_port, len(data))
        answer = self._device.receive(arrived)
        if answer and self._gets_through():
            self._pump_port.write(answer)
            self._under_way += len(answer)

    def read(self, timeout_ms: int) -> bytes:
        """Return what the pump sent, or let simulated time pass."""
        if not self._under_way:
            self._device.advance_to(self._device.now_ms + timeout_ms)
            return b""
        data = _exactly(self._programmer_port, self._under_way)
        self._under_way = 0
        self.received += len(data)
        return data

    def _gets_through(self) -> bool:
        if self.answers_until_lost is None:
            return True
        self.answers_until_lost -= 1
        return self.answers_until_lost >= 0

    def now_ms(self) -> int:
        """Return simulated time: the programmer's patience is measured in it too."""
        return self._device.now_ms


def _exactly(port: DescriptorPort, count: int) -> bytes:
    """Return that many bytes from a port; ``CarrierLost`` if they do not come."""
    data = b""
    while len(data) < count:
        piece = port.read(PATIENCE_MS)
        if not piece:
            raise CarrierLost(f"{port.name} lost {count - len(data)} of {count} bytes")
        data += piece
    return data
