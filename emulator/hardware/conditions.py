"""The state the catheter is in: which troubles it has, and how bad each is from when on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from emulator.hardware.catheter import BESIDE, POCKET, Path
from emulator.hardware.severity import NONE, Severity

GRADED = ("kinked", "obstructed", "leaking", "dislodged")


class Conditions(NamedTuple):
    """Troubles of the catheter; see ``emulator.hardware.catheter`` for what each does."""

    kinked: Severity = NONE
    obstructed: Severity = NONE
    leaking: Severity = NONE
    leaks_into: str = POCKET
    dislodged: Severity = NONE
    disconnected: bool = False

    def path(self, now_ms: int) -> Path:
        """Return what fluid finds on its way at an instant."""
        return Path(
            self.kinked.at(now_ms),
            self.obstructed.at(now_ms),
            self.leaking.at(now_ms),
            self.leaks_into,
            self.dislodged.at(now_ms),
            self.disconnected,
        )

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Conditions:
        """Take conditions out of an image; raises ``KeyError``, ``TypeError`` or ``ValueError`` if they are none."""
        if plain["leaks_into"] not in BESIDE:
            raise ValueError(f"a leak into {plain['leaks_into']!r}")
        grades = {name: Severity.from_json(plain[name]) for name in GRADED}
        return cls(**grades, leaks_into=plain["leaks_into"], disconnected=bool(plain["disconnected"]))


SOUND = Conditions()
