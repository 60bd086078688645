"""The pump looks after itself: once a day, and whenever it gets power, it runs its self-tests and reckons its date.

A check that fails becomes an alarm: the sounder's its own, any other that of damaged memory. Between the tests the
battery's comparators speak when a level is reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.firmware.replacement import Consumption, eri_in_ms, replace_by
from emulator.firmware.self_test import SOUNDER_BIT, failed_checks
from emulator.hardware.battery import EMPTY, EOS, ERI
from protocol.units import DAY_MS
from protocol.vocabulary import LogKind

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

SELF_TEST_EVERY_MS = DAY_MS
COMMANDED, PERIODIC = 0, 1


def run_self_test(pump: Pump, why: int) -> int:
    """Run every check, log it, note what it found and reckon the date of replacement; return the failed checks."""
    failed = failed_checks(pump)
    pump.log.add(pump.now, LogKind.SELF_TEST, why, failed)
    sounder_at = -1
    if failed & SOUNDER_BIT:
        sounder_at = pump.noticed.sounder_at if pump.noticed.sounder_at >= 0 else pump.now
    if failed & ~SOUNDER_BIT and pump.record.memory_fault_at < 0:
        pump.record = pump.record._replace(memory_fault_at=pump.now)
    tested_at = pump.noticed.tested_at if why == COMMANDED else pump.now
    pump.noticed = pump.noticed._replace(sounder_at=sounder_at, tested_at=tested_at)
    look_at_battery(pump)
    return failed


def look_at_battery(pump: Pump) -> None:
    """Note which of its levels the battery has reached, and when the pump must be replaced."""
    level, left = pump.body.battery_level(), pump.body.battery_permille()
    noticed, profile = pump.noticed, pump.profile
    consumption = Consumption(profile.battery_life_idle.value, profile.battery_strokes, profile.stroke.value)
    eri_in = eri_in_ms(left, profile.battery_eri, pump.therapy.rate, consumption)
    after = noticed._replace(
        eri_at=_since(noticed.eri_at, pump.now, level in (ERI, EOS, EMPTY)),
        eos_at=_since(noticed.eos_at, pump.now, level in (EOS, EMPTY)),
        replace_by=replace_by(noticed.replace_by, pump.now, profile.design_life.value, eri_in),
    )
    if after != noticed:
        pump.noticed = after


def _since(at: int, now: int, holds: bool) -> int:
    return (at if at >= 0 else now) if holds else -1
