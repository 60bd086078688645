"""What met what: in which state which event came, while which alarm was raised.

A suite that never asked for a bolus during a bridge has shown nothing about that. These counts are what the report
draws, with the places that nothing ever reached.
"""

from __future__ import annotations

from collections import Counter

from emulator.journal import Event
from verify.scene import Scene, word

NO_ALARM = "no alarm"
SEPARATOR = " | "
SEPARATORS = 2
"""How many of them are in a name, and in no other name that is counted."""
COMMAND = "wire.command"
PLAIN = {
    "power.cut": "power cut",
    "power.restored": "power back",
    "bench.refill": "refill",
    "guard.refused": "refusal",
}


class Encounters:
    """Counts encounters by ``state | event | alarm``; an event under two alarms counts once for each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._before = ""
        self._at_ms = 0

    def take(self, event: Event, scene: Scene) -> None:
        """Count an event, given the scene as it was before it."""
        if event.at > self._at_ms or not self._before:
            self._before, self._at_ms = scene.state, event.at
        name = _name(event)
        if name:
            # A command is told after what it led to, so it met the state in which its instant began.
            state = self._before if event.kind == COMMAND else scene.state
            for alarm in sorted(scene.alarms) or [NO_ALARM]:
                self.counts[SEPARATOR.join((state, name, alarm))] += 1
        if event.kind == COMMAND:
            self._before = scene.state


def _name(event: Event) -> str:
    """Return the event's name; empty for one that meets nobody."""
    data = event.data
    match event.kind:
        case "wire.command":
            reason = f" {word(data['reason'])}" if data.get("reason") else ""
            return f"{data['message']} {word(data['outcome'])}{reason}"
        case "pump.state":
            return f"to {word(data['state'])}"
        case "alarm.raised":
            return f"alarm {word(data['alarm'])}"
        case "fault.injected":
            return f"fault {word(data['fault'])}"
        case _:
            return PLAIN.get(event.kind, "")
