"""Which faults are there and which are to come: what the bench has to remember of them, also in an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Settings = dict[str, Any]
"""Values of a fault's settings by name, in base units; plain JSON."""


class Present(NamedTuple):
    """A fault that is there now. ``until_ms`` is the bench time at which it ends by itself."""

    settings: Settings
    since_ms: int
    until_ms: int | None


class Planned(NamedTuple):
    """A fault that will be caused at a bench time."""

    at_ms: int
    fault: str
    settings: Settings


@dataclass
class Troubles:
    """The faults of one pump, by name."""

    present: dict[str, Present] = field(default_factory=dict)
    planned: list[Planned] = field(default_factory=list)
    carried: int = 0
    """How often something was on the wire, which chance may have lost."""

    @property
    def due_ms(self) -> int | None:
        """When the next one begins or ends by itself, in bench ms."""
        ends = [fault.until_ms for fault in self.present.values() if fault.until_ms is not None]
        return min([*ends, *(planned.at_ms for planned in self.planned)], default=None)

    def ended(self, now_ms: int) -> list[str]:
        """Return the names of those whose time is over, first ended first."""
        over = [(fault.until_ms, name) for name, fault in self.present.items() if fault.until_ms is not None]
        return [name for until_ms, name in sorted(over) if until_ms <= now_ms]

    def take_due(self, now_ms: int) -> list[Planned]:
        """Return those whose time has come, in the order in which they were planned for, and plan them no longer."""
        due = sorted((planned for planned in self.planned if planned.at_ms <= now_ms), key=lambda each: each.at_ms)
        self.planned = [planned for planned in self.planned if planned.at_ms > now_ms]
        return due

    def to_json(self) -> dict[str, Any]:
        """Return them for an image."""
        return {"present": self.present, "planned": self.planned, "carried": self.carried}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Troubles:
        """Take them out of an image; raises ``KeyError``, ``TypeError`` or ``ValueError`` if they are none."""
        present = {
            str(name): Present(dict(settings), int(since), None if until is None else int(until))
            for name, (settings, since, until) in plain["present"].items()
        }
        planned = [Planned(int(at), str(name), dict(settings)) for at, name, settings in plain["planned"]]
        return cls(present, planned, int(plain["carried"]))
