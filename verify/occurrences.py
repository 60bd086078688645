"""How often things happened: the names by which events are counted.

A claim whose premise never occurred has shown nothing, so every verdict carries these counts, and a suite can
insist that each of a list was reached.
"""

from __future__ import annotations

from emulator.journal import Event
from verify.scene import STROKES

QUALIFIERS = {
    "alarm.raised": ("alarm",),
    "alarm.cause_gone": ("alarm",),
    "alarm.cleared": ("alarm",),
    "alarm.sound": ("pattern",),
    "fault.injected": ("fault",),
    "fault.cleared": ("fault",),
    "pump.state": ("state",),
    "pump.bolus": ("kind", "what", "reason"),
    "wire.command": ("message", "outcome", "reason"),
    "session.opened": ("role",),
    "session.closed": ("role",),
}
"""Which data of an event belong to its name."""

_KINDS = {
    "alarm": "cause_gone cleared forgotten raised silenced sound",
    "battery": "level",
    "bench": "catheter_emptied end line_emptied refill start thawed valve_reset",
    "catheter": "flow",
    "drive": "recovered strokes turned_dry",
    "fault": "called_off cleared failed injected planned",
    "guard": "refused",
    "power": "cut restored",
    "pump": "bolus prescription refill state",
    "session": "closed opened",
    "telemetry": "held released",
    "valve": "shut",
    "wire": "alarms authentication_failed command malformed not_permitted rejected",
}
KINDS = frozenset(f"{area}.{name}" for area, names in _KINDS.items() for name in names.split())
"""Every kind of event that the judge has heard of; it cannot say what another one means."""


def occurrence(event: Event) -> str:
    """Return the name under which an event is counted, such as ``alarm.raised motor_stall``."""
    words = [event.kind]
    for key in QUALIFIERS.get(event.kind, ()):
        value = event.data.get(key)
        if value not in (None, ""):
            words.append(str(value))
    return " ".join(words)


def times(event: Event) -> int:
    """Return how often an event counts: a block of strokes as many times as it has strokes."""
    return len(event.data["at"]) if event.kind == STROKES else 1
