"""The bridge on the whole pump: the old fluid leaves at its own rate, to the stroke, whatever comes between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    Close,
    EnterRefill,
    Interrogate,
    Message,
    PatientBolus,
    Prescription,
    Prime,
    StagePrescription,
    Start,
    Stop,
    TotalsReport,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import AlarmCode, LogKind, Mode, Reason, Role, Section, TherapyState
from verify.starts import STROKE_NL, bolus
from verify.suites.asking import PATIENT, done, flicker, refused, strokes_of, therapy
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import MORPHINE, World

OLD, NEW = 25_000, 5_000
"""In pg/nL. The published hazard: without a bridge, five times the dose for hours."""
RATE, BRIDGE, AFTER = 200_000, 200_000, 1_000_000
LINE_NL = 327_000
LINE_STROKES = LINE_NL // STROKE_NL
STROKE_MS = STROKE_NL * DAY_MS // BRIDGE
CROSSING_MS = LINE_NL * DAY_MS // BRIDGE


def refilled(seed: int, strength: int = NEW) -> World:
    """Return a pump that has infused the old fluid for two hours and now holds another one."""
    world = World(seed, concentration=OLD)
    require(isinstance(world.program(world.prescription(RATE)), Accepted), "an ordinary prescription is refused")
    world.bench.advance(2 * HOUR_MS)
    fill(world, strength)
    return world


def fill(world: World, strength: int) -> None:
    """Fill the reservoir with another strength and enter that."""
    world.bench.refill(20_000_000, ((MORPHINE, strength),))
    done(world, EnterRefill(Nanolitres(0), Nanolitres(20_000_000)))
    world.concentration = strength


def wanted(world: World, bridge: int = BRIDGE, rate: int = AFTER, reason: str = "an experiment") -> Prescription:
    """Return a prescription of what is in the reservoir, behind a bridge."""
    plain = world.prescription(rate)
    return replace(plain, bridge=NanolitresPerDay(bridge), override_reason=reason, patient_bolus=PATIENT)


def crossing(seed: int) -> World:
    """Return a pump in the middle of a bridge."""
    world = refilled(seed)
    reply = world.program(wanted(world))
    require(isinstance(reply, Accepted) and reply.state is TherapyState.BRIDGE, f"a bridge is answered by {reply}")
    world.bench.advance(10 * HOUR_MS)
    return world


def the_line_is_crossed(effort: Effort) -> None:
    """Cross the line, and hold what reaches the patient hour by hour against the dose."""
    effort.tried += 1
    world = refilled(effort.seed)
    world.program(wanted(world))
    begun, began_ms = strokes_of(world), world.device.now_ms
    require(therapy(world).bridge_remaining.value == LINE_NL, "at its begin the bridge is not the whole line")
    before = world.device.body.tip_pg[MORPHINE]
    while world.device.now_ms - began_ms < CROSSING_MS + 12 * HOUR_MS:
        world.bench.advance(HOUR_MS)
        now = world.device.body.tip_pg[MORPHINE]
        dose, stroke = RATE * OLD // 24, STROKE_NL * OLD
        require(abs(now - before - dose) <= 2 * stroke, f"{now - before} pg in an hour in which {dose} are due")
        before = now
        held = therapy(world)
        moved = strokes_of(world) - begun
        rest = max(0, LINE_NL - moved * STROKE_NL)
        require(held.bridge_remaining.value == rest, f"after {moved} strokes {held.bridge_remaining} of it remain")
        rate = BRIDGE if rest else AFTER
        require(held.rate.value == rate, f"with {rest} nL before it the pump infuses at {held.rate}, not {rate}")
    totals = done(world, Interrogate(Section.TOTALS))
    require(isinstance(totals, TotalsReport) and totals.drugs[0].tip_24h > totals.drugs[0].outlet_24h, totals)
    log = [entry.kind for entry in world.device.chip.log_entries()]
    require(log.count(LogKind.BRIDGE_ENDED) == 1, "the end of the bridge is not in the log once")


def nothing_breaks_it_off(effort: Effort) -> None:
    """Stop and start, program it again, cut the power, and look that the rest of the line is crossed."""
    tricks: tuple[Callable[[World], object], ...] = (
        _stop_and_start,
        lambda world: world.program(wanted(world, rate=900_000)),
        lambda world: world.program(wanted(world)),
        _cut_and_confirm,
    )
    for trick in tricks:
        effort.tried += 1
        world = crossing(effort.seed)
        left = therapy(world).bridge_remaining.value
        require(0 < left < LINE_NL, f"after ten hours {left} nL remain")
        trick(world)
        held = therapy(world)
        require(held.state is TherapyState.BRIDGE and held.rate.value == BRIDGE, f"the bridge is broken off: {held}")
        require(held.bridge_remaining.value in range(left - STROKE_NL, left + 1), f"of {left} nL remain {held}")
        strokes = held.bridge_remaining.value // STROKE_NL
        world.bench.advance(strokes * STROKE_MS)
        require(therapy(world).state is TherapyState.SIMPLE_CONTINUOUS, f"after {strokes} strokes it does not end")


def _stop_and_start(world: World) -> None:
    done(world, Stop())
    world.bench.advance(HOUR_MS)
    done(world, Start())


def _cut_and_confirm(world: World) -> None:
    flicker(world)
    minimum = world.profile.minimum_rate.value
    require(therapy(world).rate.value == minimum, "after a reset a bridge goes on, confirmed by nobody")
    seen = len(world.device.chip.log_entries())
    require(isinstance(world.program(wanted(world)), Accepted), "a bridge cannot be confirmed")
    states = [entry.value for entry in world.device.chip.log_entries()[seen:] if entry.kind is LogKind.STATE]
    require(
        max(states, default=0) <= minimum, f"an alarm forbids every flow, and one of {max(states, default=0)} began"
    )
    done(world, AcknowledgeAlarm(AlarmCode.RESET))
    done(world, Start())


def others_wait(effort: Effort) -> None:
    """Ask for boluses and a prime during a bridge, and let alarms lower its flow."""
    effort.tried += 5
    world = crossing(effort.seed)
    refused(world, bolus(1, 1), Reason.WRONG_STATE)
    refused(world, PatientBolus(), Reason.WRONG_STATE, Role.PATIENT)
    refused(world, Prime(Nanolitres(500), Milliseconds(HOUR_MS), True, False), Reason.WRONG_STATE)
    world.bench.inject("clock")
    world.bench.advance(2 * MINUTE_MS)
    require(therapy(world).state is TherapyState.MINIMUM_RATE, "a bridge goes on through a failed clock")
    world.bench.clear("clock")
    world.bench.advance(2 * MINUTE_MS)
    done(world, AcknowledgeAlarm(AlarmCode.CLOCK))
    done(world, Start())
    held = therapy(world)
    require(held.state is TherapyState.BRIDGE, "after an alarm the bridge is forgotten")
    done(world, Stop())
    done(world, Prime(Nanolitres(10 * STROKE_NL), Milliseconds(HOUR_MS), False, True))
    done(world, Close(True))
    world.bench.advance(HOUR_MS + 1)
    left = held.bridge_remaining.value - 10 * STROKE_NL
    behind = therapy(world).bridge_remaining.value
    require(
        behind in (left, left - STROKE_NL), f"behind an emptied catheter {behind} nL of a bridge remain, not {left}"
    )


def wrong_ones_are_refused(effort: Effort) -> None:
    """Change the fluid without a bridge, with one that cannot be, and once more in the middle of one."""
    world = refilled(effort.seed, 12_500)
    cases: tuple[tuple[Reason, Prescription], ...] = (
        (Reason.BRIDGE_NEEDED, replace(wanted(world, 0, 400_000, ""), patient_bolus=replace(PATIENT, count_24h=1))),
        (Reason.BRIDGE_NEEDED, wanted(world, 0, 400_000, "  ")),
        (Reason.RATE_RANGE, wanted(world, 47_999)),
        (Reason.RATE_RANGE, wanted(world, 24_000_001)),
        (Reason.HOUR_LIMIT, wanted(world, 1_900_000, 100_000)),
        (Reason.DAY_LIMIT, wanted(world, 0, 1_550_000)),
        (
            Reason.INCOMPLETE,
            replace(world.prescription(0, mode=Mode.STOPPED), bridge=NanolitresPerDay(BRIDGE)),
        ),
    )
    for reason, prescription in cases:
        effort.tried += 1
        refused(world, StagePrescription(prescription), reason)
    require(therapy(world).rate.value == RATE, "what is refused has changed the flow")
    done(world, StagePrescription(wanted(world, 0, 400_000)))
    middle = crossing(effort.seed)
    refused(middle, StagePrescription(wanted(middle, BRIDGE + 1)), Reason.BRIDGE_IMPOSSIBLE)
    fill(middle, 10_000)
    refused(middle, StagePrescription(wanted(middle, rate=500_000)), Reason.BRIDGE_IMPOSSIBLE)
    done(middle, StagePrescription(wanted(middle, 0, 48_000)))
    same = refilled(effort.seed, OLD)
    reply: Message | None = same.program(wanted(same, rate=150_000))
    bridged = isinstance(reply, Accepted) and reply.state is TherapyState.BRIDGE
    require(not bridged, f"a bridge from a fluid to the same is answered by {reply}")
    longer = refilled(effort.seed)
    drugs = (replace(longer.prescription(AFTER).drugs[0], concentration=Concentration(NEW)),)
    require(
        isinstance(longer.program(replace(wanted(longer), drugs=drugs)), Accepted), "an ordinary bridge is refused"
    )


SUITE = Suite(
    "crossing",
    "the bridge on the whole pump",
    (
        Property(
            "crossing.dose", "Over a bridge the dose stays what it was.", the_line_is_crossed, verifies=("PRM-06",)
        ),
        Property(
            "crossing.rest",
            "A bridge goes on where it was until the line is new.",
            nothing_breaks_it_off,
            verifies=("PRM-06",),
        ),
        Property("crossing.others", "During a bridge nothing flows beside it.", others_wait, verifies=("FLT-04",)),
        Property(
            "crossing.refusals",
            "A bridge that cannot be is refused.",
            wrong_ones_are_refused,
            verifies=("MODE-09", "PRM-06"),
        ),
    ),
)
