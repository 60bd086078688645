"""How often: what is seen over many seeds is what the row says, and nothing is seen that has no row."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import accumulate

import pytest

from emulator.workups.catalogue import Plan
from emulator.workups.clinic import order
from emulator.workups.finding import Aftermath, Finding, Verdict, Workup
from emulator.workups.reading import shipped_catalogue
from emulator.workups.residual import false_alarm_rate
from emulator.workups.situation import FAILURES, WHOLE, Condition, Situation

CATALOGUE = shipped_catalogue()
PLANS = list(CATALOGUE.plans.values())
SEEDS = 900
TAIL = 1e-5
"""How improbable a count must be to be called wrong; the seeds are fixed, so it is wrong always or never."""
FLOWED = Finding(Workup.ASPIRATION, (), (), Aftermath.CATHETER_EMPTIED)
ROWS = [
    pytest.param(plan, condition, shows.sensitivity.value, id=f"{plan.workup.value}-{condition.value}")
    for plan in PLANS
    for sight in plan.sights
    for condition, shows in sight.shows.items()
]


def situation(seed: int = 0, **wrong: object) -> Situation:
    """Return a sound pump, half full and exactly as reckoned, but for what is said."""
    return Situation(
        seed=seed,
        reservoir_nl=10_000_000,
        computed_nl=10_000_000,
        capacity_nl=20_000_000,
        filled_nl=20_000_000,
        **wrong,  # type: ignore[arg-type]
    )


def wrong(condition: Condition, extent: int = WHOLE) -> dict[str, object]:
    """Return what to say of a situation in which this is wrong."""
    special: dict[Condition, dict[str, object]] = {
        Condition.KINKED: {"kinked_permille": extent},
        Condition.OBSTRUCTED: {"obstructed_permille": extent},
        Condition.DISLODGED: {"dislodged_permille": extent},
        Condition.LEAKING: {"leak_permille": extent},
        Condition.STALLED: {"rotor_turning": False},
        Condition.DEAD: {"dead": True, "answering": False, "rotor_turning": False},
        Condition.SILENT: {"answering": False},
        Condition.OVER_INFUSING: {"delivery_permille": WHOLE + extent},
        Condition.UNDER_INFUSING: {"delivery_permille": WHOLE - extent},
        Condition.POCKET_FILLED: {"pocket_nl": 10_000_000},
        Condition.WRONG_DRUG: {"fluid": (("morphine", WHOLE + extent),), "programmed_fluid": (("morphine", WHOLE),)},
    }
    return special.get(condition, {condition.value: True})


def examine(plan: Plan, seed: int, **wrong: object) -> Finding:
    """Carry out an examination with everything that is random drawn from one seed."""
    return order(plan.workup, situation(seed, **wrong), random.Random(seed), [FLOWED])


@cache
def bounds(chance: float, trials: int) -> tuple[int, int]:
    """Return the least and the greatest count that is not improbable, from the exact binomial distribution."""
    if chance in (0.0, 1.0):
        return (round(chance * trials),) * 2
    logs = [math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) for k in range(trials + 1)]
    masses = [
        math.exp(log + k * math.log(chance) + (trials - k) * math.log(1 - chance)) for k, log in enumerate(logs)
    ]
    least = sum(below <= TAIL for below in accumulate(masses))
    greatest = trials - sum(above <= TAIL for above in accumulate(reversed(masses)))
    return least, greatest


@pytest.mark.parametrize(("plan", "condition", "sensitivity"), ROWS)
def test_what_is_there_is_seen_as_often_as_the_row_says(
    plan: Plan, condition: Condition, sensitivity: Fraction
) -> None:
    """Over many patients and generators the share of positive answers is the sensitivity, within binomial bounds."""
    failure, say = FAILURES[condition], wrong(condition)
    seen = sum(examine(plan, seed, **say).verdict(failure) is Verdict.POSITIVE for seed in range(SEEDS))
    least, greatest = bounds(float(sensitivity), SEEDS)
    assert least <= seen <= greatest


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.workup.value)
def test_what_is_not_there_is_seen_as_often_as_the_specificity_says(plan: Plan) -> None:
    """In a sound system the share of findings with anything positive is the false share of the row."""
    false_share = 1 - float(plan.specificity.value)
    if plan.workup is Workup.RESIDUAL:
        false_share = false_alarm_rate(CATALOGUE)
    found = sum(bool(examine(plan, seed).failures(Verdict.POSITIVE)) for seed in range(SEEDS))
    least, greatest = bounds(false_share, SEEDS)
    assert least <= found <= greatest


def without_row(plan: Plan) -> list[Condition]:
    """Return what an examination has no row for, nor for anything that comes with it: the dead are silent."""
    visible = {shown for sight in plan.sights for shown in sight.shows}
    if plan.needs_port:
        visible.add(Condition.FLIPPED)
    if Condition.SILENT in visible:
        visible.add(Condition.DEAD)
    return [condition for condition in Condition if condition not in visible]


@pytest.mark.parametrize(
    ("plan", "condition"),
    [
        pytest.param(plan, condition, id=f"{plan.workup.value}-{condition.value}")
        for plan in PLANS
        for condition in without_row(plan)
    ],
)
def test_nothing_is_seen_that_has_no_row(plan: Plan, condition: Condition) -> None:
    """A condition without a row changes nothing in what is found: to the letter the answer of a sound system."""
    say = wrong(condition)
    for seed in range(40):
        unseen, sound = examine(plan, seed, **say), examine(plan, seed)
        assert (unseen.seen, unseen.verdicts) == (sound.seen, sound.verdicts)


@pytest.mark.parametrize(
    ("workup", "condition", "least"),
    [
        (plan.workup, condition, shows.from_permille)
        for plan in PLANS
        for sight in plan.sights
        for condition, shows in sight.shows.items()
        if shows.from_permille > 1
    ],
)
def test_a_small_extent_is_never_seen(workup: Workup, condition: Condition, least: int) -> None:
    """Just under the extent of its row a condition is not seen; at it, it is seen by some."""
    plan = CATALOGUE.plans[workup]
    under, at = wrong(condition, least - 1), wrong(condition, least)
    assert all(examine(plan, seed, **under) == examine(plan, seed) for seed in range(40))
    assert any(examine(plan, seed, **at) != examine(plan, seed) for seed in range(40))


def test_the_residual_suspects_a_sound_pump_in_one_refill_of_twenty() -> None:
    """By construction, from the published spread and the accuracy, between 5 and 6 % of refills are flagged."""
    rate = false_alarm_rate(CATALOGUE)
    assert 0.05 < rate < 0.06
    assert math.isclose(1 - rate, CATALOGUE.plans[Workup.RESIDUAL].specificity.value, abs_tol=5e-4)


def test_what_is_nearly_empty_is_never_low() -> None:
    """With 2 mL of 20 reckoned and there, only the half that is too much is flagged."""
    nearly_empty = replace(situation(), reservoir_nl=2_000_000, computed_nl=2_000_000)
    found = [
        order(Workup.RESIDUAL, replace(nearly_empty, refills=refills), random.Random(0)) for refills in range(SEEDS)
    ]
    high = sum(finding.verdict("CATH-OCCLUSION") is Verdict.POSITIVE for finding in found)
    least, greatest = bounds(false_alarm_rate(CATALOGUE) / 2, SEEDS)
    assert least <= high <= greatest
    assert all(finding.verdict("OVER-INFUSION") is Verdict.NEGATIVE for finding in found)


def test_the_spread_of_the_residual_is_the_published_one() -> None:
    """Of many refills of a sound pump 95 % measure a ratio within 0.15 of 1."""
    plan = CATALOGUE.plans[Workup.RESIDUAL]
    ratios = [(20_000_000 - (examine(plan, seed).measured_nl or 0)) / 10_000_000 for seed in range(2000)]
    within = sum(abs(ratio - 1) <= 0.15 for ratio in ratios)
    least, greatest = bounds(0.9572, 2000)  # read to 0.01, up to 0.155 is read as 0.15 or less
    assert least <= within <= greatest
    assert abs(sum(ratios) / len(ratios) - 1) < 0.01


def test_the_bounds_would_notice_a_wrong_figure() -> None:
    """The published 13 of 37 and a half cannot both pass, so the frequency tests can fail."""
    assert bounds(13 / 37, SEEDS)[1] < bounds(0.5, SEEDS)[0]
    assert bounds(0.5, 4) == (0, 4)
    assert bounds(0.0, 9) == (0, 0)
    assert bounds(1.0, 9) == (9, 9)
