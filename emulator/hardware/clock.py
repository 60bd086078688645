"""The pump's clock, which may fail: it stands still, or it jumps, or it wraps around.

The pump has two time bases of its own. This is one; the other is the watchdog's counter, which the emulation takes to
be right. A healthy clock reads what the counter reads, give or take a constant, so nobody needs to look at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WRAPS_AT_MS = 1 << 32
"""Where a clock of 32 bits begins again: after 49 days."""


@dataclass
class Clock:
    """The clock as a function of the time that truly passed under power, in ms."""

    offset_ms: int = 0
    stands_at_ms: int | None = None
    suspect: bool = False
    """Whether something happened to it since it was last read, or it stands still: comparing is worth the time."""

    def read(self, true_ms: int) -> int:
        """Return what the clock reads."""
        self.suspect = self.stands_at_ms is not None
        return true_ms + self.offset_ms if self.stands_at_ms is None else self.stands_at_ms

    def stop(self, true_ms: int) -> None:
        """Let it stand still from now on."""
        self.stands_at_ms, self.suspect = self.read(true_ms), True

    def go_on(self, true_ms: int) -> None:
        """Let it go on from where it stood."""
        if self.stands_at_ms is not None:
            self.offset_ms, self.stands_at_ms, self.suspect = self.stands_at_ms - true_ms, None, True

    def jump(self, by_ms: int) -> None:
        """Let it jump, forwards or backwards."""
        self.offset_ms, self.suspect = self.offset_ms + by_ms, True

    def to_json(self) -> dict[str, Any]:
        """Return it for an image."""
        return {"offset_ms": self.offset_ms, "stands_at_ms": self.stands_at_ms, "suspect": self.suspect}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Clock:
        """Take it out of an image; raises ``KeyError``, ``TypeError`` or ``ValueError`` if it is none."""
        stands = plain["stands_at_ms"]
        return cls(int(plain["offset_ms"]), None if stands is None else int(stands), bool(plain["suspect"]))
