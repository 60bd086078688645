"""What leaves the pump unasked: it counts in full and for as long as what was granted, whenever it escapes.

Escapes come here when they are easiest to lose: long after the last write, before the first prescription, between two
refusals, and from a pump without a flow-activated valve.
"""

from __future__ import annotations

from dataclasses import replace

from emulator.firmware.allowance import age_ledgers
from emulator.hardware.profile import load_profile
from protocol.messages import Accepted, AcknowledgeAlarm, Close, EnterRefill, StagePrescription, Start, Stop
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Nanolitres
from protocol.vocabulary import AlarmCode, Reason
from verify.starts import STROKE_NL, bolus
from verify.suites.alarmed import alarms, alone, events, until
from verify.suites.asking import RATE, ask, done, hour_pg, infusing, next_stroke, refused, therapy
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import MORPHINE, World

MASS_PG = STROKE_NL * 25_000
"""Morphine in a stroke."""
FASTEST = 24_000_000
"""A drive that runs away takes 33 strokes a minute."""
MINUTES = (1, 8, 14)
"""From the last stroke to the escape: a heartbeat writes memory every fifteen."""


def escapes_are_as_late_as_they_are(effort: Effort) -> None:
    """Let the drive run away long after the last write, and look how long the hour holds what moved."""
    for minutes in MINUTES:
        effort.tried += 1
        world = infusing(effort.seed, patient=None)
        world.program(world.prescription(48_000))
        world.bench.advance(2 * HOUR_MS)
        done(world, Close(False))
        next_stroke(world)
        world.bench.advance(minutes * MINUTE_MS)
        began_ms, before = world.device.now_ms, world.device.body.strokes
        world.bench.inject("drive_runaway", rate=FASTEST, lasts=MINUTE_MS)
        world.bench.advance(MINUTE_MS + 1_000)
        escaped = (world.device.body.strokes - before) * MASS_PG
        require(escaped >= 30 * MASS_PG, f"only {escaped} pg have escaped")
        for later in (30 * MINUTE_MS, HOUR_MS - 1):
            world.bench.advance(began_ms + later - world.device.now_ms)
            require(
                hour_pg(world) >= escaped,
                f"{minutes} min after a stroke {escaped} pg escaped, and {later} ms later {hour_pg(world)} count",
            )


def open_valves_may_have_emptied_it(effort: Effort) -> None:
    """Let the valves of a pump stand open that has nothing to stop the flow: nobody knows how much has escaped."""
    effort.tried += 1
    world = World(effort.seed, profile=replace(load_profile("valve"), flow_valve=False))
    require(isinstance(world.program(world.prescription(RATE)), Accepted), "an ordinary prescription is refused")
    world.bench.advance(HOUR_MS)
    world.bench.inject("valve_open")
    world.bench.advance(MINUTE_MS)
    require(AlarmCode.FREE_FLOW in alarms(world), f"with open valves these are raised: {alarms(world)}")
    pump = world.device.pump
    require(pump is not None and pump.reservoir_nl == 0, "what may have run out is taken to be there")
    world.bench.clear("valve_open")
    world.bench.advance(MINUTE_MS)
    world.bench.refill(20_000_000)
    done(world, EnterRefill(Nanolitres(0), Nanolitres(20_000_000)))
    for code in alarms(world):
        ask(world, AcknowledgeAlarm(code))
    refused(world, Start(), Reason.HOUR_LIMIT)
    refused(world, StagePrescription(world.prescription(RATE)), Reason.HOUR_LIMIT)


def new_pumps_count_too(effort: Effort) -> None:
    """Let a pump run away that was never programmed, program it, and ask for a bolus that no longer fits."""
    effort.tried += 1
    world = World(effort.seed)
    world.bench.advance(MINUTE_MS)
    world.bench.inject("drive_runaway", rate=FASTEST, lasts=140_000)
    world.bench.advance(20 * MINUTE_MS)
    escaped = world.device.body.strokes * MASS_PG
    reply = world.program(world.prescription(RATE))
    require(isinstance(reply, Accepted), f"after an escape the first prescription is answered by {reply}")
    require(hour_pg(world) >= escaped, f"of {escaped} pg that escaped from a new pump {hour_pg(world)} count")
    for code in alarms(world):
        done(world, AcknowledgeAlarm(code))
    done(world, Start())
    refused(world, bolus(78, 3), Reason.HOUR_LIMIT)
    verdict = world.verdict()
    require(verdict.holds, "\n".join(verdict.lines()))


def refused_strokes_are_none(effort: Effort) -> None:
    """Let the drive move once between two strokes that the guard refuses: nobody has granted that."""
    effort.tried += 1
    world = infusing(effort.seed, patient=None)
    done(world, Close(False))
    world.bench.inject("memory", place="ledgers", bit=1)
    until(world, "guard.refused")
    gap_ms = STROKE_NL * DAY_MS // world.profile.minimum_rate.value
    world.bench.advance(gap_ms - 5 * MINUTE_MS)
    refusals, before = len(events(world, "guard.refused")), world.device.body.strokes
    world.bench.inject("drive_runaway", rate=STROKE_NL * 24 * 6, lasts=11 * MINUTE_MS)
    world.bench.advance(12 * MINUTE_MS)
    moved = world.device.body.strokes - before
    require(moved == 1 and len(events(world, "guard.refused")) > refusals, "no stroke moved between two refusals")
    found = set(alarms(world))
    require(AlarmCode.UNREQUESTED_DELIVERY in found, f"after a stroke that was refused and moved: {found}")
    verdict = world.verdict()
    require(verdict.holds, "\n".join(verdict.lines()))


def a_start_is_planned(effort: Effort) -> None:
    """Fill the hour by an escape and ask for a start: what was acceptable once is not for ever."""
    effort.tried += 1
    world = World(effort.seed, concentration=5_000)
    wanted = world.prescription(1_000_000, limit_1h=110 * STROKE_NL * 5_000)
    require(isinstance(world.program(wanted), Accepted), "an ordinary prescription is refused")
    world.bench.advance(2 * HOUR_MS)
    world.bench.inject("drive_runaway", rate=FASTEST, lasts=150_000)
    world.bench.advance(20 * MINUTE_MS)
    done(world, AcknowledgeAlarm(AlarmCode.UNREQUESTED_DELIVERY))
    refused(world, Start(), Reason.HOUR_LIMIT)
    world.bench.advance(HOUR_MS)
    done(world, Start())
    world.bench.advance(2 * HOUR_MS)
    require(not events(world, "guard.refused"), "a start that was accepted led to a limit")


def limits_are_got_over(effort: Effort) -> None:
    """Stop a pump whose guard refuses, and a day later put everything right."""
    effort.tried += 1
    world = alone(effort.seed)
    world.bench.inject("memory", place="ledgers", bit=1)
    until(world, "guard.refused")
    world.bench.advance(1_000)
    require(AlarmCode.DOSE_LIMIT in alarms(world), f"a refused stroke is no alarm: {alarms(world)}")
    done(world, Stop())
    world.bench.advance(26 * HOUR_MS)
    require(isinstance(world.program(world.prescription(RATE)), Accepted), "a day later nothing can be prescribed")
    for code in alarms(world):
        done(world, AcknowledgeAlarm(code))
    done(world, Start())
    require(therapy(world).rate.value == RATE, f"after everything was put right {therapy(world)}")


def what_nobody_saw_counts(effort: Effort) -> None:
    """Let valves open, and the flow-activated one shut, without power: what escaped counts when it is back."""
    effort.tried += 1
    world = World(effort.seed, profile="valve")
    require(isinstance(world.program(world.prescription(RATE)), Accepted), "an ordinary prescription is refused")
    world.bench.advance(HOUR_MS)
    done(world, Close(False))
    before, moved = hour_pg(world), world.device.body.tip_pg[MORPHINE]
    world.bench.cut_power()
    world.bench.inject("valve_open")
    world.bench.advance(HOUR_MS)
    world.bench.restore_power()
    escaped, counted = world.device.body.tip_pg[MORPHINE] - moved, hour_pg(world) - before
    require(escaped > 0 and world.device.body.valve_shut, "nothing has escaped, or nothing has stopped it")
    require(counted >= escaped, f"of {escaped} pg that escaped without power {counted} are counted")


def escapes_are_of_what_stood_there(effort: Effort) -> None:
    """Let the drive run away while the last strong strokes leave the tip before a weak fluid: the tip counts both."""
    effort.tried += 1
    world = infusing(effort.seed, patient=None)
    world.bench.refill(19_000_000, ((MORPHINE, 5_000),))
    world.concentration = 5_000
    done(world, EnterRefill(Nanolitres(0), Nanolitres(19_000_000)))
    require(isinstance(world.program(world.prescription(RATE)), Accepted), "a weaker fluid is refused")
    while world.device.body.line[0][0] > 2 * STROKE_NL:
        world.bench.jump()
    before, moved = _at_tip(world), world.device.body.tip_pg[MORPHINE]
    world.bench.inject("drive_runaway", rate=FASTEST, lasts=20_000)
    world.bench.advance(30_000)
    escaped, counted = world.device.body.tip_pg[MORPHINE] - moved, _at_tip(world) - before
    require(escaped > 2 * MASS_PG, f"only {escaped} pg have left the tip")
    require(counted >= escaped, f"of {escaped} pg that left the tip unasked {counted} are counted")


def _at_tip(world: World) -> int:
    pump = world.device.pump
    if pump is None:
        raise TypeError("a pump without power")
    age_ledgers(pump)
    return pump.ledgers[0].tip.day.total


SUITE = Suite(
    "escaping",
    "what leaves the pump unasked",
    (
        Property(
            "escaping.hour",
            "What escaped counts for an hour from when it did.",
            escapes_are_as_late_as_they_are,
            verifies=("DOSE-01", "FLT-17"),
        ),
        Property(
            "escaping.unknown",
            "What nobody can know counts as all of it.",
            open_valves_may_have_emptied_it,
            verifies=("DOSE-01",),
        ),
        Property(
            "escaping.unseen",
            "What escapes without power counts when it is back.",
            what_nobody_saw_counts,
            verifies=("DOSE-01",),
        ),
        Property(
            "escaping.tip",
            "What escapes is counted at the tip as what stood there.",
            escapes_are_of_what_stood_there,
            verifies=("DOSE-01",),
        ),
        Property(
            "escaping.new pump",
            "What escapes before any prescription counts.",
            new_pumps_count_too,
            verifies=("DOSE-01",),
        ),
        Property(
            "escaping.refused",
            "A stroke that was refused is granted to nobody.",
            refused_strokes_are_none,
            verifies=("DOSE-10", "FLT-08"),
        ),
        Property(
            "escaping.start",
            "A start is planned like a prescription.",
            a_start_is_planned,
            verifies=("DOSE-02", "DOSE-09"),
        ),
        Property(
            "escaping.over",
            "A limit that was met can be got over.",
            limits_are_got_over,
            verifies=("ALM-16",),
        ),
    ),
)
