"""Every property of every suite, on the code as it is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import drawn
from verify.suites.registry import NAMES, suite, suite_of
from verify.suites.suite import Effort, Property, Suite, require, show

SUITES = {name: suite(name) for name in NAMES}
PROPERTIES = {each.name: each for found in SUITES.values() for each in found.properties}
TOURS = ("wire.healthy", "wire.faulty")
"""Whatever the budget, they play every tour; of these a smoke test plays one script, in test_wire_properties."""


@pytest.mark.safety
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.verifies(*each.verifies)) for name, each in PROPERTIES.items()]
)
def test_every_property_holds(name: str, record_property: Callable[[str, object], None]) -> None:
    """The code as it is breaks no property, and every premise of each occurs."""
    each = PROPERTIES[name]
    if drawn.is_smoke() and name in TOURS:
        pytest.skip("a smoke test plays no tours")
    outcome = show(each, Effort(drawn.seed(), drawn.budget(each.smoke)))
    for figure, value in {"property": name, "sentence": each.sentence, **outcome.effort.figures()}.items():
        record_property(figure, value)
    if outcome.effort.counterexample:
        record_property("counterexample", outcome.effort.counterexample)
    if each.premises:
        record_property("reached", {premise: outcome.effort.reached[premise] for premise in each.premises})
    assert outcome.story is None, outcome.story
    if outcome.missed and not drawn.must_reach():
        pytest.skip(f"nothing broke, but these examples never reached: {', '.join(outcome.missed)}")
    assert not outcome.missed
    assert outcome.effort.tried > 0


def test_a_property_carries_the_name_of_its_suite() -> None:
    """Whoever reads a property's name knows which suite it is in, and no two are called the same."""
    for name, found in SUITES.items():
        assert found.name == name
        assert {suite_of(each.name) for each in found.properties} == {name}
    assert len(PROPERTIES) == sum(len(found.properties) for found in SUITES.values())


def _odd(effort: Effort) -> None:
    from hypothesis import strategies as st  # noqa: PLC0415

    def check(number: int) -> None:
        require(number < 50, f"{number} is not under 50")

    effort.search(check, number=st.integers(0, 1_000))


ODD = Suite("odd", "nothing", (Property("odd.small", "Every number is small.", _odd, 100),))


def test_a_story_is_minimal_and_the_same_for_the_same_seed() -> None:
    """A broken property tells of the smallest example that breaks it, in the same words every time."""
    first, second = (next(iter(ODD.run(7))).story for _ in range(2))
    assert first == second
    assert first is not None
    assert first.startswith("50 is not under 50")


def test_a_crash_breaks_a_property() -> None:
    """An exception out of what is tried is told like a wrong answer, by its name."""

    def crash(_: Effort) -> None:
        raise ZeroDivisionError("by zero")

    outcome = show(Property("odd.crash", "It crashes.", crash, 1), Effort(1, 1))
    assert outcome.story == "ZeroDivisionError: by zero"
