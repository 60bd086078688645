"""Serial ports made of software, joined by a modelled wire: a null modem, or one port whose TX goes to its RX.

They are pyserial ports, so that whatever takes one, such as pyserial's RFC 2217 server, takes these. The wire is the
one of ``hw.uart``: rates and parities that differ give what they give on a bench. A break arrives as a zero byte.
The bytes take no time; pace and damage belong to who carries them.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import serial
from serial.serialutil import PortNotOpenError, SerialBase

from hw.uart import Framing, heard

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

BREAK_OCTET = b"\0"
"""What a receiver hands on for a line that stays low."""
MOST_BAUD = 2**32 - 1


class ModelledPort(SerialBase):
    """One end of a modelled wire; ``join`` says where the other end is, which may be itself."""

    def __init__(self, name: str, baud: int = 115_200) -> None:
        self._arrived = bytearray()
        self._changed = threading.Condition()
        self._joined: ModelledPort | None = None
        self._cancelled = False
        super().__init__(None, baud, timeout=0)
        self.port = name
        self.open()

    def join(self, other: ModelledPort) -> None:
        """Connect this port's outputs to the other's inputs, and the other way round."""
        self._joined, other._joined = other, self

    def open(self) -> None:
        """Open the port; ``SerialException`` if it is open already."""
        if self.is_open:
            raise serial.SerialException("the port is open already")
        self._reconfigure_port()
        self.is_open = True

    def close(self) -> None:
        """Close the port, waking whoever waits at it."""
        with self._changed:
            self.is_open = False
            self._changed.notify_all()

    def _reconfigure_port(self) -> None:
        if not 0 < self.baudrate <= MOST_BAUD:
            raise ValueError(f"invalid baud rate: {self.baudrate}")

    @property
    def framing(self) -> Framing:
        """How this end sends and samples."""
        return Framing(self.baudrate, self.bytesize, self.parity, int(2 * self.stopbits))

    # --- bytes ---

    @property
    def in_waiting(self) -> int:
        """Bytes that have arrived and were not read."""
        self._ensure_open()
        return len(self._arrived)

    @property
    def out_waiting(self) -> int:
        """None ever: what is written has arrived."""
        self._ensure_open()
        return 0

    def read(self, size: int = 1, /) -> bytes:
        """Return up to ``size`` bytes, waiting for them as long as ``timeout`` says."""
        end = None if self.timeout is None else time.monotonic() + self.timeout
        with self._changed:
            self._cancelled = False
            self._ensure_open()
            while len(self._arrived) < size and self.is_open and not self._cancelled:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._changed.wait(left)
            data = bytes(self._arrived[:size])
            del self._arrived[:size]
        return data

    def write(self, data: ReadableBuffer, /) -> int:
        """Send the bytes; they arrive at once, as the other end's settings make them."""
        self._ensure_open()
        octets = bytes(data)
        other = self._joined
        if other is not None:
            other.take(heard(octets, self.framing, other.framing))
        return len(octets)

    def take(self, data: bytes) -> None:
        """Let bytes arrive at this end; a closed port hears nothing."""
        with self._changed:
            if self.is_open:
                self._arrived += data
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait for nothing: what is written has arrived."""
        self._ensure_open()

    def cancel_read(self) -> None:
        """Wake a reader, which then returns what there is."""
        with self._changed:
            self._cancelled = True
            self._changed.notify_all()

    def reset_input_buffer(self) -> None:
        """Forget what has arrived."""
        self._ensure_open()
        with self._changed:
            self._arrived.clear()

    def reset_output_buffer(self) -> None:
        """Forget nothing: what is written has arrived."""
        self._ensure_open()

    # --- lines: RTS to CTS, DTR to DSR and DCD ---

    def _update_break_state(self) -> None:
        if self.break_condition and self._joined is not None:
            self._joined.take(BREAK_OCTET)

    def _update_rts_state(self) -> None:
        """Nothing to do: the other end looks when it is asked."""

    def _update_dtr_state(self) -> None:
        """Nothing to do: the other end looks when it is asked."""

    @property
    def cts(self) -> bool:
        """Whether the other end raises RTS."""
        self._ensure_open()
        other = self._joined
        return other is not None and other.is_open and other.rts

    @property
    def dsr(self) -> bool:
        """Whether the other end raises DTR."""
        self._ensure_open()
        other = self._joined
        return other is not None and other.is_open and other.dtr

    @property
    def cd(self) -> bool:
        """Whether the other end raises DTR."""
        return self.dsr

    @property
    def ri(self) -> bool:
        """Never: a null modem has no ring indicator."""
        self._ensure_open()
        return False

    def _ensure_open(self) -> None:
        if not self.is_open:
            raise PortNotOpenError


def null_modem(baud: int = 115_200) -> tuple[ModelledPort, ModelledPort]:
    """Return two ports that are joined to each other."""
    near, far = ModelledPort("near end of a null modem", baud), ModelledPort("far end of a null modem", baud)
    near.join(far)
    return near, far


def looped_back(baud: int = 115_200) -> ModelledPort:
    """Return a port that is joined to itself: TX to RX, RTS to CTS, DTR to DSR and DCD."""
    port = ModelledPort("looped-back port", baud)
    port.join(port)
    return port
