"""Leaping, against a pump that takes every stroke: whatever is done to both, they are the same to the byte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from hypothesis import strategies as st

from protocol.messages import (
    AcknowledgeAlarm,
    CancelBolus,
    Close,
    EnterRefill,
    Message,
    PatientBolus,
    Start,
    Stop,
)
from protocol.units import HOUR_MS, MINUTE_MS, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, Mode, Role
from verify.starts import STROKE_NL, bolus, grant
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import MORPHINE, REAL, SMALL, World

STRONGEST = 25_000
RATES = (48_000, 199_999, 700_000)


class Both:
    """Two pumps from one seed to which the same is done: one leaps, the other takes every stroke."""

    def __init__(self, seed: int, rate: int, *, small: bool, volume_nl: int, concentration: int = STRONGEST) -> None:
        windows = SMALL if small else REAL
        self.worlds = [
            World(seed, concentration=concentration, volume_nl=volume_nl, windows=windows) for _ in range(2)
        ]
        self.leaps = 0
        leaper, walker = self.worlds
        on_run = leaper.device.body.on_run

        def counted(*run: object) -> None:
            self.leaps += 1
            if on_run is not None:
                on_run(*run)  # type: ignore[arg-type]

        leaper.device.body.on_run = counted
        walker.device.body.on_run = None
        patient = grant(strokes=4, minutes=2, lockout=30, count=9)
        limit = 14 * STROKE_NL * STRONGEST if small else None
        for world in self.worlds:
            world.program(
                replace(world.prescription(rate, limit_1h=limit, low_reservoir_nl=20_000), patient_bolus=patient)
            )

    def do(self, step: Callable[[World], object]) -> None:
        """Do the same to both."""
        for world in self.worlds:
            step(world)

    def differ(self) -> str | None:
        """Return what is not the same in both, in words; None if everything is."""
        images = [world.device.image() for world in self.worlds]
        if images[0] != images[1]:
            states = [world.device.pump.state() for world in self.worlds if world.device.pump]
            names = [name for name, one, two in zip(states[0]._fields, *states, strict=True) if one != two]
            return f"{', '.join(names) or 'what is not of the firmware'} of the pump"
        writes = [world.device.memory_writes for world in self.worlds]
        if writes[0] != writes[1]:
            return f"the writes to memory, {writes}"
        lines = [self._lines(world) for world in self.worlds]
        return "the journal" if lines[0] != lines[1] else None

    @staticmethod
    def _lines(world: World) -> list[str]:
        world.journal.flush()
        return list(world.journal.lines)


class Step(NamedTuple):
    """Something that is done to both pumps."""

    name: str
    act: Callable[[World], object]


def _say(message: Message, role: Role = Role.CLINICIAN) -> Callable[[World], object]:
    return lambda world: world.talk(role, message)


def _bridge(world: World) -> None:
    world.bench.refill(19_000_000, ((MORPHINE, STRONGEST // 2),))
    world.talk(Role.CLINICIAN, EnterRefill(Nanolitres(0), Nanolitres(19_000_000)))
    world.concentration = STRONGEST // 2
    wanted = world.prescription(400_000)
    world.program(replace(wanted, bridge=NanolitresPerDay(1_000_000)))


def _flicker(world: World) -> None:
    world.bench.cut_power()
    world.bench.restore_power()
    world.program(world.prescription(500_000))
    world.talk(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.RESET))
    world.talk(Role.CLINICIAN, Start())


def _stall(world: World) -> None:
    _turn(world, "motor_stall")


def _clock(world: World) -> None:
    _turn(world, "clock")


def _lag(world: World) -> None:
    world.talk(Role.CLINICIAN, Stop())
    world.talk(Role.CLINICIAN, Close(True))
    world.device.body.clock.jump(-999)


def _turn(world: World, fault: str) -> None:
    if fault in world.bench.faults:
        world.bench.clear(fault)
    else:
        world.bench.inject(fault)


STEPS = (
    Step("a bolus", _say(bolus(10, 30))),
    Step("a press", _say(PatientBolus(), Role.PATIENT)),
    Step("a cancel", _say(CancelBolus())),
    Step("a stop", _say(Stop())),
    Step("a start", _say(Start())),
    Step("a close", _say(Close(True))),
    Step("a refill", _say(EnterRefill(Nanolitres(0), Nanolitres(30_000)))),
    Step("a bridge", _bridge),
    Step("a power cut", _flicker),
    Step("a stall, or its end", _stall),
    Step("a clock that stands, or its end", _clock),
    Step("a stop, and a clock that lags a little", _lag),
)
FIRST_MS = 5 * HOUR_MS
SPANS = st.sampled_from([1, 17 * MINUTE_MS + 1, FIRST_MS])


def leaping_is_walking(effort: Effort) -> None:
    """Do each thing to both pumps, then drawn ones, let time pass after each, and compare all that they hold."""

    def check(first: Step, seed: int, rate: int, small: bool, little: bool, plan: list[tuple[Step, int]]) -> None:
        both = Both(seed, rate, small=small, volume_nl=100_000 if little else 20_000_000)
        both.do(lambda world: world.bench.advance(2 * HOUR_MS))
        for step, span in ((first, FIRST_MS), *plan):
            both.do(step.act)
            both.do(lambda world, span=span: world.bench.advance(span))  # type: ignore[misc]
            different = both.differ()
            told = [first.name, *(each.name for each, _ in plan)]
            require(different is None, f"at {rate} nL/day, after {told}, a leap changes {different}")
        effort.reached[f"leapt after {first.name}"] += both.leaps > 0
        effort.reached["ran low"] += little

    for first in STEPS:
        effort.search(
            check,
            first=st.just(first),
            seed=st.integers(0, 9),
            rate=st.sampled_from(RATES),
            small=st.booleans(),
            little=st.booleans(),
            plan=st.lists(st.tuples(st.sampled_from(STEPS), SPANS), max_size=2),
        )


STRENGTHS = ((STRONGEST, 1_000), (1_000, STRONGEST))


def lines_are_the_same(effort: Effort) -> None:
    """Change to a weaker and to a stronger fluid, and compare both pumps while it fills the line, and when it has.

    The last stroke is a slow one, with writes between it and the next: they tell of a line that has just been filled.
    """
    for old, new in STRENGTHS:
        effort.tried += 1
        both = Both(effort.seed, RATES[0], small=False, volume_nl=20_000_000, concentration=old)
        both.do(lambda world, new=new: _other_fluid(world, new))  # type: ignore[misc]
        leaper, walker = (world.device for world in both.worlds)
        displaced = walker.body.line[0][0] // STROKE_NL
        for strokes, after_ms in ((7, 0), (displaced - 8, 0), (1, 20 * MINUTE_MS)):
            if after_ms:
                both.do(lambda world: world.program(world.prescription(0, mode=Mode.MINIMUM_RATE)))
            moved = walker.body.strokes + strokes
            while walker.body.strokes < moved:
                walker.advance_to(walker.next_event_ms or walker.now_ms)
            walker.advance_to(walker.now_ms + after_ms)
            leaper.advance_to(walker.now_ms)
            different = both.differ()
            require(different is None, f"from {old} to {new} pg/nL a leap changes {different}")
        effort.reached["leapt"] += both.leaps > 0


def _other_fluid(world: World, concentration: int) -> None:
    world.bench.refill(19_000_000, ((MORPHINE, concentration),))
    world.concentration = concentration
    world.program(world.prescription(RATES[1]))


TIES = (96_000, 240_000, 480_000)
"""In nL/day: at these, strokes fall on the very instant of other things, such as the day's test."""


def ties_are_kept(effort: Effort) -> None:
    """Infuse for more than a day at rates whose strokes fall due together with something else, and compare."""
    for rate in TIES:
        effort.tried += 1
        both = Both(effort.seed, rate, small=False, volume_nl=20_000_000)
        both.do(lambda world: world.bench.advance(30 * HOUR_MS))
        different = both.differ()
        require(different is None, f"after 30 h at {rate} nL/day a leap has changed {different}")
        effort.reached["leapt"] += both.leaps > 0


SUITE = Suite(
    "leaping",
    "many strokes at once",
    (
        Property(
            "leaping.same",
            "A pump that leaps is one that does not.",
            leaping_is_walking,
            4,
            ("ran low", *(f"leapt after {step.name}" for step in STEPS)),
        ),
        Property(
            "leaping.ties",
            "What falls due at once keeps its order.",
            ties_are_kept,
            premises=("leapt",),
            verifies=("MODE-14",),
        ),
        Property(
            "leaping.lines", "A leap leaves the line that strokes leave.", lines_are_the_same, premises=("leapt",)
        ),
    ),
)
