"""The line as a queue of plugs: what goes in comes out, in order, as much and no more."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.hardware.line import SALINE, Fluid, Line, drugs_in, filled, masses, push, volume_nl

FLUIDS: list[Fluid] = [SALINE, ((1, 5),), ((1, 25),), ((2, 7),), ((1, 5), (2, 7))]
PUSHES = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(FLUIDS)), max_size=30)


def unrolled(plugs: tuple[tuple[int, Fluid], ...]) -> list[Fluid]:
    """Return the fluid of every single nanolitre, tip first."""
    return [fluid for volume, fluid in plugs for _ in range(volume)]


@pytest.mark.verifies("PRM-06")
@given(pushes=PUSHES, volume=st.integers(1, 60))
def test_a_line_is_a_queue(pushes: list[tuple[int, Fluid]], volume: int) -> None:
    """Nanolitre by nanolitre, what comes out at the tip is what went in first, however it was pushed."""
    line = filled(volume, FLUIDS[1])
    queue = unrolled(line)
    for pushed, fluid in pushes:
        queue += [fluid] * pushed
        line, out = push(line, pushed, fluid)
        assert unrolled(out) == queue[:pushed]
        queue = queue[pushed:]
        assert unrolled(line) == queue
        assert volume_nl(line) == volume


@given(pushes=PUSHES)
def test_mass_is_conserved(pushes: list[tuple[int, Fluid]]) -> None:
    """What was in the line and what went in is what is in the line and what came out, for every drug."""
    start = filled(50, FLUIDS[2])
    line, gone = start, Counter[int]()
    came = Counter(masses(start))
    for pushed, fluid in pushes:
        line, out = push(line, pushed, fluid)
        came.update(masses(((pushed, fluid),)))
        gone.update(masses(out))
    gone.update(masses(line))
    assert came == gone


@given(pushes=PUSHES)
def test_neighbours_of_one_fluid_are_one_plug(pushes: list[tuple[int, Fluid]]) -> None:
    """A line never holds an empty plug or two alike side by side, so it cannot grow without end."""
    line = filled(50, FLUIDS[0])
    for pushed, fluid in pushes:
        line, _ = push(line, pushed, fluid)
        assert all(volume > 0 for volume, _ in line)
        assert all(one[1] != next_[1] for one, next_ in pairwise(line))


def test_a_stroke_larger_than_the_line_passes_through() -> None:
    """More fluid than the line holds pushes all of it out, followed by the rest of itself."""
    line, out = push(filled(10, FLUIDS[1]), 25, FLUIDS[3])
    assert out == ((10, FLUIDS[1]), (15, FLUIDS[3]))
    assert line == ((10, FLUIDS[3]),)


def test_the_drugs_in_a_line_are_those_of_every_plug() -> None:
    """A drug is in the line while any plug has it, and masses add up over mixtures and plugs."""
    line: Line = ((3, FLUIDS[4]), (2, SALINE), (4, FLUIDS[2]))
    assert drugs_in(line) == {1, 2}
    assert masses(line) == {1: 3 * 5 + 4 * 25, 2: 3 * 7}
    assert drugs_in(filled(9, SALINE)) == frozenset()
