"""What really happens: the rotor turns or not, fluid moves or not, and drug reaches the patient or not.

The firmware sees of this only at which of its positions the rotor stands. Everything else here is the truth, which
the journal records and the bench may read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.hardware.line import SALINE, Fluid, Line, filled, masses, push
from emulator.hardware.profile import Profile

ROTOR_POSITIONS = 4
"""The rotor's sensor tells so many positions apart, one stroke from each to the next, also after a power loss."""

OnStroke = Callable[[int, Mapping[int, int], Mapping[int, int]], None]
"""Told of every stroke that moved: volume in nL, mass by drug in pg out of the pump and out of the tip."""


class Body:
    """Drive, reservoir and line as they physically are."""

    def __init__(self, profile: Profile, on_stroke: OnStroke) -> None:
        self.reservoir_nl = 0
        self.fluid: Fluid = SALINE
        self.line: Line = filled(profile.line_nl, SALINE)
        self.stalled = False
        self.rotor = 0
        """At which of its positions the rotor stands."""
        self.strokes = 0
        self.tip_pg: dict[int, int] = {}
        """What has reached the patient, in picograms by drug code."""
        self._stroke_nl = profile.stroke.value
        self._on_stroke = on_stroke

    def stroke(self) -> bool:
        """Turn the rotor by one stroke. Return what the rotor sensor says: whether it turned."""
        if self.stalled:
            return False
        self.rotor = (self.rotor + 1) % ROTOR_POSITIONS
        moved_nl = min(self._stroke_nl, self.reservoir_nl)
        if moved_nl:
            self.reservoir_nl -= moved_nl
            self.line, out = push(self.line, moved_nl, self.fluid)
            tip = masses(out)
            for code, mass_pg in tip.items():
                self.tip_pg[code] = self.tip_pg.get(code, 0) + mass_pg
            self.strokes += 1
            self._on_stroke(moved_nl, masses(((moved_nl, self.fluid),)), tip)
        return True

    def refill(self, contents_nl: int, fluid: Fluid) -> None:
        """Empty the reservoir and fill it with a volume of fluid."""
        self.reservoir_nl = contents_nl
        self.fluid = fluid

    def fill_line(self, fluid: Fluid) -> None:
        """Fill the line from end to end, as a surgeon does before the pump is closed in."""
        self.line = filled(sum(volume_nl for volume_nl, _ in self.line), fluid)

    def to_json(self) -> dict[str, Any]:
        """Return the physical state, for an image file."""
        return {
            "reservoir_nl": self.reservoir_nl,
            "fluid": self.fluid,
            "line": self.line,
            "stalled": self.stalled,
            "rotor": self.rotor,
            "strokes": self.strokes,
            "tip_pg": {str(code): mass for code, mass in self.tip_pg.items()},
        }

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Take over a physical state from an image; raises ``ValueError`` if it is not one."""
        try:
            self.reservoir_nl = int(plain["reservoir_nl"])
            self.fluid = tuple((code, amount) for code, amount in plain["fluid"])
            self.line = tuple(
                (volume, tuple((code, amount) for code, amount in fluid)) for volume, fluid in plain["line"]
            )
            self.stalled = bool(plain["stalled"])
            self.rotor = int(plain["rotor"]) % ROTOR_POSITIONS
            self.strokes = int(plain["strokes"])
            self.tip_pg = {int(code): mass for code, mass in plain["tip_pg"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a physical state: {error!r}") from None
