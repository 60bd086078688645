"""How much a stroke truly moves: its nominal volume, give or take what this pump is wrong by.

A pump is exact unless it is told otherwise. Its spread is drawn anew for every stroke, evenly within so many
thousandths, from a seed; a drift grows with every day; an over- or under-infusing pump is further off than its
specification allows. What a division leaves over waits for the next stroke, so that the sum is always right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.hardware.chance import draw
from emulator.hardware.severity import NONE, PERMILLE, Severity
from protocol.units import DAY_MS


@dataclass
class Drive:
    """One pump's drive and how far it is off, in thousandths of the nominal stroke."""

    nominal_nl: int
    spread: int = 0
    """Largest deviation of a single stroke to either side."""
    seed: int = 0
    drift_a_day: int = 0
    """Thousandths a day, from ``drift_since_ms`` on; may be negative."""
    drift_since_ms: int = 0
    over: Severity = NONE
    under: Severity = NONE
    rest: int = 0

    @property
    def exact(self) -> bool:
        """Whether every stroke moves its nominal volume."""
        return not (self.spread or self.drift_a_day or self.rest or self.over.full or self.under.full)

    def stroke_nl(self, count: int, now_ms: int) -> int:
        """Return the true volume of a stroke, by its number and its instant; to be asked once for each stroke."""
        factor = max(0, PERMILLE + self.deviation(now_ms) + self._spread(count))
        volume_nl, self.rest = divmod(self.nominal_nl * factor + self.rest, PERMILLE)
        return volume_nl

    def deviation(self, now_ms: int) -> int:
        """Return by how many thousandths the pump is off on average at an instant."""
        drift = self.drift_a_day * (now_ms - self.drift_since_ms) // DAY_MS if self.drift_a_day else 0
        return drift + self.over.at(now_ms) - self.under.at(now_ms)

    def _spread(self, count: int) -> int:
        return draw(self.seed, count, 2 * self.spread + 1) - self.spread if self.spread else 0

    def to_json(self) -> dict[str, Any]:
        """Return all of it but the nominal volume, for an image."""
        return {
            "spread": self.spread,
            "seed": self.seed,
            "drift_a_day": self.drift_a_day,
            "drift_since_ms": self.drift_since_ms,
            "over": self.over,
            "under": self.under,
            "rest": self.rest,
        }

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Take over what an image holds; raises ``KeyError``, ``TypeError`` or ``ValueError`` if it is not that."""
        self.spread, self.seed = int(plain["spread"]), int(plain["seed"])
        self.drift_a_day, self.drift_since_ms = int(plain["drift_a_day"]), int(plain["drift_since_ms"])
        self.over, self.under = Severity.from_json(plain["over"]), Severity.from_json(plain["under"])
        self.rest = int(plain["rest"])
