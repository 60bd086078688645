"""What is lost with memory, pages and power: it is found before anything is written over it, and is never a gain."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from emulator.firmware import guard
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    Close,
    EnterRefill,
    Interrogate,
    SetWallClock,
    StagePrescription,
    Start,
)
from protocol.units import HOUR_MS, MINUTE_MS, Nanolitres
from protocol.vocabulary import AlarmCode, LogKind, Reason, Role, Section
from verify.starts import bolus
from verify.suites.alarmed import alarms, alone, logged
from verify.suites.asking import RATE, ask, done, flicker, hour_pg, infusing, next_stroke, refused, therapy
from verify.suites.news import knocked_at
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import World

LARGE = 70
"""Strokes of a bolus after which the same does not fit into the hour once more."""


def _commands(world: World) -> None:
    for _ in range(2):
        done(world, SetWallClock(1 << 40))


def _sessions(world: World) -> None:
    for _ in range(3):
        world.hang_up()
        ask(world, Interrogate(Section.THERAPY), Role.OBSERVER)


def _end_of_a_session(world: World) -> None:
    world.bench.advance(15_000)


def _wrong_proofs(world: World) -> None:
    world.wrong_proof()


def _runaway(world: World) -> None:
    world.bench.inject("drive_runaway", rate=24_000_000, lasts=8_000)


def _strokes(world: World) -> None:
    world.bench.advance(MINUTE_MS)


def _left_alone(seed: int) -> World:
    """Return a pump whose clinician has left."""
    world = alone(seed)
    _after_a_look(world)
    return world


def _in_a_session(seed: int) -> World:
    """Return a pump with an open session."""
    world = infusing(seed)
    done(world, SetWallClock(1 << 40))
    _after_a_look(world)
    return world


def _idle_clinician(seed: int) -> World:
    """Return a pump ten seconds before its clinician's session ends by itself."""
    world = infusing(seed)
    _after_a_look(world, 30_000)
    done(world, SetWallClock(1 << 40))
    world.bench.advance(5 * MINUTE_MS - 10_000)
    return world


def _attacked(seed: int) -> World:
    """Return a pump that has seen as many wrong proofs in a row as may be a broken programmer's."""
    world = knocked_at(seed)
    _after_a_look(world)
    return world


def _fast(seed: int) -> World:
    """Return a pump that takes ten strokes between two looks at memory."""
    world = World(seed, concentration=500)
    reply = world.program(world.prescription(15_000_000))
    require(isinstance(reply, Accepted), f"the fastest prescription is answered by {reply}")
    world.bench.advance(HOUR_MS)
    _after_a_look(world)
    return world


def _after_a_look(world: World, for_ms: int = 1_000) -> None:
    """Go to a time just after the pump has looked at its memory by itself, so that it does not for a while."""
    world.bench.advance(MINUTE_MS - world.device.now_ms % MINUTE_MS + for_ms)


WAYS: dict[str, tuple[Callable[[int], World], Callable[[World], None]]] = {
    "commands": (_in_a_session, _commands),
    "sessions that open": (_left_alone, _sessions),
    "a session that ends": (_idle_clinician, _end_of_a_session),
    "a wrong proof": (_attacked, _wrong_proofs),
    "a sensor": (_left_alone, _runaway),
    "strokes": (_fast, _strokes),
}
"""What the pump writes for, and in which pump that comes at once."""


def nothing_is_written_over_damage(effort: Effort) -> None:
    """Damage the ledgers between two looks at memory, let the pump write for every reason, and look what it knows."""
    for name, (pump, write) in WAYS.items():
        effort.tried += 1
        world = pump(effort.seed)
        world.bench.inject("memory", place="ledgers", bit=1)
        write(world)
        world.bench.advance(3 * MINUTE_MS)
        require(AlarmCode.MEMORY in alarms(world), f"{name} are written over damaged memory: no alarm")
        require(_full(world), f"{name} are written over damaged ledgers, and those grant on")
        effort.reached[name] += 1


def _full(world: World) -> bool:
    pump = world.device.pump
    return pump is not None and all(not guard.allows(ledger, 1) for _, *pair in pump.ledgers for ledger in pair)


SECTIONS = ("identity", "ledgers", "metering", "therapy", "alarms", "log")


def damage_is_put_right(effort: Effort) -> None:
    """Damage each section just after a stroke, with power and without, twice; let a clinician put it right."""
    chance = Random(effort.seed)  # noqa: S311 - an experiment must be repeatable
    for section in SECTIONS:
        for powered in (True, False):
            effort.tried += 1
            world = alone(effort.seed)
            next_stroke(world)
            _damage(world, section, chance, powered=powered)
            found = set(alarms(world)) - {AlarmCode.RESET}
            require(AlarmCode.MEMORY in found, f"{section} is damaged, and that is no alarm")
            others = {AlarmCode.RESERVOIR_LOW, AlarmCode.RESERVOIR_EMPTY, AlarmCode.DOSE_LIMIT}
            require(found - others == {AlarmCode.MEMORY}, f"with damage in {section} these are raised: {found}")
            before = logged(world, LogKind.MEMORY_FAULT)
            _damage(world, section, chance, powered=True)
            again = logged(world, LogKind.MEMORY_FAULT) - before
            require(again == 1, f"damage in {section} that is found once more is in the log {again} times")
            _put_right(world, section)


def _damage(world: World, section: str, chance: Random, *, powered: bool) -> None:
    if not powered:
        world.bench.cut_power()
    places = dict(world.device.chip.places())
    in_log = next(name for name in places if name.startswith("log@"))
    place = in_log if section == "log" else world.device.chip.newest_place(section)
    world.bench.inject("memory", place=place, bit=chance.randrange(places[place]))
    world.bench.restore_power()
    world.bench.advance(MINUTE_MS)
    left = list(world.device.chip.damage())
    require(not left, f"a minute after damage in {section} was found these are damaged: {left}")


def _put_right(world: World, section: str) -> None:
    done(world, EnterRefill(Nanolitres(0), Nanolitres(world.bench.residual_nl())))
    world.bench.advance(27 * HOUR_MS)  # full ledgers are empty again, and the minimum rate has moved since
    reply = world.program(world.prescription(RATE))
    require(isinstance(reply, Accepted), f"after damage in {section} a prescription is answered by {reply}")
    for code in alarms(world):
        done(world, AcknowledgeAlarm(code))
    done(world, Start())
    before = logged(world, LogKind.MEMORY_FAULT)
    world.bench.advance(5 * MINUTE_MS)
    require(therapy(world).rate.value == RATE, f"after damage in {section} was put right {therapy(world)}")
    require(logged(world, LogKind.MEMORY_FAULT) == before, f"damage in {section} is found for ever")
    require(not alarms(world), f"after damage in {section} was put right these are raised: {alarms(world)}")
    verdict = world.verdict()
    require(verdict.holds, section, "\n".join(verdict.lines()))


def after_a_large_bolus(seed: int) -> World:
    """Return a pump whose hour holds a bolus that does not fit into it a second time."""
    world = infusing(seed, patient=None)
    done(world, bolus(LARGE, 3))
    world.bench.advance(3 * MINUTE_MS + 2)
    return world


def lost_doses_count(effort: Effort) -> None:
    """Lose ledgers and prescription for good after a large bolus, and prescribe anew at once and a day later."""
    effort.tried += 1
    world = after_a_large_bolus(effort.seed)
    done(world, Close(False))
    world.bench.cut_power()
    for place, _ in list(world.device.chip.places()):
        if place.partition("@")[0] in ("ledgers", "therapy"):
            world.bench.inject("memory", place=place, bit=9)
    world.bench.restore_power()
    world.bench.advance(MINUTE_MS)
    refused(world, StagePrescription(world.prescription(RATE)), Reason.HOUR_LIMIT)
    world.bench.advance(25 * HOUR_MS)
    reply = world.program(world.prescription(RATE))
    require(isinstance(reply, Accepted), f"a day after everything was lost a prescription is answered by {reply}")


def time_is_not_given_back(effort: Effort) -> None:
    """Let the clock stand after a full hour, and the power flicker after a command in every half minute."""
    effort.tried += 1
    world = after_a_large_bolus(effort.seed)
    held = hour_pg(world)
    done(world, Close(False))
    world.bench.inject("clock")
    for _ in range(200):
        world.bench.advance(30_000 - world.device.now_ms % 30_000 + 10)
        done(world, SetWallClock(1 << 41))
        world.hang_up()
        flicker(world)
    require(hour_pg(world) >= held, f"while the clock stands and power flickers {held} pg become {hour_pg(world)}")


SUITE = Suite(
    "losing",
    "what is lost with memory, pages and power",
    (
        Property(
            "losing.writes",
            "Nothing is written over damaged memory before it is found.",
            nothing_is_written_over_damage,
            premises=tuple(WAYS),
            verifies=("FLT-03", "FLT-11"),
        ),
        Property(
            "losing.sections",
            "Damage is found, logged once, no other alarm, and put right.",
            damage_is_put_right,
            verifies=("FLT-03", "FLT-10", "FLT-11"),
        ),
        Property(
            "losing.pages",
            "With ledgers and prescription lost the hour is full.",
            lost_doses_count,
            verifies=("DOSE-01", "PWR-08"),
        ),
        Property(
            "losing.time",
            "Time that does not count is not given back by a power cut.",
            time_is_not_given_back,
            verifies=("DOSE-15",),
        ),
    ),
)
