"""Tours: scripts that nobody drew, through what chance reaches too rarely, from each place where something may begin.

A tour visits each state and interrupts it by each thing that can; makes every mistake; loses the prescription in each
state; has everything go wrong that the pump cannot know. Whatever else is then drawn at random comes on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, product

from protocol.units import DAY_MS, HOUR_MS
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
    yield Script("full_rate", seed, faulty, [_step("visit"), _step("press_for_hours", presses=30)])
    for state, by in product(INTO, BY):
        yield Script("unprogrammed", seed, faulty, [_step("interrupted", state=state, by=by)])
    for start in REAL:
        yield Script(start, seed, faulty, [*_interruptions()])
        if faulty:
            yield Script(start, seed, faulty, [*_losses()])
    if faulty:
        for start in ("full_rate", "valve_metered"):
            yield Script(start, seed, faulty, [*_unseen()])
        yield Script("full_rate", seed, faulty, [*_cuts()])
        for state in INTO:
            yield Script("unprogrammed", seed, faulty, [_step("lost_therapy", state=state, bit=7, bridged=True)])


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


def _step(action: str, /, **arguments: Value) -> Step:
    return Step(action, arguments)
