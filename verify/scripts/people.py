"""What people do: the clinician programs, fills and puts right; the patient presses; anybody looks.

Commands that are plainly wrong are in ``mistakes``.
"""

from __future__ import annotations

from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    CancelBolus,
    Close,
    EnterRefill,
    Interrogate,
    Message,
    PatientBolus,
    QueryCommand,
    ReadLog,
    Refused,
    SelfTest,
    SetWallClock,
    SilenceAlarms,
    Start,
    Stop,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Nanolitres
from protocol.vocabulary import AlarmCode, Mode, Role, Section
from verify.scripts.action import Who, action, between, one_of
from verify.scripts.run import SLOW, Run
from verify.starts import STROKE_NL, bolus, grant
from verify.world import NO_BOLUS

PLAIN: dict[str, Message] = {
    "stop": Stop(),
    "start": Start(),
    "cancel": CancelBolus(),
    "silence": SilenceAlarms(),
    "self_test": SelfTest(),
    "close": Close(True),
    "close_unaware": Close(False),
}
"""Commands that say nothing but their name."""


@action(
    Who.CLINICIAN,
    rate=between(48_000, 12_000_000, 48_000, 100_000, 800_000, 24_000_000),
    mode=one_of(*4 * ["simple_continuous"], "minimum_rate", "stopped"),
    hour=between(1, 40),
    day=between(1, 400),
    patient=one_of(0, 1, 2, 4, 9, 30),
    minutes=one_of(1, 2, 30),
    lockout=one_of(5, 6, 30),
    count=one_of(1, 2, 4, 50),
)
def program(
    run: Run, rate: int, mode: str, hour: int, day: int, patient: int, minutes: int, lockout: int, count: int
) -> None:
    """A clinician programs some rate with some limits, given in strokes, and perhaps boluses for the patient."""
    mass_pg = STROKE_NL * run.world.concentration
    granted = grant(strokes=patient, minutes=minutes, lockout=lockout, count=count) if patient else NO_BOLUS
    prescription = run.world.prescription(
        rate, mode=Mode[mode.upper()], limit_1h=hour * mass_pg, limit_24h=day * mass_pg, patient_bolus=granted
    )
    run.note("program", run.world.program(prescription))


@action(Who.CLINICIAN)
def confirm(run: Run) -> None:
    """A clinician sends the prescription that the pump has once more."""
    pump = run.world.device.pump
    if pump and pump.therapy.prescription:
        run.note("confirm", run.world.program(pump.therapy.prescription))


@action(Who.CLINICIAN, strokes=one_of(1, 2, 3, 5, 8, 20, 60), minutes=one_of(1, 1, 2, 30, 24 * 60))
def clinician_bolus(run: Run, strokes: int, minutes: int) -> None:
    """A clinician gives a bolus."""
    run.ask(Role.CLINICIAN, bolus(strokes, minutes))


@action(Who.PATIENT, presses=between(1, 4))
def patient_bolus(run: Run, presses: int) -> None:
    """The patient presses the button, more than once."""
    for _ in range(presses):
        run.ask(Role.PATIENT, PatientBolus())


@action(
    Who.CLINICIAN,
    what=one_of("stop", "start", "start", "cancel", "silence", "silence", "self_test", "close", "close_unaware"),
)
def command(run: Run, what: str) -> None:
    """A clinician gives a plain command."""
    run.ask(Role.CLINICIAN, PLAIN[what])


@action(Who.CLINICIAN)
def acknowledge_all(run: Run) -> None:
    """A clinician acknowledges every alarm there is."""
    for code in AlarmCode:
        run.ask(Role.CLINICIAN, AcknowledgeAlarm(code))


@action(
    Who.ANYBODY,
    section=one_of(*(section.name.lower() for section in Section)),
    role=one_of(*(role.name.lower() for role in Role)),
)
def look(run: Run, section: str, role: str) -> None:
    """Anybody with a key may look, and looking changes nothing."""
    who = Role[role.upper()]
    run.ask(who, Interrogate(Section[section.upper()]))
    run.ask(who, QueryCommand(bytes(8)))
    run.ask(who, ReadLog(0))


@action(Who.ANYBODY, section=one_of(*(section.name.lower() for section in Section)))
def look_on(run: Run, section: str) -> None:
    """An observer looks."""
    run.ask(Role.OBSERVER, Interrogate(Section[section.upper()]))


@action(Who.CLINICIAN, unix_ms=one_of(0, 2**31 * 1_000, 2**32 * 1_000, 1_709_164_800_000, 1_711_846_800_000))
def wall_clock(run: Run, unix_ms: int) -> None:
    """The wall clock is set: to zero, past 2038, to a leap day, into a change of daylight saving."""
    run.ask(Role.CLINICIAN, SetWallClock(unix_ms))


@action(Who.CLINICIAN, strokes=one_of(0, 3, 60, 4_000, 40_000), told=one_of(False, True))
def refill(run: Run, strokes: int, told: bool) -> None:
    """The reservoir is filled, and the pump is told or not.

    With less than it believes, it may run dry unnoticed and then no longer knows what stands in its line: no change
    of fluid in the same run, since what the pump is told about its fluid is a premise of the limits. So a telling
    without an answer, after which nobody knows what the pump believes, is followed by a full reservoir.
    """
    if not told and (run.fluid_changed or run.escaping):
        return
    run.told_all = run.told_all and told
    if told:
        entry = EnterRefill(Nanolitres(0), Nanolitres(strokes * STROKE_NL))
        if not isinstance(run.ask(Role.CLINICIAN, entry), Accepted):
            strokes = run.world.profile.capacity.value // STROKE_NL
    run.world.bench.refill(strokes * STROKE_NL)


@action(Who.CLINICIAN)
def visit(run: Run) -> None:
    """A clinician puts everything right: fills, confirms, acknowledges, starts."""
    run.clear_sky()
    run.mend()
    run.world.bench.restore_power()
    refill(run, strokes=40_000, told=True)
    confirm(run)
    command(run, "start")
    acknowledge_all(run)
    command(run, "start")


@action(Who.CLINICIAN, wait=one_of(False, True))
def fill_the_windows(run: Run, wait: bool) -> None:
    """A clinician gives the largest bolus that is accepted, then smaller ones, until nothing more fits."""
    for strokes in (64, 32, 16, 8, 4, 2, 1):
        reply = run.ask(Role.CLINICIAN, bolus(strokes, minutes=1))
        if wait or not isinstance(reply, Refused):
            run.world.bench.advance(MINUTE_MS + 1_000)


@action(Who.PATIENT, presses=between(2, 30))
def press_for_hours(run: Run, presses: int) -> None:
    """The patient presses again as soon as the pump says that it may help."""
    for _ in range(presses):
        reply = run.ask(Role.PATIENT, PatientBolus())
        wait_ms = max(reply.retry_after.value, MINUTE_MS) if isinstance(reply, Refused) else MINUTE_MS
        run.world.bench.advance(min(wait_ms, DAY_MS if run.rate < SLOW else HOUR_MS))


@action(Who.CLINICIAN)
def left_stopped(run: Run) -> None:
    """A clinician stops the pump and forgets it for two days; then somebody notices."""
    run.clear_sky()
    command(run, "stop")
    run.world.bench.advance(2 * DAY_MS + 15 * MINUTE_MS)
    visit(run)


@action(Who.CLINICIAN)
def silence_twice(run: Run) -> None:
    """Somebody wants quiet."""
    command(run, "silence")
    command(run, "silence")


@action(Who.CLINICIAN, minutes=one_of(0, 6, 11))
def cut_off(run: Run, minutes: int) -> None:
    """A clinician stops the pump and is cut off; after a while somebody comes back, or nobody does."""
    run.clear_sky()
    command(run, "stop")
    run.world.hang_up()
    run.world.bench.advance(minutes * MINUTE_MS)
