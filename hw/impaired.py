"""A port with pace and damage between it and its user, both ways.

The user's end is one half of a socket pair; a thread carries the bytes between the other half and the real port.
"""

from __future__ import annotations

import os
import socket

import serial

from hw.descriptor import DescriptorPort
from hw.exchange import Exchange, Route
from hw.impairments import Impairer, Impairment
from hw.passage import Passage
from protocol.carrier import CarrierLost


class ImpairedPort(DescriptorPort):
    """Behaves like the port that it is put before, only slower or worse. Closing it closes that port, too."""

    def __init__(self, port: DescriptorPort, baud: int | None = None, impairment: Impairment | None = None) -> None:
        self._port = port
        self._failure: CarrierLost | None = None
        self.sending = Impairer(impairment or Impairment(), "sending")
        self.receiving = Impairer(impairment or Impairment(), "receiving")
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._theirs = theirs
        super().__init__(ours.detach(), port.name)
        self._inside = _Half(theirs.fileno(), port.name)
        routes = (
            Route(self._inside, port.write, Passage(baud, self.sending)),
            Route(port, self._inside.write, Passage(baud, self.receiving)),
        )
        self._exchange = Exchange(routes, self._hang_up)

    @property
    def line(self) -> serial.SerialBase | None:
        """The pyserial port under the port under this one."""
        return self._port.line

    def _hang_up(self, lost: CarrierLost) -> None:
        if self._failure is None:  # the first: hanging up makes the other direction fail, too
            self._failure = lost
        self._theirs.shutdown(socket.SHUT_RDWR)

    def read(self, timeout_ms: int) -> bytes:
        """Return what has come through; ``CarrierLost`` with the port's own reason when it is gone."""
        try:
            return super().read(timeout_ms)
        except CarrierLost as lost:
            raise self._failure or lost from None

    def write(self, data: bytes) -> None:
        """Send the bytes on their way; ``CarrierLost`` when the port is gone."""
        try:
            super().write(data)
        except CarrierLost as lost:
            raise self._failure or lost from None

    def _release(self) -> None:
        self._exchange.close()
        os.close(self._descriptor)
        self._theirs.close()
        self._port.close()


class _Half(DescriptorPort):
    """The thread's half of the socket pair."""

    def _release(self) -> None:
        """Nothing to give back: the socket is the impaired port's."""
