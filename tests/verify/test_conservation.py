"""Nothing appears and nothing vanishes between reservoir, line and tip."""

from __future__ import annotations

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
