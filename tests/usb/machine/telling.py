"""What the command says of itself, apart from what comes out of the machine."""

from __future__ import annotations

import sys


def tell(words: str) -> None:
    """Say something to the person who waits."""
    print(f"usb: {words}", file=sys.stderr, flush=True)
