"""The monitor of the drive, and what the pump does with drug that left it unasked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.firmware.allowance import age_ledgers
from emulator.firmware.drive_monitor import DriveMonitor
from emulator.firmware.pump import Pump
from emulator.hardware.body import RUNAWAY
from emulator.hardware.line import masses
from emulator.hardware.profile import load_profile
from protocol.messages import LogPage, ReadLog
from protocol.units import DAY_MS, HOUR_MS
from protocol.vocabulary import AlarmCode, LogKind, Mode, TherapyState
from tests.emulator.worlds import CONCENTRATION, FLUID, MORPHINE, Bare, World, infusing, prescription

VALVE = load_profile("valve")
STROKE_PG = 500 * CONCENTRATION


def entries(bare: Bare, kind: LogKind) -> list[tuple[int, int]]:
    """Return instant and value of every entry of a kind in the pump's log."""
    found: list[tuple[int, int]] = []
    first = 0
    while True:
        page = bare.ask(ReadLog(first))
        assert isinstance(page, LogPage)
        if not page.entries:
            return found
        found += [(entry.at.value, entry.value) for entry in page.entries if entry.kind is kind]
        first = page.entries[-1].sequence + 1


def outlet_pg(bare: Bare) -> int:
    """Return what the guard's day holds at the outlet."""
    age_ledgers(bare.pump)
    return bare.pump.ledgers[0].outlet.day.total


@pytest.mark.verifies("DOSE-10")
@pytest.mark.parametrize(("granted", "moved", "ungranted"), [(0, 1, 1), (1, 1, 0), (1, 2, 1), (1, 0, 0), (0, 3, 3)])
def test_what_moved_beyond_the_grants_is_not_granted(granted: int, moved: int, ungranted: int) -> None:
    """Every stroke that the rotor made without a grant is counted as such, also across the rotor's zero."""
    for position in range(4):
        monitor = DriveMonitor(position, granted)
        assert monitor.look((position + moved) % 4) == (moved, ungranted)
        assert monitor.look((position + moved) % 4) == (0, 0)


def test_a_grant_is_not_saved_up() -> None:
    """A granted stroke that did not move gives no later stroke the right to."""
    monitor = DriveMonitor(0)
    _, granted = monitor.grant((), {}, {})
    assert granted
    assert monitor.look(0) == (0, 0)
    assert monitor.look(1) == (1, 1)


@pytest.mark.verifies("DOSE-10", "DOSE-14", "FLT-08")
def test_a_runaway_stroke_is_in_ledgers_and_meters_and_stops_the_pump() -> None:
    """One stroke that nobody asked for is alarmed before another can move, counted everywhere, and logged."""
    bare = infusing()
    bare.advance(HOUR_MS)
    counted, volume_nl, reservoir_nl = outlet_pg(bare), bare.pump.volume_nl, bare.pump.reservoir_nl
    bare.body._turn(RUNAWAY)
    assert bare.state is TherapyState.STOPPED
    assert outlet_pg(bare) == counted + STROKE_PG
    assert bare.pump.ledgers[0].outlet.overrun
    assert (bare.pump.volume_nl, bare.pump.reservoir_nl) == (volume_nl + 500, reservoir_nl - 500)
    assert entries(bare, LogKind.UNREQUESTED) == [(bare.now, 500)]


@pytest.mark.verifies("FLT-05")
def test_a_controller_that_does_not_ask_the_guard_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the controller's own question to the guard taken out, the monitor stops the pump at the first stroke."""

    def stroke_unasked(pump: Pump) -> None:
        pump.credit = 0
        pump.body.stroke()

    bare = infusing()
    monkeypatch.setattr("emulator.firmware.pump.take_stroke", stroke_unasked)
    bare.advance(DAY_MS)
    assert bare.alarm(AlarmCode.UNREQUESTED_DELIVERY) is not None
    assert len(bare.strokes) == 1
    assert outlet_pg(bare) == STROKE_PG


@pytest.mark.verifies("FLT-05")
def test_a_controller_that_does_not_heed_the_guard_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the guard's refusal not heeded, what moves nevertheless is alarmed."""
    bare = infusing()
    asked = DriveMonitor.grant
    monkeypatch.setattr(DriveMonitor, "grant", lambda self, held, *pg: (asked(self, held, {99: 1}, {})[0], True))
    bare.advance(HOUR_MS)
    assert bare.alarm(AlarmCode.UNREQUESTED_DELIVERY) is not None
    assert len(bare.strokes) == 1


@pytest.mark.verifies("DOSE-10", "FLT-01")
def test_what_ran_away_while_nobody_looked_is_found_at_power_up() -> None:
    """Strokes that moved around a power loss count as granted as far as they were, and as unrequested beyond."""
    bare = infusing()
    bare.advance(HOUR_MS)
    bare.body.on_sensor = lambda: None
    bare.body._turn(RUNAWAY)
    bare.body._turn(RUNAWAY)
    before = outlet_pg(bare)
    bare.power_up()
    assert bare.alarm(AlarmCode.UNREQUESTED_DELIVERY) is not None
    assert outlet_pg(bare) >= before + STROKE_PG


def test_drug_that_ran_away_before_anything_was_prescribed_counts_afterwards() -> None:
    """An unprogrammed pump counts what stands in its tubing; a prescription finds it in its ledgers."""
    bare = Bare()
    bare.body._turn(RUNAWAY)
    bare.prescribe(prescription(mode=Mode.STOPPED))
    assert outlet_pg(bare) == STROKE_PG


@pytest.mark.verifies("FLT-14")
def test_a_long_runaway_is_one_entry_of_the_log() -> None:
    """However many strokes run away one after another, the log says once that they do."""
    bare = infusing()
    for _ in range(50):
        bare.body._turn(RUNAWAY)
        bare.advance(1_000)
    assert len(entries(bare, LogKind.UNREQUESTED)) == 1
    assert bare.count("alarm.raised", alarm="unrequested_delivery") == 1


def test_what_may_have_escaped_is_counted_at_the_valve_s_bound() -> None:
    """Valves that open for a millisecond count as if the flow-activated valve had shut as late as it can."""
    bare = infusing(profile=VALVE)
    counted, reservoir_nl = outlet_pg(bare), bare.pump.reservoir_nl
    for _ in range(2):
        bare.body.open_valves(1_000_000)
        bare.body.on_sensor()
        bare.body.open_valves(0)
        bare.body.on_sensor()
    assert outlet_pg(bare) == counted + 2 * 10_000 * CONCENTRATION
    assert bare.pump.reservoir_nl == reservoir_nl - 20_000
    assert [value for _, value in entries(bare, LogKind.FREE_FLOW)] == [10_000, 10_000]


def test_without_a_flow_valve_the_worst_is_assumed() -> None:
    """Nobody knows how much escaped: the ledgers are full for a day and the reservoir is taken to be empty."""
    bare = infusing(profile=replace(VALVE, flow_valve=False))
    bare.body.open_valves(1_000_000)
    bare.body.on_sensor()
    assert (bare.pump.reservoir_nl, bare.state) == (0, TherapyState.STOPPED)
    assert outlet_pg(bare) > 10**18
    assert bare.pump.delivered[MORPHINE] == masses(((18_000_000, FLUID),))[MORPHINE]


@pytest.mark.verifies("DOSE-10")
def test_valves_that_opened_without_power_are_found_at_power_up() -> None:
    """A flow-activated valve that shut while the pump had no power is alarmed and counted when power is back."""
    world = World(profile=VALVE)
    world.prescribe(prescription())
    world.bench.cut_power()
    world.bench.inject("valve_open", lasts="1 min")
    world.advance(HOUR_MS)
    world.bench.restore_power()
    assert world.device.body.valve_shut
    assert AlarmCode.FREE_FLOW in {alarm.code for alarm in world.pump.panel.raised}
    assert world.pump.ledgers[0].outlet.day.total >= 10_000 * CONCENTRATION
