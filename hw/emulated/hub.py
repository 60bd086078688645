"""Where chip models are plugged into this host, pulled out again, and served.

Needs Linux, its module ``vhci-hcd``, and the right to write to the controller's files, which root has.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from hw.emulated.chip import Chip
from hw.emulated.usbip import Session
from hw.emulated.wire_end import SECOND_NS
from hw.errors import PortError

CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
USB_DEVICES = Path("/sys/bus/usb/devices")
FREE = "004"
"""State of a port of the controller that nothing is plugged into."""

FULL_SPEED = 2
PIECE = 65_536
DEVICE_PATIENCE_S = 10
LOOK_AGAIN_S = 0.02


class _Row(NamedTuple):
    """One port of the controller: ``device`` is what USB calls that which is plugged in."""

    speed: str
    state: str
    device: str


class Adapter:
    """A chip and the port of the controller that is kept for it, so that it always has the same USB path."""

    def __init__(self, hub: Hub, chip: Chip, port: int) -> None:
        self.chip = chip
        self._hub = hub
        self.port = port
        self._line: socket.socket | None = None
        self._session = Session(chip)

    def device(self) -> Path:
        """Return the terminal that the driver made for it, such as ``/dev/ttyUSB0``; wait until it is there."""
        deadline = time.monotonic() + DEVICE_PATIENCE_S
        while time.monotonic() < deadline:
            for path in _terminals(self.port):
                return path
            time.sleep(LOOK_AGAIN_S)
        raise PortError(f"no driver made a terminal of the {self.chip.IDENTITY.name}; is its module loaded?")

    def plug_in(self) -> None:
        """Plug the adapter in; ``PortError`` says why this host cannot take it."""
        inside, outside = socket.socketpair()
        with outside, self._hub.lock:
            _attach(self.port, outside.fileno())  # the kernel keeps its own hold on the socket
            self.chip.power_on()
            self._session = Session(self.chip)
            self._line = inside
        self._hub.wake()

    def unplug(self) -> None:
        """Pull the adapter out, whatever uses it; return when the host has seen it."""
        with self._hub.lock:
            if self._line is None:
                return
            self.chip.power_on()  # a chip without power drives no line
            self._line.shutdown(socket.SHUT_RDWR)
            self._hub.retire(self._line)
            self._line = None
        self._hub.wake()
        deadline = time.monotonic() + DEVICE_PATIENCE_S
        while _ports()[self.port].state != FREE and time.monotonic() < deadline:
            time.sleep(LOOK_AGAIN_S)

    @property
    def line(self) -> socket.socket | None:
        """What leads to the host; None while unplugged."""
        return self._line

    def hear(self) -> None:
        """Take what the host says, and answer what can be answered at once."""
        if self._line is not None:
            with contextlib.suppress(OSError):  # while we were busy
                data = self._line.recv(PIECE)
                if not data:  # the host let go of it
                    self._hub.retire(self._line)
                    self._line = None
                    self._hub.wake()
                    return
                self._line.sendall(self._session.receive(data, time.monotonic_ns()))

    def say(self, now_ns: int) -> int | None:
        """Tell the host what there is to tell; return when there will be more, or None if that is not known."""
        if self._line is None:
            return None
        if answers := self._session.answer(now_ns):
            with contextlib.suppress(OSError):  # the host let go of it
                self._line.sendall(answers)
        return self._session.due_ns(now_ns)


class Hub:
    """A set of adapters and the thread that serves them. Use it as a context; leaving pulls all of them out."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        """Held while the models work; hold it to look at several of their facts at one moment."""
        self._adapters: list[Adapter] = []
        self._retired: list[socket.socket] = []
        self._wake, self._waker = socket.socketpair()
        self._open = True
        self._thread = threading.Thread(target=self._serve, name="adapters", daemon=True)

    def plug(self, chip: Chip) -> Adapter:
        """Plug a chip into a free port; ``PortError`` says why this host cannot take it."""
        adapter = Adapter(self, chip, self._free_port())
        with self.lock:
            self._adapters.append(adapter)
        adapter.plug_in()
        return adapter

    def retire(self, line: socket.socket) -> None:
        """Have a line closed by the thread, which may be waiting for it at this moment."""
        self._retired.append(line)

    def wake(self) -> None:
        """Let the thread look again at what there is to serve."""
        self._waker.send(b"!")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for adapter in self._adapters:
            adapter.unplug()
        self._open = False
        self.wake()
        self._thread.join()
        for line in (*self._retired, self._wake, self._waker):
            line.close()

    def _serve(self) -> None:
        """Hear the host, and wake up when a chip has something to say."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake, selectors.EVENT_READ)
            wait_s: float | None = 0
            while self._open:
                ready = selector.select(wait_s)
                with self.lock:
                    for key, _ in ready:
                        if key.data is None:
                            self._wake.recv(PIECE)
                            self._follow(selector)
                        elif key.fileobj is key.data.line:
                            key.data.hear()
                    wait_s = self._work()

    def _follow(self, selector: selectors.BaseSelector) -> None:
        """Listen to what was plugged in, and no longer to what was pulled out."""
        while self._retired:
            line = self._retired.pop()
            selector.unregister(line)
            line.close()
        for adapter in self._adapters:
            if adapter.line is not None and adapter.line not in selector.get_map():
                selector.register(adapter.line, selectors.EVENT_READ, adapter)

    def _work(self) -> float | None:
        """Carry all octets and tell the host all that is due; return in how many seconds to come back."""
        now_ns = time.monotonic_ns()
        for adapter in self._adapters:
            adapter.chip.end.carry(now_ns)
        times = [due for adapter in self._adapters if (due := adapter.say(now_ns)) is not None]
        return max(0, min(times) - now_ns) / SECOND_NS if times else None

    def _free_port(self) -> int:
        kept = {adapter.port for adapter in self._adapters}
        for port, row in _ports().items():
            if row.speed == "hs" and row.state == FREE and port not in kept:
                return port
        raise PortError("every port of the virtual USB controller is taken")


def _attach(port: int, descriptor: int) -> None:
    try:
        (CONTROLLER / "attach").write_text(f"{port} {descriptor} {port + 1} {FULL_SPEED}")
    except OSError as error:
        raise PortError(f"cannot plug into the virtual USB controller: {error.strerror}; only root may") from error


def _ports() -> dict[int, _Row]:
    """Read the controller's table of ports."""
    try:
        _, *lines = (CONTROLLER / "status").read_text().splitlines()
    except OSError:
        raise PortError("this host has no virtual USB controller; load its module: sudo modprobe vhci-hcd") from None
    rows = [line.split() for line in lines]
    return {int(row[1]): _Row(speed=row[0], state=row[2], device=row[6]) for row in rows}


def _terminals(port: int) -> list[Path]:
    """Return the terminals of what is plugged into a port."""
    device = _ports()[port].device
    names = [path.name for path in (USB_DEVICES / device / f"{device}:1.0").glob("ttyUSB*")]
    return [path for name in names if (path := Path("/dev") / name).exists()]
