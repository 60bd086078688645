"""Which states, transitions, events, alarms and refusals the runs reached, and which they never did.

What *could* be reached is taken from the tables that the pump itself is made of; an empty place is either out of
reach in a sound pump or a gap of the suite, and the picture shows it either way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from emulator.firmware.therapy import ROWS
from protocol.messages import MESSAGES
from protocol.vocabulary import AlarmCode, Reason, TherapyState
from verify.encounters import COMMAND, NO_ALARM, SEPARATOR, SEPARATORS

STATES = tuple(state.name.lower() for state in TherapyState)
ALARMS = tuple(code.name.lower() for code in AlarmCode)
REASONS = tuple(reason.name.lower() for reason in Reason)
HAPPENINGS = ("power cut", "power back", "refill", "refusal")
OUT_OF_REACH = {
    "memory_fault": "a pump that lost its library lost its serial number, too, and is taken for another pump",
    "unprogrammed → bridge": "without a prescription no fluid is known to stand in the line; if memory lost the "
    "prescription, the memory alarm holds the pump at a stop until a start",
    "priming → bridge": "a line that is being primed holds more than one fluid, and such a line has no bridge",
}
"""Changes of state that the pump's table allows, and reasons it has, that no run over the wire can reach; and why."""
ACCEPTED, REFUSED = "accepted", "refused"


class Grid(NamedTuple):
    """Counts by row and column; a place without a count was never reached."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Mapping[tuple[str, str], int]

    @property
    def reached(self) -> int:
        """Return how many places were reached."""
        return sum(self.counts.get((row, column), 0) > 0 for row in self.rows for column in self.columns)

    @property
    def places(self) -> int:
        """Return how many places there are."""
        return len(self.rows) * len(self.columns)


class Reached(NamedTuple):
    """Names with how often each was reached."""

    title: str
    counts: dict[str, int]

    @property
    def reached(self) -> int:
        """Return how many were reached."""
        return len(self.counts) - len(self.never)

    @property
    def never(self) -> list[str]:
        """Return what was never reached."""
        return [name for name, count in self.counts.items() if not count]

    @property
    def excused(self) -> dict[str, str]:
        """Return what was never reached and cannot be, with the reason."""
        return {name: OUT_OF_REACH[name] for name in self.never if name in OUT_OF_REACH}

    @property
    def gaps(self) -> list[str]:
        """Return what was never reached although it could be."""
        return [name for name in self.never if name not in OUT_OF_REACH]


class Coverage(NamedTuple):
    """All of it."""

    grids: tuple[Grid, ...]
    lists: tuple[Reached, ...]
    strange: tuple[str, ...]
    """Changes of state that are no single row of the pump's table: several steps within one event."""

    @property
    def any(self) -> bool:
        """Whether anything was counted at all."""
        return any(grid.reached for grid in self.grids)

    @property
    def reached(self) -> int:
        """Return how many names of all lists were reached."""
        return sum(each.reached for each in self.lists)

    @property
    def met(self) -> tuple[int, int]:
        """Return how many places of all grids were reached, and how many there are."""
        return sum(grid.reached for grid in self.grids), sum(grid.places for grid in self.grids)


def coverage(encounters: Mapping[str, int]) -> Coverage:
    """Return what the encounters among counts, by their names, have reached."""
    by_state_event: Counter[tuple[str, str]] = Counter()
    by_state_alarm: Counter[tuple[str, str]] = Counter()
    by_event_alarm: Counter[tuple[str, str]] = Counter()
    transitions, states, alarms, reasons = (Counter[str]() for _ in range(4))
    for name, count in encounters.items():
        if name.count(SEPARATOR) != SEPARATORS:
            reasons[reason_of(name)] += count
            continue
        state, event, alarm = name.split(SEPARATOR)
        kind = _kind(event)
        states[state] += count
        by_state_event[state, kind] += count
        by_state_alarm[state, alarm] += count
        by_event_alarm[kind, alarm] += count
        if event.startswith("to "):
            transitions[f"{state} → {event.removeprefix('to ')}"] += count
        elif event.startswith("alarm "):
            alarms[event.removeprefix("alarm ")] += count
        elif f" {REFUSED} " in event:
            reasons[event.rpartition(" ")[2]] += count
    events = (*COMMANDS, *HAPPENINGS, "alarm", "fault")
    allowed = TRANSITIONS
    return Coverage(
        grids=(
            Grid("events in each state", STATES, events, by_state_event),
            Grid("alarms raised in each state", STATES, (NO_ALARM, *ALARMS), by_state_alarm),
            Grid("events during each alarm", (NO_ALARM, *ALARMS), events, _turned(by_event_alarm)),
        ),
        lists=(
            Reached("states", {name: states[name] for name in STATES}),
            Reached("transitions", {name: transitions[name] for name in allowed}),
            Reached("alarms raised", {name: alarms[name] for name in ALARMS}),
            Reached("reasons for a refusal", {name: reasons[name] for name in REASONS}),
        ),
        strange=tuple(sorted(name for name in transitions if name not in allowed and not _stays(name))),
    )


def reason_of(name: str) -> str:
    """Return the reason in what a script counted of a request, such as ``program refused hour_limit``; or nothing.

    A journal tells only of commands, scripts also of a staging that was refused. What a journal tells is told by its
    encounters, so it is not taken from here a second time.
    """
    what, _, reason = name.partition(f" {REFUSED} ")
    return "" if what.startswith(COMMAND) or " " in reason else reason


def added(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    """Return the sum of counts by name."""
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total


def _turned(counts: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {(column, row): count for (row, column), count in counts.items()}


def _stays(transition: str) -> bool:
    before, _, after = transition.partition(" → ")
    return before == after


def _kind(event: str) -> str:
    """Return the column of an event: a command with its outcome but not its reason, or the kind of happening."""
    first, _, rest = event.partition(" ")
    outcome = rest.partition(" ")[0]
    if outcome in (ACCEPTED, REFUSED):
        return f"{first} {outcome}"
    return first if first in ("alarm", "fault") else event


def _transitions() -> tuple[str, ...]:
    pairs = {
        f"{source.name.lower()} → {row.target.name.lower()}": None
        for row in ROWS
        for source in row.sources
        if row.target is not None and row.target is not source
    }
    return tuple(sorted(pairs))


TRANSITIONS = _transitions()
COMMANDS = tuple(
    f"{kind.__name__} {outcome}"
    for kind in MESSAGES.values()
    if kind.CHANGES_STATE
    for outcome in (ACCEPTED, REFUSED)
)
"""The commands that a pump's journal tells, with both ends."""
