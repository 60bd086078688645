"""The small world: made from a seed, talked to over frames, judged at the end."""

from __future__ import annotations

from protocol.messages import Accepted, PatientBolus, Refused, Start, Stop
from protocol.units import DAY_MS, HOUR_MS
from protocol.vocabulary import Reason, Role
from verify.hostile import Weather
from verify.verdict import Claim
from verify.world import REAL, SMALL, World


def test_a_programmed_pump_delivers_and_the_judge_is_content() -> None:
    """A day of simple infusion moves what was prescribed, and the verdict's figures say so."""
    world = World(1, concentration=10_000)
    assert isinstance(world.program(world.prescription(960_000)), Accepted)
    world.bench.advance(DAY_MS)
    verdict = world.verdict()
    assert verdict.holds
    (drug,) = verdict.figures.drugs
    assert drug.tip_pg == 960_000 * 10_000


def test_the_same_seed_gives_the_same_journal() -> None:
    """Two worlds from one seed with one script write the same bytes, in any weather."""

    def run(seed: int) -> list[str]:
        world = World(seed, weather=Weather(lose=300, repeat=300, damage=100))
        world.program(world.prescription(960_000))
        world.talk(Role.PATIENT, PatientBolus())
        world.bench.advance(HOUR_MS)
        return world.journal.lines

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_a_role_may_do_what_it_may() -> None:
    """A patient cannot stop the pump, a clinician can."""
    world = World(1)
    refused = world.talk(Role.PATIENT, Stop())
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_PERMITTED
    assert isinstance(world.talk(Role.CLINICIAN, Stop()), Accepted)


def test_no_answer_is_none() -> None:
    """On a dead wire asking returns None instead of raising, and the pump has not moved."""
    world = World(1, weather=Weather(lose=1_000))
    assert world.talk(Role.CLINICIAN, Start()) is None
    assert world.verdict().figures.strokes == 0


def test_small_windows_are_sixty_times_smaller_and_still_longer_than_the_judges() -> None:
    """The guard's rings, less their one extra bucket, cover the judge's hour and day with 0.33 % to spare."""
    for windows in (REAL, SMALL):
        sizes = windows.sizes
        assert sizes.hour_bucket_ms * (sizes.hour_buckets - 1) * 1_000 >= windows.hour_ms * 1_003
        assert sizes.day_bucket_ms * (sizes.day_buckets - 1) * 1_000 >= windows.day_ms * 1_003
    assert (REAL.hour_ms, REAL.day_ms) == (60 * SMALL.hour_ms, 60 * SMALL.day_ms)


def test_the_judge_is_told_how_wide_the_windows_are() -> None:
    """What a small world delivers in its own hours is judged by them, not by real ones."""
    world = World(1, windows=SMALL, concentration=25_000)
    stroke_pg = 500 * 25_000
    limits = {"limit_1h": 12 * stroke_pg, "limit_24h": 200 * stroke_pg}
    assert isinstance(world.program(world.prescription(2_000_000, limit_1h=limits["limit_1h"])), Accepted)
    world.bench.advance(HOUR_MS)
    verdict = world.verdict()
    assert verdict.holds
    assert Claim.DOSE not in verdict.broken()
    fullest = max(window.mass_pg for window in verdict.figures.windows if window.hours == 1)
    assert fullest <= limits["limit_1h"]
