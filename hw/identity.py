"""Which adapter is which, whatever name the system gives it today.

After unplugging, an adapter may come back under another name, and another adapter under its old one. It is known
again by its serial number or, since many have none or one that they share, by the USB path, which is the socket that
it is plugged into. What has neither is known by its name: a link to a terminal, an address, a port on the board.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

SHARED_NUMBERS = frozenset({"", "0", "0000", "0001", "00000000", "12345678", "123456789"})
"""Serial numbers that say nothing: clones carry them by the thousand."""
LOOK_EVERY_S = 0.05

Ports = Callable[[], Iterable[ListPortInfo]]


class Identity(NamedTuple):
    """What an adapter is known by: its chip, and its serial number or its USB path; or else a name."""

    name: str
    chip: tuple[int, int] | None = None
    serial_number: str = ""
    usb_path: str = ""

    @property
    def words(self) -> str:
        """How to say which adapter is meant."""
        if self.chip is None:
            return self.name
        chip = f"{self.chip[0]:04x}:{self.chip[1]:04x}"
        if self.serial_number:
            return f"adapter {chip} with serial number {self.serial_number}"
        return f"adapter {chip} at USB path {self.usb_path}"

    def fits(self, port: ListPortInfo) -> bool:
        """Say whether that port is this adapter."""
        if (port.vid, port.pid) != self.chip:
            return False
        if self.serial_number:
            # an adapter with several ports has one number for all of them; the end of the path tells them apart
            return port.serial_number == self.serial_number and _channel(port.location) == _channel(self.usb_path)
        return port.location == self.usb_path


def identity_of(name: str, ports: Ports = list_ports.comports) -> Identity:
    """Return what the port of that name is known by. Links, such as those in ``/dev/serial``, are followed."""
    if "://" in name:
        return Identity(name)
    device = str(Path(name).resolve())
    listed = list(ports())
    port = next((port for port in listed if port.device in {name, device}), None)
    if port is None or port.vid is None or port.pid is None:
        return Identity(name)
    number = port.serial_number or ""
    twins = sum(
        other.serial_number == number and _channel(other.location) == _channel(port.location) for other in listed
    )
    if number in SHARED_NUMBERS or twins > 1:
        number = ""
    return Identity(name, (port.vid, port.pid), number, port.location or "")


def present_name(identity: Identity, ports: Ports = list_ports.comports) -> str | None:
    """Return the name under which the adapter is there now; None if it is not."""
    if identity.chip is not None:
        return next((port.device for port in ports() if identity.fits(port)), None)
    return identity.name if "://" in identity.name or Path(identity.name).exists() else None


def name_of(identity: Identity, patience_ms: int) -> str:
    """Return the adapter's present name, waiting for it so long; its old name if it does not come."""
    end = time.monotonic() + patience_ms / 1_000
    while (name := present_name(identity)) is None and time.monotonic() < end:
        time.sleep(LOOK_EVERY_S)
    return name or identity.name


def _channel(location: str | None) -> str:
    """Return the part of a USB path that names the interface: ``1-2:1.0`` gives ``1.0``."""
    return (location or "").partition(":")[2]
