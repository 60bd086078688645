"""Commands that are plainly wrong: each has one thing wrong with it, and whatever else is so, the pump refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from protocol.messages import (
    Accepted,
    ClinicianBolus,
    Commit,
    Drug,
    EnterRefill,
    Message,
    Prescription,
    Prime,
    Schedule,
    SelfTest,
    SetWallClock,
    StagePrescription,
    StageSchedule,
    Start,
    Step,
    Stop,
)
from protocol.units import DAY_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import Mode, Role, TherapyState
from verify.broken import require
from verify.scripts.action import Who, action, one_of
from verify.scripts.run import Run
from verify.starts import STRONGEST, bolus, grant
from verify.world import World

RATE = 200_000
TOO_MUCH = Nanolitres(20_000_001)
"""More than the reservoir holds."""


class Mistake(NamedTuple):
    """What is asked, and by whom."""

    role: Role
    ask: Callable[[World], Message]


def _clinician(ask: Callable[[World], Message]) -> Mistake:
    return Mistake(Role.CLINICIAN, ask)


def _prescription(wrong: Callable[[Prescription, Drug], Prescription]) -> Mistake:
    """Return the mistake of staging an ordinary prescription with something wrong in it."""

    def staged(world: World) -> StagePrescription:
        good = world.prescription(RATE)
        return StagePrescription(wrong(good, good.drugs[0]))

    return _clinician(staged)


def _above_library(good: Prescription, drug: Drug) -> Prescription:
    return replace(good, drugs=(replace(drug, limit_1h=Picograms(drug.limit_1h.value + 1)),))


def _too_strong(good: Prescription, drug: Drug) -> Prescription:
    return replace(good, drugs=(replace(drug, concentration=Concentration(STRONGEST + 1)),))


def _schedule(*steps: Step, days: bytes = bytes(7)) -> Mistake:
    return _clinician(lambda _: StageSchedule(Schedule(Milliseconds(0), days, steps)))


_STEP = Step(0, Milliseconds(0), NanolitresPerDay(RATE))

MISTAKES: dict[str, Mistake] = {
    "another_library": _prescription(lambda good, _: replace(good, library=bytes(16))),
    "no_drug": _prescription(lambda good, _: replace(good, drugs=())),
    "a_drug_twice": _prescription(lambda good, drug: replace(good, drugs=(drug, drug))),
    "an_unknown_drug": _prescription(lambda good, drug: replace(good, drugs=(replace(drug, code=77),))),
    "too_strong": _prescription(_too_strong),
    "limit_above_library": _prescription(_above_library),
    "too_slow": _prescription(lambda good, _: replace(good, rate=NanolitresPerDay(47_999))),
    "too_fast": _prescription(lambda good, _: replace(good, rate=NanolitresPerDay(24_000_001))),
    "rate_of_nothing": _prescription(lambda good, _: replace(good, mode=Mode.MINIMUM_RATE)),
    "threshold_above_capacity": _prescription(lambda good, _: replace(good, low_reservoir=TOO_MUCH)),
    "grant_of_a_second": _prescription(
        lambda good, _: replace(
            good, patient_bolus=replace(grant(strokes=1, minutes=1, lockout=5, count=1), duration=Milliseconds(1_000))
        )
    ),
    "grant_too_large": _prescription(
        lambda good, _: replace(good, patient_bolus=grant(strokes=4_000, minutes=1_000, lockout=5, count=1))
    ),
    "no_reason": _prescription(lambda good, _: replace(good, override_reason="  ")),
    "schedule_of_nobody": _prescription(
        lambda good, _: replace(good, mode=Mode.FLEX, rate=NanolitresPerDay(0), schedule=bytes(range(16)))
    ),
    "schedule_with_a_gap": _schedule(replace(_STEP, begins=Milliseconds(MINUTE_MS))),
    "schedule_of_a_missing_pattern": _schedule(_STEP, days=bytes([0, 0, 0, 0, 0, 0, 1])),
    "commit_of_nothing": _clinician(lambda _: Commit(bytes(range(16)))),
    "bolus_of_nothing": _clinician(lambda _: bolus(0, 1)),
    "bolus_without_end": _clinician(lambda _: ClinicianBolus(Nanolitres(500), Milliseconds(DAY_MS + 1), "x")),
    "bolus_too_large": _clinician(lambda _: ClinicianBolus(Nanolitres(2_000_000), Milliseconds(DAY_MS), "x")),
    "refill_above_capacity": _clinician(lambda _: EnterRefill(Nanolitres(0), TOO_MUCH)),
    "prime_more_than_the_line": _clinician(
        lambda world: Prime(
            Nanolitres(world.profile.tubing.value + 10_000_000), Milliseconds(DAY_MS), line_emptied=False
        )
    ),
    "a_reply_as_a_request": _clinician(lambda _: Accepted(TherapyState.STOPPED, NanolitresPerDay(0))),
    "stop_by_the_patient": Mistake(Role.PATIENT, lambda _: Stop()),
    "start_by_the_patient": Mistake(Role.PATIENT, lambda _: Start()),
    "bolus_by_the_patient": Mistake(Role.PATIENT, lambda _: bolus(1, 1)),
    "start_by_an_observer": Mistake(Role.OBSERVER, lambda _: Start()),
    "self_test_by_an_observer": Mistake(Role.OBSERVER, lambda _: SelfTest()),
    "clock_by_the_patient": Mistake(Role.PATIENT, lambda _: SetWallClock(1)),
}
"""By the name that a script gives."""


@action(Who.ANYBODY, what=one_of(*MISTAKES))
def mistake(run: Run, what: str) -> None:
    """Somebody asks for what nobody may have."""
    wrong = MISTAKES[what]
    reply = run.ask(wrong.role, wrong.ask(run.world), "mistake")
    require(not isinstance(reply, Accepted), f"the mistake “{what}” is accepted: {reply}")


@action(Who.CLINICIAN)
def commit_of_another(run: Run) -> None:
    """A clinician stages one prescription and commits to another."""
    run.ask(Role.CLINICIAN, StagePrescription(run.world.prescription(RATE)))
    reply = run.ask(Role.CLINICIAN, Commit(bytes(range(16))), "mistake")
    require(not isinstance(reply, Accepted), "what was committed was never staged")
