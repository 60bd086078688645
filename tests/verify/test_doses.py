"""Dose limits: each way to pass one is found, and the exact limit is not one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.judge import UnjudgeableError
from verify.story import DRUG, LIMIT_1H, LIMIT_24H, MASS_PG, PERIOD_MS, STROKE_NL, Story, healthy
from verify.verdict import Claim, Finding, Verdict


def doses(verdict: Verdict) -> list[Finding]:
    """Return the findings about doses."""
    return [finding for finding in verdict.findings if finding.claim is Claim.DOSE]


def test_a_healthy_pump_exactly_at_its_limits_holds() -> None:
    """Limits are inclusive: two days with every hour and every day exactly full break nothing at all."""
    verdict = healthy(days=2).verdict()
    assert verdict.findings == ()
    shares = {(window.place, window.hours): (window.mass_pg, window.limit_pg) for window in verdict.figures.windows}
    assert shares["tip", 24] == (LIMIT_24H, LIMIT_24H)
    assert shares["tip", 1] == (LIMIT_1H, LIMIT_1H)


@pytest.mark.parametrize("key", ["limit_1h", "limit_24h"])
def test_one_picogram_less_of_limit_is_found(key: str) -> None:
    """The same infusion under a limit that is smaller by one picogram is a violation, in this window only."""
    drug = {**DRUG, key: int(str(DRUG[key])) - 1}
    verdict = Story().prescribe(drugs=[drug]).infuse(0, 2 * DAY_MS).verdict()
    hours = 1 if key == "limit_1h" else 24
    assert {(finding.measured - finding.allowed) for finding in doses(verdict)} == {1}
    assert all(f"the {hours} h ending" in finding.words for finding in doses(verdict))
    assert len(doses(verdict)) == 2, "one excursion at the outlet and one at the tip, not one finding a stroke"


def test_a_window_across_every_boundary_is_found() -> None:
    """Four strokes before and four after a full hour of the clock, within one hour of each other, are eight."""
    late = [HOUR_MS - 10 - at for at in (30, 20, 10, 0)]
    early = [HOUR_MS + at for at in (0, 10, 20, 30)]
    verdict = Story().prescribe(rate=24_000_000).strokes(late + early).verdict()
    assert {finding.measured for finding in doses(verdict)} == {2 * LIMIT_1H}


def test_only_the_tip_may_be_over() -> None:
    """Old strong drug pushed out of the line breaks the limit at the tip while the outlet is within it."""
    story = Story(line_nl=10_000, line={"1": 5_000}).prescribe()
    story.strokes(range(PERIOD_MS, 2 * HOUR_MS, PERIOD_MS), tip_pg=5 * MASS_PG)
    verdict = story.verdict()
    assert {finding.words.partition(":")[0] for finding in doses(verdict)} == {"morphine at the tip"}
    assert verdict.broken() == {Claim.DOSE}


def test_a_lowered_limit_is_not_broken_by_what_went_before() -> None:
    """Lowering a limit below what the window holds is no violation as long as no further stroke is added."""
    tighter = [{**DRUG, "limit_1h": MASS_PG, "limit_24h": MASS_PG}]
    story = Story().prescribe().infuse(0, HOUR_MS).prescribe(HOUR_MS, drugs=tighter).state(HOUR_MS, "stopped", 0)
    assert story.verdict(2 * HOUR_MS).holds


def test_a_stroke_above_a_lowered_limit_is_found() -> None:
    """After a limit was lowered below what the window holds, the very next stroke is a violation."""
    tighter = [{**DRUG, "limit_1h": MASS_PG}]
    story = Story().prescribe().infuse(0, HOUR_MS).prescribe(HOUR_MS, drugs=tighter)
    (outlet, tip) = doses(story.strokes([HOUR_MS + PERIOD_MS]).verdict())
    assert (outlet.measured, outlet.allowed) == (tip.measured, tip.allowed) == (4 * MASS_PG, MASS_PG)


def test_a_raised_limit_makes_no_earlier_stroke_good() -> None:
    """A stroke above the limit of its own moment stays a violation when the limit is raised afterwards."""
    tight = [{**DRUG, "limit_1h": MASS_PG}]
    story = Story().prescribe(drugs=tight).infuse(0, HOUR_MS).prescribe(HOUR_MS).infuse(HOUR_MS, 2 * HOUR_MS)
    assert {finding.at_ms for finding in doses(story.verdict())} == {2 * PERIOD_MS}


def test_the_library_limit_holds_whatever_is_prescribed() -> None:
    """A prescription with a limit above the library's hard limit is judged by the library."""
    library = {"1": {"name": "morphine", "limit_1h": LIMIT_1H - 1, "limit_24h": LIMIT_24H}}
    verdict = Story(drugs=library).prescribe().infuse(0, DAY_MS).verdict()
    assert {finding.allowed for finding in doses(verdict)} == {LIMIT_1H - 1}


SMALL = {"hour_ms": HOUR_MS // 60, "day_ms": DAY_MS // 60}


def test_the_windows_are_those_of_the_header() -> None:
    """What fills an hour in a minute is too much by the hour, and too little for a window of a minute to notice."""
    strokes = range(MINUTE_MS, 20 * MINUTE_MS, MINUTE_MS)
    by_the_hour = Story().prescribe(rate=1_440 * STROKE_NL).strokes(strokes).verdict()
    assert doses(by_the_hour)
    assert by_the_hour.figures.widths_ms == {"1": HOUR_MS, "24": DAY_MS}
    small = Story(windows=SMALL).prescribe(rate=1_440 * STROKE_NL).strokes(strokes).verdict()
    assert doses(small) == []
    assert any("not with real ones: 1 min for 1 h, 24 min for 24 h" in line for line in small.lines())
    assert not any("windows that the header names" in line for line in by_the_hour.lines())


def test_small_windows_are_judged_as_strictly() -> None:
    """One stroke more than the limit within a window as the header names it is found, and the finding names it."""
    story = Story(windows=SMALL).prescribe(rate=24_000_000).strokes([HOUR_MS + at for at in range(5)])
    assert any("in the 1 min for 1 h ending" in finding.words for finding in doses(story.verdict()))


@pytest.mark.parametrize("width", [0, -1, "an hour", None])
def test_a_window_of_no_width_is_not_judged(width: object) -> None:
    """A header that names no windows that there can be gets no verdict."""
    story = Story(windows={"hour_ms": width}).prescribe().infuse(0, HOUR_MS)
    with pytest.raises(UnjudgeableError):
        story.verdict()


def test_a_drug_without_any_limit_may_not_move() -> None:
    """A drug that neither a prescription nor the library limits is over its limit with the first picogram."""
    story = Story(drugs={}).prescribe(drugs=[{**DRUG, "code": 2}]).infuse(0, HOUR_MS)
    assert {(finding.at_ms, finding.allowed) for finding in doses(story.verdict())} == {(PERIOD_MS, 0)}


def test_a_drug_that_is_no_longer_prescribed_keeps_its_limits() -> None:
    """The old drug in the line is judged by its last limits after a change of drug."""
    other = [{**DRUG, "code": 2}]
    both = {code: {"name": code, "limit_1h": 10 * LIMIT_1H, "limit_24h": 10 * LIMIT_24H} for code in ("1", "2")}
    story = Story(drugs=both).prescribe().infuse(0, HOUR_MS).prescribe(HOUR_MS, drugs=other)
    assert story.infuse(HOUR_MS, DAY_MS).verdict().holds
    story = Story(drugs=both).prescribe().infuse(0, HOUR_MS).prescribe(HOUR_MS, drugs=other)
    assert doses(story.strokes([HOUR_MS + 1]).verdict())


def test_excursions_are_told_apart() -> None:
    """Two times above the limit with a time within it between them are two findings, each with its worst moment."""
    story = Story().prescribe(rate=24_000_000)
    story.strokes([1, 2, 3, 4, 5, 6]).strokes([3 * HOUR_MS]).strokes([3 * HOUR_MS + at for at in (1, 2, 3, 4)])
    hours = [finding for finding in doses(story.verdict()) if "tip" in finding.words]
    assert [(finding.at_ms, finding.measured) for finding in hours] == [
        (5, 6 * MASS_PG),
        (3 * HOUR_MS + 4, 5 * MASS_PG),
    ]


@given(
    ats=st.lists(st.integers(1, 3 * HOUR_MS), max_size=40).map(sorted),
    limit=st.integers(1, 12),
)
def test_the_judge_agrees_with_brute_force(ats: list[int], limit: int) -> None:
    """Whatever the strokes, a dose finding is there exactly if some window of an hour holds more than its limit."""
    drug = {**DRUG, "limit_1h": limit * MASS_PG}
    verdict = Story().prescribe(drugs=[drug], rate=24_000_000).strokes(ats).verdict()
    fullest = max((sum(at - HOUR_MS < earlier <= at for earlier in ats) for at in ats), default=0)
    assert bool(doses(verdict)) == (fullest > limit)
    worst = max((finding.measured for finding in doses(verdict)), default=0)
    assert worst == (fullest * MASS_PG if fullest > limit else 0)
