"""A whole life with a healthy pump: nothing is refused, nothing sounds, nothing is lost."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from emulator.hardware.profile import load_profile
from emulator.journal import Journal
from emulator.library import Library
from protocol.units import DAY_MS
from thecal.benchmarks.life import CONCENTRATION, VISIT_DAYS, Life

pytestmark = pytest.mark.safety

YEARS, DAYS_A_YEAR = 6, 365
PRESSES_A_DAY = 1
EXPECTED_ALARMS: frozenset[str] = frozenset()
"""Refills come in time, and no battery is low within these years."""


@pytest.mark.verifies("ALM-23", "LOG-05")
@pytest.mark.parametrize("flex", [False, True], ids=["simple", "flex"])
@pytest.mark.parametrize("profile", ["peristaltic", "valve"])
def test_a_healthy_pump_is_quiet_for_life(profile: str, flex: bool) -> None:
    """Through years of boluses, refills and reprogramming no alarm is raised, and every press is granted."""
    kinds, alarms = Counter[str](), set[str]()

    def sink(line: str) -> None:
        if '"kind":"drive.strokes"' in line:
            return
        event = json.loads(line)
        kinds[event["kind"]] += 1
        if event["kind"].startswith("alarm."):
            alarms.add(event["data"]["alarm"])

    days = YEARS * DAYS_A_YEAR
    life = Life(
        load_profile(profile),
        Library.shipped(),
        presses_a_day=PRESSES_A_DAY,
        flex=flex,
        journal=Journal(sink, keep=False),
    )
    life.live(days)
    body = life.device.body
    assert alarms <= EXPECTED_ALARMS
    assert kinds["guard.refused"] == 0
    assert (life.presses, kinds["bench.refill"]) == (days * PRESSES_A_DAY, life.visits - 1)
    assert life.visits > days // VISIT_DAYS[-1]
    assert life.bench.now_ms == days * DAY_MS
    stroke_pg = life.device.profile.stroke.value * CONCENTRATION.value
    assert life.bench.truth()["tip_pg"] == {"morphine": body.strokes * stroke_pg}
    assert life.device.pump is not None
    assert life.device.pump.strokes == body.strokes > days * 40
