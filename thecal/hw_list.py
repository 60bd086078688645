"""``thecal hw list``: which serial ports there are, and what to do if one cannot be opened."""

from __future__ import annotations

from importlib import resources

import click

from hw.inventory import PortFacts, inventory
from thecal.failures import GOOD
from thecal.output import doubtful, emit, good, say, table, tell


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_ports(as_json: bool) -> int:
    """List the serial ports: chip, serial number, driver, who holds them, and what to do if one cannot be opened.

    Exit code 0, also if there is none: virtual ports need no adapter.
    """
    found = inventory()
    if as_json:
        emit({"ports": [facts.document() for facts in found]})
        return GOOD
    if not found:
        tell("no serial port; virtual ones need no adapter: thecal pump --port pty:/tmp/thecal-pump")
        return GOOD
    head = ("port", "chip", "serial number", "USB path", "driver", "latency", "")
    say(table([head, *map(_row, found)]))
    for facts in found:
        for remedy in facts.remedies:
            tell(doubtful(f"{facts.device}: {remedy}"))
        if facts.chip and facts.chip.hint:
            tell(f"{facts.device}: {facts.chip.name} {facts.chip.hint}")
    return GOOD


@click.command()
def rule() -> None:
    """Print the udev rule for Linux: permission, low latency, and names that stay.

    \b
    Example:
      thecal hw rule | sudo tee /etc/udev/rules.d/60-thecal.rules
      sudo udevadm control --reload && sudo udevadm trigger
    """
    say(resources.files("hw").joinpath("data", "60-thecal.rules").read_text("utf-8").rstrip())


def _row(facts: PortFacts) -> tuple[str, ...]:
    numbers = f" {facts.vid:04x}:{facts.pid:04x}" if facts.vid is not None and facts.pid is not None else ""
    chip = (facts.chip.name if facts.chip else facts.description) + numbers
    latency = "" if facts.latency_ms is None else f"{facts.latency_ms} ms"
    free = facts.permitted and not facts.holders
    return (
        facts.device,
        chip,
        facts.serial_number or "",
        facts.usb_path or "",
        facts.driver or "",
        latency,
        good("ready") if free else doubtful("see below"),
    )
