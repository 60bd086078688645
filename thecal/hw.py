"""``thecal hw``: serial ports, the wires at them, and what goes over them."""

from __future__ import annotations

import click

from thecal.lazy import LazyGroup

COMMANDS = {
    "check": ("thecal.hw_check", "Check one port with TX joined to RX."),
    "decode": ("thecal.hw_decode", "Show every frame of a capture."),
    "emulate": ("thecal.hw_emulate", "Plug models of USB adapters into this Linux host."),
    "list": ("thecal.hw_list:list_ports", "List the ports: chip, driver, who holds them, what to do."),
    "rule": ("thecal.hw_list", "Print the udev rule: permission, low latency, names that stay."),
    "pair": ("thecal.hw_check", "Check two ports that are joined by a null modem."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def hw() -> None:
    """List serial ports, check them and the wires at them, and read what went over them. Not for clinical use.

    \b
    Examples:
      thecal hw list
      thecal hw check /dev/ttyUSB0
      thecal hw pair /dev/ttyUSB0 /dev/ttyUSB1
      thecal hw check virtual:looped-pty
      thecal hw decode wire.pcapng
    """
