"""The wrapper that makes one machine of a table: refusals are one error, and nothing is half done."""

from __future__ import annotations

import enum

import pytest

from emulator.machine import EventData, NotAllowedError, Row, Stateful, TableMachine


class Lamp(enum.Enum):
    """States for the tests."""

    OFF = 1
    ON = 2
    BROKEN = 3


MACHINE = TableMachine(
    Lamp,
    Lamp.OFF,
    (
        Row("press", Lamp.OFF, Lamp.BROKEN, ("worn", "not spare"), ("count",)),
        Row("press", Lamp.OFF, Lamp.ON, ("powered",), ("count",), "lights up"),
        Row("press", Lamp.ON, Lamp.OFF, (), ("count",)),
        Row("look", (Lamp.ON, Lamp.OFF), None, (), ("count",)),
        Row("state", Lamp.ON, Lamp.OFF),
        Row("burst", Lamp.OFF, Lamp.BROKEN, (), ("fail",)),
        Row("nest", Lamp.OFF, Lamp.ON, (), ("press_again",)),
        Row("dim", Lamp.ON, Lamp.OFF, ("enough",)),
    ),
)


class Switch(Stateful[Lamp]):
    """A model with conditions, actions and plain data in its table."""

    MACHINE = MACHINE
    worn: bool

    def __init__(self) -> None:
        super().__init__()
        self.worn = False
        self.has_power = True
        self.spare_left = False
        self.counted: list[Lamp] = []

    def powered(self, _: EventData) -> bool:
        """There is power."""
        return self.has_power

    def spare(self, _: EventData) -> bool:
        """There is a spare."""
        return self.spare_left

    def enough(self, event: EventData) -> bool:
        """The detail is large enough."""
        return bool(event.kwargs["amount"] >= 3)

    def count(self, _: EventData) -> None:
        """Note the state in which it was called."""
        self.counted.append(self.state)

    def fail(self, _: EventData) -> None:
        """Go wrong."""
        raise ArithmeticError("on purpose")

    def press_again(self, _: EventData) -> None:
        """Fire from within."""
        self.fire("press")


def test_an_event_in_the_table_changes_the_state_and_acts_before_it() -> None:
    """An action sees the state that the event found, and the target follows it."""
    switch = Switch()
    switch.fire("press")
    assert switch.state is Lamp.ON
    assert switch.counted == [Lamp.OFF]


@pytest.mark.parametrize("event", ["press", "look", "unheard", "to_ON", "state"])
def test_every_kind_of_refusal_is_one_error_and_changes_nothing(event: str) -> None:
    """Wrong state and unknown event raise the same error, which names both."""
    switch = Switch()
    switch.worn = True
    switch.fire("press")
    assert switch.state is Lamp.BROKEN
    with pytest.raises(NotAllowedError) as refused:
        switch.fire(event)
    assert (refused.value.state, refused.value.event, refused.value.unmet) == (Lamp.BROKEN, event, ())
    assert switch.state is Lamp.BROKEN
    assert switch.counted == [Lamp.OFF]


def test_a_condition_that_fails_is_named() -> None:
    """The error names the first failed condition of every row tried, plain data and negated ones included."""
    switch = Switch()
    switch.has_power, switch.worn, switch.spare_left = False, True, True
    with pytest.raises(NotAllowedError) as refused:
        switch.fire("press")
    assert refused.value.unmet == ("not spare", "powered")
    assert switch.state is Lamp.OFF
    assert switch.counted == []


def test_rows_are_tried_in_order() -> None:
    """The first row whose conditions hold decides."""
    switch = Switch()
    switch.worn = True
    switch.fire("press")
    assert switch.state is Lamp.BROKEN


def test_an_exception_in_an_action_leaves_the_old_state() -> None:
    """What goes wrong before the change prevents it, and the next event works."""
    switch = Switch()
    states = []
    with pytest.raises(ArithmeticError):
        switch.fire("burst")
    states.append(switch.state)
    switch.fire("press")
    states.append(switch.state)
    assert states == [Lamp.OFF, Lamp.ON]


def test_firing_from_within_an_action_is_refused() -> None:
    """A nested event would be overwritten by the outer one, so it is an error and nothing changes."""
    switch = Switch()
    with pytest.raises(RuntimeError, match="from within"):
        switch.fire("nest")
    assert switch.state is Lamp.OFF


def test_a_row_without_target_acts_and_stays() -> None:
    """An internal event leaves the state."""
    switch = Switch()
    switch.fire("look")
    assert switch.state is Lamp.OFF
    assert switch.counted == [Lamp.OFF]


@pytest.mark.parametrize(("amount", "allowed"), [(2, False), (3, True)])
def test_may_says_what_fire_would_do_and_changes_nothing(amount: int, allowed: bool) -> None:
    """Asking beforehand gives the same answer as trying, details included."""
    switch = Switch()
    switch.fire("press")
    assert switch.may("dim", amount=amount) is allowed
    assert switch.state is Lamp.ON
    if allowed:
        switch.fire("dim", amount=amount)
    else:
        with pytest.raises(NotAllowedError):
            switch.fire("dim", amount=amount)
    assert not switch.may("unheard")


def test_the_state_cannot_be_assigned() -> None:
    """There is no setter and no generated trigger on the model."""
    switch = Switch()
    with pytest.raises(AttributeError):
        switch.state = Lamp.ON  # type: ignore[misc]
    assert not hasattr(switch, "to_ON")
    assert not hasattr(switch, "press")


def test_a_model_can_begin_in_a_remembered_state() -> None:
    """A state that a memory gives back is taken over."""

    class Remembering(Stateful[Lamp]):
        MACHINE = TableMachine(Lamp, Lamp.OFF, (Row("press", Lamp.ON, Lamp.OFF),))

    model = Remembering(Lamp.ON)
    model.fire("press")
    assert model.state is Lamp.OFF


def test_models_share_the_machine_and_not_the_state() -> None:
    """Two models of one machine do not disturb each other."""
    one, other = Switch(), Switch()
    one.fire("press")
    assert (one.state, other.state) == (Lamp.ON, Lamp.OFF)


def test_a_name_that_the_model_lacks_is_found_when_the_class_is_made() -> None:
    """A misspelt condition or action cannot wait until its row is first used."""
    with pytest.raises(TypeError, match="worn"):

        class Incomplete(Stateful[Lamp]):
            MACHINE = MACHINE


def test_a_state_from_elsewhere_is_refused() -> None:
    """A row about a state that is not the machine's is found when the machine is built."""

    class Other(enum.Enum):
        OFF = 1

    with pytest.raises(TypeError, match="OFF"):
        TableMachine(Lamp, Lamp.OFF, (Row("press", Other.OFF, Lamp.ON),))


def test_the_table_draws_its_diagram() -> None:
    """Every row is an edge of the diagram, once for each source."""
    drawn = MACHINE.mermaid().splitlines()
    assert drawn[:2] == ["stateDiagram-v2", "    [*] --> OFF"]
    assert "    OFF --> ON: press [powered]" in drawn
    assert "    ON --> ON: look" in drawn
    assert len(drawn) == 2 + sum(len(row.sources) for row in MACHINE.rows)
    assert MACHINE.events == ("press", "look", "state", "burst", "nest", "dim")
