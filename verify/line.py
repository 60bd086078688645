"""The judge's own line: what stands in the tubing and the catheter, and what a stroke pushes out at the tip.

Plug flow: fluid moves through the line without mixing, so what goes in first comes out first, after exactly the
line's volume has followed it. Every slice is a volume and its drugs' concentrations, in whole numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

Concentrations = Mapping[int, int]
"""Picograms per nanolitre, by drug code. A drug that is not in it is not in the fluid."""


class Line:
    """A queue of slices that always holds exactly its own volume."""

    def __init__(self, volume_nl: int, fluid: Concentrations | None = None) -> None:
        self.volume_nl = volume_nl
        self._slices: deque[tuple[int, Concentrations]] = deque()
        if volume_nl:
            self._slices.append((volume_nl, dict(fluid or {})))

    def push(self, volume_nl: int, fluid: Concentrations) -> dict[int, int]:
        """Push fluid in at the pump and return the mass, in picograms by drug, that leaves the tip."""
        self._append(volume_nl, fluid)
        out: dict[int, int] = {}
        while volume_nl:
            slice_nl, slice_fluid = self._slices.popleft()
            leaving_nl = min(slice_nl, volume_nl)
            if leaving_nl < slice_nl:
                self._slices.appendleft((slice_nl - leaving_nl, slice_fluid))
            volume_nl -= leaving_nl
            for code, concentration in slice_fluid.items():
                if concentration:
                    out[code] = out.get(code, 0) + leaving_nl * concentration
        return out

    def contents(self) -> dict[int, int]:
        """Return the mass in the line, in picograms by drug."""
        held: dict[int, int] = {}
        for slice_nl, fluid in self._slices:
            for code, concentration in fluid.items():
                held[code] = held.get(code, 0) + slice_nl * concentration
        return held

    def _append(self, volume_nl: int, fluid: Concentrations) -> None:
        if self._slices and self._slices[-1][1] == fluid:
            last_nl, _ = self._slices.pop()
            volume_nl += last_nl
        self._slices.append((volume_nl, fluid))
