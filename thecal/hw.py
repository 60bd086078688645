"""``thecal hw``: wires and what goes over them."""

from __future__ import annotations

import click

from thecal.hw_decode import decode


@click.group("hw")
def hw() -> None:
    """Look at wires, and at what goes over them. Not for clinical use."""


hw.add_command(decode)
