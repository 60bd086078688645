"""How bad a fault is at an instant: at once in full, or growing in a straight line to its full severity.

Nothing ticks: whoever needs the severity asks for it at the instant at which something moves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

PERMILLE = 1000


class Severity(NamedTuple):
    """A severity in thousandths that grows from 0 at ``since_ms`` to ``full`` after ``over_ms``."""

    full: int = 0
    since_ms: int = 0
    over_ms: int = 0

    def at(self, now_ms: int) -> int:
        """Return the severity at an instant, rounded down while it grows."""
        passed_ms = now_ms - self.since_ms
        if passed_ms >= self.over_ms:
            return self.full
        return self.full * max(0, passed_ms) // self.over_ms

    @classmethod
    def from_json(cls, plain: Any) -> Severity:
        """Take a severity out of an image; raises ``ValueError`` or ``TypeError`` if it is none."""
        full, since_ms, over_ms = (int(part) for part in plain)
        return cls(full, since_ms, over_ms)


NONE = Severity()
