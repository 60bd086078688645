"""Arguments with units."""

import click
import pytest

from protocol.units import Milliseconds, NanolitresPerDay, Quantity
from thecal.quantities import (
    CONCENTRATION,
    DAILY_DOSE,
    DOSE,
    DURATION,
    RATE,
    SPEED,
    VOLUME,
    QuantityParameter,
)


@pytest.mark.parametrize(
    ("parameter", "text", "quantity"),
    [(RATE, "0.1 mL/day", NanolitresPerDay(100_000)), (DURATION, "2 h", Milliseconds(7_200_000))],
)
def test_a_quantity_is_read_exactly(parameter: QuantityParameter[Quantity], text: str, quantity: Quantity) -> None:
    """An argument with a unit becomes base units; converting it again changes nothing."""
    converted = parameter.convert(text, None, None)
    assert converted == quantity
    assert parameter.convert(converted, None, None) == quantity


@pytest.mark.parametrize("parameter", [RATE, VOLUME, DOSE, DAILY_DOSE, CONCENTRATION, DURATION])
@pytest.mark.parametrize("text", ["5", ".5 mL", "5. mL", "1e3 mL", "-1 mL", "0,5 mL", "5 furlongs", "", "nan"])
def test_what_is_no_quantity_is_refused_with_an_example(parameter: QuantityParameter[Quantity], text: str) -> None:
    """A bare number, or one written in a way that has killed, is wrong usage, and the hint shows how to write it."""
    with pytest.raises(click.BadParameter, match=parameter.kind.EXAMPLE):
        parameter.convert(text, None, None)


@pytest.mark.parametrize(("text", "factor"), [("freeze", 0), ("x1", 1), ("X60", 60), ("3600", 3600), ("0", 0)])
def test_a_speed_is_a_whole_factor(text: str, factor: int) -> None:
    """Speeds are written as people say them."""
    assert SPEED.convert(text, None, None) == factor


@pytest.mark.parametrize("text", ["fast", "1.5", "x-1", "100001", "²", ""])
def test_what_is_no_speed_is_refused(text: str) -> None:
    """Fractions, signs and absurd factors are wrong usage."""
    with pytest.raises(click.BadParameter, match="x60"):
        SPEED.convert(text, None, None)
