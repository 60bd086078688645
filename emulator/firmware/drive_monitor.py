"""The drive's second pair of eyes: what the rotor did, held against what the guard granted.

It stands between the guard and the motor and believes neither therapy nor controller: it sees grants as the guard
gives them and movement as the rotor's sensor shows it. Whatever moved beyond that was not requested, whoever did it:
a drive that runs away, or a controller that forgot to ask. A grant is for the next movement only and never saved up.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.firmware import ledgers
from emulator.firmware.ledgers import Ledgers
from emulator.hardware.body import ROTOR_POSITIONS


class DriveMonitor:
    """Counts strokes. ``position`` is where the rotor stood when ``granted`` strokes had been granted from there."""

    def __init__(self, position: int, granted: int = 0) -> None:
        self.granted = granted
        """Strokes that may still move."""
        self.position = position
        """Where the rotor stood when it was last looked at."""

    def grant(self, held: Ledgers, outlet_pg: Mapping[int, int], tip_pg: Mapping[int, int]) -> tuple[Ledgers, bool]:
        """Ask the guard for one stroke and remember its answer."""
        after, granted = ledgers.grant(held, outlet_pg, tip_pg)
        self.granted = 1 if granted else 0
        return after, granted

    def look(self, position: int) -> tuple[int, int]:
        """Look at the rotor; return how many strokes it has moved since, and how many of them nobody granted.

        What was granted and did not move is void.
        """
        moved = (position - self.position) % ROTOR_POSITIONS
        ungranted = max(0, moved - self.granted)
        self.position, self.granted = position, 0
        return moved, ungranted
