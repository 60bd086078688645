"""The bench: faults, power, refills and the truth, as calls and as plain data, and a clear word for mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.bench import COMMANDS, FAULTS, Bench, BenchError
from emulator.journal import read_journal
from protocol.messages import Accepted, EnterRefill
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Nanolitres
from protocol.vocabulary import AlarmCode, TherapyState
from tests.emulator.worlds import HYDROMORPHONE, MORPHINE, World, prescription


def infusing() -> World:
    """Return a world whose pump infuses."""
    world = World()
    assert isinstance(world.prescribe(prescription()), Accepted)
    return world


def raised(world: World) -> set[AlarmCode]:
    """Return the codes of the raised alarms."""
    return {alarm.code for alarm in world.pump.panel.raised}


def told(world: World, kind: str) -> list[dict[str, Any]]:
    """Return the data of the journal's events of one kind."""
    return [event.data for event in read_journal(world.journal.lines) if event.kind == kind]


def test_a_stall_begins_and_ends() -> None:
    """An injected stall stops the fluid and is alarmed; taken away, fluid moves again; the journal tells both."""
    world = infusing()
    world.bench.inject("motor_stall")
    world.advance(HOUR_MS)
    assert world.device.body.strokes == 0
    assert raised(world) == {AlarmCode.MOTOR_STALL}
    world.bench.clear("motor_stall")
    world.advance(HOUR_MS)
    assert world.device.body.strokes > 0
    assert (told(world, "fault.injected"), told(world, "fault.cleared")) == (
        [{"fault": "motor_stall", "settings": {}}],
        [{"fault": "motor_stall"}],
    )


@pytest.mark.parametrize(
    "place", ["therapy", "ledgers", "metering", "identity", "alarms", "sequence", "log", "alarms@0"]
)
def test_memory_is_damaged_where_asked(place: str) -> None:
    """A bit of any place of memory can be turned over, by section or by exact place, again and again."""
    world = infusing()
    for _ in range(3):
        world.bench.inject("memory", place=place, bit=3)
        assert world.device.chip.damage() != []
        world.advance(MINUTE_MS)
        assert raised(world) == {AlarmCode.MEMORY}
        assert world.device.chip.damage() == []


@pytest.mark.parametrize(
    ("fault", "settings"),
    [
        ("earthquake", {}),
        ("motor_stall", {"how": "hard"}),
        ("memory", {"place": "nowhere"}),
        ("memory", {"bit": -1}),
        ("memory", {"bit": 10**9}),
        ("memory", {"place": "therapy@7"}),
        ("memory", {"place": 5}),
        ("memory", {"bit": "first"}),
        ("memory", {"bit": 0.5}),
        ("memory", {"colour": "red"}),
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault: str, settings: dict[str, Any]) -> None:
    """An unknown fault or setting is a bench error with a message, and nothing is injected."""
    world = infusing()
    with pytest.raises(BenchError, match=r".+"):
        world.bench.inject(fault, **settings)
    assert world.bench.faults == set()
    assert world.device.chip.damage() == []


def test_only_an_injected_fault_can_be_cleared() -> None:
    """Clearing what is not there is an error."""
    with pytest.raises(BenchError, match="not injected"):
        infusing().bench.clear("motor_stall")


def test_every_fault_can_be_injected_cleared_and_injected_again() -> None:
    """Each fault that a pump can have works with its defaults, twice over, and is in the truth while it lasts."""
    world = infusing()
    for fault in [name for name, row in FAULTS.items() if world.device.profile.drive in row.drives]:
        for _ in range(2):
            world.bench.inject(fault)
            assert world.bench.truth()["faults"] == [fault]
            world.advance(MINUTE_MS)
            world.bench.clear(fault)
            assert world.bench.truth()["faults"] == []


@pytest.mark.verifies("RES-09")
def test_a_refill_is_physical_and_the_pump_knows_nothing_of_it() -> None:
    """Filling changes the true contents only; what the pump computes changes when a clinician enters it."""
    world = infusing()
    world.advance(DAY_MS)
    computed = world.pump.reservoir_nl
    world.bench.refill(7_000_000, ((HYDROMORPHONE, 50),))
    assert (world.bench.residual_nl(), world.pump.reservoir_nl) == (7_000_000, computed)
    world.ask(EnterRefill(Nanolitres(computed), Nanolitres(7_000_000)))
    assert world.pump.reservoir_nl == 7_000_000
    world.bench.refill(8_000_000)
    assert world.bench.truth()["reservoir_fluid"] == {str(HYDROMORPHONE): 50}
    with pytest.raises(BenchError, match="20 mL"):
        world.bench.refill(20_000_001)


def test_the_truth_is_what_moved() -> None:
    """Reservoir, line and what left the tip add up to what was filled in."""
    world = infusing()
    world.bench.refill(18_000_000, ((HYDROMORPHONE, 50),))
    world.advance(3 * DAY_MS)
    truth = world.bench.truth()
    moved = truth["strokes"] * 500
    assert truth["reservoir_nl"] == 18_000_000 - moved
    assert truth["line"] == [[327_000 - moved, {str(MORPHINE): 20_000}], [moved, {str(HYDROMORPHONE): 50}]]
    assert truth["tip_pg"] == {"morphine": moved * 20_000}
    assert moved > 250_000


def test_jumping_goes_to_the_next_event_and_no_further() -> None:
    """A jump ends exactly where something happens by itself, or says that nothing will."""
    world = infusing()
    world.advance(10 * MINUTE_MS)
    while world.device.session_open:
        assert world.bench.jump()
    before = world.device.body.strokes
    due = world.device.next_event_ms
    assert world.bench.jump()
    assert (world.bench.now_ms, world.device.body.strokes) == (due, before + 1)
    world.bench.cut_power()
    assert world.bench.jump() is False


def test_power_can_be_cut_and_given_back_in_any_order() -> None:
    """Cutting twice and restoring twice are each one; the time without power passes on the bench only."""
    world = infusing()
    world.advance(HOUR_MS)
    pump_ms = world.pump.state().metering.pump_ms
    for cut_or_restore in (Bench.cut_power, Bench.cut_power):
        cut_or_restore(world.bench)
    world.advance(DAY_MS)
    assert not world.bench.truth()["powered"]
    for cut_or_restore in (Bench.restore_power, Bench.restore_power):
        cut_or_restore(world.bench)
    assert world.bench.now_ms == HOUR_MS + DAY_MS
    restarted = world.pump.now
    assert restarted <= pump_ms
    world.advance(MINUTE_MS)
    assert world.pump.now == restarted + MINUTE_MS
    assert world.pump.therapy.state is TherapyState.MINIMUM_RATE
    assert [len(told(world, kind)) for kind in ("power.cut", "power.restored")] == [1, 1]


SCRIPT: list[dict[str, Any]] = [
    {"do": "advance", "time": "2 h"},
    {"do": "inject", "fault": "motor_stall"},
    {"do": "jump"},
    {"do": "clear", "fault": "motor_stall"},
    {"do": "inject", "fault": "memory", "settings": {"place": "log", "bit": 4}},
    {"do": "cut_power"},
    {"do": "restore_power"},
    {"do": "refill", "volume": "9 mL"},
    {"do": "refill", "volume": "9 mL", "drug": "Baclofen", "concentration": "2 mg/mL"},
    {"do": "empty_line"},
    {"do": "truth"},
]


def test_every_bench_command_works_as_plain_data() -> None:
    """Each command takes plain JSON and returns the truth as plain JSON."""
    world = infusing()
    for request in SCRIPT:
        answer = world.bench.command(json.loads(json.dumps(request)))
        assert answer == json.loads(json.dumps(world.bench.truth()))
    assert {request["do"] for request in SCRIPT} == set(COMMANDS) - {"reset_valve"}


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"do": "explode"},
        {"do": ["advance"]},
        {"do": "advance"},
        {"do": "advance", "time": "5"},
        {"do": "advance", "time": 5},
        {"do": "advance", "time": "-5 s"},
        {"do": "refill"},
        {"do": "refill", "volume": "21 mL"},
        {"do": "refill", "volume": "1 mL", "drug": "water", "concentration": "1 mg/mL"},
        {"do": "refill", "volume": "1 mL", "drug": "morphine"},
        {"do": "refill", "volume": "1 mL", "drug": "morphine", "concentration": "strong"},
        {"do": "inject"},
        {"do": "inject", "fault": "memory", "settings": 5},
        {"do": "inject", "fault": "memory", "settings": {"place": None}},
        {"do": "clear", "fault": "memory"},
        {"do": "clear"},
    ],
)
def test_a_bad_bench_command_is_refused_with_a_message(request_: dict[str, Any]) -> None:
    """A bench command that is unknown, incomplete or out of range raises a bench error and does nothing."""
    world = infusing()
    before = world.bench.truth()
    with pytest.raises(BenchError, match=r".+"):
        world.bench.command(request_)
    assert world.bench.truth() == before


def test_a_thawed_bench_knows_the_stall_that_was_injected() -> None:
    """A stall that is in the image is a fault of the new bench, which can take it away."""
    world = infusing()
    world.bench.inject("motor_stall")
    other = world.thawed(world.device.image())
    assert other.bench.truth()["faults"] == ["motor_stall"]
    other.bench.clear("motor_stall")
    other.advance(HOUR_MS)
    assert other.device.body.strokes > 0


def test_the_end_of_a_journal_tells_what_is_left() -> None:
    """The last event holds the contents of reservoir and line, so that anybody can add up."""
    world = infusing()
    world.advance(DAY_MS)
    world.bench.finish()
    assert told(world, "bench.end") == [
        {
            "reservoir": {"volume_nl": 17_900_000, "fluid": {"1": 20_000}},
            "line": [[327_000, {"1": 20_000}]],
        }
    ]
