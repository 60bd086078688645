"""News: what the pump keeps over a power cut it has told, and what it has told it keeps.

Something is about to happen to a pump: an alarm, the end of a session, a command. Power fails at every single step of
what it then writes. Whether the judge, who knows only what was told, agrees with the pump afterwards is the question.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from protocol.messages import AcknowledgeAlarm, Close, EnterRefill, Interrogate, SelfTest, SilenceAlarms, Stop
from protocol.units import MINUTE_MS, Nanolitres
from protocol.vocabulary import AlarmCode, Mode, Role, Section
from verify.suites.asking import RATE
from verify.suites.suite import Effort, require
from verify.world import World

AFTERWARDS_MS = 10 * MINUTE_MS
"""Longer than the deadline of any alarm that is due after the cut."""


def _left_alone(seed: int) -> World:
    """Return a pump that infuses, some time after it was programmed and left."""
    world = World(seed)
    world.program(world.prescription(RATE))
    world.talk(Role.CLINICIAN, Close(False))
    world.bench.advance(10 * MINUTE_MS)
    return world


def _bad_clock(seed: int) -> World:
    world = _left_alone(seed)
    world.bench.inject("clock", how="stands")
    return world


def _runaway_while_attended(seed: int) -> World:
    """Return a pump whose drive will run away while a clinician attends to it; it infuses what is prescribed."""
    world = World(seed)
    world.program(world.prescription(0, mode=Mode.MINIMUM_RATE))
    world.bench.advance(MINUTE_MS)
    world.bench.inject("drive_runaway", rate=24_000_000, lasts=4_000)
    return world


def _left_open(seed: int) -> World:
    """Return a pump that infuses, with a session that will soon be over because nothing is said in it."""
    world = _left_alone(seed)
    world.talk(Role.CLINICIAN, Interrogate(Section.THERAPY))
    world.bench.advance(5 * MINUTE_MS - 1)
    return world


def _stopped_and_left(seed: int) -> World:
    """Return a pump that a clinician stopped who has gone without a word; soon the session will be over."""
    world = _left_alone(seed)
    world.talk(Role.CLINICIAN, Stop())
    world.bench.advance(5 * MINUTE_MS - 1)
    return world


def _soon_aborted(seed: int) -> World:
    """Return one whose session has been over for nearly a minute."""
    world = _stopped_and_left(seed)
    world.bench.advance(MINUTE_MS)
    return world


def _once_mute(seed: int) -> World:
    """Return a pump whose sounder failed and was mended: its alarm waits to be acknowledged."""
    world = _left_alone(seed)
    world.bench.inject("annunciator")
    world.talk(Role.CLINICIAN, SelfTest())
    world.bench.clear("annunciator")
    world.talk(Role.CLINICIAN, SelfTest())
    return world


def knocked_at(seed: int) -> World:
    """Return a pump that has seen three wrong proofs."""
    world = _left_alone(seed)
    for _ in range(3):
        world.wrong_proof()
        world.bench.advance(MINUTE_MS)
    return world


NEWS: dict[str, tuple[Callable[[int], World], Callable[[World], object]]] = {
    "a clock stands": (_bad_clock, lambda world: world.bench.advance(MINUTE_MS)),
    "a drive runs away": (_runaway_while_attended, lambda world: world.bench.advance(4_000)),
    "a session is over": (_left_open, lambda world: world.bench.advance(1)),
    "a session was aborted": (_soon_aborted, lambda world: world.bench.advance(1)),
    "a session is opened": (_left_alone, lambda world: world.talk(Role.CLINICIAN, Interrogate(Section.THERAPY))),
    "a stranger knocks": (knocked_at, World.wrong_proof),
    "an alarm is acknowledged": (
        _once_mute,
        lambda world: world.talk(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.ANNUNCIATOR)),
    ),
    "the sounder is silenced": (_once_mute, lambda world: world.talk(Role.CLINICIAN, SilenceAlarms())),
    "an empty reservoir is entered": (
        _left_alone,
        lambda world: world.talk(Role.CLINICIAN, EnterRefill(Nanolitres(0), Nanolitres(0))),
    ),
}
"""A pump to which something is about to happen, and what lets it happen."""


def news_is_neither_lost_nor_early(effort: Effort) -> None:
    """Let power fail at each step of what a pump keeps and tells, and judge it by what it has told."""
    for name, (make, happen) in NEWS.items():
        for step in count():
            effort.tried += 1
            world = make(effort.seed)
            world.bench.cut_power_at_write(step)
            happen(world)
            if world.device.powered:
                require(step >= 2, f"{name}: nothing is written")
                break
            effort.reached[name] += 1
            world.bench.advance(MINUTE_MS)
            world.bench.restore_power()
            world.bench.advance(AFTERWARDS_MS)
            verdict = world.verdict()
            require(verdict.holds, f"{name}, cut at step {step}:", "\n".join(verdict.lines()))
