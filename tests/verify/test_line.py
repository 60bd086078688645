"""The judge's own line, compared with a line of single nanolitres."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from verify.line import Line

FLUIDS = st.dictionaries(st.integers(1, 3), st.integers(1, 5), max_size=2)


@given(
    volume=st.integers(0, 12),
    first=FLUIDS,
    pushes=st.lists(st.tuples(st.integers(1, 7), FLUIDS), max_size=20),
)
def test_plug_flow_equals_a_line_of_single_nanolitres(
    volume: int, first: dict[int, int], pushes: list[tuple[int, dict[int, int]]]
) -> None:
    """Whatever is pushed in comes out in order, after exactly the line's volume, drug by drug."""
    line = Line(volume, first)
    cells = [first] * volume
    for amount, fluid in pushes:
        cells += [fluid] * amount
        leaving, cells = cells[:amount], cells[amount:]
        assert line.push(amount, fluid) == added_up(leaving)
        assert line.contents() == added_up(cells)


def added_up(cells: list[dict[int, int]]) -> dict[int, int]:
    """Return the mass by drug in cells of one nanolitre each."""
    codes = {code for cell in cells for code in cell}
    return {code: sum(cell.get(code, 0) for cell in cells) for code in codes}


def test_a_change_of_concentration_arrives_when_the_line_is_displaced() -> None:
    """A new fluid reaches the tip only after the old one, the line's whole volume, has left it."""
    line = Line(1_000, {1: 25})
    assert [line.push(500, {1: 5}), line.push(500, {1: 5}), line.push(500, {1: 5})] == [
        {1: 12_500},
        {1: 12_500},
        {1: 2_500},
    ]
