"""``thecal hw emulate``: USB adapters that are models, plugged into this Linux host."""

from __future__ import annotations

import select

import click

from hw.emulated.hub import Hub
from hw.emulated.models import MODELS
from thecal.output import NOT_CLINICAL, say, tell
from thecal.stopping import StopRequest

MOST = 2


@click.command()
@click.argument("chips", nargs=-1, required=True, type=click.Choice(list(MODELS)))
def emulate(chips: tuple[str, ...]) -> None:
    """Plug models of USB-serial chips into this Linux host, until Ctrl-C.

    One chip is looped back: TX to RX, RTS to CTS, DTR to DSR. Two are joined by a null modem. The drivers are the
    kernel's own; chips and wire are models. Prints the port of each. Needs root, and the module vhci-hcd.

    \b
    Examples:
      sudo modprobe vhci-hcd
      sudo thecal hw emulate ft232r
      sudo thecal hw emulate ft232r ch340
    """
    if len(chips) > MOST:
        raise click.UsageError("a wire has two ends: name one chip or two")
    tell(NOT_CLINICAL)
    with StopRequest() as stop, Hub() as hub:
        adapters = [hub.plug(MODELS[chip](f"THECAL-{place}")) for place, chip in enumerate(chips, start=1)]
        with hub.lock:
            adapters[0].chip.end.join(adapters[-1].chip.end)
        for chip, adapter in zip(chips, adapters, strict=True):
            say(f"{adapter.device()}  {chip}")
        tell(
            "looped back; Ctrl-C pulls it out" if len(chips) == 1 else "joined by a null modem; Ctrl-C pulls them out"
        )
        select.select([stop], [], [])
