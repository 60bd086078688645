"""What the pump believes to stand in its line, against what does: after any loss of memory it is no less."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from emulator.hardware.line import Line
from protocol.messages import Accepted, AcknowledgeAlarm, EnterRefill, Start
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Nanolitres
from protocol.vocabulary import Role
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import MORPHINE, World

RATE = 200_000
STROKE_MS = 500 * DAY_MS // RATE
FULL_NL = 20_000_000


class Change(NamedTuple):
    """A fluid is filled in and prescribed and flows for a time; power fails at a write, and memory is lost."""

    strength: int
    for_ms: int
    write: int
    lost: tuple[str, ...]


CHANGES = st.builds(
    Change,
    st.sampled_from([1_000, 5_000, 25_000]),
    st.sampled_from([0, STROKE_MS, 3 * STROKE_MS, HOUR_MS, 3 * DAY_MS]),
    st.integers(0, 12),
    st.sampled_from([(), ("metering",), ("metering",), ("metering", "therapy"), ("metering", "ledgers")]),
)


def the_line_is_no_weaker(effort: Effort) -> None:
    """Change the fluid, lose sections of memory on both pages, and hold the believed line against the true one."""

    def check(seed: int, first: int, changes: list[Change]) -> None:
        world = World(seed, concentration=first)
        world.program(world.prescription(RATE))
        world.bench.advance(HOUR_MS)
        for change in changes:
            if not _change(world, change.strength):
                effort.reached["refused"] += 1
                break
            world.bench.advance(change.for_ms)
            _lose(world, change)
            pump, truth = world.device.pump, world.device.body.line
            if pump is None:
                raise TypeError("a pump without power")
            require(
                _no_weaker(pump.line, truth),
                f"from {first} pg/nL on, after {changes}, the line is taken for {pump.line} and is {truth}",
            )
            effort.reached[" and ".join(change.lost) or "nothing"] += 1
            effort.reached["two fluids"] += len(truth) > 1

    effort.search(
        check,
        seed=st.integers(0, 9),
        first=st.sampled_from([1_000, 25_000]),
        changes=st.lists(CHANGES, min_size=1, max_size=3),
    )


def _change(world: World, strength: int) -> bool:
    """Fill another strength in and have it infused, if the pump takes the prescription."""
    world.concentration = strength
    if not isinstance(world.program(world.prescription(RATE)), Accepted):
        return False
    world.bench.refill(FULL_NL, ((MORPHINE, strength),))
    world.talk(Role.CLINICIAN, EnterRefill(Nanolitres(0), Nanolitres(FULL_NL)))
    pump = world.device.pump
    for alarm in pump.panel.raised if pump else ():
        world.talk(Role.CLINICIAN, AcknowledgeAlarm(alarm.code))
    world.talk(Role.CLINICIAN, Start())
    return True


def _lose(world: World, change: Change) -> None:
    world.bench.cut_power_at_write(change.write)
    world.bench.advance(10 * MINUTE_MS)
    world.bench.cut_power()
    for place, _ in list(world.device.chip.places()):  # a page may be gone: power failed while it was written
        if place.partition("@")[0] in change.lost:
            world.bench.inject("memory", place=place, bit=9)
    while not world.device.powered:  # it may fail again while the pump starts
        world.bench.restore_power()


def _no_weaker(believed: Line, truth: Line) -> bool:
    """Whether a line holds, wherever one looks and of every drug, at least what another one holds there."""
    believed_plugs, true_plugs = list(believed), list(truth)
    while believed_plugs and true_plugs:
        (held_nl, held), (is_nl, there) = believed_plugs[0], true_plugs[0]
        if any(concentration > dict(held).get(code, 0) for code, concentration in there):
            return False
        common_nl = min(held_nl, is_nl)
        believed_plugs[:1] = [(held_nl - common_nl, held)] if held_nl > common_nl else []
        true_plugs[:1] = [(is_nl - common_nl, there)] if is_nl > common_nl else []
    return not true_plugs


SUITE = Suite(
    "line",
    "what stands in the line",
    (
        Property(
            "line.worst",
            "A line that memory cannot tell of is taken for the strongest that it may hold.",
            the_line_is_no_weaker,
            60,
            ("nothing", "metering", "metering and therapy", "metering and ledgers", "two fluids"),
            verifies=("DOSE-01", "FLT-03"),
        ),
    ),
)
