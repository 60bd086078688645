"""The exact sliding windows, compared with the slow and obvious way to compute them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.windows import SlidingSum

STROKES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=60).map(sorted)
"""Many strokes close together, so that windows of a few milliseconds overlap in every way."""


def brute_force(strokes: list[tuple[int, int]], width: int, ends: int) -> int:
    """Return the sum of the window that ends at an instant by looking at every stroke."""
    return sum(amount for at, amount in strokes if ends - width < at <= ends)


@given(strokes=STROKES, width=st.integers(1, 20))
def test_every_window_equals_the_brute_force_sum(strokes: list[tuple[int, int]], width: int) -> None:
    """After each stroke the sum is that of all strokes in the half-open window ending there, so far."""
    window = SlidingSum(width)
    for index, (at, amount) in enumerate(strokes):
        assert window.add(at, amount) == brute_force(strokes[: index + 1], width, at)


@given(strokes=STROKES, width=st.integers(1, 20))
def test_the_fullest_window_ends_at_a_stroke(strokes: list[tuple[int, int]], width: int) -> None:
    """No window that ends at any other instant holds more than the fullest one that ends at a stroke."""
    window = SlidingSum(width)
    fullest = max((window.add(at, amount) for at, amount in strokes), default=0)
    assert fullest == max(brute_force(strokes, width, ends) for ends in range(-1, 90))


@given(strokes=STROKES, width=st.integers(1, 20), instants=st.lists(st.integers(0, 90), max_size=20).map(sorted))
def test_looking_between_strokes_changes_nothing(
    strokes: list[tuple[int, int]], width: int, instants: list[int]
) -> None:
    """Asking for the sum at instants without a stroke answers exactly and disturbs no later sum."""
    window = SlidingSum(width)
    added: list[tuple[int, int]] = []
    for at, amount in sorted([*strokes, *((at, -1) for at in instants)]):
        if amount < 0:
            assert window.advance(at) == brute_force(added, width, at)
        else:
            added.append((at, amount))
            assert window.add(at, amount) == brute_force(added, width, at)


def test_the_window_is_open_at_its_start_and_closed_at_its_end() -> None:
    """Two strokes exactly one width apart are never in one window; one millisecond less and they are."""
    assert [SlidingSum(10).add(0, 1), SlidingSum(10).advance(0)] == [1, 0]
    apart, within = SlidingSum(10), SlidingSum(10)
    apart.add(5, 1)
    within.add(5, 1)
    assert apart.add(15, 1) == 1
    assert within.add(14, 1) == 2


def test_the_next_drop_is_when_the_oldest_stroke_leaves() -> None:
    """``next_drop_ms`` names the first instant at which the oldest stroke no longer counts."""
    window = SlidingSum(10)
    window.add(5, 3)
    window.add(7, 4)
    assert window.next_drop_ms == 15
    assert [window.advance(14), window.advance(15)] == [7, 4]
    assert SlidingSum(10).next_drop_ms is None


def test_the_past_is_closed() -> None:
    """A stroke before the last one is refused instead of being counted in the wrong windows."""
    window = SlidingSum(10)
    window.add(5, 1)
    with pytest.raises(ValueError, match="ran back"):
        window.add(4, 1)


def test_a_window_has_a_width() -> None:
    """A window of no width would hold nothing and hide everything, so there is none."""
    with pytest.raises(ValueError, match="wider than nothing"):
        SlidingSum(0)
