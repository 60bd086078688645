"""``descriptor://7``: a pyserial port on an open descriptor, such as the master of a pty, which has no path.

With it a client of another library can be measured over a pty without a change to that library.
"""

from __future__ import annotations

import os
from typing import Any

import serial


def serial_class_for_url(url: str) -> tuple[str, type[serial.Serial]]:
    """Return what pyserial asks a handler for: the port's name and its class."""
    return url.partition("://")[2], DescriptorSerial


class DescriptorSerial(serial.Serial):
    """A port whose name is the number of a descriptor. The port gets a copy of its own."""

    def open(self) -> None:
        """Take a copy of the descriptor. What ``serial.Serial`` sets on a line, a pty's master does not need."""
        state: dict[str, Any] = self.__dict__
        state["fd"] = os.dup(int(str(self.port)))
        for pipe in ("abort_read", "abort_write"):
            state[f"pipe_{pipe}_r"], state[f"pipe_{pipe}_w"] = os.pipe()
            os.set_blocking(state[f"pipe_{pipe}_r"], False)
        os.set_blocking(state["fd"], False)
        self.is_open = True
