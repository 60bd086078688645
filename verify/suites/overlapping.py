"""Doses on doses: a prime over boluses, a bolus over a bolus, and what becomes of those that wait."""

from __future__ import annotations

from dataclasses import replace

from emulator.firmware.telling import bolus_kind
from protocol.messages import Accepted, CancelBolus, Message, PatientBolus, Prime, Stop
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import LogKind, Reason, Role, TherapyState
from verify.starts import STROKE_NL, bolus, grant
from verify.suites.alarmed import alarms, events, logged
from verify.suites.asking import NEXT, RATE, ask, done, flicker, infusing, refused, therapy
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import World

MASS_PG = STROKE_NL * 25_000
"""Morphine in a stroke."""
LIMIT = 80
"""Strokes that fit into an hour."""
PATIENT = grant(strokes=4, minutes=2, lockout=30, count=9)


def primes_count_what_waits(effort: Effort) -> None:
    """Prime over a bolus, and over one on another, as much as the pump accepts: no stroke is refused afterwards."""
    for waiting in (1, 2):
        effort.tried += 1
        world = World(effort.seed)
        wanted = world.prescription(48_000, limit_1h=LIMIT * MASS_PG, limit_24h=5 * LIMIT * MASS_PG)
        world.program(replace(wanted, patient_bolus=PATIENT))
        world.bench.advance(HOUR_MS)
        world.bench.empty_line()
        done(world, bolus(60, 60))
        world.bench.advance(MINUTE_MS)
        if waiting == 2:
            done(world, PatientBolus(), Role.PATIENT)
        accepted = _largest_prime(world)
        require(0 < accepted < LIMIT, f"over {waiting} boluses a prime of {accepted} strokes is accepted")
        world.bench.advance(3 * HOUR_MS)
        tripped = len(events(world, "guard.refused"))
        require(not tripped, f"a prime of {accepted} strokes over {waiting} boluses is accepted, and then refused")
        moved = [
            event.data["not_delivered_nl"] for event in events(world, "pump.bolus") if "ended" in _what(event.data)
        ]
        require(len(moved) == waiting + 1 and not any(moved), f"of what waited these are left: {moved}")


def _what(data: dict[str, object]) -> str:
    return str(data["what"])


def _largest_prime(world: World) -> int:
    """Ask for ever smaller primes and return the first that is accepted, in strokes."""
    for strokes in range(2 * LIMIT, 0, -2):
        request = Prime(Nanolitres(strokes * STROKE_NL), Milliseconds(30 * MINUTE_MS), True, False)
        if isinstance(ask(world, request), Accepted):
            return strokes
    return 0


def cancelled_is_gone(effort: Effort) -> None:
    """Cancel or stop while one bolus waits behind another, let the next one come, and count what flows after it."""
    for end in (CancelBolus(), Stop()):
        effort.tried += 1
        world = infusing(effort.seed)
        world.bench.advance(NEXT)
        done(world, bolus(40, 60))
        world.bench.advance(MINUTE_MS)
        done(world, PatientBolus(), Role.PATIENT)
        world.bench.advance(1_000)
        done(world, end)
        after = therapy(world)
        require(after.suspended_remaining.value == 0, f"after {end} {after.suspended_remaining} are still to come")
        _go_on(world, end)
        world.bench.advance(NEXT + MINUTE_MS)
        done(world, PatientBolus(), Role.PATIENT)
        world.bench.advance(2 * MINUTE_MS + 100)
        now = therapy(world)
        basal = (TherapyState.SIMPLE_CONTINUOUS, RATE)
        require((now.state, now.rate.value) == basal, f"after {end} the cancelled bolus flows on: {now}")
        kinds = [event.data["kind"] for event in events(world, "pump.bolus") if _what(event.data) == "ended"]
        clinician, patient = bolus_kind(TherapyState.CLINICIAN_BOLUS), bolus_kind(TherapyState.PATIENT_BOLUS)
        require(sorted(kinds) == sorted([clinician, patient, patient]), f"after {end} these have ended: {kinds}")


def _go_on(world: World, end: Message) -> None:
    if isinstance(end, Stop):
        reply = world.program(replace(world.prescription(RATE), patient_bolus=PATIENT))
        require(isinstance(reply, Accepted), f"after a stop a prescription is answered by {reply}")


def ends_are_kept(effort: Effort) -> None:
    """Let power fail after a bolus has ended: it has, and does not end once more."""
    effort.tried += 1
    world = infusing(effort.seed)
    world.bench.advance(HOUR_MS)
    done(world, PatientBolus(), Role.PATIENT)
    world.hang_up()
    world.bench.advance(2 * MINUTE_MS + 100)
    flicker(world)
    world.bench.advance(1_000)
    require(logged(world, LogKind.BOLUS_ENDED) == 1, f"a bolus ends {logged(world, LogKind.BOLUS_ENDED)} times")
    told = [event.data["what"] for event in events(world, "pump.bolus")]
    require(told == ["started", "ended"], f"of one bolus observers are told {told}")
    require(bool(alarms(world)), "a power cut is no alarm")


def presses_count_what_waits(effort: Effort) -> None:
    """Press for a bolus over a clinician's: refused if both do not fit into an hour, and if accepted, granted."""
    for waiting, fits in ((20, True), (60, False)):
        effort.tried += 1
        world = World(effort.seed)
        wanted = world.prescription(48_000, limit_1h=LIMIT * MASS_PG, limit_24h=5 * LIMIT * MASS_PG)
        world.program(replace(wanted, patient_bolus=grant(strokes=30, minutes=5, lockout=30, count=9)))
        world.bench.advance(HOUR_MS)
        done(world, bolus(waiting, 60))
        world.bench.advance(MINUTE_MS)
        if fits:
            done(world, PatientBolus(), Role.PATIENT)
        else:
            refused(world, PatientBolus(), Reason.HOUR_LIMIT, Role.PATIENT)
        world.bench.advance(3 * HOUR_MS)
        tripped = len(events(world, "guard.refused"))
        require(not tripped, f"a press over a bolus of {waiting} strokes was accepted, and then refused")


def primes_count_what_is_commanded(effort: Effort) -> None:
    """Prime as much as is accepted while most of a stroke is commanded already: no drug leaves the tip."""
    effort.tried += 1
    world = World(effort.seed, concentration=500)
    world.program(world.prescription(48_000))
    world.bench.advance(HOUR_MS + STROKE_NL * DAY_MS // 48_000 * 9 // 10)
    world.bench.empty_line()
    before, began = dict(world.device.body.tip_pg), world.device.body.strokes
    for over_nl in (499, 400, 300, 200, 100, 0):
        request = Prime(Nanolitres(world.profile.line_nl + over_nl), Milliseconds(HOUR_MS), True, False)
        if isinstance(ask(world, request), Accepted):
            break
    world.bench.advance(HOUR_MS + 1)
    moved = (world.device.body.strokes - began) * STROKE_NL
    require(moved >= world.profile.line_nl, f"of a line of {world.profile.line_nl} nL only {moved} nL are primed")
    require(world.device.body.tip_pg == before, f"in a prime of {over_nl} nL over the line drug leaves the tip")


SUITE = Suite(
    "overlapping",
    "doses on doses",
    (
        Property(
            "overlapping.primes",
            "A prime that is accepted fits, with what it interrupts.",
            primes_count_what_waits,
            verifies=("DOSE-02", "PRM-04"),
        ),
        Property(
            "overlapping.cancelled",
            "What was cancelled never flows.",
            cancelled_is_gone,
            verifies=("BOL-11",),
        ),
        Property(
            "overlapping.ends",
            "A bolus ends once.",
            ends_are_kept,
            verifies=("PWR-08",),
        ),
        Property(
            "overlapping.presses",
            "A press that is accepted fits, with what it interrupts.",
            presses_count_what_waits,
            verifies=("DOSE-02",),
        ),
        Property(
            "overlapping.commanded",
            "A prime counts what is commanded already.",
            primes_count_what_is_commanded,
            verifies=("PRM-03",),
        ),
    ),
)
