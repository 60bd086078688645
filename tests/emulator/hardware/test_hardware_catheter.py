"""Where fluid goes in a catheter that is kinked, obstructed, leaking, off the pump or out of place."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.hardware.catheter import (
    CLEAR,
    POCKET,
    TISSUE,
    Held,
    Passage,
    Path,
    Plugs,
    Shape,
    deliver,
    flush,
    relieve,
)
from emulator.hardware.line import Fluid, filled, masses, push, volume_nl

TUBING_NL, SHAPE = 1_000, Shape(catheter_nl=2_000, compliance_nl=700)
LINE_NL = TUBING_NL + SHAPE.catheter_nl
OLD: Fluid = ((1, 10),)
NEW: Fluid = ((1, 3), (2, 7))


def run(path: Path, strokes: int, *, held: Held | None = None, stroke_nl: int = 100) -> tuple[Held, dict[str, int]]:
    """Push strokes of the new fluid; return what is held then, and the volumes that went anywhere."""
    held = held or Held(filled(LINE_NL, OLD))
    went = dict.fromkeys(("moved", "csf", "pocket", "tissue"), 0)
    for _ in range(strokes):
        passage = deliver(held, path, stroke_nl, NEW, SHAPE)
        held = passage.held
        for name, volume in (("moved", passage.moved_nl), *arrived(passage).items()):
            went[name] += volume
    return held, went


def arrived(passage: Passage) -> dict[str, int]:
    """Return the volumes by destination."""
    return {name: volume_nl(getattr(passage, name)) for name in ("csf", "pocket", "tissue")}


def test_a_sound_catheter_is_a_plain_line() -> None:
    """With nothing wrong, the tip gives exactly what the line gives, and nothing goes anywhere else."""
    held, line = Held(filled(LINE_NL, OLD)), filled(LINE_NL, OLD)
    for _ in range(50):
        passage = deliver(held, CLEAR, 77, NEW, SHAPE)
        line, out = push(line, 77, NEW)
        assert (passage.held, passage.csf, passage.pocket, passage.tissue) == (Held(line), out, (), ())
        held = passage.held


@pytest.mark.parametrize(("kinked", "moved"), [(0, 10_000), (250, 7_500), (333, 6_670), (999, 10), (1000, 0)])
def test_what_a_kink_blocks_stays_in_the_reservoir(kinked: int, moved: int) -> None:
    """The reservoir loses exactly the share that passes, and that share arrives."""
    _, went = run(Path(kinked=kinked), 100)
    assert went == {"moved": moved, "csf": moved, "pocket": 0, "tissue": 0}


def test_an_obstruction_holds_back_up_to_its_bound_and_lets_go_as_a_bolus() -> None:
    """Nothing arrives, the line is distended by 700 nL at most, and these come out when the obstruction clears."""
    held, went = run(Path(obstructed=1000), 100)
    assert went == {"moved": 700, "csf": 0, "pocket": 0, "tissue": 0}
    assert (held.pressure_nl, volume_nl(held.line)) == (700, LINE_NL + 700)
    assert relieve(held, Path(obstructed=1), SHAPE) == Passage(held, 0)
    freed = relieve(held, CLEAR, SHAPE)
    assert (freed.csf, freed.held.pressure_nl, volume_nl(freed.held.line)) == (((700, OLD),), 0, LINE_NL)
    assert freed.moved_nl == 0


def test_a_partial_obstruction_lets_its_share_through() -> None:
    """A quarter obstructed, three quarters arrive; the rest distends the catheter and then stays in the reservoir."""
    held, went = run(Path(obstructed=250), 100)
    assert (went["csf"], went["moved"], held.pressure_nl) == (7_500, 8_200, 700)


def test_a_dislodged_tip_delivers_all_of_it_elsewhere() -> None:
    """The volume is normal, and none of it reaches the CSF."""
    _, went = run(Path(dislodged=1000), 100)
    assert went == {"moved": 10_000, "csf": 0, "pocket": 0, "tissue": 10_000}


def test_off_the_pump_all_goes_into_the_pocket_and_the_catheter_keeps_its_content() -> None:
    """What stood in the tubing goes first; the catheter's own content has not moved."""
    held, went = run(Path(disconnected=True, leaking=300, kinked=500), 15)
    assert went == {"moved": 1_500, "csf": 0, "pocket": 1_500, "tissue": 0}
    assert held.line == ((SHAPE.catheter_nl, OLD), (TUBING_NL, NEW))


def test_pressure_lets_go_at_the_connector_when_the_catheter_comes_off() -> None:
    """What an obstruction held back goes into the pocket then, although the obstruction is still there."""
    held, _ = run(Path(obstructed=1000), 100)
    freed = relieve(held, Path(obstructed=1000, disconnected=True), SHAPE)
    assert (arrived(freed), freed.held.pressure_nl) == ({"csf": 0, "pocket": 700, "tissue": 0}, 0)
    assert volume_nl(freed.held.line) == LINE_NL


@pytest.mark.parametrize("into", [POCKET, TISSUE])
def test_a_leak_takes_its_share_to_where_it_leaks(into: str) -> None:
    """Of 100 strokes a leak of 37 % takes exactly 37 strokes' worth; the reservoir falls as usual."""
    _, went = run(Path(leaking=370, leaks_into=into), 100)
    assert (went["moved"], went["csf"], went[into]) == (10_000, 6_300, 3_700)


def test_an_injection_into_the_port_flushes_the_catheter_alone() -> None:
    """The drug standing in the catheter comes out before what was injected; the tubing keeps its content."""
    held = Held(filled(LINE_NL, OLD))
    passage = flush(held, CLEAR, 2_500, (), SHAPE)
    assert passage.csf == ((2_000, OLD), (500, ()))
    assert passage.held.line == ((2_000, ()), (1_000, OLD))
    assert flush(held, Path(obstructed=1000), 2_500, (), SHAPE) == Passage(held, 0)
    off = flush(held, Path(disconnected=True), 2_500, (), SHAPE)
    assert (off.pocket, off.held.line) == (((2_500, ()),), held.line)


SHARES = st.one_of(st.just(0), st.just(1000), st.integers(0, 1000))
PATHS = st.builds(Path, SHARES, SHARES, SHARES, st.sampled_from([POCKET, TISSUE]), SHARES, st.booleans())
FLUIDS = st.sampled_from([OLD, NEW, ((3, 1),), ()])
ACTS = st.lists(
    st.tuples(st.sampled_from(["push", "relieve", "flush"]), PATHS, st.integers(0, 900), FLUIDS), max_size=30
)


def balance(plugs: Plugs) -> dict[int, int]:
    """Return masses without zeros."""
    return {code: mass for code, mass in masses(plugs).items() if mass}


@given(acts=ACTS)
def test_nothing_is_ever_lost_or_made(acts: list[tuple[str, Path, int, Fluid]]) -> None:
    """For any faults in any order: what went in is in the line or arrived, to the nanolitre and picogram."""
    held = Held(filled(LINE_NL, OLD))
    entered: list[tuple[int, Fluid]] = [(LINE_NL, OLD)]
    left: list[tuple[int, Fluid]] = []
    for act, path, volume, fluid in acts:
        if act == "push":
            passage = deliver(held, path, volume, fluid, SHAPE)
            assert 0 <= passage.moved_nl <= volume
        elif act == "relieve":
            passage = relieve(held, path, SHAPE)
        else:
            passage = flush(held, path, volume, fluid, SHAPE)
        held = passage.held
        entered.append((passage.moved_nl, fluid))
        left += [*passage.csf, *passage.pocket, *passage.tissue]
        assert 0 <= held.pressure_nl <= SHAPE.compliance_nl
        assert volume_nl(held.line) == LINE_NL + held.pressure_nl
        assert volume_nl(tuple(entered)) == volume_nl((*left, *held.line))
        assert balance(tuple(entered)) == balance((*left, *held.line))


def test_small_shares_of_small_strokes_add_up() -> None:
    """Shares that are less than a nanolitre each are carried on until they are one: never more than one is owed."""
    chance = random.Random(5)
    for _ in range(50):
        share, strokes = chance.randrange(1, 1000), chance.randrange(1, 400)
        _, went = run(Path(leaking=share), strokes, stroke_nl=3)
        assert went["pocket"] == 3 * strokes * share // 1000
