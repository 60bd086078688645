"""What ports there are: from lists and folders that look like the system's."""

import os
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from hw import inventory as module
from hw.baud import ActualBaud, actual_baud
from hw.chips import CHIPS
from hw.inventory import Holder, PortFacts, holders, inventory
from hw.pty import VirtualPort

FACTS = PortFacts("/dev/ttyUSB0", "", None, None, None, None, None, None, None, (), permitted=True, group="dialout")


def _listed(device: str, vid: int | None = None, pid: int | None = None) -> ListPortInfo:
    info = ListPortInfo(device, skip_link_detection=True)
    info.vid, info.pid = vid, pid
    return info


def test_chips_are_named_by_their_numbers() -> None:
    """A known pair of numbers has the chip's name; an unknown one, and a port on the board, have none."""
    names = [
        facts.chip.name if facts.chip else None
        for facts in inventory([_listed("/dev/a", 0x0403, 0x6001), _listed("/dev/b", 1, 2), _listed("/dev/c")])
    ]
    assert names == ["FTDI FT232R", None, None]


def test_who_holds_a_port_is_found(tmp_path: Path) -> None:
    """This process holds a terminal that it has open, and is named; after closing it no longer does.

    Another process may have been given the terminal's number at once.
    """
    with VirtualPort(tmp_path / "port") as port:
        device = str(port.link.resolve())
        found = list(holders(device))
        assert [holder.pid for holder in found] == [os.getpid()]
        assert found[0].name
    assert os.getpid() not in [holder.pid for holder in holders(device)]


def test_driver_and_latency_timer_are_read(tmp_path: Path) -> None:
    """Both come from the folder that the system keeps for the port; a driver without a timer has none."""
    device = tmp_path / "ttyUSB0" / "device"
    device.mkdir(parents=True)
    (tmp_path / "drivers" / "ftdi_sio").mkdir(parents=True)
    (device / "driver").symlink_to(tmp_path / "drivers" / "ftdi_sio")
    (device / "latency_timer").write_text("16\n")
    assert module._driver("ttyUSB0", tmp_path) == "ftdi_sio"
    assert module._latency_ms("ttyUSB0", tmp_path) == 16
    assert module._driver("ttyS0", tmp_path) is None
    assert module._latency_ms("ttyS0", tmp_path) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts: facts._replace(permitted=False), "usermod -aG dialout"),
        (lambda facts: facts._replace(holders=(Holder(7, "minicom"),)), "held by minicom (process 7)"),
        (lambda facts: facts._replace(latency_ms=16), "latency timer is 16 ms"),
    ],
)
def test_each_obstacle_has_its_remedy(change: Callable[[PortFacts], PortFacts], words: str) -> None:
    """What stands in the way is said with what to do; a port with nothing in the way has no remedies."""
    assert words in " ".join(change(FACTS).remedies)
    assert FACTS.remedies == ()


def test_the_rate_is_read_back_from_the_driver(tmp_path: Path) -> None:
    """The kernel's own word for a terminal's rate is what was set last; unknown machines are not asked."""
    import serial  # noqa: PLC0415

    with VirtualPort(tmp_path / "port") as port, serial.Serial(str(port.link), 57_600) as line:
        assert actual_baud(line.fileno(), "x86_64") == 57_600
        line.baudrate = 123_456
        assert actual_baud(line.fileno(), "aarch64") == 123_456
        assert actual_baud(line.fileno(), "mips") is None


def test_a_driver_that_fell_back_is_found_out() -> None:
    """Asked for four million baud and given 9600 is not usable; 2 % off is, a little more is not."""
    assert not ActualBaud(4_000_000, 9_600).usable
    assert ActualBaud(100_000, 98_000).usable
    assert not ActualBaud(100_000, 97_999).usable


def test_the_udev_rule_knows_every_chip() -> None:
    """The rule that is shipped has the same numbers as the table of chips, no more and no fewer."""
    rule = resources.files("hw").joinpath("data", "60-thecal.rules").read_text("utf-8")
    pattern = re.compile(r'idVendor}=="(\w+)", ATTRS{idProduct}=="([\w|]+)"')
    ruled = {
        (int(vendor, 16), int(each, 16)) for vendor, products in pattern.findall(rule) for each in products.split("|")
    }
    assert ruled == CHIPS.keys()


def test_the_documentation_knows_every_chip() -> None:
    """The table in docs/hardware.md has a row for each pair of numbers."""
    text = (Path(__file__).parents[2] / "docs" / "hardware.md").read_text("utf-8")
    missing = [
        f"{vendor:04x}:{product:04x}" for vendor, product in CHIPS if f"`{vendor:04x}:{product:04x}`" not in text
    ]
    assert missing == []
