"""Nothing appears and nothing vanishes between reservoir, line and tip."""

from __future__ import annotations

from typing import Any

import pytest

from protocol.units import HOUR_MS
from verify.story import CONCENTRATION, MASS_PG, PERIOD_MS, STROKE_NL, Story
from verify.verdict import Claim

ATS = range(PERIOD_MS, HOUR_MS + 1, PERIOD_MS)


def test_a_line_full_of_saline_delivers_nothing_until_it_is_displaced() -> None:
    """The masses at the tip must be those of the judge's own line, here none for the first two strokes."""
    story = Story(line_nl=2 * STROKE_NL).prescribe()
    story.strokes(ATS[:2], tip_pg=0).strokes(ATS[2:])
    assert story.verdict().holds
    early = Story(line_nl=2 * STROKE_NL).prescribe().strokes(ATS)
    assert early.verdict().broken() == {Claim.CONSERVATION}


def test_drug_that_is_lost_on_the_way_is_found() -> None:
    """A stroke that leaves the outlet and delivers one picogram less at the tip loses mass."""
    story = Story().prescribe().strokes(ATS, tip_pg=MASS_PG - 1)
    (finding,) = story.verdict().findings
    assert (finding.claim, finding.measured, finding.allowed) == (Claim.CONSERVATION, MASS_PG - 1, MASS_PG)


def test_another_fluid_than_the_reservoir_holds_is_found() -> None:
    """What leaves the outlet is what is in the reservoir."""
    story = Story(reservoir={"fluid": {"1": CONCENTRATION // 2}}).prescribe().strokes(ATS)
    assert Claim.CONSERVATION in story.verdict().broken()


def test_a_stroke_of_another_volume_is_found() -> None:
    """Every stroke has the volume that the bench declares."""
    story = Story(stroke_nl=STROKE_NL - 1).prescribe().strokes(ATS)
    assert Claim.CONSERVATION in story.verdict().broken()


def test_more_than_the_reservoir_held_is_found() -> None:
    """The reservoir cannot give more than was filled in; a refill fills it again."""
    little = {"volume_nl": 2 * STROKE_NL, "fluid": {"1": CONCENTRATION}}
    assert Claim.CONSERVATION in Story(reservoir=little).prescribe().strokes(ATS).verdict().broken()
    story = Story(reservoir=little).prescribe().strokes(ATS[:2])
    story.tell(ATS[1], "bench.refill", volume_nl=20_000_000, fluid={"1": CONCENTRATION})
    assert Claim.CONSERVATION not in story.strokes(ATS[2:]).verdict().broken()


def test_the_end_must_add_up() -> None:
    """What the bench finds in line and reservoir at the end is what the strokes have left there."""
    left_nl = 20_000_000 - 4 * STROKE_NL
    plugs = [[STROKE_NL, {}], [4 * STROKE_NL, {"1": CONCENTRATION}]]

    def ended(line: object, reservoir_nl: int) -> list[str]:
        story = Story(line_nl=5 * STROKE_NL).prescribe().strokes(ATS, tip_pg=0)
        story.tell(HOUR_MS, "bench.end", line=line, reservoir={"volume_nl": reservoir_nl})
        return [finding.words.partition(" ends")[0] for finding in story.verdict().findings]

    assert ended(plugs, left_nl) == []
    assert ended(plugs[1:] + plugs[1:], left_nl) == ["the line"]
    assert ended(plugs, left_nl + 1) == ["the reservoir"]


def kinked(at_ms: int, *, tip_pg: int, **unusual: Any) -> Story:
    """Return a story of one stroke that took or gave something else than usual, with drug in the line before it."""
    story = Story(line_nl=STROKE_NL, line={"1": CONCENTRATION}).prescribe()
    outlet_pg = unusual.get("moved_nl", STROKE_NL) * CONCENTRATION
    story.journal.stroke(at_ms, STROKE_NL, {1: outlet_pg}, {1: tip_pg}, **unusual)
    return story


def test_a_stroke_that_truly_moved_less_is_counted_as_that() -> None:
    """What a kink left in the reservoir is in the reservoir at the end, and the tip gives what entered."""
    plugs = [[STROKE_NL, {"1": CONCENTRATION}]]
    for reservoir_nl, broken in ((20_000_000 - 300, False), (20_000_000 - STROKE_NL, True)):
        story = kinked(PERIOD_MS, tip_pg=300 * CONCENTRATION, moved_nl=300)
        story.tell(PERIOD_MS, "bench.end", line=plugs, reservoir={"volume_nl": reservoir_nl})
        assert (Claim.CONSERVATION in story.verdict().broken()) is broken


@pytest.mark.parametrize(
    ("unusual", "tip_pg", "line_nl", "broken"),
    [
        ({"pocket": {1: MASS_PG}}, 0, STROKE_NL, False),
        ({"tissue": {1: MASS_PG - 1}}, 1, STROKE_NL, False),
        ({"held_nl": STROKE_NL}, 0, 2 * STROKE_NL, False),
        ({"pocket": {1: MASS_PG}}, 1, STROKE_NL, True),
        ({"pocket": {1: MASS_PG - 1}}, 0, STROKE_NL, True),
        ({"pocket": {1: 3 * MASS_PG}}, 0, STROKE_NL, True),
        ({"held_nl": STROKE_NL - 1}, 0, 2 * STROKE_NL, True),
        ({"held_nl": STROKE_NL}, 0, STROKE_NL, True),
    ],
)
def test_what_goes_beside_or_is_held_back_must_add_up(
    unusual: dict[str, Any], tip_pg: int, line_nl: int, broken: bool
) -> None:
    """What entered the line is in it, in the CSF, in the pocket or in the tissue, to the picogram and nanolitre."""
    story = kinked(PERIOD_MS, tip_pg=tip_pg, **unusual)
    story.tell(PERIOD_MS, "bench.end", line=[[line_nl, {"1": CONCENTRATION}]])
    assert (Claim.CONSERVATION in story.verdict().broken()) is broken


def flow(why: str, volume_nl: int, *, outlet_pg: int = 0, tip_pg: int = 0, held_nl: int = 0) -> dict[str, Any]:
    """Return the data of a flow without the drive."""
    places = {"outlet": {"1": outlet_pg}, "tip": {"1": tip_pg}, "pocket": {}, "tissue": {}}
    return {"why": why, "volume_nl": volume_nl, "held_nl": held_nl, **places}


@pytest.mark.parametrize(
    ("data", "left_nl", "line", "broken"),
    [
        (flow("free_flow", 500, outlet_pg=MASS_PG, tip_pg=MASS_PG), 500, [500, {"1": CONCENTRATION}], False),
        (flow("free_flow", 500, outlet_pg=MASS_PG, tip_pg=MASS_PG), 0, [500, {"1": CONCENTRATION}], True),
        (flow("free_flow", 500, outlet_pg=MASS_PG - 1, tip_pg=MASS_PG), 500, [500, {"1": CONCENTRATION}], True),
        (flow("access_port", 900, tip_pg=MASS_PG), 0, [500, {}], False),
        (flow("access_port", 900, tip_pg=MASS_PG), 0, [500, {"1": CONCENTRATION}], True),
        (flow("released", 0, tip_pg=200 * CONCENTRATION, held_nl=-200), 0, [300, {"1": CONCENTRATION}], False),
        (flow("released", 0, tip_pg=200 * CONCENTRATION), 0, [300, {"1": CONCENTRATION}], True),
    ],
)
def test_what_moves_without_the_drive_must_add_up_too(
    data: dict[str, Any], left_nl: int, line: list[Any], broken: bool
) -> None:
    """Free flow comes out of the reservoir, an injection pushes out what stood in the catheter, pressure lets go."""
    story = Story(line_nl=STROKE_NL, line={"1": CONCENTRATION}).prescribe().tell(0, "catheter.flow", **data)
    story.tell(0, "bench.end", line=[line], reservoir={"volume_nl": 20_000_000 - left_nl})
    assert (Claim.CONSERVATION in story.verdict().broken()) is broken
