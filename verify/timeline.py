"""What a journal looks like over time: the mass at the tip in each sliding window, and what happened around it.

For drawing only; the judge does its own sums. A curve is a staircase that never shows less than there was: when
it is thinned to a number of columns, each column shows its fullest moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from emulator.journal import Event
from verify.scene import STROKES, WINDOWS_H, Scene, word

Steps = list[tuple[int, int]]
"""A staircase: from each instant in ms on, this value."""

PLACE = "tip"


@dataclass(frozen=True)
class Curve:
    """One drug in one sliding window at the tip."""

    code: int
    drug: str
    hours: int
    mass_pg: Steps
    limit_pg: Steps
    width_ms: int
    """How wide the window was in truth."""

    @property
    def highest_pg(self) -> int:
        """The fullest window of all."""
        return max((mass for _, mass in self.mass_pg), default=0)

    def thinned(self, columns: int, ends_at_ms: int) -> Steps:
        """Return the staircase with at most so many columns, each as high as its fullest moment."""
        width_ms = -(-(ends_at_ms + 1) // columns)
        highest: dict[int, int] = {}
        for (at_ms, mass), (next_ms, _) in pairwise([*self.mass_pg, (ends_at_ms + 1, 0)]):
            for column in range(at_ms // width_ms, max(at_ms, next_ms - 1) // width_ms + 1):
                highest[column] = max(highest.get(column, 0), mass)
        tops = [(column * width_ms, mass) for column, mass in sorted(highest.items())]
        return tops[:1] + [step for before, step in pairwise(tops) if before[1] != step[1]]


def value_at(steps: Steps, at_ms: int) -> int:
    """Return a staircase's value at an instant; before its first step it is 0."""
    index = bisect_right(steps, at_ms, key=lambda step: step[0])
    return steps[index - 1][1] if index else 0


@dataclass
class Span:
    """Something that lasted: an alarm, a fault, a time without power."""

    words: str
    begins_ms: int
    ends_ms: int
    kind: str
    """``critical``, ``non_critical``, ``fault`` or ``power``."""


@dataclass(frozen=True)
class Timeline:
    """All that a picture needs."""

    serial: str
    ends_at_ms: int
    curves: tuple[Curve, ...]
    granted_ms: tuple[int, ...]
    denied_ms: tuple[int, ...]
    spans: tuple[Span, ...]


def timeline(events: Iterable[Event]) -> Timeline:
    """Read a journal's events into a timeline."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.timeline()


@dataclass
class _Reader:
    scene: Scene = field(default_factory=Scene)
    strokes: dict[int, Steps] = field(default_factory=dict)
    limits: dict[tuple[int, int], Steps] = field(default_factory=dict)
    granted: list[int] = field(default_factory=list)
    denied: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    open_spans: dict[str, Span] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        self.scene.take(event)
        data = event.data
        match event.kind:
            case kind if kind == STROKES:
                self._strokes(event)
            case "pump.prescription":
                self._limits(event.at)
            case "pump.bolus" if data["what"] in ("started", "denied"):
                (self.granted if data["what"] == "started" else self.denied).append(event.at)
            case "alarm.raised":
                self._begin(f"{data['priority']} alarm, {_plain(data['alarm'])}", event.at, word(data["priority"]))
            case "alarm.cleared":
                self._end_alarm(_plain(data["alarm"]), event.at)
            case "alarm.forgotten":
                for words in [words for words in self.open_spans if " alarm, " in words]:
                    if not any(words.endswith(f" alarm, {_plain(kept)}") for kept in data.get("kept", {})):
                        self._end(words, event.at)
            case "fault.injected":
                self._begin(f"fault, {_plain(data['fault'])}", event.at, "fault")
            case "fault.cleared":
                self._end(f"fault, {_plain(data['fault'])}", event.at)
            case "power.cut":
                self._begin("no power", event.at, "power")
            case "power.restored":
                self._end("no power", event.at)

    def timeline(self) -> Timeline:
        ends_at_ms = self.scene.at_ms
        for words in list(self.open_spans):
            self._end(words, ends_at_ms)
        return Timeline(
            serial=str(self.scene.start.get("serial", "")),
            ends_at_ms=ends_at_ms,
            curves=tuple(self._curves(ends_at_ms)),
            granted_ms=tuple(self.granted),
            denied_ms=tuple(self.denied),
            spans=tuple(sorted(self.spans, key=lambda span: (span.kind, span.words, span.begins_ms))),
        )

    def _strokes(self, event: Event) -> None:
        for code, masses in event.data[PLACE].items():
            strokes = self.strokes.setdefault(int(code), [])
            strokes.extend((at, mass) for at, mass in zip(event.data["at"], masses, strict=True) if mass)

    def _limits(self, at_ms: int) -> None:
        for drug in self.scene.prescription.get("drugs", ()):
            for hours in WINDOWS_H:
                steps = self.limits.setdefault((drug["code"], hours), [])
                steps.append((at_ms, self.scene.limits(drug["code"]).of(hours)))

    def _curves(self, ends_at_ms: int) -> Iterator[Curve]:
        for code, strokes in sorted(self.strokes.items()):
            for hours in WINDOWS_H if strokes else ():
                width_ms = self.scene.widths_ms[hours]
                mass = _window(strokes, width_ms, ends_at_ms)
                yield Curve(code, self.scene.name(code), hours, mass, self.limits.get((code, hours), []), width_ms)

    def _begin(self, words: str, at_ms: int, kind: str) -> None:
        self.open_spans.setdefault(words, Span(words, at_ms, at_ms, kind))

    def _end_alarm(self, alarm: str, at_ms: int) -> None:
        for words in [words for words in self.open_spans if words.endswith(f" alarm, {alarm}")]:
            self._end(words, at_ms)

    def _end(self, words: str, at_ms: int) -> None:
        span = self.open_spans.pop(words, None)
        if span:
            span.ends_ms = at_ms
            self.spans.append(span)


def _window(strokes: Steps, width_ms: int, ends_at_ms: int) -> Steps:
    """Return the sum in the window that ends at every instant where it changes."""
    steps: Steps = [(0, 0)]
    leaving: deque[tuple[int, int]] = deque()
    total = 0
    for at_ms, mass in [*strokes, (ends_at_ms, 0)]:
        while leaving and leaving[0][0] <= at_ms:
            left_ms, left = leaving.popleft()
            total -= left
            steps.append((left_ms, total))
        total += mass
        leaving.append((at_ms + width_ms, mass))
        steps.append((at_ms, total))
    return steps


def _plain(name: object) -> str:
    """Return a name as a person writes it."""
    return str(name).replace("_", " ")
