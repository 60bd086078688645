"""Tours: scripts that nobody drew, through what chance reaches too rarely, from each place where something may begin.

A tour visits each state and interrupts it by each thing that can; gives every command and makes every mistake; loses
the prescription in each state; brings every alarm about; has everything go wrong that the pump cannot know. All that
must be reached (``verify.suites.reach``) tours reach. Whatever is then drawn at random comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.scripts.action import Value
from verify.scripts.mistakes import MISTAKES
from verify.scripts.script import Script, Step
from verify.scripts.therapy import BY, INTO
from verify.scripts.unseen import CATHETER, DRIVE, NEEDLE
from verify.starts import STARTS

REAL = ("unprogrammed", "full_rate", "valve_metered")
"""Starts with real windows, in which there is room for everything."""


def tours(seed: int, *, faulty: bool) -> Iterator[Script]:
    """Yield the tours, with or without faults in them."""
    for start in STARTS:
        yield Script(start, seed, faulty, [*_mistakes(), *_windows()])
    yield Script("full_rate", seed, faulty, [*_commands()])
    yield Script("unprogrammed", seed, faulty, [*_fluids()])
    yield Script("unprogrammed", seed, faulty, [*_limits()])
    yield Script("nearly_empty", seed, faulty, [*_emptying()])
    yield Script("full_rate", seed, faulty, [*_storms()])
    for state, by in product(INTO, BY):
        yield Script("unprogrammed", seed, faulty, [_step("interrupted", state=state, by=by)])
    for start in REAL:
        yield Script(start, seed, faulty, [*_interruptions()])
    if faulty:
        yield from _with_faults(seed)


def _with_faults(seed: int) -> Iterator[Script]:
    for start in REAL:
        yield Script(start, seed, faulty=True, steps=[*_losses()])
    for start in ("full_rate", "valve_metered"):
        yield Script(start, seed, faulty=True, steps=[*_unseen()])
        yield Script(start, seed, faulty=True, steps=[*_alarms()])
    yield Script("full_rate", seed, faulty=True, steps=[*_cuts()])
    yield Script("small_windows", seed, faulty=True, steps=[_step("lost_ledger", bit=7), _step("visit")])
    for state in INTO:
        lost = _step("lost_therapy", state=state, bit=7, bridged=True)
        yield Script("unprogrammed", seed, faulty=True, steps=[lost])
        yield Script("unprogrammed", seed, faulty=True, steps=[_step("alarmed", state=state)])


def _mistakes() -> Iterator[Step]:
    yield _step("visit")
    for what in MISTAKES:
        yield _step("mistake", what=what)
    yield _step("commit_of_another")
    yield _step("command", what="close_unaware")
    yield _step("visit")
    yield _step("command", what="stop")
    yield _step("command", what="close_unaware")


def _windows() -> Iterator[Step]:
    yield _step("visit")
    for _ in range(2):
        yield _step("fill_the_windows", wait=True)
        yield _step("pass_time", for_ms=HOUR_MS)
    yield _step("press_for_hours", presses=6)
    yield _step("left_stopped")


def _commands() -> Iterator[Step]:
    """Every command, answered as it should be; and those for which there is nothing to do."""
    yield _step("visit")
    yield _step("press_for_hours", presses=30)
    for role in ("patient", "observer", "clinician"):
        yield _step("look", section="therapy", role=role)
    yield _step("wall_clock", unix_ms=0)
    yield _step("command", what="self_test")
    yield _step("clinician_bolus", strokes=3, minutes=30)
    yield _step("command", what="cancel")
    yield _step("command", what="cancel")
    yield _step("command", what="close")


def _fluids() -> Iterator[Step]:
    """Another fluid without a reason against a bridge, and with one."""
    yield _program(rate=100_000, hour=40, day=400)
    yield _step("pass_time", for_ms=HOUR_MS)
    for reason in (False, True):
        yield _step("other_fluid", concentration=5_000, share=8, reason=reason)
    yield _step("pass_time", for_ms=HOUR_MS)


def _limits() -> Iterator[Step]:
    """Rates that pass a limit, and boluses up to one."""
    yield _program(rate=12_000_000, hour=1, day=400)
    yield _program(rate=48_000, hour=40, day=1)
    yield _program(rate=48_000, hour=40, day=400)
    yield _step("fill_the_windows", wait=True)
    yield _step("pass_time", for_ms=HOUR_MS)


def _emptying() -> Iterator[Step]:
    """A reservoir that gets low and empty, with everybody asking for quiet, until somebody fills it."""
    yield _step("fill_the_windows", wait=False)
    for _ in range(2):
        yield _step("pass_days", days=1)
        yield _step("acknowledge_all")
        yield _step("silence_twice")
    yield _step("visit")
    yield _step("pass_time", for_ms=HOUR_MS)


def _storms() -> Iterator[Step]:
    """All weather, old traffic, and strangers."""
    for weather in ("rough", "storm"):
        for _ in range(6):
            yield _step("change_weather", weather=weather)
            yield _step("acknowledge_all")
            yield _step("patient_bolus", presses=4)
            yield _step("look", section="alarms", role="clinician")
        yield _step("replay")
    yield _step("visit")
    yield _step("stranger")
    yield _step("strangers", times=2)


def _alarms() -> Iterator[Step]:
    """Everything that an alarm is about, announced, and put right."""
    yield _step("visit")
    yield _step("examination")
    yield _step("run_away", rate=1_000_000, for_ms=MINUTE_MS)
    yield _step("field", for_ms=MINUTE_MS, recovery=HOUR_MS)
    yield _step("open_valves", for_ms=MINUTE_MS)
    yield _step("visit")
    yield _step("bad_clock", how="stands", by=2_000, for_ms=HOUR_MS)
    yield _step("mute")
    yield _step("interference", for_ms=3 * HOUR_MS)
    yield _step("worn_battery", left=90)
    yield _step("worn_battery", left=20)
    yield _step("new_battery")
    yield _step("flicker")
    yield _step("visit")
    yield _step("lost_ledger", bit=7)
    yield _step("strangers", times=6)
    yield _step("visit")
    yield _step("brown_out")


def _interruptions() -> Iterator[Step]:
    for state, by in zip(INTO, cycle(BY), strict=False):
        yield _step("interrupted", state=state, by=by)
        yield _step("pass_time", for_ms=HOUR_MS)
        yield _step("other_fluid", concentration=25_000, share=1, reason=False)
    yield _step("visit")
    yield _step("pass_time", for_ms=DAY_MS)


def _losses() -> Iterator[Step]:
    for state in INTO:
        for bridged in (False, True):
            yield _step("lost_therapy", state=state, bit=7, bridged=bridged)
    for section in ("alarms", "metering", "identity"):
        yield _step("visit")
        yield _step("lost_section", section=section, bit=3, alarmed=True)
    for section in ("metering", "therapy metering"):
        yield _step("visit")
        yield _step("bridged_fluid", concentration=1_000, share=1, bridge=2_000_000)
        yield _step("lost_section", section=section, bit=3, alarmed=False)
        yield _step("visit")
        yield _step("fill_the_windows", wait=True)
    yield _step("visit")
    yield _step("magnet", stalled=True)
    yield _step("pass_time", for_ms=HOUR_MS)
    yield _step("power_cut", for_ms=0)
    yield _step("pass_time", for_ms=HOUR_MS)


def _unseen() -> Iterator[Step]:
    for number, fault in enumerate((*CATHETER, *DRIVE, *NEEDLE)):
        yield _step("unseen", fault=fault, for_ms=HOUR_MS, seen_to=number % 2 == 1)
        yield _step("patient_bolus", presses=2)
        yield _step("fill_the_windows", wait=False)
    for fault in ("pump_flipped", "total_failure"):
        yield _step("silent", fault=fault, for_ms=HOUR_MS)
    yield _step("leaking_battery", days=3)
    yield _step("pass_time", for_ms=HOUR_MS)


def _cuts() -> Iterator[Step]:
    for step in range(13):
        yield _step("visit")
        yield _step("power_cut_at_write", step=step)
        yield _step("power_returns")


def _program(*, rate: int, hour: int, day: int) -> Step:
    limits = {"hour": hour, "day": day}
    return _step("program", rate=rate, mode="simple_continuous", patient=0, minutes=1, lockout=5, count=1, **limits)


def _step(action: str, /, **arguments: Value) -> Step:
    return Step(action, arguments)
