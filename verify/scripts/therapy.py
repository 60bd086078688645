"""Therapy beyond a steady rate: flex schedules, priming, and what interrupts what.

Bridges are with the fluids that they carry away, in ``fluids``.
"""

from __future__ import annotations

from protocol.messages import Accepted, PatientBolus, Prime, Schedule, SelfTest, Start, Step, Stop
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import Mode, Role
from verify.scripts.action import Who, action, between, faulty, one_of
from verify.scripts.faults import flip, power_cut
from verify.scripts.fluids import bridged_fluid
from verify.scripts.people import clinician_bolus, visit
from verify.scripts.run import Run
from verify.starts import STROKE_NL, bolus, grant
from verify.world import NO_BOLUS

WEEK_MS = 7 * DAY_MS
FAST_BRIDGE = 1_000_000
BRIDGED_MS = 16 * HOUR_MS
"""After which a bridge at that rate is over."""


@action(
    Who.CLINICIAN,
    first=between(48_000, 2_000_000, 48_000, 100_000),
    second=between(48_000, 2_000_000, 4_000_000, 12_000_000),
    turns=one_of(1, 30, 60, 720, 1_439),
    ahead=one_of(0, 1, 29, 1_440),
    alternating=one_of(False, True),
    patient=one_of(0, 1, 4),
)
def flex(
    run: Run, first: int, second: int, turns: int, ahead: int, alternating: bool, patient: int, bridge: int = 0
) -> None:
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
    prescription = run.world.prescription(0, mode=Mode.FLEX, patient_bolus=granted, schedule=schedule, bridge=bridge)
    run.note("flex", run.world.program(prescription, schedule) or run.world.program(prescription, schedule))


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
    reply = run.insist(Role.CLINICIAN, order)
    if isinstance(reply, Accepted):
        run.world.bench.advance(min(minutes * MINUTE_MS // 2, HOUR_MS))


INTO = (
    "simple_continuous",
    "flex",
    "minimum_rate",
    "stopped",
    "clinician_bolus",
    "patient_bolus",
    "bridge",
    "priming",
)


def go_into(run: Run, state: str) -> None:
    """Do what brings a pump into a state, if nothing is in the way; whether it got there is not looked at."""
    visit(run)
    granted = grant(strokes=4, minutes=2, lockout=5, count=50)
    world = run.world
    match state:
        case "flex":
            flex(run, 100_000, 200_000, turns=720, ahead=0, alternating=False, patient=4)
        case "minimum_rate":
            prescription = world.prescription(0, mode=Mode.MINIMUM_RATE, patient_bolus=granted)
            run.prescribe(prescription)
        case _:
            run.prescribe(world.prescription(100_000, patient_bolus=granted))
    world.bench.advance((30 if state == "flex" else 5) * MINUTE_MS + 1)
    match state:
        case "stopped":
            run.insist(Role.CLINICIAN, Stop())
        case "clinician_bolus":
            clinician_bolus(run, 3, minutes=30)
        case "patient_bolus":
            run.insist(Role.PATIENT, PatientBolus())
        case "bridge" if run.told_all and not run.escaping:
            bridged_fluid(run, _other_than(world.concentration), share=1, bridge=48_000)
        case "priming":
            prime(run, 20, minutes=60, emptied=True)


BY = ("patient", "clinician", "stop", "flex", "prime", "bridge", "flex_bridge")


@action(Who.CLINICIAN, state=one_of(*INTO), by=one_of(*BY))
def interrupted(run: Run, state: str, by: str) -> None:
    """In some state the patient presses, or a clinician gives a bolus, stops, prescribes, primes, changes fluid."""
    go_into(run, state)
    match by:
        case "patient":
            run.insist(Role.PATIENT, PatientBolus())
        case "clinician":
            run.insist(Role.CLINICIAN, bolus(3, 30))
        case "stop":
            run.insist(Role.CLINICIAN, Stop())
            run.insist(Role.CLINICIAN, Start())
        case "flex":
            flex(run, 100_000, 200_000, turns=720, ahead=0, alternating=False, patient=0)
        case "prime":
            prime(run, 20, minutes=2, emptied=True)
        case _ if run.told_all and not run.escaping:
            bridged_fluid(run, _other_than(run.world.concentration), share=1, bridge=FAST_BRIDGE)
            if by == "flex_bridge":
                flex(run, 100_000, 200_000, turns=720, ahead=0, alternating=False, patient=0, bridge=FAST_BRIDGE)
    run.world.bench.advance(10 * MINUTE_MS if by not in ("bridge", "flex_bridge") else BRIDGED_MS)


def _other_than(concentration: int) -> int:
    return 5_000 if concentration != 5_000 else 1_000


@action(Who.BENCH, faulty, state=one_of(*INTO))
def alarmed(run: Run, state: str) -> None:
    """In some state the clock stands still, which allows no more than the minimum rate; then it is mended."""
    go_into(run, state)
    run.world.bench.inject("clock", how="stands", by=2_000)
    run.world.bench.advance(2 * MINUTE_MS)
    visit(run)


@action(Who.BENCH, faulty, state=one_of(*INTO), bit=between(0, 100), bridged=one_of(False, True))
def lost_therapy(run: Run, state: str, bit: int, bridged: bool) -> None:
    """In some state both copies of the prescription are damaged, a self-test finds it, and it is given anew."""
    go_into(run, state)
    for page in (0, 1):
        flip(run, f"therapy@{page}", bit)
    run.insist(Role.CLINICIAN, SelfTest())
    world = run.world
    world.bench.advance(MINUTE_MS)
    again = world.prescription(100_000, bridge=48_000 if bridged else 0)
    run.prescribe(again)
    visit(run)


@action(
    Who.BENCH,
    faulty,
    section=one_of("identity", "alarms", "metering", "therapy metering"),
    bit=between(0, 100),
    alarmed=one_of(False, True),
)
def lost_section(run: Run, section: str, bit: int, alarmed: bool) -> None:
    """Both copies of a section or two get damaged, perhaps in an alarm, and power flickers before that shows."""
    run.clear_sky()
    if alarmed:
        run.insist(Role.CLINICIAN, Stop())
        run.world.hang_up()
        run.world.bench.advance(7 * MINUTE_MS)
    for name in section.split():
        for page in (0, 1):
            flip(run, f"{name}@{page}", bit)
    power_cut(run, for_ms=0)
    clinician_bolus(run, 1, minutes=1)
    run.prescribe(run.world.prescription(100_000))
