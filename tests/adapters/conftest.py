"""One suite, three tiers: virtual ports, emulated adapters, real ones. Only what is in this file differs.

Nothing given: every virtual wiring of ``hw.virtual``. ``--port`` and ``--pair``: those ports, whoever made them.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from hw.abilities import Ability, Kind, kind_of
from hw.descriptor import DescriptorPort
from hw.identity import identity_of, name_of
from hw.ports import open_port
from hw.virtual import WIRINGS, Wiring, virtual_wiring

PATIENCE_MS = 10_000
"""Every wait ends as soon as what it waits for is there; this is for a machine with much else to do."""


class AdapterWiring:
    """Adapters that were plugged in and joined by somebody else."""

    def __init__(self, names: list[str], config: pytest.Config) -> None:
        self._identities = [identity_of(name) for name in names]
        self._unplug, self._plug_in = config.getoption("--unplug"), config.getoption("--plug-in")
        self.near, self.far = names[0], names[-1]
        kinds: dict[str, Kind] = getattr(config.option, "kinds", {})  # by who made the ports and knows them better
        self.kind: Kind = kinds.get(",".join(names)) or kind_of(self.near).joined_to(kind_of(self.far))
        self._unplugged = False
        if config.getoption("--no-lines"):
            self.kind = self.kind.without(Ability.MODEM_LINES, "the lines are not joined (--no-lines)")
        if self._unplug and self._plug_in:
            self.kind = self.kind.able(Ability.UNPLUG)

    def unplug(self) -> None:
        """Have the adapters unplugged."""
        self._unplugged = True
        command = self._unplug.format(ports=shlex.join(dict.fromkeys((self.near, self.far))))
        subprocess.run(shlex.split(command), check=True)  # noqa: S603 - the user's own command

    def plug_in(self) -> None:
        """Have them plugged in again; they are found by what they are, not by what they are called."""
        subprocess.run(shlex.split(self._plug_in), check=True)  # noqa: S603 - the user's own command
        self._unplugged = False
        names = [name_of(identity, PATIENCE_MS) for identity in self._identities]
        self.near, self.far = names[0], names[-1]

    def close(self) -> None:
        """Leave them plugged in, also when a test failed half-way."""
        if self._unplugged:
            self.plug_in()


class Ends(NamedTuple):
    """Both ends of the wire, open. On an echoing port they are the same."""

    near: DescriptorPort
    far: DescriptorPort

    @property
    def directions(self) -> list[tuple[DescriptorPort, DescriptorPort]]:
        """Who sends and who receives, each way that there is."""
        return [(self.near, self.far)] if self.near is self.far else [(self.near, self.far), (self.far, self.near)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on every wiring there is."""
    if "wiring" in metafunc.fixturenames:
        metafunc.parametrize("wiring", _wirings(metafunc.config), indirect=True)


def _wirings(config: pytest.Config) -> list[str]:
    given: list[str] = config.getoption("--port") + config.getoption("--pair")
    return given or list(WIRINGS)


@pytest.fixture
def wiring(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Wiring]:
    """Yield a wiring, or skip with the reason why its kind cannot do what the test needs."""
    made: Wiring
    if request.param in WIRINGS:
        made = virtual_wiring(request.param, tmp_path)
    else:
        made = AdapterWiring(request.param.split(","), request.config)
    for marker in request.node.iter_markers("needs"):
        ability: Ability = marker.args[0]
        if not made.kind.can(ability):
            made.close()
            pytest.skip(f"{made.kind.name}: no {ability.value}: {made.kind.cannot[ability]}")
    yield made
    made.close()


@pytest.fixture
def ends(wiring: Wiring) -> Iterator[Ends]:
    """Yield both ends, open and with nothing old in them."""
    with open_port(wiring.near) as near:
        if wiring.far == wiring.near:
            yield Ends(near, near)
        else:
            with open_port(wiring.far) as far:
                yield Ends(near, far)


@pytest.fixture
def receive() -> Callable[[DescriptorPort, int], bytes]:
    """Return a function that reads exactly so many bytes, or all that come if they are fewer."""

    def exactly(port: DescriptorPort, count: int) -> bytes:
        data = b""
        while len(data) < count and (piece := port.read(PATIENCE_MS)):
            data += piece
        return data

    return exactly
