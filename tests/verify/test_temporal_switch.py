"""Switches: joining a few stretches with very many, and writing signals by time."""

from __future__ import annotations

from random import Random

import pytest

from verify.temporal.switch import both, either, instant, negated, stretches, switch_of, value_at
from verify.temporal.writer import Writer

LENGTHS = [(0, 50), (1, 50), (2, 50), (3, 80), (4, 4), (50, 1), (50, 2), (80, 3)]


@pytest.mark.parametrize(("few", "many"), LENGTHS)
def test_two_switches_are_joined_at_every_instant(few: int, many: int) -> None:
    """However different their numbers of flips are, and flipping together or not, “and” and “or” are exact."""
    chance = Random(100 * few + many)
    for _ in range(50):
        one, other = (sorted(chance.sample(range(90), count)) for count in (few, many))
        for joined, rule in ((both(one, other), all), (either(one, other), any)):
            expected = [rule((value_at(one, at), value_at(other, at))) for at in range(95)]
            assert [value_at(joined, at) for at in range(95)] == expected
            assert list(joined) == sorted(set(joined))


def test_a_switch_and_its_negation_are_made_of_the_same_stretches() -> None:
    """Negating twice changes nothing, also for what is true at the beginning or for ever."""
    for switch in ([], [0], [0, 5], [3], [3, 5, 9]):
        assert list(negated(negated(switch))) == switch
        assert switch_of(stretches(switch)) == switch


def test_a_level_that_ends_by_itself_ends_on_time() -> None:
    """It ends at its millisecond, whenever the next event is; written anew in that millisecond it goes on."""
    write = Writer()
    write.go_to(10)
    write.until("locked", 20)
    write.go_to(50)
    write.until("locked", 60)
    write.go_to(60)
    write.until("locked", 70)
    write.go_to(65)
    write.until("locked", 66)
    write.go_to(100)
    flips = write.record().switch("locked")
    assert list(flips) == [instant(10), instant(20), instant(50), instant(66)]


def test_moments_that_follow_each_other_are_one_stretch() -> None:
    """Two moments at neighbouring instants touch; a level that comes and goes at one instant was not there."""
    write = Writer()
    write.go_to(1)
    write.moment("tick")
    write.go_to(1)
    write.moment("tick")
    write.level("flash", True)
    write.level("flash", False)
    write.go_to(2)
    record = write.record()
    assert list(record.switch("tick")) == [instant(1), instant(1) + 2]
    assert list(record.switch("flash")) == []
    assert record.ends_at_ms == 2
