"""The shipped rule under the real device manager: names that stay, who may open a port, quick answers."""

from __future__ import annotations

import grp
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw.emulated.ch340 import Ch340
from hw.emulated.ft232r import Ft232r
from tests.usb.inside.bench import CHIPS, Bench, Looped

SHIPPED = Path("hw/data/60-thecal.rules")
INSTALLED = Path("/etc/udev/rules.d") / SHIPPED.name
BY_NUMBER, BY_SOCKET = Path("/dev/thecal/by-number"), Path("/dev/thecal/by-socket")


@pytest.fixture(autouse=True)
def rule() -> Iterator[None]:
    """Install the rule as its first lines say, for one test."""
    INSTALLED.write_bytes(SHIPPED.read_bytes())
    subprocess.run(("udevadm", "control", "--reload"), check=True)
    yield
    INSTALLED.unlink()
    subprocess.run(("udevadm", "control", "--reload"), check=True)


@pytest.fixture
def plugged(bench: Bench, request: pytest.FixtureRequest) -> Looped:
    """Return an adapter that was plugged in under the rule."""
    looped = bench.looped[request.param]
    looped.pull_out()
    looped.put_in()
    return looped


@pytest.mark.parametrize("plugged", CHIPS, indirect=True, ids=lambda chip: chip.__name__)
def test_the_group_of_serial_ports_may_open_it(plugged: Looped) -> None:
    """The port belongs to dialout, which may read and write, and to nobody else; modem programs leave it alone."""
    device = plugged.adapter.device()
    status = device.stat()
    assert grp.getgrgid(status.st_gid).gr_name == "dialout"
    assert status.st_mode & 0o777 == 0o660
    told = subprocess.run(
        ("udevadm", "info", "--query=property", str(device)), check=True, capture_output=True, text=True
    )
    assert "ID_MM_PORT_IGNORE=1" in told.stdout.splitlines()


@pytest.mark.parametrize("plugged", CHIPS, indirect=True, ids=lambda chip: chip.__name__)
def test_it_has_names_that_stay(plugged: Looped) -> None:
    """One name by the socket, and one by the serial number if the chip has any, lead to the port again and again."""
    for _ in range(2):
        device = plugged.adapter.device()
        leading = [path for folder in (BY_NUMBER, BY_SOCKET) for path in folder.glob("*") if path.resolve() == device]
        folders = [path.parent for path in leading]
        assert folders.count(BY_SOCKET) == 1
        assert folders.count(BY_NUMBER) == (1 if plugged.adapter.chip.serial else 0)
        plugged.pull_out()
        plugged.put_in()


@pytest.mark.parametrize("plugged", [Ch340], indirect=True)
def test_a_chip_without_a_number_is_not_named_by_one(plugged: Looped) -> None:
    """A CH340 has no serial number, so no name by number may lead to it."""
    assert not any(path.resolve() == plugged.adapter.device() for path in BY_NUMBER.glob("*"))


@pytest.mark.parametrize("plugged", [Ft232r], indirect=True)
def test_the_latency_timer_is_set_when_it_is_plugged_in(plugged: Looped) -> None:
    """FTDI's chip is told one millisecond, and the driver says so; nobody had to open the port for it."""
    name = plugged.adapter.device().name
    assert Path(f"/sys/class/tty/{name}/device/latency_timer").read_text().strip() == "1"
    chip = plugged.adapter.chip
    assert isinstance(chip, Ft232r)
    assert chip.latency_ms == 1
