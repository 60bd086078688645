"""How much a stroke truly moves, and severities that grow."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.hardware.chance import draw
from emulator.hardware.drive import Drive
from emulator.hardware.severity import Severity
from protocol.units import DAY_MS

STROKE_NL = 500


def total(drive: Drive, strokes: int, *, every_ms: int = 0) -> int:
    """Return what so many strokes move."""
    return sum(drive.stroke_nl(count, count * every_ms) for count in range(strokes))


def test_a_drive_is_exact_unless_told_otherwise() -> None:
    """Every stroke moves its nominal volume."""
    drive = Drive(STROKE_NL)
    assert {drive.stroke_nl(count, count) for count in range(1_000)} == {STROKE_NL}
    assert drive == Drive(STROKE_NL)


def test_the_spread_is_within_its_bound_on_both_sides_and_even_on_average() -> None:
    """With a spread of 14.5 % strokes are 14.5 % off at most, some of them nearly that, and none on average."""
    drive = Drive(STROKE_NL, spread=145, seed=7)
    strokes = [drive.stroke_nl(count, 0) for count in range(10_000)]
    assert min(strokes) in range(427, 432)
    assert max(strokes) in range(569, 574)
    assert abs(sum(strokes) - 10_000 * STROKE_NL) < 10_000 * STROKE_NL // 200


def test_the_same_seed_gives_the_same_strokes() -> None:
    """Another seed gives others."""

    def strokes(seed: int) -> list[int]:
        drive = Drive(STROKE_NL, spread=145, seed=seed)
        return [drive.stroke_nl(count, 0) for count in range(100)]

    assert strokes(1) == strokes(1) != strokes(2)


@pytest.mark.parametrize("share", [146, 333, 1, 1000])
def test_over_and_under_infusion_are_exact_in_the_sum(share: int) -> None:
    """1000 strokes with so many thousandths too much or too little are off by exactly that."""
    over = Drive(STROKE_NL, over=Severity(share))
    under = Drive(STROKE_NL, under=Severity(share))
    assert total(over, 1_000) == 1_000 * STROKE_NL + share * STROKE_NL
    assert total(under, 1_000) == 1_000 * STROKE_NL - share * STROKE_NL


@given(st.integers(1, 5_000), st.integers(0, 999), st.integers(-50, 50), st.integers(0, 2**64 - 1))
def test_rounding_never_adds_up(nominal: int, spread: int, drift: int, seed: int) -> None:
    """The sum of all strokes is the sum of the exact volumes, rounded down once."""
    drive = Drive(nominal, spread=spread, seed=seed, drift_a_day=drift)
    moved = total(drive, 60, every_ms=DAY_MS // 4)
    exact = sum(
        nominal
        * max(0, 1000 + drift * count * (DAY_MS // 4) // DAY_MS + (draw(seed, count, 2 * spread + 1) - spread))
        for count in range(60)
    )
    assert moved == exact // 1000


def test_drift_grows_with_the_days() -> None:
    """Two thousandths a day are 10 % after 50 days; downwards it ends at nothing."""
    assert Drive(STROKE_NL, drift_a_day=2).deviation(50 * DAY_MS) == 100
    assert Drive(STROKE_NL, drift_a_day=-40).stroke_nl(0, 50 * DAY_MS) == 0


def test_a_drive_comes_back_from_an_image_as_it_was() -> None:
    """All of it survives, what a division left over too."""
    drive = Drive(STROKE_NL - 1, 145, 9, -3, 77, Severity(200, 1, 2), Severity(300, 3, 4))
    total(drive, 5)
    other = Drive(STROKE_NL - 1)
    other.restore(json.loads(json.dumps(drive.to_json())))
    assert other == drive
    assert drive.rest


def test_a_severity_grows_in_a_straight_line() -> None:
    """Nothing before it begins, half of it in the middle of its ramp, all of it from the end on."""
    severity = Severity(800, since_ms=1_000, over_ms=400)
    assert [severity.at(now) for now in (0, 1_000, 1_100, 1_200, 1_399, 1_400, 9_999)] == [
        0,
        0,
        200,
        400,
        798,
        800,
        800,
    ]
    assert Severity(800, since_ms=1_000).at(1_000) == 800


def test_draws_are_even() -> None:
    """Ten thousand draws from six fall on each about as often."""
    drawn = [draw(3, count, 6) for count in range(10_000)]
    assert all(1_550 < drawn.count(each) < 1_780 for each in range(6))
