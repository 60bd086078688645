"""Two drugs in one reservoir: every limit holds for each of them, also where only the second one is near it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from emulator.drug import DrugEntry
from protocol.messages import Accepted, Drug, Message, Prescription, Refused, StagePrescription
from protocol.units import HOUR_MS, Picograms, PicogramsPerNanolitre
from protocol.vocabulary import Reason
from verify.starts import STROKE_NL, bolus, grant
from verify.suites.asking import ask
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import World

WEAK = 1_000
"""In pg/nL: far from every limit."""
RATE = 300_000


def held(entry: DrugEntry, concentration: int = WEAK, **limits: int) -> Drug:
    """Return a drug of a mixture, with the library's hard limits or with tighter or wider ones."""
    return Drug(
        entry.code,
        PicogramsPerNanolitre(concentration),
        Picograms(limits.get("hour", entry.hard_1h.value)),
        Picograms(limits.get("day", entry.hard_24h.value)),
    )


class Case(NamedTuple):
    """A mixture whose one drug is too much for a request, and why that must be refused."""

    name: str
    tight: Callable[[DrugEntry], Drug]
    request: Callable[[Prescription, DrugEntry], Message]
    reason: Reason
    rate: int = RATE
    staged: bool = True
    """Whether the prescription itself is what must be refused."""


def _stage(prescription: Prescription, _: DrugEntry) -> Message:
    return StagePrescription(prescription)


def _too_large(_: Prescription, entry: DrugEntry) -> Message:
    return bolus(entry.bolus.hard.value // (entry.concentration.hard.value * STROKE_NL) + 1, 60)


def _stage_with_patient(prescription: Prescription, _: DrugEntry) -> Message:
    patient = grant(strokes=20, minutes=20, lockout=30, count=40)
    return StagePrescription(replace(prescription, patient_bolus=patient))


CASES = (
    Case(
        "a strength", lambda it: held(it, it.concentration.hard.value + 1), _stage, Reason.CONCENTRATION_LIMIT, 48_000
    ),
    Case("an hour's limit", lambda it: held(it, hour=it.hard_1h.value + 1), _stage, Reason.LIMIT_ABOVE_LIBRARY),
    Case("a day's limit", lambda it: held(it, day=it.hard_24h.value + 1), _stage, Reason.LIMIT_ABOVE_LIBRARY),
    Case("a planned hour", lambda it: held(it, hour=RATE // 48 * WEAK), _stage, Reason.HOUR_LIMIT),
    Case("a planned day", lambda it: held(it, day=RATE // 2 * WEAK), _stage, Reason.DAY_LIMIT),
    Case("the patient's worst day", lambda it: held(it, day=400_000 * WEAK), _stage_with_patient, Reason.DAY_LIMIT),
    Case(
        "a single dose",
        lambda it: held(it, it.concentration.hard.value),
        _too_large,
        Reason.BOLUS_LIMIT,
        48_000,
        staged=False,
    ),
)


def each_drug_has_its_limits(effort: Effort) -> None:
    """Mix each of two drugs, the first and the second in turn, so that it alone is too much for what is asked."""
    for case in CASES:
        for place in (0, 1):
            effort.tried += 1
            world = World(effort.seed)
            entries = list(world.library)[:2]
            drugs = [held(entry) for entry in entries]
            drugs[place] = case.tight(entries[place])
            mixture = replace(world.prescription(case.rate), drugs=tuple(drugs))
            if not case.staged:
                reply = world.program(mixture)
                require(isinstance(reply, Accepted), f"{case.name}: an ordinary mixture is answered by {reply}")
                world.bench.advance(HOUR_MS)
            answer = ask(world, case.request(mixture, entries[place]))
            found = (answer.reason, answer.subject) if isinstance(answer, Refused) else answer
            require(
                found == (case.reason, entries[place].code),
                f"{case.name} of drug {place + 1} of a mixture is answered by {found}",
            )
            effort.reached[case.name] += 1


def another_drug_can_come_first(effort: Effort) -> None:
    """Prescribe as the first another drug than stands in the line of a new pump."""
    effort.tried += 1
    world = World(effort.seed)
    other = next(entry for entry in world.library if entry.code != 1)
    reply = world.program(replace(world.prescription(48_000), drugs=(held(other),)))
    require(
        isinstance(reply, Accepted), f"a first prescription of another drug than the line's is answered by {reply}"
    )
    world.bench.advance(2 * HOUR_MS)
    pump = world.device.pump
    counted = {entry.code for entry in pump.ledgers} if pump else set()
    require(counted == {1, other.code}, f"of a drug in the line and one behind it {counted} have ledgers")


SUITE = Suite(
    "mixtures",
    "two drugs in one reservoir",
    (
        Property(
            "mixtures.limits",
            "Every limit holds for each drug of a mixture.",
            each_drug_has_its_limits,
            premises=tuple(case.name for case in CASES),
            verifies=("DOSE-05", "DOSE-06"),
        ),
        Property("mixtures.first", "The first drug need not be the one in the line.", another_drug_can_come_first),
    ),
)
