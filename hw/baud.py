"""The baud rate that a driver really set, which need not be the one that was asked for.

A driver that cannot make a rate may fall back to another without a word, and pyserial goes on reporting the wish.
Linux tells the truth in ``termios2``, which the standard library does not know.
"""

from __future__ import annotations

import array
import fcntl
import sys
from typing import NamedTuple

TCGETS2 = 0x802C542A
"""The request's number on x86, ARM and RISC-V; MIPS, PowerPC and SPARC have others and are not asked."""
TERMIOS2_OCTETS = 44
"""Four flags of 32 bits, the line discipline, 19 control characters, two speeds of 32 bits."""
MACHINES_KNOWN = ("x86", "i386", "i686", "arm", "aarch64", "riscv")
MOST_OFF_PERMILLE = 20
"""Two UARTs sample the last bit rightly up to about 5 % apart; half of that for each, less some for the wire."""


class ActualBaud(NamedTuple):
    """Rates in baud: asked for, and what the driver says that it set."""

    asked: int
    actual: int

    @property
    def off_permille(self) -> int:
        """How far off the driver's rate is, in thousandths of the rate that was asked for, rounded up."""
        return -(-abs(self.actual - self.asked) * 1_000 // self.asked)

    @property
    def usable(self) -> bool:
        """Whether another UART with the right rate would understand this one."""
        return self.off_permille <= MOST_OFF_PERMILLE


def actual_baud(descriptor: int, machine: str) -> int | None:
    """Return the output rate that the driver of this terminal reports; None where it cannot be asked.

    ``machine`` is ``platform.machine()``. Raises ``OSError`` for a terminal that is gone.
    """
    if sys.platform != "linux" or not machine.lower().startswith(MACHINES_KNOWN):
        return None
    state = array.array("I", bytes(TERMIOS2_OCTETS))
    fcntl.ioctl(descriptor, TCGETS2, state)
    return state[10]
