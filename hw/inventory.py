"""What serial ports there are, what each of them is, who holds it, and what to do if it cannot be opened."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo

from hw.chips import CHIPS, Chip

SYSTEM = Path("/sys/class/tty")
PROCESSES = Path("/proc")
GOOD_LATENCY_MS = 1


class Holder(NamedTuple):
    """A process that has the port open."""

    pid: int
    name: str


class PortFacts(NamedTuple):
    """One port. What the system does not say is None."""

    device: str
    description: str
    vid: int | None
    pid: int | None
    chip: Chip | None
    serial_number: str | None
    usb_path: str | None
    driver: str | None
    latency_ms: int | None
    holders: tuple[Holder, ...]
    permitted: bool
    group: str | None

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to do before it can be opened, or to have it work better; nothing if all is well."""
        found = []
        if not self.permitted:
            group = self.group or "the group that owns it"
            found.append(
                f"no permission: join {group} (“sudo usermod -aG {self.group or 'dialout'} $USER”), log in again"
            )
        found += [f"held by {holder.name} (process {holder.pid}): end it first" for holder in self.holders]
        if self.latency_ms is not None and self.latency_ms > GOOD_LATENCY_MS:
            found.append(
                f"its latency timer is {self.latency_ms} ms: thecal asks for low latency at every open; the udev "
                f"rule in docs/hardware.md does so for every program"
            )
        return tuple(found)

    def document(self) -> dict[str, Any]:
        """Return the facts for a program."""
        holders = [holder._asdict() for holder in self.holders]
        chip = self.chip.name if self.chip else None
        return {**self._asdict(), "chip": chip, "holders": holders, "remedies": list(self.remedies)}


def inventory(ports: Iterable[ListPortInfo] | None = None) -> list[PortFacts]:
    """Return the facts about every port there is, in the order of their names."""
    listed = list_ports.comports() if ports is None else ports
    return [_facts(port) for port in sorted(listed, key=lambda port: port.device)]


def _facts(port: ListPortInfo) -> PortFacts:
    return PortFacts(
        device=port.device,
        description=port.description,
        vid=port.vid,
        pid=port.pid,
        chip=CHIPS.get((port.vid, port.pid)) if port.vid is not None and port.pid is not None else None,
        serial_number=port.serial_number,
        usb_path=port.location,
        driver=_driver(Path(port.device).name),
        latency_ms=_latency_ms(Path(port.device).name),
        holders=tuple(holders(port.device)),
        permitted=os.access(port.device, os.R_OK | os.W_OK),
        group=_group(port.device),
    )


def _driver(name: str, system: Path = SYSTEM) -> str | None:
    link = system / name / "device" / "driver"
    return link.resolve().name if link.exists() else None


def _latency_ms(name: str, system: Path = SYSTEM) -> int | None:
    """Return the latency timer of a port whose driver has one, as FTDI's has."""
    try:
        return int((system / name / "device" / "latency_timer").read_text())
    except (OSError, ValueError):
        return None


def holders(device: str, processes: Path = PROCESSES) -> Iterator[Holder]:
    """Yield the processes that have the device open, as far as we may look into them. Linux only."""
    for folder in sorted(processes.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        try:
            held = any(str(link.readlink()) == device for link in (folder / "fd").iterdir())
            if held:
                yield Holder(int(folder.name), (folder / "comm").read_text().strip())
        except OSError:
            continue  # ended meanwhile, or not ours to look into


def _group(device: str) -> str | None:
    try:
        import grp  # noqa: PLC0415 - not there on Windows

        status = Path(device).stat()
        return grp.getgrgid(status.st_gid).gr_name if stat.S_ISCHR(status.st_mode) else None
    except (ImportError, OSError, KeyError):
        return None
