"""The adapters in the machine, where they are plugged in, and how to pull them out.

QEMU's own FTDI adapters came with the machine; the models are plugged in here. Each is either looped back (TX on RX,
RTS on CTS, DTR on DSR) or joined with another by a null modem.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from hw.emulated.ch340 import Ch340
from hw.emulated.chip import Chip
from hw.emulated.cp2102 import Cp2102
from hw.emulated.ft232r import Ft232r
from hw.emulated.hub import Adapter, Hub
from hw.emulated.models import MODELS
from hw.emulated.pl2303 import Pl2303
from hw.emulated.wire_end import Damage
from hw.errors import PortError
from tests.usb.inside.monitor import Monitor, MonitorError

CHIPS = tuple(MODELS.values())
JOINED: tuple[tuple[type[Chip], type[Chip]], ...] = ((Ft232r, Ch340), (Cp2102, Pl2303))

BY_PATH, BY_ID = Path("/dev/serial/by-path"), Path("/dev/serial/by-id")
"""Names that an adapter keeps when it comes back, for as long as it is in the same socket, or has the same number."""

QEMU_NAMES = ("left", "right")

NAMES = Path("/run/adapters")
"""Short names, which lead to those that the device manager gives an adapter by its socket or its number."""

QEMU_PAIR = ",".join(str(NAMES / f"qemu-{name}") for name in QEMU_NAMES)

PATIENCE_S = 60
"""For an emulated processor that shares its cores with others; every wait ends as soon as it can."""

LOOK_AGAIN_S = 0.05

ASKED, ANSWERED = Path("/run/bench-asked"), Path("/run/bench-answered")
"""Two pipes for those who ask from another process."""


DONE = "done"


class BenchError(Exception):
    """An adapter did not come, or did not go."""


class Looped(NamedTuple):
    """A looped-back model and the name of its port."""

    name: str
    adapter: Adapter
    hub: Hub

    def pull_out(self) -> None:
        """Pull it out, and wait until the device manager has taken its name away."""
        self.adapter.unplug()
        vanish([self.name])

    def put_in(self) -> None:
        """Put it in again, and wait until it has its name."""
        self.adapter.plug_in()
        settle([self.name])

    def ring(self, on: bool) -> None:
        """Let the ring indicator come or go."""
        with self.hub.lock:
            self.adapter.chip.end.ringing = on
        self.hub.wake()

    def spoil(self, damage: Damage) -> None:
        """Let the next octet arrive damaged."""
        with self.hub.lock:
            self.adapter.chip.end.spoil(damage)


class Pluggable(Protocol):
    """Whatever can be pulled out and put in again."""

    def unplug(self) -> None:
        """Pull it out."""

    def plug_in(self) -> None:
        """Put it in again."""


class QemuAdapter:
    """One of QEMU's own adapters."""

    def __init__(self, monitor: Monitor, name: str) -> None:
        self._monitor = monitor
        self._name = name

    def unplug(self) -> None:
        """Pull it out."""
        self._monitor.unplug(self._name)

    def plug_in(self) -> None:
        """Put it in again."""
        self._monitor.plug(self._name)


class Bench:
    """All adapters, by the names under which the tests know them. Use it as a context."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.looped: dict[type[Chip], Looped] = {}
        self.pairs = [QEMU_PAIR]
        self._monitor = Monitor()
        self._adapters: dict[str, Pluggable] = {}
        self._out: list[Pluggable] = []

    @property
    def port(self) -> str:
        """Return the looped-back port that is lent to the adapter suite; the pairs have every chip in them."""
        return self.looped[Cp2102].name

    def unplug(self, names: list[str]) -> None:
        """Pull out the adapters of these names, which may be those of today."""
        wanted = {Path(name).resolve() for name in names}
        meant = {name: adapter for name, adapter in self._adapters.items() if Path(name).resolve() in wanted}
        for adapter in meant.values():
            adapter.unplug()
            self._out.append(adapter)
        vanish(list(meant))

    def plug_in(self) -> None:
        """Put in again whatever is out, and wait until the device manager has named it."""
        while self._out:
            self._out.pop().plug_in()
        settle(list(self._adapters))

    def restore(self) -> None:
        """Put in again what a test left out."""
        for looped in self.looped.values():
            if looped.adapter.line is None:
                looped.put_in()
        if self._out:
            self.plug_in()

    def __enter__(self) -> Self:
        NAMES.mkdir()
        for name in QEMU_NAMES:
            long_name = BY_ID / f"usb-QEMU_QEMU_USB_SERIAL_QEMU-{name}-if00-port0"
            self._remember(f"qemu-{name}", long_name, QemuAdapter(self._monitor, name))
        self.hub.__enter__()
        for chip in CHIPS:
            adapter = self.hub.plug(chip(f"LOOP-{chip.__name__}"))
            self.looped[chip] = Looped(self._named(adapter, "looped"), adapter, self.hub)
        for near_chip, far_chip in JOINED:
            near, far = self.hub.plug(near_chip(f"NEAR-{near_chip.__name__}")), self.hub.plug(far_chip("FAR"))
            with self.hub.lock:
                near.chip.end.join(far.chip.end)
            self.pairs.append(f"{self._named(near, 'near')},{self._named(far, 'far')}")
        settle(list(self._adapters))
        for path in (ASKED, ANSWERED):
            os.mkfifo(path)
        threading.Thread(target=self._obey, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._monitor.close()
        self.hub.__exit__(kind, error, trace)

    def _named(self, adapter: Adapter, place: str) -> str:
        """Give a model a name, and return it."""
        long_name = BY_PATH / f"platform-vhci_hcd.0-usb-0:{adapter.port + 1}:1.0-port0"
        return self._remember(f"{type(adapter.chip).__name__.lower()}-{place}", long_name, adapter)

    def _remember(self, short_name: str, long_name: Path, adapter: Pluggable) -> str:
        """Keep an adapter under its short name, and return that."""
        name = NAMES / short_name
        name.symlink_to(long_name)
        self._adapters[str(name)] = adapter
        return str(name)

    def _obey(self) -> None:
        """Do what other processes ask through ``ask.sh``: ``unplug NAME…`` or ``plug-in``."""
        while True:
            command, *names = ASKED.read_text().split()
            try:
                if command == "unplug":
                    self.unplug(names)
                else:
                    self.plug_in()
                answer = DONE
            except (BenchError, MonitorError, PortError) as error:
                answer = str(error)
            ANSWERED.write_text(f"{answer}\n")


def settle(names: list[str]) -> None:
    """Wait until the device manager has named everything that is there, and has nothing more to do."""
    if not becomes(lambda: all(Path(name).exists() for name in names), True):
        raise BenchError(f"never came: {', '.join(name for name in names if not Path(name).exists())}")
    subprocess.run(("udevadm", "settle", f"--timeout={PATIENCE_S}"), check=True)


def vanish(names: list[str]) -> None:
    """Wait until the device manager has taken these names away: a name that is left over could lead to another."""
    if not becomes(lambda: any(Path(name).readlink().is_symlink() for name in names), False):
        raise BenchError(f"never went: {', '.join(names)}")


def becomes(look: Callable[[], object], wanted: object) -> bool:
    """Say whether something is seen in time; drivers learn of a line's change when the chip says so."""
    deadline = time.monotonic() + PATIENCE_S
    while look() != wanted:
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_AGAIN_S)
    return True
