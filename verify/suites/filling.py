"""Priming on the whole pump: it fills the line, lets nothing out at the tip, and starts nothing."""

from __future__ import annotations

from dataclasses import replace

from protocol.messages import (
    Accepted,
    CancelBolus,
    Close,
    EnterRefill,
    PatientBolus,
    Start,
    Stop,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import LogKind, Reason, Role, TherapyState
from verify.starts import STROKE_NL, bolus
from verify.suites.asking import NEXT, PATIENT, RATE, done, infusing, refused, strokes_of, therapy
from verify.suites.limits import LINE_NL
from verify.suites.priming import CATHETER_NL, prime
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import MORPHINE, World


def dry(seed: int, *, stopped: bool = True, limit_24h: int | None = None) -> World:
    """Return a pump whose line was truly emptied and to which a flow is prescribed, stopped or not."""
    world = World(seed)
    world.bench.empty_line()
    wanted = world.prescription(RATE, limit_24h=limit_24h)
    require(isinstance(world.program(wanted), Accepted), "an ordinary prescription is refused")
    if stopped:
        done(world, Stop())
    return world


def nothing_reaches_the_patient(effort: Effort) -> None:
    """Prime a whole line from a stop, look that it is filled and nothing else happens; cancel one, and stop one."""
    effort.tried += 3
    world = dry(effort.seed)
    require(therapy(world).stopped_for.value > 0, "a pump that was stopped this instant is not stopped")
    before, tip = strokes_of(world), dict(world.device.body.tip_pg)
    done(world, prime(line=True))
    require(therapy(world).state is TherapyState.PRIMING, "a prime does not begin")
    done(world, Close(True))
    world.bench.advance(6 * HOUR_MS)
    after, moved = therapy(world), strokes_of(world) - before
    require(moved == LINE_NL // STROKE_NL, f"of a prime of {LINE_NL} nL {moved} strokes have moved")
    require((after.state, after.rate.value) == (TherapyState.STOPPED, 0), f"a prime starts a therapy: {after}")
    require(world.device.body.tip_pg == tip, f"drug has left the tip: {world.device.body.tip_pg}")
    require(after.drug_free.value == 0, f"in a primed line {after.drug_free} hold no drug")
    require(after.stopped_for.value >= 6 * HOUR_MS, f"the stop counts from the prime's end: {after.stopped_for}")
    refused(world, prime(), Reason.LINE_HOLDS_DRUG)
    done(world, Start())
    world.bench.empty_line()
    done(world, prime(STROKE_NL * 20, 1, line=True))
    done(world, Close(True))
    world.bench.advance(HOUR_MS + 2)
    basal = therapy(world)
    require(
        (basal.state, basal.rate.value) == (TherapyState.SIMPLE_CONTINUOUS, RATE), f"a later prime leads to {basal}"
    )
    done(world, Stop())
    for end in (CancelBolus(), Stop()):
        world.bench.empty_line()
        done(world, prime(STROKE_NL * 20, 1, line=True))
        done(world, end)
        ended = therapy(world)
        require((ended.state, ended.rate.value) == (TherapyState.STOPPED, 0), f"after {end} of a prime: {ended}")
        done(world, Close(True))
        world.bench.advance(2 * HOUR_MS)
        held = therapy(world).drug_free.value
        require(held >= LINE_NL - STROKE_NL, f"a prime that was ended goes on: {held} nL hold no drug")


def only_what_holds_no_drug(effort: Effort) -> None:
    """Ask for primes that are too large, too short, undeclared, or at the wrong time."""
    effort.tried += 11
    world = dry(effort.seed)
    refused(world, prime(), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(STROKE_NL), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(LINE_NL + STROKE_NL, line=True), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(CATHETER_NL + STROKE_NL, catheter=True), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(0, line=True), Reason.DURATION_RANGE)
    for wrong in (MINUTE_MS - 1, DAY_MS + 1):
        refused(world, replace(prime(line=True), duration=Milliseconds(wrong)), Reason.DURATION_RANGE)
    refused(world, prime(11_500, line=True), Reason.RATE_RANGE)
    refused(world, replace(prime(line=True), duration=Milliseconds(5 * MINUTE_MS)), Reason.RATE_RANGE)
    refused(world, prime(LINE_NL, 1, line=True), Reason.HOUR_LIMIT)
    require(therapy(world).drug_free.value == 0, "a refused prime has declared the line empty")
    done(world, EnterRefill(Nanolitres(0), Nanolitres(100_000)))
    refused(world, prime(line=True), Reason.RESERVOIR)
    done(world, EnterRefill(Nanolitres(0), Nanolitres(19_000_000)))
    done(world, prime(CATHETER_NL, 4, catheter=True))
    log = [entry.kind for entry in world.device.chip.log_entries()]
    require(log.count(LogKind.LINE_EMPTIED) == 1, "what a clinician declares is not in the record once")
    refused(world, prime(STROKE_NL, line=True), Reason.BOLUS_RUNNING)
    refused(world, Start(), Reason.BOLUS_RUNNING)
    refused(world, bolus(1, 1), Reason.BOLUS_RUNNING)
    for stopped in (True, False):
        tight = dry(effort.seed, stopped=stopped, limit_24h=10_000_000_000)
        if stopped:
            done(tight, prime(line=True))
        else:
            refused(tight, prime(line=True), Reason.DAY_LIMIT)
    unprogrammed = World(effort.seed)
    refused(unprogrammed, prime(line=True), Reason.UNCONFIRMED)


def what_it_interrupts_goes_on(effort: Effort) -> None:
    """Prime in the middle of a basal flow and of a bolus, and count what comes of each."""
    effort.tried += 2
    world = infusing(effort.seed)
    world.bench.empty_line()
    before = strokes_of(world)
    done(world, prime(100_000, 3, line=True))
    during = therapy(world)
    flow = 100_000 * DAY_MS // (3 * HOUR_MS)
    require(during.rate.value in range(flow, flow + 2), f"a prime flows at {during.rate}, not {flow} nL/day")
    refused(world, PatientBolus(), Reason.BOLUS_RUNNING, Role.PATIENT)
    done(world, Close(True))
    world.bench.advance(3 * HOUR_MS + 2)
    after = therapy(world)
    moved = strokes_of(world) - before
    require((after.state, after.rate.value) == (TherapyState.SIMPLE_CONTINUOUS, RATE), f"after a prime: {after}")
    require(moved in (200, 201), f"of a prime of 200 strokes {moved} have moved, and the basal flow waits")
    refused(world, PatientBolus(), Reason.LOCKOUT, Role.PATIENT)
    world.bench.advance(NEXT + 6 * HOUR_MS)
    before = strokes_of(world)
    done(world, bolus(20, 20))
    world.bench.advance(5 * MINUTE_MS)
    done(world, prime(10_000, 1, line=True))
    left = therapy(world).suspended_remaining.value
    require(left in range(7_490, 7_511), f"three quarters of a bolus wait, and {left} nL of it")
    world.bench.advance(HOUR_MS + 2)
    goes_on = therapy(world)
    require(goes_on.state is TherapyState.CLINICIAN_BOLUS, f"after the prime the bolus is {goes_on.state.name}")
    require(
        goes_on.bolus_remaining.value in range(left - 10, left + 1), f"of {left} nL {goes_on.bolus_remaining} remain"
    )
    world.bench.advance(15 * MINUTE_MS + 2)
    basal = RATE * 20 * MINUTE_MS // (DAY_MS * STROKE_NL)
    moved = strokes_of(world) - before - basal - 20
    require(moved in (19, 20, 21), f"of a bolus of 20 strokes {moved} have moved")


def alarms_end_it(effort: Effort) -> None:
    """Let a critical alarm come during a prime: from a stop it ends in one, else at no more than was prescribed."""
    effort.tried += 2
    for stopped, state in ((True, TherapyState.STOPPED), (False, TherapyState.MINIMUM_RATE)):
        world = dry(effort.seed, stopped=stopped)
        done(world, prime(line=True))
        done(world, Close(True))
        world.bench.inject("motor_stall")
        world.bench.advance(20 * MINUTE_MS)
        found = therapy(world).state
        require(found is state, f"after a stall in a prime the pump is {found.name}, not {state.name}")
    patient = infusing(effort.seed, patient=PATIENT)
    patient.bench.empty_line()
    tip = patient.device.body.tip_pg[MORPHINE]
    done(patient, prime(line=True))
    patient.bench.cut_power()
    patient.bench.restore_power()
    minimum = patient.profile.minimum_rate.value
    require(therapy(patient).rate.value == minimum, "a prime goes on after a reset, confirmed by nobody")
    require(patient.device.body.tip_pg[MORPHINE] == tip, "drug has left the tip during a prime")


SUITE = Suite(
    "filling",
    "priming on the whole pump",
    (
        Property(
            "filling.pump",
            "Priming fills the line and starts nothing.",
            nothing_reaches_the_patient,
            verifies=("PRM-01", "PRM-02", "PRM-03"),
        ),
        Property(
            "filling.refusals",
            "No more is primed than holds no drug.",
            only_what_holds_no_drug,
            verifies=("MODE-09", "PRM-01", "PRM-03", "PRM-05"),
        ),
        Property(
            "filling.rest",
            "What a prime interrupts goes on.",
            what_it_interrupts_goes_on,
            verifies=("PRM-02", "PRM-04"),
        ),
        Property("filling.alarms", "An alarm ends a prime, and raises nothing.", alarms_end_it, verifies=("PRM-02",)),
    ),
)
