"""Commands that are plainly wrong: each has one thing wrong with it, and the pump refuses each for that reason.

Most are looked at before anything that the pump's state could have against them, so their reason is the same in every
state. A bolus or a prime may be refused for the state first; the tours ask for them where nothing else is in the way.
"""

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
    Refused,
    Schedule,
    SelfTest,
    SetWallClock,
    Staged,
    StagePrescription,
    StageSchedule,
    Start,
    Step,
    Stop,
)
from protocol.units import DAY_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import Mode, Reason, Role, TherapyState
from verify.broken import require
from verify.scripts.action import Who, action, one_of
from verify.scripts.run import Run
from verify.starts import STRONGEST, bolus, grant
from verify.world import World

RATE = 200_000
TOO_MUCH = Nanolitres(20_000_001)
"""More than the reservoir holds."""


FOR_THE_STATE = frozenset(
    (
        Reason.UNCONFIRMED,
        Reason.ALARM_RESTRICTS,
        Reason.WRONG_STATE,
        Reason.BOLUS_RUNNING,
        Reason.RESERVOIR,
        Reason.RATE_RANGE,
    )
)
"""What a pump may have against any bolus or prime, before it looks at what is wrong with this one."""


class Mistake(NamedTuple):
    """What is asked, by whom, and why the pump must refuse it."""

    role: Role
    ask: Callable[[World], Message]
    reason: Reason
    first: frozenset[Reason] = frozenset()
    """For what else it may be refused, by the state in which the pump is."""


def _clinician(reason: Reason, ask: Callable[[World], Message], first: frozenset[Reason] = frozenset()) -> Mistake:
    return Mistake(Role.CLINICIAN, ask, reason, first)


def _forbidden(role: Role, message: Message) -> Mistake:
    """Return the mistake of asking what is not for this role."""
    return Mistake(role, lambda _: message, Reason.NOT_PERMITTED)


def _prescription(reason: Reason, wrong: Callable[[Prescription, World], Prescription]) -> Mistake:
    """Return the mistake of staging an ordinary prescription with something wrong in it."""
    return _clinician(reason, lambda world: StagePrescription(wrong(world.prescription(RATE), world)))


def _drug(reason: Reason, wrong: Callable[[Drug], tuple[Drug, ...]]) -> Mistake:
    """Return the mistake of staging one whose drugs are wrong."""
    return _prescription(reason, lambda good, _: replace(good, drugs=wrong(good.drugs[0])))


def _above_library(drug: Drug) -> tuple[Drug, ...]:
    return (replace(drug, limit_1h=Picograms(drug.limit_1h.value + 1)),)


def _too_strong(drug: Drug) -> tuple[Drug, ...]:
    return (replace(drug, concentration=Concentration(STRONGEST + 1)),)


def _no_reason(good: Prescription, _: World) -> Prescription:
    """Return one of the strongest fluid, which takes a reason, whatever is in the reservoir."""
    drug = replace(good.drugs[0], concentration=Concentration(STRONGEST))
    return replace(good, drugs=(drug,), override_reason="  ")


def _at(rate: Callable[[World], int]) -> Callable[[Prescription, World], Prescription]:
    return lambda good, world: replace(good, rate=NanolitresPerDay(rate(world)))


def _granting(*, strokes: int, duration_ms: int) -> Callable[[Prescription, World], Prescription]:
    granted = replace(grant(strokes=strokes, minutes=1, lockout=5, count=1), duration=Milliseconds(duration_ms))
    return lambda good, _: replace(good, patient_bolus=granted)


def _schedule(*steps: Step, days: bytes = bytes(7)) -> Mistake:
    return _clinician(Reason.SCHEDULE_INVALID, lambda _: StageSchedule(Schedule(Milliseconds(0), days, steps)))


_STEP = Step(0, Milliseconds(0), NanolitresPerDay(RATE))

MISTAKES: dict[str, Mistake] = {
    "another_library": _prescription(Reason.LIBRARY_MISMATCH, lambda good, _: replace(good, library=bytes(16))),
    "no_drug": _drug(Reason.INCOMPLETE, lambda _: ()),
    "a_drug_twice": _drug(Reason.INCOMPLETE, lambda drug: (drug, drug)),
    "an_unknown_drug": _drug(Reason.UNKNOWN_DRUG, lambda drug: (replace(drug, code=77),)),
    "too_strong": _drug(Reason.CONCENTRATION_LIMIT, _too_strong),
    "limit_above_library": _drug(Reason.LIMIT_ABOVE_LIBRARY, _above_library),
    "too_slow": _prescription(Reason.RATE_RANGE, _at(lambda world: world.profile.rate_min.value - 1)),
    "too_fast": _prescription(Reason.RATE_RANGE, _at(lambda world: world.profile.rate_max.value + 1)),
    "rate_of_nothing": _prescription(Reason.INCOMPLETE, lambda good, _: replace(good, mode=Mode.MINIMUM_RATE)),
    "threshold_above_capacity": _prescription(Reason.CAPACITY, lambda good, _: replace(good, low_reservoir=TOO_MUCH)),
    "grant_of_a_second": _prescription(Reason.DURATION_RANGE, _granting(strokes=1, duration_ms=1_000)),
    "grant_too_large": _prescription(Reason.BOLUS_LIMIT, _granting(strokes=4_000, duration_ms=1_000 * MINUTE_MS)),
    "no_reason": _prescription(Reason.SOFT_LIMIT, _no_reason),
    "schedule_of_nobody": _prescription(
        Reason.NO_SCHEDULE,
        lambda good, _: replace(good, mode=Mode.FLEX, rate=NanolitresPerDay(0), schedule=bytes(range(16))),
    ),
    "schedule_with_a_gap": _schedule(replace(_STEP, begins=Milliseconds(MINUTE_MS))),
    "schedule_of_a_missing_pattern": _schedule(_STEP, days=bytes([0, 0, 0, 0, 0, 0, 1])),
    "commit_of_nothing": _clinician(
        Reason.NOTHING_STAGED, lambda _: Commit(bytes(range(16))), frozenset((Reason.DIGEST_MISMATCH,))
    ),
    "bolus_of_nothing": _clinician(Reason.DURATION_RANGE, lambda _: bolus(0, 1)),
    "bolus_without_end": _clinician(
        Reason.DURATION_RANGE, lambda _: ClinicianBolus(Nanolitres(500), Milliseconds(DAY_MS + 1), "x")
    ),
    "bolus_too_large": _clinician(
        Reason.BOLUS_LIMIT,
        lambda _: ClinicianBolus(Nanolitres(2_000_000), Milliseconds(DAY_MS), "x"),
        FOR_THE_STATE,
    ),
    "refill_above_capacity": _clinician(Reason.CAPACITY, lambda _: EnterRefill(Nanolitres(0), TOO_MUCH)),
    "prime_more_than_the_line": _clinician(
        Reason.LINE_HOLDS_DRUG,
        lambda world: Prime(
            Nanolitres(world.profile.tubing.value + 10_000_000), Milliseconds(DAY_MS), line_emptied=False
        ),
        FOR_THE_STATE,
    ),
    "a_reply_as_a_request": _clinician(
        Reason.MALFORMED, lambda _: Accepted(TherapyState.STOPPED, NanolitresPerDay(0))
    ),
    "stop_by_the_patient": _forbidden(Role.PATIENT, Stop()),
    "start_by_the_patient": _forbidden(Role.PATIENT, Start()),
    "bolus_by_the_patient": _forbidden(Role.PATIENT, bolus(1, 1)),
    "start_by_an_observer": _forbidden(Role.OBSERVER, Start()),
    "self_test_by_an_observer": _forbidden(Role.OBSERVER, SelfTest()),
    "clock_by_the_patient": _forbidden(Role.PATIENT, SetWallClock(1)),
}
"""By the name that a script gives."""


@action(Who.ANYBODY, what=one_of(*MISTAKES))
def mistake(run: Run, what: str) -> None:
    """Somebody asks for what nobody may have."""
    wrong = MISTAKES[what]
    reply = run.insist(wrong.role, wrong.ask(run.world), f"mistake {what}")
    _require_refused(reply, {wrong.reason, *wrong.first}, f"the mistake “{what}”")


@action(Who.CLINICIAN)
def commit_of_another(run: Run) -> None:
    """A clinician stages one prescription and commits to another."""
    staged = run.insist(Role.CLINICIAN, StagePrescription(run.world.prescription(RATE)))
    session = run.world.session_of(Role.CLINICIAN)
    reply = run.ask(Role.CLINICIAN, Commit(bytes(range(16))), "commit of another")
    kept = isinstance(staged, Staged) and run.world.session_of(Role.CLINICIAN) == session
    why = Reason.DIGEST_MISMATCH if kept else Reason.NOTHING_STAGED
    _require_refused(reply, {why}, "to commit what was never staged")


def _require_refused(reply: Message | None, reasons: set[Reason], what: str) -> None:
    """Raise unless a reply refuses, for one of the reasons; a reply that did not come says nothing."""
    if reply is None:
        return
    wanted = " or ".join(sorted(reason.name.lower() for reason in reasons))
    require(isinstance(reply, Refused), f"{what} is not refused ({wanted}) but answered: {type(reply).__name__}")
    if isinstance(reply, Refused):
        require(reply.reason in reasons, f"{what} is refused for {reply.reason.name.lower()}, not for {wanted}")
