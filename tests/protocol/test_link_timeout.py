"""The adaptive timeout: learns from clean exchanges, doubles in vain, stays within its bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.link_timeout import INITIAL_MS, MAXIMUM_MS, MINIMUM_MS, RetransmissionTimeout


def after(*round_trips_ms: int) -> RetransmissionTimeout:
    """Return a timeout that has measured these round trips."""
    timeout = RetransmissionTimeout()
    for round_trip_ms in round_trips_ms:
        timeout.measured(round_trip_ms)
    return timeout


def test_before_anything_is_measured() -> None:
    """A new timeout waits its initial time."""
    assert RetransmissionTimeout().current_ms == INITIAL_MS


def test_first_measurement() -> None:
    """The first round trip counts for itself, and half of it for its deviation: three times it in all."""
    assert after(400).current_ms == 1_200


def test_second_measurement() -> None:
    """A second one moves the smoothed round trip by an eighth and the deviation by a quarter of the difference."""
    # Smoothed: 400 + (800 - 400) / 8 = 450. Deviation: 200 + (400 - 200) / 4 = 250. Timeout: 450 + 4 * 250.
    assert after(400, 800).current_ms == 1_450


def test_steady_round_trips_bring_it_close() -> None:
    """When every exchange takes the same time, the timeout comes down close above it."""
    assert 600 <= after(*[600] * 50).current_ms <= 620


def test_follows_a_path_that_becomes_slower() -> None:
    """After a few exchanges on a slower path, the timeout is above the new round trip."""
    assert after(*[50] * 20, *[900] * 3).current_ms > 900


def test_doubles_in_vain_until_the_bound() -> None:
    """Each wait in vain doubles the timeout, to the largest and no further."""
    timeout = RetransmissionTimeout()
    waits = []
    for _ in range(6):
        waits.append(timeout.current_ms)
        timeout.expired()
    assert waits == [500, 1_000, 2_000, 4_000, 4_000, 4_000]


def test_doubling_ends_with_a_measurement() -> None:
    """A measured round trip ends the doubling, and nothing else does."""
    timeout = after(400)
    timeout.expired()
    assert timeout.current_ms == 2_400
    timeout.measured(400)
    assert timeout.current_ms == 400 + 4 * 150


@given(st.lists(st.none() | st.integers(0, 100_000), max_size=40))
def test_stays_within_its_bounds(history: list[int | None]) -> None:
    """Whatever is measured or waited for in vain, the timeout stays between its bounds."""
    timeout = RetransmissionTimeout()
    for round_trip_ms in history:
        if round_trip_ms is None:
            timeout.expired()
        else:
            timeout.measured(round_trip_ms)
        assert MINIMUM_MS <= timeout.current_ms <= MAXIMUM_MS


@pytest.mark.parametrize("round_trip_ms", [0, 1, 7])
def test_fast_path_keeps_the_minimum(round_trip_ms: int) -> None:
    """However fast the path, a hiccup shorter than the minimum is not taken for a loss."""
    assert after(*[round_trip_ms] * 10).current_ms == MINIMUM_MS
