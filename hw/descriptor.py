"""Bytes through a file descriptor: the one way every port of this package reads and writes.

A port waits in ``poll`` and then takes everything that has arrived, in one read. Nothing here looks for the end
of a frame: reading up to a delimiter costs a system call for each byte.
"""

from __future__ import annotations

import os
import select
import time
from types import TracebackType
from typing import Protocol, Self

import serial

from protocol.carrier import Carrier, CarrierLost

READ_OCTETS = 4096
"""More than a pty or a driver hands out at once."""

WRITE_PATIENCE_MS = 2_000
"""How long a line may take no byte at all: a 256-byte frame needs 1.1 s at 2400 baud, and nobody goes slower."""


class AwaitedCarrier(Carrier, Protocol):
    """A carrier that a selector can wait for."""

    def fileno(self) -> int:
        """Return the descriptor to wait for; ``CarrierLost`` once there is none."""


class DescriptorPort:
    """A carrier over a non-blocking descriptor, which a select loop can also wait for by ``fileno``.

    The descriptor belongs to the subclass's ``_release``. ``name`` is for people.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        self.name = name
        self._descriptor = descriptor
        self._open = True
        self._readable = select.poll()
        self._readable.register(descriptor, select.POLLIN)

    def fileno(self) -> int:
        """Return the descriptor to wait for; ``CarrierLost`` once the port is closed."""
        if not self._open:
            raise CarrierLost(f"{self.name} is closed")
        return self._descriptor

    @property
    def line(self) -> serial.SerialBase | None:
        """The pyserial port under this one, for its settings and modem lines; None if there is none."""
        return None

    def now_ms(self) -> int:
        """Return a monotonic time in milliseconds, for the link's time-outs."""
        return time.monotonic_ns() // 1_000_000

    def read(self, timeout_ms: int) -> bytes:
        """Return what is waiting, or what arrives first within the time; empty if nothing does.

        Raises ``CarrierLost`` when the other side or the adapter is gone.
        """
        descriptor = self.fileno()
        try:
            if not self._readable.poll(max(timeout_ms, 0)):
                return b""
            data = os.read(descriptor, READ_OCTETS)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise CarrierLost(f"{self.name} is gone: {error.strerror}") from error
        if not data:
            raise CarrierLost(f"{self.name} is gone: it was unplugged or the other side closed it")
        return data

    def write(self, data: bytes) -> None:
        """Write all bytes; ``CarrierLost`` when the line is gone or takes nothing for two seconds."""
        descriptor = self.fileno()
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                if not self._writable_again(descriptor):
                    return
            except OSError as error:
                raise CarrierLost(f"{self.name} is gone: {error.strerror}") from error

    def _writable_again(self, descriptor: int) -> bool:
        """Wait until the line takes bytes. A subclass may return False instead to drop what does not fit."""
        writable = select.poll()
        writable.register(descriptor, select.POLLOUT)
        if not writable.poll(WRITE_PATIENCE_MS):
            raise CarrierLost(f"{self.name} takes no more bytes: nobody reads at the other side")
        return True

    def close(self) -> None:
        """Close the port; a second time does nothing."""
        if self._open:
            self._open = False
            self._release()

    def _release(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
