"""What each kind of port can do, and above all what it cannot.

A pseudo-terminal has no modem lines, a socket no parity, and ``loop://`` cannot be pulled out. Every kind says so
here, with the reason, and tests and checks skip by that declaration and print it. Whatever is not listed as
impossible is expected to work.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple


class Ability(enum.Enum):
    """Something that a serial port may be able to do besides carrying bytes."""

    MODEM_LINES = "modem lines"
    PARITY = "parity"
    BREAK = "break"
    BAUD = "baud rate"
    """The rate matters: two ends with different rates do not understand each other."""
    BAUD_READ_BACK = "baud rate read back"
    PACING = "pace of the baud rate"
    """Bytes take the time that the rate gives them."""
    EXCLUSIVE = "exclusive use"
    """A second program is refused when it opens the port."""
    UNPLUG = "unplugging"
    """The port can be taken away and given back by whoever holds the other side."""


class Kind(NamedTuple):
    """A kind of port: its name, and why it cannot do what it cannot do."""

    name: str
    cannot: Mapping[Ability, str]

    def can(self, ability: Ability) -> bool:
        """Say whether this kind is expected to do it."""
        return ability not in self.cannot

    def without(self, ability: Ability, why: str) -> Kind:
        """Return the same kind with one thing more that it cannot do here."""
        return self._replace(cannot=MappingProxyType({**self.cannot, ability: why}))

    def able(self, ability: Ability) -> Kind:
        """Return the same kind with one thing that it can do here after all."""
        return self._replace(cannot=MappingProxyType({a: why for a, why in self.cannot.items() if a is not ability}))

    def joined_to(self, other: Kind) -> Kind:
        """Return what a wire between the two kinds can do: what neither lacks."""
        name = self.name if self.name == other.name else f"{self.name} and {other.name}"
        return Kind(name, MappingProxyType({**other.cannot, **self.cannot}))


def _kind(name: str, **cannot: str) -> Kind:
    return Kind(name, MappingProxyType({Ability[ability.upper()]: why for ability, why in cannot.items()}))


_NO_WIRE = {
    "parity": "bytes pass whole, without the bits around them",
    "break": "there is no wire whose level could stay low",
    "baud": "the rate is accepted and ignored",
    "baud_read_back": "there is no rate to read back",
    "pacing": "bytes pass as fast as the computer can",
}

LOOP = _kind(
    "loop://",
    exclusive="every program that opens it gets a loop of its own",
    unplug="it lives and dies with the program",
    **_NO_WIRE,
)
PTY = _kind("pty", modem_lines="a pseudo-terminal has none (errno 25)", **_NO_WIRE)
SOCKET = _kind(
    "socket://",
    modem_lines="TCP carries bytes and nothing else",
    exclusive="a second client can connect, and is then turned away",
    **_NO_WIRE,
)
RFC2217 = _kind(
    "rfc2217://",
    baud_read_back="only the far computer can ask its driver",
    pacing="the network delivers in its own time",
    exclusive="a second client can connect, and is then turned away",
)
OTHER_ADDRESS = SOCKET._replace(name="another pyserial address")
ADAPTER = _kind("adapter", unplug="nobody is told to pull the plug")

_BY_SCHEME = {"loop": LOOP, "socket": SOCKET, "rfc2217": RFC2217}


def kind_of(name: str) -> Kind:
    """Return the kind of the port of that name, as far as a name tells: a device may be a link to a terminal."""
    scheme, is_address, _ = name.partition("://")
    if is_address:
        return _BY_SCHEME.get(scheme, OTHER_ADDRESS)
    return PTY if str(Path(name).resolve()).startswith("/dev/pts/") else ADAPTER
