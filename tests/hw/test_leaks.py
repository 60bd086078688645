"""Ports leave nothing behind, however often they are opened."""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hw.impaired import ImpairedPort
from hw.impairments import Impairment
from hw.ports import open_port
from hw.virtual import virtual_wiring
from protocol.carrier import Carrier, CarrierLost

Descriptors = Callable[[], int]


@contextmanager
def nothing_left_behind(open_descriptors: Descriptors) -> Iterator[None]:
    """Fail if there are other descriptors or threads at the end than at the beginning."""
    gc.collect()  # what other tests left to chance is not to go away meanwhile
    before = open_descriptors(), threading.active_count()
    yield
    assert (open_descriptors(), threading.active_count()) == before


@pytest.mark.parametrize(
    ("name", "cycles"),
    # pyserial's RFC 2217 client sleeps for most of a second at every opening and closing
    [
        ("loop", 1_000),
        ("looped-pty", 1_000),
        ("joined-ptys", 1_000),
        ("joined-sockets", 1_000),
        ("joined-rfc2217", 5),
    ],
)
def test_opening_and_closing_leaks_nothing(
    name: str, cycles: int, tmp_path: Path, open_descriptors: Descriptors
) -> None:
    """After so many cycles with a byte sent in each, there are as many descriptors and threads as before."""
    with nothing_left_behind(open_descriptors), virtual_wiring(name, tmp_path) as wiring:
        for _ in range(cycles):
            with open_port(wiring.near) as near:
                near.write(b"x")
                if wiring.far == wiring.near:
                    assert near.read(10_000) == b"x"
                else:
                    with open_port(wiring.far):
                        pass


def test_making_and_taking_down_virtual_ports_leaks_nothing(tmp_path: Path, open_descriptors: Descriptors) -> None:
    """A thousand times a pair is made, used through pace and damage, and unplugged under its user's hands."""
    damage = Impairment.parse("flip=1e-3,seed=1")
    with nothing_left_behind(open_descriptors):
        for _ in range(1_000):
            with (
                virtual_wiring("joined-ptys", tmp_path) as wiring,
                ImpairedPort(open_port(wiring.near), 115_200, damage) as near,
            ):
                near.write(b"x")
                wiring.unplug()
                with pytest.raises(CarrierLost):
                    near.read(10_000)


@pytest.mark.parametrize("name", ["looped-socket", "looped-rfc2217"])
def test_a_hung_up_network_port_leaks_nothing(name: str, tmp_path: Path, open_descriptors: Descriptors) -> None:
    """Also when the other side hangs up with bytes unread, our socket is closed by us, not by chance."""
    with nothing_left_behind(open_descriptors):
        for _ in range(5):
            with virtual_wiring(name, tmp_path) as wiring, open_port(wiring.near) as near:
                wiring.unplug()
                with pytest.raises(CarrierLost):
                    _use(near)


def _use(port: Carrier) -> None:
    while True:
        port.write(b"x")
        port.read(10)
