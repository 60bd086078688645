"""What every fault does to what reaches the patient, on a pump that infuses; and that nothing is lost on the way."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from emulator.bench import FAULTS, BenchError
from emulator.bench_settings import Kind
from emulator.hardware.profile import load_profile
from emulator.journal import read_journal
from protocol.conversation import NoAnswer
from protocol.messages import Accepted, AcknowledgeAlarm, Interrogate, Start, TherapyReport
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode, Section
from tests.emulator.worlds import MORPHINE, PROFILE, World, drug, prescription
from verify.judge import judge_lines
from verify.verdict import Claim

VALVE = load_profile("valve")
RATE = 1_000_000
CONCENTRATION = 500
FLUID = ((MORPHINE, CONCENTRATION),)
DAY_PG = RATE * CONCENTRATION
CATHETER_PG = PROFILE.catheter.value * CONCENTRATION
STROKE_PG = 500 * CONCENTRATION


def infusing(profile: Any = PROFILE, rate: int = RATE) -> World:
    """Return a world whose pump infuses 1 mL/day of one drug, which also fills the line."""
    world = World(profile=profile, fluid=FLUID)
    wanted = prescription(rate, (drug(concentration=CONCENTRATION),))
    assert isinstance(world.prescribe(wanted), Accepted)
    return world


def went(world: World) -> tuple[int, int, int]:
    """Return what has reached CSF, pocket and tissue, in picograms."""
    body = world.device.body
    return tuple(book.get(MORPHINE, 0) for book in (body.tip_pg, body.pocket_pg, body.tissue_pg))  # type: ignore[return-value]


def events(world: World, kind: str) -> list[dict[str, Any]]:
    """Return the data of the journal's events of one kind."""
    world.journal.flush()
    return [event.data for event in read_journal(world.journal.lines) if event.kind == kind]


def accounted(world: World) -> bool:
    """Whether the judge finds every picogram."""
    world.bench.finish()
    return Claim.CONSERVATION not in judge_lines(world.journal.lines).broken()


def gone_nl(world: World) -> int:
    """Return what has left the reservoir."""
    return 18_000_000 - world.bench.residual_nl()


def test_a_kink_leaves_its_share_in_the_reservoir() -> None:
    """At 40 % the patient gets 60 %, and the pump computes a reservoir that is emptier than it is."""
    world = infusing()
    world.bench.inject("cath_kink", severity="40%")
    world.advance(DAY_MS)
    assert went(world) == (DAY_PG * 6 // 10, 0, 0)
    assert gone_nl(world) == RATE * 6 // 10
    assert world.pump.reservoir_nl == 18_000_000 - RATE
    assert accounted(world)


def test_an_obstruction_builds_up_and_lets_go() -> None:
    """Nothing arrives for a day, then the held 10 uL at once, by themselves, when the obstruction ends."""
    world = infusing()
    world.bench.inject("cath_occlusion", lasts="1 day")
    world.advance(DAY_MS - 1)
    assert (went(world), gone_nl(world)) == ((0, 0, 0), 10_000)
    assert world.bench.truth()["pressure_nl"] == 10_000
    world.advance(1)
    assert went(world) == (10_000 * CONCENTRATION, 0, 0)
    (flow,) = events(world, "catheter.flow")
    assert (flow["why"], flow["tip"], flow["held_nl"]) == ("released", {"1": 10_000 * CONCENTRATION}, -10_000)
    assert accounted(world)


def test_a_dislodged_catheter_delivers_into_the_tissue() -> None:
    """The residual volume is normal, the CSF gets nothing."""
    world = infusing()
    world.bench.inject("cath_dislodged")
    world.advance(DAY_MS)
    assert (went(world), gone_nl(world)) == ((0, 0, DAY_PG), RATE)
    assert accounted(world)


def test_a_disconnected_catheter_keeps_its_content() -> None:
    """All goes into the pocket; connected again, what stood in the catheter is delivered."""
    world = infusing()
    world.bench.refill(18_000_000, ())
    world.bench.inject("cath_disconnected", lasts=DAY_MS)
    world.advance(DAY_MS)
    assert (went(world), gone_nl(world)) == ((0, PROFILE.tubing.value * CONCENTRATION, 0), RATE)
    world.advance(DAY_MS)
    assert went(world)[0] == CATHETER_PG
    assert accounted(world)


@pytest.mark.parametrize(("into", "expected"), [("pocket", (7, 3, 0)), ("tissue", (7, 0, 3))])
def test_a_leak_takes_its_share(into: str, expected: tuple[int, ...]) -> None:
    """Three tenths leak to where they are said to; the residual volume is normal."""
    world = infusing()
    world.bench.inject("CATH-LEAK", severity=300, into=into)
    world.advance(DAY_MS)
    assert went(world) == tuple(DAY_PG * tenths // 10 for tenths in expected)
    assert gone_nl(world) == RATE
    assert accounted(world)


def test_a_fault_grows_over_its_ramp() -> None:
    """A kink that closes over a day lets half of that day's flow through, and nothing after it."""
    world = infusing()
    world.bench.inject("cath_kink", ramp="1 day")
    world.advance(DAY_MS)
    assert abs(went(world)[0] - DAY_PG // 2) < 2 * STROKE_PG
    after = went(world)
    world.advance(DAY_MS)
    assert went(world) == after
    assert accounted(world)


def test_a_planned_fault_comes_and_goes_at_its_times() -> None:
    """It begins and ends at the very millisecond, however time is let pass, and can be called off before."""
    for step in (DAY_MS, 7 * HOUR_MS + 13):
        world = infusing()
        world.bench.inject("cath_dislodged", at="6 h", lasts="6 h")
        world.bench.inject("pump_erosion", at="9 h")
        assert world.bench.faults == set()
        world.bench.clear("pump_erosion")
        while world.bench.now_ms < DAY_MS:
            world.advance(min(step, DAY_MS - world.bench.now_ms))
        assert went(world) == (DAY_PG * 3 // 4, 0, DAY_PG // 4)
        at = {event.kind: event.at for event in read_journal(world.journal.lines) if event.kind.startswith("fault")}
        assert (at["fault.injected"], at["fault.cleared"]) == (6 * HOUR_MS, 12 * HOUR_MS)


def test_a_fault_may_be_planned_to_come_again() -> None:
    """Its end, by itself or by hand, ends what is there and leaves what is planned."""
    world = infusing()
    for hour in (1, 3, 5):
        world.bench.inject("cath_dislodged", at=hour * HOUR_MS, lasts="1 h")
    world.advance(3 * HOUR_MS + 30 * MINUTE_MS)
    world.bench.clear("cath_dislodged")
    assert world.bench.truth()["planned"] == [[5 * HOUR_MS, "cath_dislodged"]]
    world.advance(DAY_MS)
    assert [
        event.at // (30 * MINUTE_MS) for event in read_journal(world.journal.lines) if event.kind == "fault.cleared"
    ] == [4, 7, 12]


def test_a_planned_fault_that_turns_out_impossible_is_told() -> None:
    """The journal says why; time goes on."""
    world = infusing()
    world.bench.inject("memory", place="nowhere", at="1 h")
    world.advance(2 * HOUR_MS)
    (failed,) = events(world, "fault.failed")
    assert (failed["fault"], world.bench.faults) == ("memory", set())


def test_a_catheter_without_a_port_takes_no_injection() -> None:
    """A bolus through an access port needs one."""
    world = World(profile=replace(PROFILE, access_port=False))
    with pytest.raises(BenchError, match="no access port"):
        world.bench.inject("access_port_bolus")


def test_valves_stay_open_until_the_last_cause_is_gone() -> None:
    """Two fields hold them; the end of one of them does not let them close."""
    world = World(profile=VALVE)
    world.bench.inject("valve_open")
    world.bench.inject("mri")
    world.bench.clear("valve_open")
    assert world.bench.truth()["valves_open"]
    world.bench.clear("mri")
    assert not world.device.body.valves_open


def test_a_jump_stops_at_a_planned_fault() -> None:
    """What is planned on the bench is an event like any other, also for a pump without power."""
    world = infusing()
    world.bench.cut_power()
    world.bench.inject("cath_leak", at="3 h", lasts="1 h")
    assert [world.bench.jump(), world.bench.now_ms, world.bench.faults] == [True, 3 * HOUR_MS, {"cath_leak"}]
    assert [world.bench.jump(), world.bench.now_ms, world.bench.faults] == [True, 4 * HOUR_MS, set()]
    assert world.bench.jump() is False


@pytest.mark.parametrize(("fault", "sign"), [("over_infusion", 1), ("under_infusion", -1)])
def test_infusion_out_of_specification(fault: str, sign: int) -> None:
    """A fifth too much or too little leaves the reservoir and arrives; the pump computes as if all were well."""
    world = infusing()
    world.bench.inject(fault, severity="20%")
    world.advance(DAY_MS)
    assert gone_nl(world) == RATE + sign * RATE // 5
    assert went(world) == ((RATE + sign * RATE // 5) * CONCENTRATION, 0, 0)
    assert world.pump.reservoir_nl == 18_000_000 - RATE
    assert accounted(world)


@pytest.mark.verifies("RES-07")
def test_an_over_infusing_pump_empties_without_its_alarm() -> None:
    """The low-reservoir alarm follows the computed volume, so it is still silent when nothing is left."""
    world = infusing(rate=4_000_000)
    world.bench.inject("over_infusion", severity="100%")
    world.advance(3 * DAY_MS)
    assert world.bench.residual_nl() == 0
    assert AlarmCode.RESERVOIR_LOW not in {alarm.code for alarm in world.pump.panel.raised}
    assert accounted(world)


def test_chance_within_the_specification() -> None:
    """With the profile's accuracy switched on, strokes differ, the same ones for the same seed, and all add up."""
    moved = []
    for seed in (1, 1, 2):
        world = infusing()
        world.bench.inject("inaccuracy", seed=seed)
        world.advance(DAY_MS)
        moved.append([each for block in events(world, "drive.strokes") for each in block["moved_nl"]])
        assert abs(gone_nl(world) - RATE) < RATE // 100
        assert accounted(world)
    assert moved[0] == moved[1] != moved[2]
    assert min(moved[0]) in range(427, 440)
    assert max(moved[0]) in range(560, 574)


def test_a_pump_may_drift() -> None:
    """Ten thousandths less with every day are half a day's worth of one per cent on the first day."""
    world = infusing()
    world.bench.inject("inaccuracy", spread=0, drift="-10")
    world.advance(DAY_MS)
    assert abs(gone_nl(world) - (RATE - RATE // 200)) <= 500
    assert accounted(world)


@pytest.mark.verifies("DOSE-10")
def test_a_runaway_drive_moves_what_nobody_asked_for() -> None:
    """A stopped pump delivers 1 mL/h nevertheless, its rotor turns, and a watcher of the rotor is told each time."""
    world = World(fluid=FLUID)
    looks: list[int] = []
    world.device.body.on_sensor = lambda: looks.append(world.device.body.rotor)
    world.bench.inject("drive_runaway", rate="1 mL/h", lasts="1 h")
    world.advance(2 * HOUR_MS)
    assert (gone_nl(world), went(world)) == (1_000_000, (1_000_000 * CONCENTRATION, 0, 0))
    assert looks[1:-1] == [(count + 1) % 4 for count in range(2_000)]
    assert accounted(world)


def test_a_stall_for_a_magnetic_field_and_the_time_after_it() -> None:
    """The rotor stands still for the exposure and as long after it as the bench says; then it turns again."""
    world = infusing()
    world.bench.inject("mri", at="1 h", lasts="30 min", recovery="2 h")
    world.advance(HOUR_MS)
    before = went(world)
    world.advance(2 * HOUR_MS + 30 * MINUTE_MS - 1)
    assert (went(world), world.bench.faults) == (before, set())
    world.advance(HOUR_MS)
    assert went(world) > before
    (recovered,) = [event.at for event in read_journal(world.journal.lines) if event.kind == "drive.recovered"]
    assert recovered == 3 * HOUR_MS + 30 * MINUTE_MS


def test_recovery_after_a_field_is_drawn_from_its_seed() -> None:
    """The same seed gives the same delay, of a day at most; seeds differ."""
    delays = []
    for seed in (1, 1, 2, 3):
        world = infusing()
        world.bench.inject("mri", lasts="30 min", seed=seed)
        world.advance(30 * MINUTE_MS)
        delays.append((world.device.body.recovers_at or 0) - 30 * MINUTE_MS)
    assert delays[0] == delays[1]
    assert len(set(delays)) == 3
    assert all(0 <= delay <= DAY_MS for delay in delays)


@pytest.mark.parametrize("fault", ["valve_open", "mri"])
def test_open_valves_empty_a_reservoir_that_has_no_flow_valve(fault: str) -> None:
    """At 60 mL/h, 18 mL reach the patient in 18 minutes, whatever the pump was told."""
    world = World(profile=replace(VALVE, flow_valve=False), fluid=FLUID)
    world.bench.inject(fault, flow="60 mL/h", lasts="30 min")
    world.advance(9 * MINUTE_MS)
    assert (gone_nl(world), world.bench.truth()["valves_open"]) == (9_000_000, True)
    world.advance(30 * MINUTE_MS)
    assert (gone_nl(world), went(world)) == (18_000_000, (18_000_000 * CONCENTRATION, 0, 0))
    assert not world.bench.truth()["valves_open"]
    assert accounted(world)


@pytest.mark.verifies("DOSE-10")
def test_a_flow_valve_lets_ten_microlitres_escape_and_stays_shut() -> None:
    """Then nothing flows, even when the field is gone, until it is reset by hand and the alarm is cleared."""
    world = infusing(VALVE)
    world.bench.inject("valve_open", lasts="30 min")
    world.advance(MINUTE_MS)
    assert (gone_nl(world), world.device.body.valve_shut) == (10_000, True)
    world.advance(DAY_MS)
    assert (gone_nl(world), went(world)) == (10_000, (10_000 * CONCENTRATION, 0, 0))
    world.bench.command({"do": "reset_valve"})
    for request in (AcknowledgeAlarm(AlarmCode.FREE_FLOW), Start()):
        assert isinstance(world.ask(request), Accepted)
    world.advance(DAY_MS)
    assert gone_nl(world) == 10_000 + RATE
    assert accounted(world)
    with pytest.raises(BenchError, match="no flow-activated valve"):
        world.bench.reset_valve()


def test_a_dead_processor_does_nothing_and_says_nothing() -> None:
    """No delivery, no telemetry, and power makes no difference until the fault is taken away."""
    world = infusing()
    world.bench.inject("total_failure")
    world.bench.restore_power()
    world.advance(DAY_MS)
    assert (went(world), world.device.powered) == ((0, 0, 0), False)
    with pytest.raises(NoAnswer):
        world.connect()
    world.bench.clear("total_failure")
    assert world.device.powered


@pytest.mark.verifies("COM-09")
def test_a_flipped_pump_infuses_but_cannot_be_reached() -> None:
    """Infusion goes on; there is no telemetry and no needle finds the port."""
    world = infusing()
    world.bench.inject("pump_flipped")
    world.advance(DAY_MS)
    assert went(world) == (DAY_PG, 0, 0)
    with pytest.raises(NoAnswer):
        world.connect()
    for reach in (lambda: world.bench.refill(1_000), world.bench.residual_nl):
        with pytest.raises(BenchError, match="upside down"):
            reach()


@pytest.mark.verifies("COM-04")
def test_weak_telemetry_gets_through_in_the_end() -> None:
    """With three tenths of the requests lost, the link's repetition still brings an answer."""
    world = infusing()
    world.bench.inject("pump_flipped", severity="30%", seed=3)
    assert type(world.ask(Interrogate(Section.THERAPY))) is TherapyReport


def test_an_eroding_pump_shows_it_and_nothing_else() -> None:
    """The sign is in the truth, and delivery is as before."""
    world = infusing()
    world.bench.inject("pump_erosion")
    world.advance(DAY_MS)
    assert (went(world), world.bench.truth()["faults"]) == ((DAY_PG, 0, 0), ["pump_erosion"])


def test_an_access_port_bolus_gives_what_stands_in_the_catheter() -> None:
    """Without aspirating, 0.187 mL of drug reach the patient at once; the saline then has to be displaced."""
    world = infusing()
    world.bench.inject("access_port_bolus")
    assert (went(world), gone_nl(world)) == ((CATHETER_PG, 0, 0), 0)
    world.advance(DAY_MS // 10)
    assert went(world) == (CATHETER_PG, 0, 0)
    assert accounted(world)


def test_a_refill_beside_the_pump_is_in_the_pocket() -> None:
    """The pump is empty although somebody will enter a full reservoir."""
    world = infusing()
    world.bench.inject("refill_pocket")
    world.bench.refill(15_000_000)
    assert (went(world), world.bench.residual_nl()) == ((0, 15_000_000 * CONCENTRATION, 0), 0)
    world.bench.inject("refill_pocket", severity="20%")
    world.bench.refill(15_000_000)
    assert world.bench.residual_nl() == 12_000_000
    world.advance(HOUR_MS)
    assert accounted(world)


def test_a_refill_of_another_drug_volume_or_too_much() -> None:
    """Each refill fault makes the next refill physically another one than was meant; cleared, refills are right."""
    world = infusing()
    world.bench.inject("refill_wrong_volume", severity="40%")
    world.bench.refill(10_000_000)
    assert world.bench.residual_nl() == 4_000_000
    world.bench.clear("refill_wrong_volume")
    world.bench.inject("refill_wrong_drug", severity="50%", drug=2)
    world.bench.refill(10_000_000, ((MORPHINE, 30_000),))
    assert world.bench.truth()["reservoir_fluid"] == {"2": 15_000}
    world.bench.clear("refill_wrong_drug")
    with pytest.raises(BenchError, match="20 mL"):
        world.bench.refill(30_000_000)
    world.bench.inject("refill_overfill")
    world.bench.refill(30_000_000)
    assert world.bench.residual_nl() == PROFILE.overfill.value == 22_000_000
    world.advance(HOUR_MS)
    assert accounted(world)


def test_a_fault_that_this_pump_cannot_have_is_refused() -> None:
    """Valves are not in a peristaltic pump, nor a motor in one with valves."""
    for world, fault in ((World(), "valve_open"), (World(profile=VALVE), "motor_stall")):
        with pytest.raises(BenchError, match="cannot have"):
            world.bench.inject(fault)


@pytest.mark.parametrize(
    ("fault", "settings", "says"),
    [
        ("cath_kink", {"severity": 1001}, "severity is 0 to 1000 thousandths"),
        ("cath_kink", {"severity": "a lot"}, "such as"),
        ("cath_kink", {"ramp": "soon"}, "ramp"),
        ("cath_kink", {"ramp": True}, "ramp"),
        ("cath_kink", {"into": "pocket"}, "no setting"),
        ("cath_leak", {"into": "space"}, "pocket, tissue"),
        ("over_infusion", {"severity": 145}, "146"),
        ("mri", {"recovery": "25 h"}, "recovery"),
        ("drive_runaway", {"rate": "0 mL/h"}, "rate"),
        ("cath_leak", {"lasts": 0}, "lasts"),
    ],
)
def test_a_setting_out_of_its_range_is_refused(fault: str, settings: dict[str, Any], says: str) -> None:
    """The message names the setting and what it can be, and nothing is injected."""
    world = infusing()
    with pytest.raises(BenchError, match=says):
        world.bench.inject(fault, **settings)
    assert world.bench.faults == set()


def any_settings(name: str, chance: random.Random) -> dict[str, Any]:
    """Return settings for a fault, drawn within their ranges."""
    settings: dict[str, Any] = {}
    for setting in FAULTS[name].settings:
        if setting.name == "at" or chance.random() < 0.3:
            continue
        if setting.kind is Kind.WORD:
            settings[setting.name] = chance.choice(setting.choices or (setting.default,))
        elif setting.kind is Kind.TIME:
            settings[setting.name] = max(setting.lowest, chance.randrange(1, 3 * HOUR_MS))
        elif setting.kind is Kind.SHARE:
            settings[setting.name] = chance.randint(setting.lowest, setting.highest or 1000)
    return settings


PHYSICAL = sorted(set(FAULTS) - {"memory", "access_port_bolus"})


def troubled(seed: int, *, freeze_at: int | None = None) -> World:
    """Run a pump through a dozen faults in a day; put it away and take it out again after some of them."""
    chance = random.Random(seed)
    world = infusing(PROFILE if seed % 2 else VALVE, rate=4_000_000)
    for number in range(12):
        name = chance.choice([each for each in PHYSICAL if world.device.profile.drive in FAULTS[each].drives])
        world.bench.inject(name, at=world.bench.now_ms + chance.randrange(HOUR_MS), **any_settings(name, chance))
        if "pump_flipped" not in world.bench.faults and chance.random() < 0.2:
            world.bench.refill(chance.randrange(1_000_000, 10_000_000))
        if number == freeze_at:
            world = world.thawed(world.device.image())
        world.advance(chance.randrange(2 * HOUR_MS))
        for fault in sorted(world.bench.faults):
            if chance.random() < 0.3:
                world.bench.clear(fault)
    return world


@pytest.mark.verifies("FLT-17")
@pytest.mark.parametrize("seed", range(8))
def test_every_picogram_is_accounted_for_under_any_faults(seed: int) -> None:
    """Whatever fails together, the judge's books of reservoir, line, CSF, pocket and tissue come out even."""
    world = troubled(seed)
    assert accounted(world)
    world.journal.flush()
    assert len({data["fault"] for data in events(world, "fault.injected")}) > 4


@pytest.mark.parametrize("seed", range(3))
def test_the_same_faults_happen_the_same_way_again(seed: int) -> None:
    """Two runs are the same to the byte, and one that was put away in between ends in the same truth."""
    one, two, three = troubled(seed), troubled(seed), troubled(seed, freeze_at=6)
    assert one.journal.lines == two.journal.lines
    assert one.bench.truth() == three.bench.truth()
    assert one.device.body.to_json() == three.device.body.to_json()
