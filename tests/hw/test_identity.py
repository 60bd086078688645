"""Which adapter is which, whatever it is called today; and a port that comes back."""

from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from hw.descriptor import DescriptorPort
from hw.errors import PortError
from hw.identity import Identity, identity_of, present_name
from hw.lasting import LastingPort
from hw.ports import open_port
from hw.virtual import virtual_wiring
from protocol.carrier import CarrierLost

FTDI, CH340 = (0x0403, 0x6001), (0x1A86, 0x7523)


def port(device: str, chip: tuple[int, int], number: str | None, path: str) -> ListPortInfo:
    """Return a port as the system lists it."""
    info = ListPortInfo(device, skip_link_detection=True)
    info.vid, info.pid = chip
    info.serial_number, info.location = number, path
    return info


def test_a_serial_number_finds_an_adapter_under_another_name_and_in_another_socket() -> None:
    """After replugging elsewhere the adapter is known; what now has its old name is not taken for it."""
    known = identity_of("/dev/ttyUSB0", lambda: [port("/dev/ttyUSB0", FTDI, "FT1234", "1-1")])
    now = [port("/dev/ttyUSB0", FTDI, "FT9999", "1-1"), port("/dev/ttyUSB1", FTDI, "FT1234", "1-4")]
    assert present_name(known, lambda: now) == "/dev/ttyUSB1"
    assert present_name(known, lambda: now[:1]) is None


@pytest.mark.parametrize("number", [None, "0001", ""])
def test_without_a_number_of_its_own_the_usb_path_decides(number: str | None) -> None:
    """Chips without a number, and clones that share one, are known by the socket that they are plugged into."""
    known = identity_of("/dev/ttyUSB0", lambda: [port("/dev/ttyUSB0", CH340, number, "1-1")])
    elsewhere, there = port("/dev/ttyUSB0", CH340, number, "1-2"), port("/dev/ttyUSB5", CH340, number, "1-1")
    assert present_name(known, lambda: [elsewhere]) is None
    assert present_name(known, lambda: [elsewhere, there]) == "/dev/ttyUSB5"


def test_two_adapters_with_the_same_number_are_known_by_their_paths() -> None:
    """A number that two of them have tells nothing, even one that looks real."""
    twins = [port("/dev/ttyUSB0", FTDI, "A50285BI", "1-1"), port("/dev/ttyUSB1", FTDI, "A50285BI", "1-2")]
    known = identity_of("/dev/ttyUSB1", lambda: twins)
    renamed = [port("/dev/ttyUSB7", FTDI, "A50285BI", "1-1"), port("/dev/ttyUSB8", FTDI, "A50285BI", "1-2")]
    assert present_name(known, lambda: renamed) == "/dev/ttyUSB8"


def test_the_ports_of_one_adapter_are_not_confused() -> None:
    """A chip with two ports has one number for both; the interface tells them apart."""

    def both(first: str, second: str, path: str) -> list[ListPortInfo]:
        return [port(first, FTDI, "FT1234", f"{path}:1.0"), port(second, FTDI, "FT1234", f"{path}:1.1")]

    known = identity_of("/dev/ttyUSB1", lambda: both("/dev/ttyUSB0", "/dev/ttyUSB1", "1-1"))
    assert known.serial_number == "FT1234"
    assert present_name(known, lambda: both("/dev/ttyUSB3", "/dev/ttyUSB2", "1-4")) == "/dev/ttyUSB2"


def test_another_chip_is_another_adapter() -> None:
    """The same socket with another chip in it is not the same adapter."""
    known = identity_of("/dev/ttyUSB0", lambda: [port("/dev/ttyUSB0", CH340, None, "1-1")])
    assert present_name(known, lambda: [port("/dev/ttyUSB0", FTDI, None, "1-1")]) is None


def test_what_is_no_usb_is_known_by_its_name(tmp_path: Path) -> None:
    """A link, an address, a port on the board: the name is all there is."""
    link = tmp_path / "pump"
    known = identity_of(str(link), list)
    assert known == Identity(str(link))
    assert present_name(known, list) is None
    link.touch()
    assert present_name(known, list) == str(link)
    assert present_name(identity_of("socket://127.0.0.1:7", list), list) == "socket://127.0.0.1:7"


def test_an_identity_can_be_said() -> None:
    """A person is told which adapter to plug in again."""
    assert "FT1234" in Identity("/dev/ttyUSB0", FTDI, "FT1234", "1-1").words
    assert "1-1" in Identity("/dev/ttyUSB0", FTDI, "", "1-1").words
    assert Identity("/tmp/pump").words == "/tmp/pump"  # noqa: S108 - a name, not a file


def test_a_lasting_port_says_that_it_is_lost_and_comes_back(tmp_path: Path) -> None:
    """Unplugged it raises CarrierLost at every use, never a stale byte; plugged in again it carries bytes."""
    with virtual_wiring("looped-pty", tmp_path) as wiring, LastingPort(wiring.near, open_port) as lasting:
        lasting.write(b"a")
        assert lasting.read(10_000) == b"a"
        wiring.unplug()
        for _ in range(2):
            with pytest.raises(CarrierLost, match="gone"):
                lasting.read(10_000)
        with pytest.raises(CarrierLost, match="gone"):
            lasting.fileno()
        assert lasting.lost
        assert not lasting.returned()
        with pytest.raises(CarrierLost, match="not plugged in again"):
            lasting.wait(0)
        wiring.plug_in()
        lasting.wait(10_000)
        lasting.write(b"b")
        assert lasting.read(10_000) == b"b"


def test_a_port_that_is_back_but_not_ours_yet_is_waited_for(tmp_path: Path) -> None:
    """Just after plugging in a port has no permissions yet: that is no reason to give up."""
    refusals = [PortError("no permission yet")]

    def opener(name: str) -> DescriptorPort:
        if opened and refusals:
            raise refusals.pop()
        opened.append(name)
        return open_port(name)

    opened: list[str] = []
    with virtual_wiring("looped-pty", tmp_path) as wiring, LastingPort(wiring.near, opener) as lasting:
        wiring.unplug()
        with pytest.raises(CarrierLost):
            lasting.read(10_000)
        wiring.plug_in()
        assert not lasting.returned()
        assert lasting.returned()


def test_a_closed_lasting_port_stays_closed(tmp_path: Path) -> None:
    """After close nothing is opened again."""
    with virtual_wiring("looped-pty", tmp_path) as wiring:
        lasting = LastingPort(wiring.near, open_port)
        lasting.close()
        assert not lasting.returned()
        with pytest.raises(CarrierLost, match="closed"):
            lasting.write(b"x")
