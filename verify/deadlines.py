"""The deadlines that alarms are judged by, read from ``deadlines.toml``."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from protocol.units import Milliseconds
from verify.tables import shipped, told_of

FILE = "deadlines.toml"


class Deadline(NamedTuple):
    """What is expected of one alarm. Times in milliseconds."""

    name: str
    hazard: str
    flow: str
    """``keep``, ``minimum`` or ``stop``."""
    priority: str
    cause: str
    within_ms: int
    within_at_minimum_rate_ms: int


class SoundDeadlines(NamedTuple):
    """What is expected of the sounder, in milliseconds."""

    first_ms: int
    critical_ms: int
    non_critical_ms: int
    silence_ms: int

    def interval_ms(self, priority: str) -> int:
        """Return the longest pause between two sounds of this priority."""
        return self.critical_ms if priority == "critical" else self.non_critical_ms


class Deadlines(NamedTuple):
    """The whole table."""

    alarms: dict[str, Deadline]
    sound: SoundDeadlines
    forgotten_ms: int
    """The most powered time that a power cut may make the pump forget."""


@cache
def load_deadlines() -> Deadlines:
    """Return the shipped table. Raises ``TableError``."""
    table = shipped(FILE)
    with told_of(FILE):
        sound = {f"{key}_ms": _ms(value) for key, value in table["sound"].items()}
        alarms = {row["name"]: _deadline(row) for row in table["alarm"]}
        return Deadlines(alarms, SoundDeadlines(**sound), _ms(table["power"]["forgotten"]))


def _deadline(row: dict[str, Any]) -> Deadline:
    within_ms = _ms(row["within"])
    slow_ms = _ms(row["within_at_minimum_rate"]) if "within_at_minimum_rate" in row else within_ms
    return Deadline(row["name"], row["hazard"], row["flow"], row["priority"], row["cause"], within_ms, slow_ms)


def _ms(text: str) -> int:
    return Milliseconds.parse(text).value
