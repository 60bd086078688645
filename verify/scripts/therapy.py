"""Therapy beyond a steady rate: flex schedules and priming. Bridges are with the fluids they carry away, in ``people``."""

from __future__ import annotations

from protocol.messages import Accepted, Prime, Schedule, Step
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import Mode, Role
from verify.scripts.action import Who, action, between, one_of
from verify.scripts.run import Run
from verify.starts import STROKE_NL, grant
from verify.world import NO_BOLUS

WEEK_MS = 7 * DAY_MS


@action(
    Who.CLINICIAN,
    first=between(48_000, 2_000_000, 48_000, 100_000),
    second=between(48_000, 2_000_000, 4_000_000, 12_000_000),
    turns=one_of(1, 30, 60, 720, 1_439),
    ahead=one_of(0, 1, 29, 1_440),
    alternating=one_of(False, True),
    patient=one_of(0, 1, 4),
)
def flex(run: Run, first: int, second: int, turns: int, ahead: int, alternating: bool, patient: int) -> None:
    """A clinician prescribes a flex schedule: two rates a day, or by turns on days, with midnight soon to come.

    The second rate begins so many minutes after midnight, and midnight is so many minutes ahead.
    """
    anchor_ms = (run.world.device.now_ms + ahead * MINUTE_MS) % WEEK_MS
    steps = [Step(0, Milliseconds(0), NanolitresPerDay(first))]
    later = Step(0, Milliseconds(turns * MINUTE_MS), NanolitresPerDay(second))
    if alternating:
        steps += [Step(1, Milliseconds(0), NanolitresPerDay(second)), Step(1, later.begins, NanolitresPerDay(first))]
    else:
        steps.append(later)
    days = bytes(day % 2 if alternating else 0 for day in range(7))
    schedule = Schedule(Milliseconds(anchor_ms), days, tuple(steps))
    granted = grant(strokes=patient, minutes=2, lockout=30, count=4) if patient else NO_BOLUS
    prescription = run.world.prescription(0, mode=Mode.FLEX, patient_bolus=granted, schedule=schedule)
    run.note("flex", run.world.program(prescription, schedule))


@action(Who.CLINICIAN, strokes=one_of(1, 20, 280, 700), minutes=one_of(1, 10, 60), emptied=one_of(True, True, False))
def prime(run: Run, strokes: int, minutes: int, emptied: bool) -> None:
    """A line is rinsed, the pump is told so, and fills it; or it is asked to fill a line that holds drug.

    The line is emptied only with the pump's consent: what a clinician declares is a premise. A pump that does not
    answer may have begun, so the line is emptied then, too.
    """
    order = Prime(Nanolitres(strokes * STROKE_NL), Milliseconds(minutes * MINUTE_MS), line_emptied=emptied)
    run.clear_sky()
    if emptied:
        run.world.bench.empty_line()
    reply = run.ask(Role.CLINICIAN, order)
    if isinstance(reply, Accepted):
        run.world.bench.advance(min(minutes * MINUTE_MS // 2, HOUR_MS))
