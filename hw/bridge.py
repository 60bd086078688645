"""A descriptor for ports that have none.

pyserial's ``loop://``, ``rfc2217://`` and ``spy://`` ports can be read but not waited for together with other
things. A thread reads such a port and passes the bytes through a socket pair, whose other end can be.
"""

from __future__ import annotations

import contextlib
import socket
import termios
import threading

import serial

from hw.descriptor import DescriptorPort
from protocol.carrier import CarrierLost

READ_PATIENCE_S = 0.1
"""How soon the thread notices that the port was closed. It delays no byte."""

PORT_FAILURES = (serial.SerialException, OSError, termios.error)
"""Everything a lost port raises; ``termios.error`` is no ``OSError``."""


class BridgedPort(DescriptorPort):
    """Any pyserial port, read by a thread. The port must have ``READ_PATIENCE_S`` as its read time-out."""

    def __init__(self, port: serial.Serial, name: str) -> None:
        self._port = port
        self._failure = ""
        self._inside, outside = socket.socketpair()
        self._outside = outside
        outside.setblocking(False)
        super().__init__(outside.fileno(), name)
        self._reader = threading.Thread(target=self._pass_on, name=f"reader of {name}", daemon=True)
        self._reader.start()

    def _pass_on(self) -> None:
        """Carry bytes until the port or the pair is closed."""
        with self._inside:
            while self._open:
                try:
                    data = self._port.read(self._port.in_waiting or 1)
                except PORT_FAILURES as error:
                    self._failure = str(error)
                    return
                with contextlib.suppress(OSError):  # closed while this thread was reading
                    self._inside.sendall(data)

    def read(self, timeout_ms: int) -> bytes:
        """Return what is waiting or arrives first within the time; see ``DescriptorPort``."""
        try:
            return super().read(timeout_ms)
        except CarrierLost as lost:
            if self._failure:
                raise CarrierLost(f"{self.name} is gone: {self._failure}") from lost
            raise

    @property
    def line(self) -> serial.SerialBase:
        """The pyserial port, for its settings and modem lines; bytes go through this class."""
        return self._port

    def write(self, data: bytes) -> None:
        """Write all bytes through pyserial; ``CarrierLost`` when the port is gone."""
        self.fileno()
        try:
            self._port.write(data)
        except PORT_FAILURES as error:
            raise CarrierLost(f"{self.name} is gone: {error}") from error

    def _release(self) -> None:
        self._outside.close()  # first: the thread may be waiting for room in the pair
        with contextlib.suppress(AttributeError, *PORT_FAILURES):  # not every kind of port can be woken
            self._port.cancel_read()
        self._reader.join()
        connection = getattr(self._port, "_socket", None)
        with contextlib.suppress(*PORT_FAILURES):
            self._port.close()
        if connection is not None:
            connection.close()  # pyserial forgets to when the other side has hung up on unread bytes
