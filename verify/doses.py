"""The dose limits, judged on what physically moved: every drug, at the outlet and at the tip, 1 h and 24 h.

At each stroke that delivers a drug, the window that ends with it must be within the limit in force at that
moment. That one sentence also settles what happens when limits change:

* a limit that is raised counts from the next stroke on; it never makes an earlier stroke good;
* a limit that is lowered below what the window already holds is not itself a violation (nobody can take a dose
  back), but from then on every further stroke of the drug is one, until enough has slid out of the window.

What moves because the hardware fails is beyond the pump's control, and only that is excused: a stroke that nobody
asked for, and drug that escapes through open valves, fill the windows but are no violation themselves. Every stroke
that was asked for afterwards is judged against all that is in the window. A drive that moves more with each stroke
than it should is known to nobody before the next refill: its strokes count as what they should have moved.

Limits are inclusive: a window that holds exactly its limit is within it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emulator.journal import Event
from protocol.units import Picograms
from verify.library import Limits
from verify.scene import FLOW, FREE_FLOW, PLACES, RUNAWAY, STROKES, Scene, unasked_of
from verify.verdict import Claim, Finding, WindowFigure, pump_time
from verify.watcher import Watcher
from verify.windows import SlidingSum

MOVE_TOO_MUCH = frozenset({"over_infusion", "inaccuracy"})
"""Faults that let every stroke move more than it should."""


@dataclass
class _Excursion:
    """A time during which every stroke ended a window above its limit; told as one finding."""

    began_ms: int
    worst_ms: int
    mass_pg: int
    limit_pg: int
    strokes: int = 0


class _Watch:
    """One drug at one place in one window."""

    def __init__(self, code: int, place: str, hours: int, width_ms: int) -> None:
        self.code, self.place, self.hours = code, place, hours
        self.fullest = (0, 1, 0)
        """Mass, limit and end of the window with the largest share of its limit."""
        self._window = SlidingSum(width_ms)
        self._excursion: _Excursion | None = None

    def escape(self, at_ms: int, mass_pg: int) -> None:
        """Count what nobody can have prevented."""
        self._window.add(at_ms, mass_pg)

    def stroke(self, at_ms: int, mass_pg: int, limit_pg: int) -> _Excursion | None:
        """Count a stroke; return an excursion that it shows to be over."""
        total = self._window.add(at_ms, mass_pg)
        if total * self.fullest[1] > self.fullest[0] * limit_pg:
            self.fullest = (total, limit_pg, at_ms)
        if total <= limit_pg:
            return self.close()
        excess = self._excursion or _Excursion(at_ms, at_ms, total, limit_pg)
        if total - limit_pg > excess.mass_pg - excess.limit_pg:
            excess.worst_ms, excess.mass_pg, excess.limit_pg = at_ms, total, limit_pg
        excess.strokes += 1
        self._excursion = excess
        return None

    def close(self) -> _Excursion | None:
        """Return the excursion under way, if any, and forget it."""
        excess, self._excursion = self._excursion, None
        return excess


class DoseWatcher(Watcher):
    """Keeps a watch for every drug that ever moved, in the windows that the journal's header names."""

    def __init__(self) -> None:
        self.moved: dict[tuple[int, str], int] = {}
        """All mass that moved, in picograms by drug code and place."""
        self._watches: dict[tuple[int, str], tuple[_Watch, ...]] = {}

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge the strokes of an event, and count what escaped."""
        if event.kind == FLOW and event.data["why"] == FREE_FLOW:
            self._escaped(event, scene)
        if event.kind != STROKES:
            return
        for place in PLACES:
            for text, masses in event.data[place].items():
                yield from self._column(int(text), place, event, masses, scene)

    def end(self, scene: Scene) -> Iterator[Finding]:
        """Report what was still above its limit at the end."""
        for watches in self._watches.values():
            for watch in watches:
                yield from _told(watch, watch.close(), scene)

    def figures(self, scene: Scene) -> tuple[WindowFigure, ...]:
        """Return the fullest window of every drug, place and width."""
        return tuple(
            WindowFigure(
                scene.name(watch.code), watch.place, watch.hours, *watch.fullest, window=scene.window(watch.hours)
            )
            for key in sorted(self._watches)
            for watch in self._watches[key]
        )

    def _escaped(self, event: Event, scene: Scene) -> None:
        for place in PLACES:
            for text, mass_pg in event.data[place].items():
                for watch in self._watches_of(int(text), place, scene):
                    watch.escape(event.at, mass_pg)
                self.moved[int(text), place] = self.moved.get((int(text), place), 0) + mass_pg

    def _column(self, code: int, place: str, event: Event, masses: list[int], scene: Scene) -> Iterator[Finding]:
        limits = scene.limits(code)
        watches = self._watches_of(code, place, scene)
        columns = zip(event.data["at"], _as_asked(event, masses, scene), unasked_of(event), strict=True)
        for at_ms, mass_pg, unasked in columns:
            for watch in watches if mass_pg else ():
                if unasked and RUNAWAY in scene.faults:
                    watch.escape(at_ms, mass_pg)
                else:
                    yield from _told(watch, watch.stroke(at_ms, mass_pg, _limit(limits, watch)), scene)
        self.moved[code, place] = self.moved.get((code, place), 0) + sum(masses)

    def _watches_of(self, code: int, place: str, scene: Scene) -> tuple[_Watch, ...]:
        if (code, place) not in self._watches:
            self._watches[code, place] = tuple(
                _Watch(code, place, hours, width_ms) for hours, width_ms in scene.widths_ms.items()
            )
        return self._watches[code, place]


def _as_asked(event: Event, masses: list[int], scene: Scene) -> list[int]:
    """Return masses as they would be if no stroke had moved more than it should, where a fault makes it do so."""
    moved_nl, volume_nl = event.data.get("moved_nl"), event.data["volume_nl"]
    if moved_nl is None or scene.faults.isdisjoint(MOVE_TOO_MUCH):
        return masses
    return [mass * volume_nl // max(moved, volume_nl) for mass, moved in zip(masses, moved_nl, strict=True)]


def _limit(limits: Limits, watch: _Watch) -> int:
    return limits.of(watch.hours)


def _told(watch: _Watch, excess: _Excursion | None, scene: Scene) -> Iterator[Finding]:
    if excess is None:
        return
    over = Picograms(excess.mass_pg - excess.limit_pg)
    yield Finding(
        claim=Claim.DOSE,
        at_ms=excess.began_ms,
        words=(
            f"{scene.name(watch.code)} at the {watch.place}: {Picograms(excess.mass_pg)} in the "
            f"{scene.window(watch.hours)} ending {pump_time(excess.worst_ms)}, limit {Picograms(excess.limit_pg)}, "
            f"{over} too much ({excess.strokes} strokes above the limit)"
        ),
        measured=excess.mass_pg,
        allowed=excess.limit_pg,
        unit="pg",
    )
