"""Nothing appears and nothing vanishes: volumes and masses between reservoir, line, CSF, pocket and tissue.

The judge pushes every stroke through a line of its own and expects exactly the masses that the journal says left
the tip. What left the outlet must be the reservoir's fluid, and the reservoir must have lost what moved.

Once a catheter has let fluid go anywhere but through its tip, or held it back, the judge no longer knows in which
order things stand in the line. Then it keeps books: what entered the line is in the line or has left it, to the
picogram and at every instant; and the line holds its own volume and what distends it, to the nanolitre.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.journal import Event
from verify.line import Line
from verify.scene import BESIDE, FLOW, FREE_FLOW, STROKES, Scene, Stroke, added, strokes
from verify.verdict import Claim, Finding
from verify.watcher import Watcher


class ConservationWatcher(Watcher):
    """The judge's own reservoir and line. Tells each kind of discrepancy once."""

    def __init__(self) -> None:
        self.strokes = 0
        self.volume_nl = 0
        self._line = Line(0)
        self._line_known = False
        self._in_order = False
        """Whether it is known in which order things stand in the line."""
        self._books: dict[int, int] = {}
        """What must be in the line, in picograms."""
        self._line_nl = 0
        self._fluid: dict[int, int] | None = None
        self._reservoir_nl: int | None = None
        self._told: set[str] = set()

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Account for strokes and refills, and compare at the end of the bench."""
        match event.kind:
            case "bench.start":
                self._line = Line(event.data["line_nl"], _codes(event.data.get("line", {})))
                self._line_known = self._in_order = True
                self._books, self._line_nl = self._line.contents(), event.data["line_nl"]
                self._fill(event.data.get("reservoir", {}))
            case "bench.refill":
                self._fill(event.data)
            case "bench.line_emptied":
                self._line, self._books = Line(self._line_nl), {}
            case "bench.catheter_emptied":
                self._in_order = False
                yield from self._book(event.at, {}, _codes(event.data["drawn"]), event.data["held_nl"], scene)
            case "bench.end":
                yield from self._compare_end(event, scene)
            case kind if kind == FLOW:
                yield from self._flow(event, scene)
            case kind if kind == STROKES:
                for stroke in strokes(event):
                    yield from self._stroke(stroke, scene)

    def _fill(self, data: dict[str, Any]) -> None:
        if "volume_nl" in data:
            self._reservoir_nl = data["volume_nl"]
        if "fluid" in data:
            self._fluid = _codes(data["fluid"])

    def _stroke(self, stroke: Stroke, scene: Scene) -> Iterator[Finding]:
        self.strokes += 1
        self.volume_nl += stroke.moved_nl
        last_drop = self._reservoir_nl is not None and stroke.volume_nl == self._reservoir_nl < scene.stroke_nl
        if stroke.volume_nl != scene.stroke_nl and not last_drop:
            words = f"a stroke of {stroke.volume_nl} nL, the drive's is {scene.stroke_nl} nL"
            yield from self._tell("stroke", stroke.at_ms, words, stroke.volume_nl, scene.stroke_nl, "nL")
        yield from self._left_reservoir(stroke.at_ms, stroke.moved_nl, stroke.outlet, scene)
        if stroke.held_nl or any(stroke.beside.values()):
            self._in_order = False
        if self._line_known and self._in_order:
            fluid = {code: mass // stroke.moved_nl for code, mass in stroke.outlet.items() if mass}
            yield from self._compare(
                "the tip", stroke.at_ms, stroke.tip, self._line.push(stroke.moved_nl, fluid), scene
            )
        yield from self._book(stroke.at_ms, stroke.outlet, added(stroke.tip, stroke.beside), stroke.held_nl, scene)

    def _flow(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Account for what moved without the drive."""
        data = event.data
        outlet = _codes(data["outlet"])
        if data["why"] == FREE_FLOW:
            self.volume_nl += data["volume_nl"]
            yield from self._left_reservoir(event.at, data["volume_nl"], outlet, scene)
        self._in_order = False
        left = added(_codes(data["tip"]), *(_codes(data[place]) for place in BESIDE))
        yield from self._book(event.at, outlet, left, data["held_nl"], scene)

    def _left_reservoir(self, at_ms: int, moved_nl: int, outlet: dict[int, int], scene: Scene) -> Iterator[Finding]:
        if self._reservoir_nl is not None:
            self._reservoir_nl -= moved_nl
            if self._reservoir_nl < 0:
                words = "more left the reservoir than it held"
                yield from self._tell("reservoir", at_ms, words, -self._reservoir_nl, 0, "nL")
        if self._fluid is not None:
            expected = {code: concentration * moved_nl for code, concentration in self._fluid.items()}
            yield from self._compare("the outlet", at_ms, outlet, expected, scene)

    def _book(
        self, at_ms: int, entered: dict[int, int], left: dict[int, int], held_nl: int, scene: Scene
    ) -> Iterator[Finding]:
        """Enter into the line's books what went in and what came out anywhere."""
        self._line_nl += held_nl
        self._books = added(self._books, entered, {code: -mass for code, mass in left.items()})
        for code, mass in self._books.items() if self._line_known and not self._in_order else ():
            if mass < 0:
                words = f"more {scene.name(code)} left the line than entered it"
                yield from self._tell(f"books {code}", at_ms, words, -mass, 0, "pg")

    def _compare(
        self, where: str, at_ms: int, stated: dict[int, int], expected: dict[int, int], scene: Scene
    ) -> Iterator[Finding]:
        for code in stated.keys() | expected.keys():
            moved, due = stated.get(code, 0), expected.get(code, 0)
            if moved != due:
                words = f"{moved} pg of {scene.name(code)} left {where} in one stroke, {due} pg stood there"
                yield from self._tell(f"{where} {code}", at_ms, words, moved, due, "pg")

    def _compare_end(self, event: Event, scene: Scene) -> Iterator[Finding]:
        data = event.data
        if "line" in data:
            found, due = _masses(data["line"]), self._line.contents() if self._in_order else self._books
            for code in sorted(found.keys() | due.keys()):
                mass, accounted = found.get(code, 0), due.get(code, 0)
                if mass != accounted:
                    words = f"the line ends with {mass} pg of {scene.name(code)}, {accounted} pg are accounted for"
                    yield from self._tell(f"end {code}", event.at, words, mass, accounted, "pg")
            line_nl = sum(plug_nl for plug_nl, _ in data["line"])
            masses_told = any(key.startswith("end ") for key in self._told)
            if self._line_known and not masses_told and line_nl != self._line_nl:
                words = f"the line's volume ends as {line_nl} nL, {self._line_nl} nL are accounted for"
                yield from self._tell("end line", event.at, words, line_nl, self._line_nl, "nL")
        volume_nl = data.get("reservoir", {}).get("volume_nl")
        if volume_nl is not None and self._reservoir_nl not in (None, volume_nl):
            words = f"the reservoir ends with {volume_nl} nL, {self._reservoir_nl} nL are accounted for"
            yield from self._tell("end reservoir", event.at, words, volume_nl, self._reservoir_nl or 0, "nL")

    def _tell(self, key: str, at_ms: int, words: str, measured: int, allowed: int, unit: str) -> Iterator[Finding]:
        if key not in self._told:
            self._told.add(key)
            yield Finding(Claim.CONSERVATION, at_ms, words, measured, allowed, unit)


def _codes(table: dict[str, int]) -> dict[int, int]:
    return {int(code): value for code, value in table.items()}


def _masses(plugs: list[tuple[int, dict[str, int]]]) -> dict[int, int]:
    held: dict[int, int] = {}
    for volume_nl, fluid in plugs:
        for code, concentration in _codes(fluid).items():
            held[code] = held.get(code, 0) + volume_nl * concentration
    return held
