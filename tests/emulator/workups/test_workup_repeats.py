"""Asking again: what lasts, what is new, and that chance is repeatable."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from emulator.workups.clinic import order
from emulator.workups.finding import Aftermath, Finding, Verdict, Workup
from emulator.workups.situation import Situation

KINKED = Situation(
    seed=1,
    reservoir_nl=12_000_000,
    computed_nl=10_000_000,
    capacity_nl=20_000_000,
    filled_nl=20_000_000,
    kinked_permille=600,
    leak_permille=400,
)
FLOWED = Finding(Workup.ASPIRATION, (), (), Aftermath.CATHETER_EMPTIED)


def answers(workup: Workup, situation: Situation, generators: range = range(60)) -> set[Finding]:
    """Return the different findings of one examination, asked again and again."""
    return {order(workup, situation, random.Random(seed), [FLOWED]) for seed in generators}


@pytest.mark.parametrize(
    "workup", [Workup.X_RAY, Workup.ASPIRATION, Workup.DYE_STUDY, Workup.INDIUM_SCAN, Workup.RESIDUAL]
)
def test_a_systematic_error_is_not_averaged_away(workup: Workup) -> None:
    """A second film, aspiration, myelogram, scan or emptying of the same reservoir shows what the first one did."""
    assert len(answers(workup, KINKED)) == 1
    others = {order(workup, replace(KINKED, seed=seed), random.Random(0), [FLOWED]) for seed in range(60)}
    assert len(others) > 1


@pytest.mark.parametrize(
    ("workup", "wrong"),
    [
        (Workup.ROTOR_STUDY, replace(KINKED, rotor_turning=False)),
        (Workup.EXAMINATION, replace(KINKED, infected=True)),
        (Workup.INTERROGATION, replace(KINKED, flipped=True)),
        (Workup.ASSAY, KINKED),
    ],
)
def test_a_fresh_error_may_be_gone_the_next_time(workup: Workup, wrong: Situation) -> None:
    """Where the error is in the examination, asking again is a new chance."""
    found = answers(workup, wrong, range(400))
    assert {bool(finding.failures(Verdict.POSITIVE)) for finding in found} == {True, False}


def test_the_next_refill_is_a_new_measurement() -> None:
    """The residual volume errs anew after each refill, and only then."""
    measured = [
        order(Workup.RESIDUAL, replace(KINKED, refills=refills), random.Random(0)).measured_nl
        for refills in range(20)
    ]
    assert len(set(measured)) > 10
    again = order(Workup.RESIDUAL, replace(KINKED, refills=7), random.Random(99)).measured_nl
    assert again == measured[7]


def test_what_a_growing_kink_has_shown_it_goes_on_showing() -> None:
    """The lasting chance belongs to the condition and not to its extent, so worse is never seen less."""
    for seed in range(30):
        seen = [
            order(Workup.DYE_STUDY, replace(KINKED, seed=seed, leak_permille=0, kinked_permille=extent),
                  random.Random(0), [FLOWED]).verdict("CATH-KINK") is Verdict.POSITIVE
            for extent in (300, 500, 700, 1000)
        ]  # fmt: skip
        assert seen == sorted(seen)


def test_the_same_seed_gives_the_same_visit() -> None:
    """A whole visit, every examination in order, repeats to the letter; another generator gives another visit."""

    def visit(seed: int) -> list[Finding]:
        generator = random.Random(seed)
        findings: list[Finding] = []
        for workup in Workup:
            findings.append(order(workup, KINKED, generator, findings))
        return findings

    assert visit(3) == visit(3)
    assert len({tuple(visit(seed)) for seed in range(10)}) > 1


def test_lasting_chance_is_the_same_on_every_machine() -> None:
    """Which patients' kinks show on a film is fixed by their seeds, whatever the version of Python."""
    sees = "".join(
        "x" if order(Workup.X_RAY, replace(KINKED, seed=seed, leak_permille=0), random.Random(0)).failures(
            Verdict.POSITIVE) else "."
        for seed in range(24)
    )  # fmt: skip
    assert sees == "..x.x..xx.x.x....xx....."


def test_ordering_consumes_no_global_chance() -> None:
    """The global generator is neither read nor moved."""
    random.seed(5)
    before = random.getstate()
    for workup in Workup:
        order(workup, KINKED, random.Random(1), [FLOWED])
    assert random.getstate() == before
