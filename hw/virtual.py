"""Virtual adapters for tests and checks: one that echoes, or two that are joined, of every kind there is.

Each is opened by its name like a real adapter, can be unplugged and plugged in again where its kind allows that, and
declares what it cannot do.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from hw.abilities import LOOP, PTY, RFC2217, SOCKET, Kind
from hw.descriptor import DescriptorPort
from hw.exchange import Exchange, Route
from hw.modelled import looped_back, null_modem
from hw.pty import VirtualPort
from hw.served import ServedPort, ServedRfc2217


class Wiring(Protocol):
    """Two ends of a wire by name; both names are the same where one port echoes."""

    kind: Kind
    near: str
    far: str

    def unplug(self) -> None:
        """Take the ports away, as pulling the plug does."""

    def plug_in(self) -> None:
        """Give them back, and with them perhaps other names."""

    def close(self) -> None:
        """Take everything down."""


Plant = Callable[["VirtualWiring"], tuple[list[DescriptorPort], list[Route]]]
"""Makes the far sides of the ports, and says what is carried where."""


class VirtualWiring:
    """A wiring of software. ``folder`` is where links to terminals go."""

    def __init__(self, kind: Kind, plant: Plant, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.numbers = [0, 0]
        """TCP ports: any at first, the same again when plugged in again."""
        self._plant = plant
        self._ports: list[DescriptorPort] = []
        self._exchange: Exchange | None = None
        self.near = self.far = LOOP.name
        self.plug_in()

    def plug_in(self) -> None:
        """Make the ports and begin to carry."""
        self._ports, routes = self._plant(self)
        if self._ports:
            self.near, self.far = self._ports[0].name, self._ports[-1].name
            self._exchange = Exchange(routes)
        self.numbers = [port.number for port in self._ports if isinstance(port, ServedPort)]

    def unplug(self) -> None:
        """Stop carrying and take the ports away."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None
        for port in self._ports:
            port.close()

    def close(self) -> None:
        """Take everything down."""
        self.unplug()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _loop(wiring: VirtualWiring) -> tuple[list[DescriptorPort], list[Route]]:  # noqa: ARG001 - a plant's signature
    return [], []


def _looped_pty(wiring: VirtualWiring) -> tuple[list[DescriptorPort], list[Route]]:
    port = VirtualPort(wiring.folder / "looped")
    return [port], [Route(port, port.write)]


def _joined_ptys(wiring: VirtualWiring) -> tuple[list[DescriptorPort], list[Route]]:
    near, far = VirtualPort(wiring.folder / "near"), VirtualPort(wiring.folder / "far")
    return [near, far], [Route(near, far.write), Route(far, near.write)]


def _looped_socket(wiring: VirtualWiring) -> tuple[list[DescriptorPort], list[Route]]:
    port = ServedPort(port=wiring.numbers[0])
    return [port], [Route(port, port.write)]


def _joined_sockets(wiring: VirtualWiring) -> tuple[list[DescriptorPort], list[Route]]:
    near, far = ServedPort(port=wiring.numbers[0]), ServedPort(port=wiring.numbers[1])
    return [near, far], [Route(near, far.write), Route(far, near.write)]


def _looped_rfc2217(wiring: VirtualWiring) -> tuple[list[DescriptorPort], list[Route]]:
    line = looped_back()
    port = ServedRfc2217(port=wiring.numbers[0], ends=(line, line))
    return [port], [Route(port, port.deliver)]


def _joined_rfc2217(wiring: VirtualWiring) -> tuple[list[DescriptorPort], list[Route]]:
    one, other = null_modem()
    near = ServedRfc2217(port=wiring.numbers[0], ends=(one, other))
    far = ServedRfc2217(port=wiring.numbers[1], ends=(other, one))
    return [near, far], [Route(near, far.deliver), Route(far, near.deliver)]


WIRINGS: dict[str, tuple[Kind, Plant]] = {
    "loop": (LOOP, _loop),
    "looped-pty": (PTY, _looped_pty),
    "looped-socket": (SOCKET, _looped_socket),
    "looped-rfc2217": (RFC2217, _looped_rfc2217),
    "joined-ptys": (PTY, _joined_ptys),
    "joined-sockets": (SOCKET, _joined_sockets),
    "joined-rfc2217": (RFC2217, _joined_rfc2217),
}
"""Every virtual wiring by name."""


def virtual_wiring(name: str, folder: Path) -> VirtualWiring:
    """Make the wiring of that name; the folder must be there."""
    kind, plant = WIRINGS[name]
    return VirtualWiring(kind, plant, folder)
