"""Sums of exponentials: the operations that the whole patient is built of."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.patient.curve import CLOSEST, NOTHING, Curve, apart

rates = st.floats(0.01, 20.0)
instants = st.floats(0.0, 100.0)


@given(first=rates, second=rates, at=instants)
def test_a_stage_obeys_its_differential_equation(first: float, second: float, at: float) -> None:
    """What follows a decay through a stage changes by the stage's rate times what it lags behind."""
    stage = apart([first], [second])[0]
    source = Curve.decay(first)
    follower = source.through(stage)
    slope = sum(-rate * weight * Curve.decay(rate).at(at) for rate, weight in follower.terms.items())
    assert slope == pytest.approx(stage * (source.at(at) - follower.at(at)), abs=1e-9)
    assert follower.at(0.0) == pytest.approx(0.0, abs=1e-9)


@given(rate=rates, at=instants)
def test_an_integral_is_what_has_flowed_out(rate: float, at: float) -> None:
    """What a decaying unit has lost, plus what is left, is the unit."""
    left = Curve.decay(rate)
    assert left.at(at) + left.times(rate).integral().at(at) == pytest.approx(1.0)


def test_curves_add_subtract_and_scale() -> None:
    """The arithmetic of curves is that of their values, and equal terms cancel."""
    one, two = Curve.decay(1.0), Curve.decay(2.0)
    both = one + two.times(3.0)
    assert both.at(0.5) == pytest.approx(one.at(0.5) + 3.0 * two.at(0.5))
    assert (both - both).terms == NOTHING.terms
    assert NOTHING.at(1.0) == 0.0


def test_a_stage_of_the_curves_own_rate_is_refused() -> None:
    """Equal rates have another formula; they are refused, never divided by zero."""
    with pytest.raises(ValueError, match="too near"):
        Curve.decay(1.0).through(1.0)


@given(fixed=st.lists(rates, max_size=2), wanted=st.lists(rates, min_size=1, max_size=8))
def test_apart_moves_rates_little_and_always_the_same_way(fixed: list[float], wanted: list[float]) -> None:
    """Chosen rates are distinct from the fixed ones and each other, near what was wanted, and reproducible."""
    chosen = apart(fixed, wanted)
    assert chosen == apart(fixed, wanted)
    for one, other in itertools.combinations([*chosen], 2):
        assert abs(one - other) >= CLOSEST * max(one, other)
    for one, other in itertools.product(chosen, fixed):
        assert abs(one - other) >= CLOSEST * max(one, other)
    for want, have in zip(wanted, chosen, strict=True):
        assert want <= have <= want * 1.05


def test_rates_that_are_apart_are_left_alone() -> None:
    """Nothing is moved without need."""
    assert apart([1.0], [2.0, 3.0]) == [2.0, 3.0]
