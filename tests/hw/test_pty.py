"""The virtual port."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hw.errors import PortError
from hw.ports import open_port
from hw.pty import VirtualPort
from protocol.carrier import Carrier, CarrierLost

Receive = Callable[[Carrier, int], bytes]

EVERY_BYTE = bytes(range(256))


@pytest.fixture
def link(tmp_path: Path) -> Path:
    """Return a free place for the port's link."""
    return tmp_path / "pump"


def test_every_byte_passes_unchanged_both_ways(link: Path, receive: Receive) -> None:
    """The port is raw: control characters, line ends and zeros arrive as they were sent, and nothing echoes."""
    with VirtualPort(link) as pump, open_port(str(link)) as programmer:
        programmer.write(EVERY_BYTE)
        assert receive(pump, 256) == EVERY_BYTE
        pump.write(EVERY_BYTE)
        assert receive(programmer, 256) == EVERY_BYTE
        assert pump.read(0) == b""
        assert programmer.read(0) == b""


def test_the_programmer_may_come_and_go(link: Path, receive: Receive) -> None:
    """Closing the last client does not break the pump's side: the next client finds the port working."""
    with VirtualPort(link) as pump:
        for turn in range(3):
            with open_port(str(link)) as programmer:
                programmer.write(bytes([turn]))
                assert receive(pump, 1) == bytes([turn])
            assert pump.read(0) == b""


def test_a_link_left_over_from_a_killed_pump_is_replaced(link: Path) -> None:
    """A symbolic link whose target is gone does not stand in the way of a new port."""
    link.symlink_to("/dev/pts/no-such-terminal")
    with VirtualPort(link):
        assert link.readlink().parent == Path("/dev/pts")


def test_a_link_to_the_number_that_we_got_ourselves_is_replaced(link: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel gives a killed pump's terminal number to the next one, whose link it then is."""
    master, slave = os.openpty()
    link.symlink_to(os.ttyname(slave))
    monkeypatch.setattr(os, "openpty", lambda: (master, slave))
    with VirtualPort(link), open_port(str(link)) as programmer:
        assert programmer.read(0) == b""


def test_a_link_in_use_is_refused(link: Path) -> None:
    """A second pump does not take the port of the first, and the message names the link."""
    with VirtualPort(link):
        before = link.readlink()
        with pytest.raises(PortError, match="already points to"):
            VirtualPort(link)
        assert link.readlink() == before


def test_a_file_in_the_place_of_the_link_is_refused_and_kept(link: Path) -> None:
    """A file that is no link is never replaced."""
    link.write_text("precious")
    with pytest.raises(PortError, match="not a link"):
        VirtualPort(link)
    assert link.read_text() == "precious"


def test_a_link_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """The message says what the system says about the folder."""
    with pytest.raises(PortError, match="cannot make the link"):
        VirtualPort(tmp_path / "missing" / "pump")


def test_the_link_goes_with_the_port(link: Path) -> None:
    """Closing removes the link; closing twice does nothing more."""
    port = VirtualPort(link)
    port.close()
    port.close()
    assert not link.is_symlink()


def test_a_link_that_somebody_else_took_over_is_left_alone(link: Path) -> None:
    """Closing removes only the link to this very port."""
    with VirtualPort(link):
        link.unlink()
        link.symlink_to("/dev/null")
    assert link.is_symlink()


def test_bytes_that_nobody_reads_are_dropped(link: Path) -> None:
    """As on a real line there is no back-pressure: a client that never reads cannot block the pump."""
    with VirtualPort(link) as pump, open_port(str(link)):
        for _ in range(300):
            pump.write(bytes(4096))
        assert pump.dropped > 0


def test_a_closed_port_says_so(link: Path) -> None:
    """Reading and writing after close is a lost carrier, not a stray descriptor."""
    port = VirtualPort(link)
    port.close()
    with pytest.raises(CarrierLost, match="is closed"):
        port.read(0)
    with pytest.raises(CarrierLost, match="is closed"):
        port.write(b"x")


def test_two_hundred_cycles_leak_nothing(link: Path, open_descriptors: Callable[[], int]) -> None:
    """Opening and closing both sides leaves no descriptor behind, also when opening is refused."""
    before = open_descriptors()
    for _ in range(200):
        with VirtualPort(link), open_port(str(link)):
            with pytest.raises(PortError):
                VirtualPort(link)
            with pytest.raises(PortError):
                open_port(str(link))
    assert open_descriptors() == before
