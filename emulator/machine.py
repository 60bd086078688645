"""A state machine from one table of rows, shared by every model of a kind.

The table is data: it builds the machine, draws the documentation's diagram and feeds the explorer. A model derives
from ``Stateful`` and names its machine; it can then only change state by ``fire``. What this wrapper adds to the
``transitions`` library is one meaning for every refusal and no back doors:

* A refusal of any kind (unknown event, wrong state, condition not met) is one ``NotAllowedError``, nothing changed.
* Actions run *before* the state changes, so an exception in one leaves the old state.
* No model attribute is created: no trigger can collide with a method, and no ``to_state()`` skips the conditions.
* An action that fires again is refused: its change would be overwritten by the outer one.
* A condition or action that the model lacks is found when the class is made, not when its row is first used.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from transitions import EventData, Machine, Transition

__all__ = ["EventData", "NotAllowedError", "Row", "Stateful", "TableMachine"]

State = TypeVar("State", bound=enum.Enum)


class NotAllowedError(Exception):
    """An event is not allowed now. ``unmet`` names the first condition that failed in each row that was tried."""

    def __init__(self, state: enum.Enum, event: str, unmet: tuple[str, ...] = ()) -> None:
        because = f" ({', '.join(unmet)})" if unmet else ""
        super().__init__(f"“{event}” is not allowed in state {state.name}{because}")
        self.state = state
        self.event = event
        self.unmet = unmet


class Row(NamedTuple):
    """One line of the table: in ``source``, ``event`` leads to ``target`` if every condition in ``when`` holds.

    Rows of the same event and source are tried in their order. A target of None stays in the state.
    """

    event: str
    source: enum.Enum | tuple[enum.Enum, ...]
    target: enum.Enum | None
    when: tuple[str, ...] = ()
    """Names of model methods or truth values; a name after ``not `` must be false."""
    then: tuple[str, ...] = ()
    """Names of model methods that act, before the state changes."""
    meaning: str = ""
    """One phrase for the diagram and the reader."""

    @property
    def sources(self) -> tuple[enum.Enum, ...]:
        """Return the sources, one or many, as a tuple."""
        return self.source if isinstance(self.source, tuple) else (self.source,)


class TableMachine(Generic[State]):
    """The machine of one table. Build it once; every model of the kind shares it."""

    def __init__(self, states: type[State], initial: State, rows: Iterable[Row]) -> None:
        self.states = states
        self.initial = initial
        self.rows = tuple(rows)
        self._machine = Machine(
            model=None,
            states=states,
            initial=initial,
            auto_transitions=False,
            send_event=True,
            model_attribute="_state",
        )
        for row in self.rows:
            self._add(row)

    def _add(self, row: Row) -> None:
        for state in (*row.sources, *([row.target] if row.target is not None else [])):
            if not isinstance(state, self.states):
                raise TypeError(f"{row.event}: {state!r} is not one of {self.states.__name__}")
        self._machine.add_transition(
            row.event,
            list(row.sources),
            row.target,
            conditions=[name for name in row.when if not name.startswith("not ")],
            unless=[name.removeprefix("not ") for name in row.when if name.startswith("not ")],
            before=list(row.then),
        )

    @property
    def events(self) -> tuple[str, ...]:
        """Return the name of every event, in the order of the table."""
        return tuple(self._machine.events)

    def names(self) -> Iterator[str]:
        """Yield the name of every condition and action that a model needs."""
        for row in self.rows:
            yield from (name.removeprefix("not ") for name in row.when)
            yield from row.then

    def fire(self, model: Stateful[State], event: str, details: dict[str, Any]) -> None:
        """Let an event happen to a model. Raises ``NotAllowedError``, and nothing has changed, if it may not."""
        state = model.state
        if event not in self._machine.events or state.name not in self._machine.events[event].transitions:
            raise NotAllowedError(state, event)
        if not self._machine.events[event].trigger(model, **details):
            raise NotAllowedError(state, event, self._unmet(model, event, details))

    def may(self, model: Stateful[State], event: str, details: dict[str, Any]) -> bool:
        """Say whether ``fire`` would be allowed now; changes nothing."""
        rows = self._candidates(model, event)
        return any(self._failed(row, model, event, details) is None for row in rows)

    def _unmet(self, model: Stateful[State], event: str, details: dict[str, Any]) -> tuple[str, ...]:
        failed = (self._failed(row, model, event, details) for row in self._candidates(model, event))
        return tuple(name for name in failed if name is not None)

    def _candidates(self, model: Stateful[State], event: str) -> list[Transition]:
        if event not in self._machine.events:
            return []
        return list(self._machine.events[event].transitions.get(model.state.name, ()))

    def _failed(self, row: Transition, model: Stateful[State], event: str, details: dict[str, Any]) -> str | None:
        data = EventData(
            self._machine.get_state(model.state), self._machine.events[event], self._machine, model, (), details
        )
        for condition in row.conditions:
            if not condition.check(data):
                return str(condition.func) if condition.target else f"not {condition.func}"
        return None

    def mermaid(self) -> str:
        """Return the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.name}"]
        for row in self.rows:
            condition = f" [{', '.join(row.when)}]" if row.when else ""
            for source in row.sources:
                target = source if row.target is None else row.target
                lines.append(f"    {source.name} --> {target.name}: {row.event}{condition}")
        return "\n".join(lines) + "\n"


class Stateful(Generic[State]):
    """Base of a model. A subclass sets ``MACHINE``; nothing but ``fire`` changes its state."""

    MACHINE: ClassVar[TableMachine[Any]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        machine = getattr(cls, "MACHINE", None)
        for name in machine.names() if machine is not None else ():
            if not _declares(cls, name):
                raise TypeError(f"{cls.__name__} lacks “{name}”, which its table names: add the method or annotation")

    def __init__(self, state: State | None = None) -> None:
        """Begin in the machine's initial state, or in the one that a memory gives back."""
        self._state: State = self.MACHINE.initial if state is None else state
        self._firing = False

    @property
    def state(self) -> State:
        """Return the present state."""
        return self._state

    def fire(self, event: str, /, **details: Any) -> None:
        """Let an event happen; conditions and actions find the details in ``EventData.kwargs``.

        Raises ``NotAllowedError`` if it may not; then, and after an exception in an action, the state is the old one.
        """
        if self._firing:
            raise RuntimeError(f"“{event}” was fired from within another event of the same model")
        self._firing = True
        try:
            self.MACHINE.fire(self, event, details)
        finally:
            self._firing = False

    def may(self, event: str, /, **details: Any) -> bool:
        """Say whether ``fire`` would be allowed now."""
        return self.MACHINE.may(self, event, details)


def _declares(cls: type, name: str) -> bool:
    """Say whether a class has an attribute or at least an annotation of that name."""
    return hasattr(cls, name) or any(name in vars(base).get("__annotations__", {}) for base in cls.__mro__)
