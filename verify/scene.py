"""The scene: what a journal has said so far, as far as the judge has to remember it.

Nothing here computes; it only keeps what events state, so that every watcher can ask the same questions: is there
power, what state and rate does the pump claim, which limits are in force, which faults are there, which alarms
are raised. What the pump *claims* is kept apart from what *moved*, which only ``drive.strokes`` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from emulator.journal import Event
from protocol.units import HOUR_MS, Milliseconds
from verify.library import NOTHING, Hard, KnownLibrary, Limits

PLACES = ("outlet", "tip")
WINDOWS_H = (1, 24)
WIDTHS = ("hour_ms", "day_ms")
"""What the header calls their widths."""

BESIDE = ("pocket", "tissue")

STROKES = "drive.strokes"
FLOW = "catheter.flow"
FREE_FLOW = "free_flow"
PRIMING = "priming"
UNPROGRAMMED, STOPPED, MINIMUM_RATE = "unprogrammed", "stopped", "minimum_rate"
CRITICAL = "critical"
RUNAWAY = "drive_runaway"
HOLD_VALVES_OPEN = frozenset({"valve_open", "mri"})
"""Faults that hold valves open as long as one of them is there."""


class Stroke(NamedTuple):
    """One movement of the drive: when, and how much of each drug, by code, left the pump and the tip."""

    at_ms: int
    volume_nl: int
    """What the stroke should move."""
    outlet: dict[int, int]
    tip: dict[int, int]
    """What reached the CSF."""
    moved_nl: int
    """What truly left the reservoir."""
    beside: dict[int, int]
    """What went into pocket and tissue."""
    held_nl: int
    """By how much the line is distended more than before."""
    unasked: bool
    """Whether nobody had asked for it: the drive ran away."""


class Scene:
    """The situation up to and including the last event taken."""

    def __init__(self) -> None:
        self.at_ms = 0
        self.powered = True
        self.state = UNPROGRAMMED
        self.rate = 0
        self.reservoir_nl = 0
        """What the reservoir truly holds."""
        self.prescription: dict[str, Any] = {}
        self.start: dict[str, Any] = {}
        self.known: KnownLibrary | None = None
        """The library that the judge has read itself; without one the header's limits are taken on its word."""
        self.faults: set[str] = set()
        self.standing = False
        """Whether a magnetic field holds the rotor, or it has not recovered from one yet."""
        self.valve_shut = False
        """Whether the flow-activated valve has shut and was not reset."""
        self.alarms: dict[str, str] = {}
        """Raised alarms and their priorities."""
        self._prescribed: dict[int, Limits] = {}
        self._library: dict[int, Limits] = {}
        self._names: dict[int, str] = {}

    def take(self, event: Event) -> None:
        """Move on to the situation after an event."""
        data = event.data
        match event.kind:
            case "bench.start":
                self._begin(data)
            case "pump.state":
                self.state, self.rate = word(data["state"]), int(data["rate"])
                if self.state == UNPROGRAMMED:
                    self.prescription = {}
            case "pump.prescription":
                self._prescribe(data)
            case "power.cut":
                self.powered = False
            case "power.restored":
                self.powered = True
            case "bench.refill":
                self.reservoir_nl = int(data["volume_nl"])
            case "drive.strokes" | "catheter.flow":
                self.reservoir_nl -= _out_of_reservoir(event)
            case "alarm.raised" | "alarm.cleared" | "alarm.forgotten":
                self._take_alarm(event)
            case _:
                self._take_trouble(event)
        self.at_ms = last_instant(event)

    def limits(self, code: int) -> Limits:
        """Return the limits in force for a drug: the tighter of the prescribed and the library's hard ones.

        A drug that a new prescription no longer names keeps its last limits: it may still stand in the line. A
        drug for which nobody ever set a limit may not be delivered at all.
        """
        known = [limits for limits in (self._prescribed.get(code), self.library_limits(code)) if limits]
        if not known:
            return NOTHING
        return Limits(min(limit.hour for limit in known), min(limit.day for limit in known))

    def library_limits(self, code: int) -> Limits | None:
        """Return the library's hard limits for a drug; None if it does not have it."""
        hard = self.hard(code)
        if hard:
            return Limits(hard.limit_1h, hard.limit_24h)
        return None if self.known else self._library.get(code)

    def hard(self, code: int) -> Hard | None:
        """Return all that a library that the judge has read allows of a drug."""
        return self.known.drugs.get(code) if self.known else None

    @property
    def widths_ms(self) -> dict[int, int]:
        """Return how wide the windows of an hour and of a day are: real ones, unless the header names others."""
        named = self.start.get("windows", {})
        return {hours: int(named.get(key, hours * HOUR_MS)) for hours, key in zip(WINDOWS_H, WIDTHS, strict=True)}

    def window(self, hours: int) -> str:
        """Name a window by its hours, and by its width if that is another."""
        width_ms = self.widths_ms[hours]
        return f"{hours} h" if width_ms == hours * HOUR_MS else f"{Milliseconds(width_ms)} for {hours} h"

    @property
    def has_valves(self) -> bool:
        """Whether the pump meters with valves, and not with a rotor."""
        return bool(self.start.get("drive") == "valve")

    @property
    def valves_open(self) -> bool:
        """Whether a fault holds the valves open."""
        return self.has_valves and not self.faults.isdisjoint(HOLD_VALVES_OPEN)

    def name(self, code: int) -> str:
        """Return the drug's name, or its number if the journal names none."""
        return self._names.get(code, f"drug {code}")

    @property
    def stroke_nl(self) -> int:
        """Volume of one stroke, as the bench declares it."""
        return int(self.start.get("stroke_nl", 0))

    @property
    def rates(self) -> dict[str, int]:
        """Return the hardware's rates in nL/day: ``minimum`` mode, therapeutic ``min`` and ``max``."""
        return dict(self.start.get("rates", {}))

    def _take_trouble(self, event: Event) -> None:
        match event.kind:
            case "fault.injected":
                self.faults.add(word(event.data["fault"]))
                self.standing = self.standing or (word(event.data["fault"]) == "mri" and not self.has_valves)
            case "fault.cleared":
                self.faults.discard(word(event.data["fault"]))
            case "drive.recovered":
                self.standing = False
            case "valve.shut" | "bench.valve_reset":
                self.valve_shut = event.kind == "valve.shut"

    def _take_alarm(self, event: Event) -> None:
        if event.kind == "alarm.raised":
            self.alarms[word(event.data["alarm"])] = word(event.data["priority"])
        elif event.kind == "alarm.cleared":
            self.alarms.pop(word(event.data["alarm"]), None)
        else:
            kept = event.data.get("kept", {})
            self.alarms = {word(alarm): word(priority) for alarm, priority in kept.items()}

    def _begin(self, data: dict[str, Any]) -> None:
        self.start = data
        self.reservoir_nl = int(data.get("reservoir", {}).get("volume_nl", 0))
        for code, drug in data.get("drugs", {}).items():
            self._names[int(code)] = drug["name"]
            self._library[int(code)] = Limits(drug["limit_1h"], drug["limit_24h"])

    def _prescribe(self, data: dict[str, Any]) -> None:
        self.prescription = data
        for drug in data.get("drugs", ()):
            self._prescribed[drug["code"]] = Limits(drug["limit_1h"], drug["limit_24h"])


def word(text: object) -> str:
    """Return a name as the judge writes it: ``NON_CRITICAL`` and ``non-critical`` are one."""
    return str(text).lower().replace("-", "_").replace(" ", "_")


def strokes(event: Event) -> Iterator[Stroke]:
    """Yield the strokes of one ``drive.strokes`` event in order."""
    data = event.data
    volume_nl, ats = data["volume_nl"], data["at"]
    columns = {
        place: {int(code): masses for code, masses in data.get(place, {}).items()} for place in PLACES + BESIDE
    }
    moved_nl, held_nl = data.get("moved_nl", [volume_nl] * len(ats)), data.get("held_nl", [0] * len(ats))
    unasked = unasked_of(event)
    for index, at_ms in enumerate(ats):
        outlet, tip, pocket, tissue = (
            {code: masses[index] for code, masses in columns[place].items()} for place in PLACES + BESIDE
        )
        beside = added(pocket, tissue)
        yield Stroke(at_ms, volume_nl, outlet, tip, moved_nl[index], beside, held_nl[index], bool(unasked[index]))


def unasked_of(event: Event) -> list[int]:
    """Return for each stroke of an event whether nobody had asked for it."""
    return list(event.data.get("unasked", [0] * len(event.data["at"])))


def _out_of_reservoir(event: Event) -> int:
    data = event.data
    if event.kind == STROKES:
        return sum(data.get("moved_nl", [data["volume_nl"]] * len(data["at"])))
    return int(data["volume_nl"]) if data["why"] == FREE_FLOW else 0


def added(*books: dict[int, int]) -> dict[int, int]:
    """Return the sum of masses by code."""
    total: dict[int, int] = {}
    for book in books:
        for code, mass in book.items():
            total[code] = total.get(code, 0) + mass
    return total


def last_instant(event: Event) -> int:
    """Return the latest instant that an event speaks of."""
    return event.data["at"][-1] if event.kind == STROKES else event.at
