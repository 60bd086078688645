"""Open a port by its name: a virtual port, an adapter, or any address that pyserial knows.

===================  ==========================================================================
``pty:/tmp/pump``    a new virtual port, offered under that link (the pump's side only)
``serve:rfc2217://…``  a new port offered on the network, or ``serve:socket://…`` (the pump's side only)
``/dev/ttyUSB0``     an adapter, or the link of a virtual port; opened for us alone
``socket://h:p``     a TCP connection, as serial servers offer
``loop://`` …        every other address of pyserial: ``rfc2217://``, ``spy://``, ``alt://``
===================  ==========================================================================
"""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

import serial

from hw.bridge import PORT_FAILURES, READ_PATIENCE_S, BridgedPort
from hw.descriptor import DescriptorPort
from hw.errors import PortError
from hw.pty import VirtualPort
from hw.served import serve
from hw.tcp import TcpPort

BAUD = 115_200
"""A rate that every adapter chip makes exactly."""

VIRTUAL = "pty:"
SERVED = "serve:"
TCP = "socket://"


class SerialPort(DescriptorPort):
    """An open pyserial port that has a descriptor: read and written directly, closed through pyserial."""

    def __init__(self, port: serial.SerialBase, descriptor: int, name: str) -> None:
        super().__init__(descriptor, name)
        self._port = port

    @property
    def line(self) -> serial.SerialBase:
        """The pyserial port, for its settings and modem lines; bytes go through this class."""
        return self._port

    def _release(self) -> None:
        with contextlib.suppress(*PORT_FAILURES):
            self._port.close()


def open_port(name: str, baud: int = BAUD) -> DescriptorPort:
    """Open the port of that name; ``PortError`` says why it cannot be, and what to do."""
    if name.startswith(VIRTUAL):
        link = name.removeprefix(VIRTUAL)
        if not link:
            raise PortError("a virtual port needs a name for its link, such as pty:/tmp/thecal-pump")
        return VirtualPort(Path(link).absolute())
    if name.startswith(SERVED):
        return serve(name.removeprefix(SERVED), baud)
    if "://" in name:
        return _open_address(name, baud)
    return _open_device(name, baud)


def _open_device(name: str, baud: int) -> SerialPort:
    try:
        # exclusive: a second program would not fail to open the port, it would steal half of the bytes
        port = serial.Serial(name, baud, timeout=0, exclusive=True)
    except (*PORT_FAILURES, ValueError) as error:
        raise PortError(_why_not(name, error)) from error
    with contextlib.suppress(ValueError, OSError, NotImplementedError):
        port.set_low_latency_mode(True)  # FTDI chips hold a short answer back for 16 ms otherwise
    return SerialPort(port, port.fileno(), name)


def _open_address(name: str, baud: int) -> DescriptorPort:
    if name.startswith(TCP):
        return TcpPort(name)
    try:
        port = serial.serial_for_url(name, baud, timeout=READ_PATIENCE_S)
    except (*PORT_FAILURES, ValueError, KeyError) as error:  # KeyError: pyserial's own slip for an unknown option
        raise PortError(f"cannot open {name}: {error}") from error
    return BridgedPort(port, name)


def _why_not(name: str, error: Exception) -> str:
    """Turn what the system says into what the user can do."""
    number = getattr(error, "errno", None)
    if number == errno.ENOENT:
        return f"there is no port {name}; is the adapter plugged in, or the pump running? see “thecal hw list”"
    if number == errno.EACCES:
        return f"no permission for {name}; join the group that owns it (often “sudo usermod -aG dialout $USER”)"
    if number in {errno.EAGAIN, errno.EBUSY}:
        return f"{name} is in use by another program"
    return f"cannot open {name}: {error}"
