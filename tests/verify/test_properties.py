"""The shipped properties: complete, consistent with the deadlines, and each able to catch a pump that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from emulator.bench_faults import FAULTS
from emulator.journal import read_journal
from protocol.messages import (
    MESSAGES,
    AcknowledgeAlarm,
    EnterRefill,
    Interrogate,
    PatientBolus,
    Prime,
    SilenceAlarms,
    StageSchedule,
    Start,
    Stop,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, Mode, Role, Section, TherapyState
from tests.emulator.worlds import schedule
from tests.verify.alarm_properties import ALARM_PROPERTIES
from verify.deadlines import load_deadlines
from verify.formula_verdict import FormulaVerdict, summary
from verify.properties import PropertiesError, load_properties, read_properties
from verify.recorder import record_of
from verify.signal_names import vocabulary
from verify.starts import bolus, full_rate, grant, nearly_empty, unprogrammed, valve_metered
from verify.story import PERIOD_MS, RATE, RATES, Story, healthy
from verify.temporal.formula import Implies, Soon
from verify.world import MORPHINE, World

BY_ID = {each.id: each for each in load_properties()}

LATER = DAY_MS + HOUR_MS


def judged(story: Story, ends_at_ms: int | None = None) -> dict[str, FormulaVerdict]:
    """Return the verdicts on a story, by property."""
    return {each.id: each for each in story.verdict(ends_at_ms, properties=load_properties()).formulas}


# --- the table ------------------------------------------------------------------------------------


def test_every_property_says_whom_it_serves() -> None:
    """Every id is there once, and every property has words, a hazard and a requirement."""
    assert len(BY_ID) == len(load_properties())
    assert all(each.words and each.hazards and each.requirements for each in load_properties())


def test_every_alarm_of_the_pump_is_demanded_by_a_property() -> None:
    """No alarm code is without the property that demands it, so that a new alarm cannot go unjudged."""
    assert {code.name.lower() for code in AlarmCode} <= set(ALARM_PROPERTIES)
    for alarm, id_ in ALARM_PROPERTIES.items():
        assert f"alarm({alarm})" in BY_ID[id_].formula.names()


def test_the_deadlines_are_those_of_the_judge() -> None:
    """What the watchers allow and what the formulas allow is the same time, for the same hazard."""
    compared = 0
    for name, row in load_deadlines().alarms.items():
        property_ = BY_ID[ALARM_PROPERTIES[name]]
        assert row.hazard in property_.hazards
        assert isinstance(property_.formula, Implies)
        conclusion = property_.formula.conclusion
        if isinstance(conclusion, Soon) and conclusion.within_ms:
            assert (name, conclusion.within_ms) == (name, row.within_ms)
            compared += 1
    assert compared == len(load_deadlines().alarms)


def test_priorities_and_flows_are_those_of_the_judge() -> None:
    """Each alarm's priority and what it does to the flow are demanded as the judge's table has them."""
    flows = {"minimum": "minimum-flow-alarms-obeyed", "stop": "stop-alarms-obeyed"}
    for name, row in load_deadlines().alarms.items():
        priority = BY_ID[f"{row.priority.replace('_', '-')}-priority"]
        assert f"alarm_raised({name})" in priority.formula.names()
        for flow, id_ in flows.items():
            assert (f"alarm({name})" in BY_ID[id_].formula.names()) == (row.flow == flow)


def test_what_the_pump_and_the_bench_can_say_has_a_name() -> None:
    """Alarms, faults, states, modes and commands of this version can all be spoken of."""
    names = vocabulary().switches
    commands = {kind.__name__ for kind in MESSAGES.values() if kind.CHANGES_STATE}
    wanted = {
        *(f"alarm({code.name.lower()})" for code in AlarmCode),
        *(f"fault({fault})" for fault in FAULTS),
        *(f"state({state.name.lower()})" for state in TherapyState),
        *(f"mode({mode.name.lower()})" for mode in Mode),
        *(f"session({role.name.lower()})" for role in Role),
        *(f"accepted({snake(command)})" for command in commands),
    }
    assert wanted <= names


def snake(name: str) -> str:
    """Return a message's name as signals have it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[[property]", "no table of properties"),
        ('[define]\nstill = "stoped"', "definition of “still”, column 1"),
        ('[[property]]\nformula = "powered"', "property 1 lacks 'id'"),
        (
            '[[property]]\nid = "a"\nformula = "powered and"\nwords = ""\nhazards = []\nrequirements = []',
            "property “a”, column 12: expected a signal",
        ),
    ],
)
def test_a_table_that_is_none_is_an_error_that_says_where(table: str, words: str) -> None:
    """Whoever adds a property learns which one is wrong, and at which column."""
    with pytest.raises(PropertiesError, match=words.replace("(", r"\(")):
        read_properties(table)


# --- what each catches, through a journal ---------------------------------------------------------


def started(kind: str = "patient", at_ms: int = LATER) -> Story:
    """Return a story in which a bolus begins."""
    story = healthy(1).state(at_ms, f"{kind}_bolus", 2 * RATE).tell(at_ms, "pump.bolus", what="started", kind=kind)
    return story.tell(at_ms, "wire.command", message=f"{kind.title()}Bolus", outcome="accepted")


def cleared(story: Story, alarm: str, at_ms: int = LATER + 1) -> Story:
    """Add an alarm's acknowledgement."""
    story.tell(at_ms, "alarm.cleared", alarm=alarm)
    return story.tell(at_ms, "wire.command", message="AcknowledgeAlarm", outcome="accepted")


def refilled(computed: int, low_reservoir: int = 2_000_000) -> Story:
    """Return a story in which the clinician enters what is in the reservoir now."""
    return Story().prescribe(low_reservoir=low_reservoir).tell(LATER, "pump.refill", computed=computed)


def reset() -> Story:
    """Return a story in which power comes back after an hour."""
    story = healthy(1).tell(DAY_MS, "power.cut").tell(LATER, "power.restored")
    return story.state(LATER, "minimum_rate", RATES["minimum"])


def failing(fault: str, at_ms: int = DAY_MS, **settings: Any) -> Story:
    """Return a story of a pump with a fault that it does not notice."""
    return Story().prescribe().tell(at_ms, "fault.injected", fault=fault, settings=settings)


def worn(level: str, left_permille: int = 90) -> Story:
    """Return a story of a battery that reaches a level."""
    return Story().prescribe().tell(DAY_MS, "battery.level", level=level, left_permille=left_permille)


def held() -> Story:
    """Return a story in which interference holds the receiver on."""
    return Story().prescribe().tell(DAY_MS, "telemetry.held")


def broken_off() -> Story:
    """Return a story in which a clinician's session ends by itself on a stopped pump."""
    story = Story().prescribe().tell(DAY_MS, "session.opened", role="clinician").state(DAY_MS, "stopped", 0)
    return story.tell(DAY_MS, "session.closed", role="clinician", cause="idle")


def strangers(times: int) -> Story:
    """Return a story with so many wrong proofs in a row."""
    story = Story().prescribe()
    for _ in range(times):
        story.tell(DAY_MS, "wire.rejected", what="bad proof")
    return story


def with_valves() -> Story:
    """Return a story of a pump that meters with valves."""
    return Story(drive="valve").prescribe()


def sounding(*at_ms: int, pattern: str = "critical") -> Story:
    """Return a story with a critical alarm that sounds at these times only."""
    story = healthy(1).tell(DAY_MS, "alarm.raised", alarm="motor_stall", priority="critical")
    for at in at_ms:
        story.sound(at, pattern)
    return story


VIOLATING: dict[str, Callable[[], Story]] = {
    "dose-limit-alarm": lambda: healthy(1).tell(DAY_MS, "guard.refused"),
    "motor-stall-alarm": lambda: healthy(1).tell(DAY_MS, "fault.injected", fault="motor_stall"),
    "motor-stall-alarm-at-any-rate": lambda: (
        healthy(1).state(DAY_MS, "minimum_rate", 6_000).tell(DAY_MS, "fault.injected", fault="motor_stall")
    ),
    "reservoir-low-alarm": lambda: refilled(2_000_000),
    "reservoir-empty-alarm": lambda: refilled(499),
    "reset-alarm": reset,
    "memory-alarm": lambda: healthy(1).tell(DAY_MS, "fault.injected", fault="memory"),
    "stopped-alarm": lambda: healthy(1).state(DAY_MS, "stopped", 0),
    "unrequested-delivery-alarm": lambda: healthy(1).tell(DAY_MS, "drive.turned_dry"),
    "free-flow-alarm": lambda: with_valves().tell(DAY_MS, "fault.injected", fault="valve_open"),
    "no-false-unrequested-delivery-alarm": lambda: healthy(1).raised(DAY_MS, "unrequested_delivery"),
    "no-false-free-flow-alarm": lambda: with_valves().raised(DAY_MS, "free_flow"),
    "free-flow-alarm-latched": lambda: cleared(
        with_valves().tell(DAY_MS, "valve.shut").raised(DAY_MS, "free_flow"), "free_flow"
    ),
    "eri-alarm": lambda: worn("eri"),
    "eos-alarm": lambda: worn("eos"),
    "eos-before-the-end": lambda: worn("empty"),
    "eri-before-eos": lambda: worn("eri").raised(DAY_MS, "eri", "non_critical").raised(91 * DAY_MS - 1, "eos"),
    "clock-alarm": lambda: failing("clock", how="forwards"),
    "annunciator-alarm": lambda: failing("annunciator"),
    "telemetry-alarm": held,
    "session-aborted-alarm": broken_off,
    "intrusion-alarm": lambda: strangers(4),
    "no-false-eri-alarm": lambda: healthy(1).raised(DAY_MS, "eri", "non_critical"),
    "no-false-eos-alarm": lambda: worn("eri").raised(DAY_MS, "eos"),
    "no-false-clock-alarm": lambda: cleared(failing("clock", how="wraps").raised(DAY_MS, "clock"), "clock").raised(
        LATER + 2, "clock"
    ),
    "no-false-annunciator-alarm": lambda: healthy(1).raised(DAY_MS, "annunciator"),
    "no-false-telemetry-alarm": lambda: (
        held().tell(DAY_MS + 1, "telemetry.released").raised(DAY_MS + 2, "telemetry_timeout", "non_critical")
    ),
    "no-false-session-aborted-alarm": lambda: (
        broken_off()
        .tell(DAY_MS + 1, "session.opened", role="clinician")
        .tell(DAY_MS + 2, "session.closed", role="clinician", cause="asked")
        .raised(DAY_MS + 3, "session_aborted")
    ),
    "no-false-intrusion-alarm": lambda: strangers(3).raised(DAY_MS, "intrusion", "non_critical"),
    "dose-limit-alarm-latched": lambda: cleared(
        healthy(1).tell(DAY_MS, "guard.refused").raised(DAY_MS, "dose_limit"), "dose_limit"
    ),
    "memory-alarm-latched": lambda: cleared(failing("memory").raised(DAY_MS, "memory"), "memory"),
    "stopped-alarm-latched": lambda: cleared(
        healthy(1).state(DAY_MS, "stopped", 0).raised(3 * DAY_MS, "stopped_48h"), "stopped_48h", 3 * DAY_MS + 1
    ),
    "unrequested-delivery-alarm-latched": lambda: cleared(
        healthy(1).tell(DAY_MS, "drive.turned_dry").raised(DAY_MS, "unrequested_delivery"),
        "unrequested_delivery",
        DAY_MS + 15 * MINUTE_MS - 1,
    ),
    "eri-alarm-latched": lambda: cleared(worn("eri").raised(DAY_MS, "eri", "non_critical"), "eri"),
    "eos-alarm-latched": lambda: cleared(worn("eos").raised(DAY_MS, "eos"), "eos"),
    "clock-alarm-latched": lambda: cleared(failing("clock", how="stands").raised(DAY_MS, "clock"), "clock"),
    "annunciator-alarm-latched": lambda: cleared(
        failing("annunciator").raised(DAY_MS, "annunciator", sounds=False), "annunciator"
    ),
    "telemetry-alarm-latched": lambda: cleared(
        held().raised(DAY_MS, "telemetry_timeout", "non_critical"), "telemetry_timeout"
    ),
    "session-aborted-alarm-latched": lambda: cleared(
        broken_off().raised(DAY_MS + 1, "session_aborted"), "session_aborted"
    ),
    "intrusion-alarm-latched": lambda: cleared(strangers(4).raised(DAY_MS, "intrusion", "non_critical"), "intrusion"),
    "forgotten-with-memory": lambda: healthy(1).tell(DAY_MS, "alarm.forgotten"),
    "silence-bounded": lambda: (
        worn("eri")
        .raised(DAY_MS, "eri", "non_critical")
        .tell(DAY_MS + HOUR_MS, "alarm.silenced", for_ms=10 * MINUTE_MS)
        .sound(DAY_MS + 70 * MINUTE_MS + 1, "non_critical")
    ),
    "critical-sound-for-critical": lambda: worn("eri").raised(DAY_MS, "eri", "non_critical").sound(LATER),
    "critical-sound-lasts": lambda: sounding().tell(
        DAY_MS, "alarm.sound", alarm="motor_stall", pattern="critical", lasts_ms=2_999
    ),
    "non-critical-sound-lasts": lambda: (
        worn("eri")
        .raised(DAY_MS, "eri", "non_critical", sounds=False)
        .tell(DAY_MS, "alarm.sound", alarm="eri", pattern="non_critical", lasts_ms=999)
    ),
    "sound-is-heard": lambda: sounding().tell(
        DAY_MS, "alarm.sound", alarm="motor_stall", pattern="critical", lasts_ms=3_000, heard=False
    ),
    "no-false-stall-alarm": lambda: healthy(1).raised(DAY_MS, "motor_stall"),
    "no-false-dose-limit-alarm": lambda: healthy(1).raised(DAY_MS, "dose_limit"),
    "no-false-reservoir-low-alarm": lambda: healthy(1).raised(DAY_MS, "reservoir_low", "non_critical"),
    "no-false-reservoir-empty-alarm": lambda: healthy(1).raised(DAY_MS, "reservoir_empty"),
    "no-false-reset-alarm": lambda: healthy(1).raised(DAY_MS, "reset"),
    "no-false-memory-alarm": lambda: healthy(1).raised(DAY_MS, "memory"),
    "no-false-stopped-alarm": lambda: healthy(1).raised(DAY_MS, "stopped_48h"),
    "low-before-empty": lambda: refilled(499).raised(LATER, "reservoir_empty"),
    "stall-alarm-latched": lambda: cleared(
        healthy(1).tell(DAY_MS, "fault.injected", fault="motor_stall").raised(LATER, "motor_stall"), "motor_stall"
    ),
    "reservoir-low-alarm-latched": lambda: cleared(
        refilled(999_000).raised(LATER, "reservoir_low", "non_critical"), "reservoir_low"
    ),
    "reservoir-empty-alarm-latched": lambda: cleared(
        refilled(499).raised(LATER, "reservoir_empty"), "reservoir_empty"
    ),
    "reset-alarm-latched": lambda: cleared(reset().raised(LATER, "reset"), "reset"),
    "cleared-by-a-person": lambda: sounding(DAY_MS).tell(LATER, "alarm.cleared", alarm="motor_stall"),
    "critical-priority": lambda: healthy(1).raised(DAY_MS, "motor_stall", "non_critical"),
    "non-critical-priority": lambda: healthy(1).raised(DAY_MS, "reservoir_low", "critical"),
    "first-sound": lambda: sounding(DAY_MS + 1_001),
    "sound-after-power-returns": lambda: (
        sounding(DAY_MS).tell(DAY_MS + 1, "power.cut").tell(LATER, "power.restored").sound(LATER + 1_001)
    ),
    "critical-sound-repeated": lambda: sounding(DAY_MS, DAY_MS + 10 * MINUTE_MS + 1),
    "sound-repeated": lambda: sounding(DAY_MS, DAY_MS + HOUR_MS + 1),
    "critical-silence-bounded": lambda: (
        sounding(DAY_MS, DAY_MS + 20 * MINUTE_MS + 1)
        .tell(DAY_MS + 1, "alarm.silenced", for_ms=10 * MINUTE_MS)
        .tell(DAY_MS + 10 * MINUTE_MS, "alarm.silenced", for_ms=10 * MINUTE_MS)
    ),
    "silence-after-a-sound": lambda: (
        sounding(DAY_MS).tell(DAY_MS + 1, "alarm.silenced").tell(DAY_MS + 2, "alarm.silenced")
    ),
    "critical-sound-first": lambda: sounding(DAY_MS, pattern="non_critical"),
    "no-sound-without-alarm": lambda: healthy(1).sound(DAY_MS),
    "minimum-flow-alarms-obeyed": lambda: healthy(1).tell(
        DAY_MS, "alarm.raised", alarm="memory", priority="critical"
    ),
    "stop-alarms-obeyed": lambda: (
        healthy(1)
        .tell(DAY_MS, "alarm.raised", alarm="reservoir_empty", priority="critical")
        .state(DAY_MS, "minimum_rate", 6_000)
    ),
    "no-alarm-raises-the-rate": lambda: sounding(DAY_MS).state(DAY_MS, "simple_continuous", 2 * RATE),
    "rate-raised-for-a-reason": lambda: healthy(1).state(DAY_MS, "simple_continuous", 2 * RATE),
    "critical-alarm-ends-bolus": lambda: started().tell(
        LATER + 1, "alarm.raised", alarm="motor_stall", priority="critical"
    ),
    "still-without-power": lambda: healthy(1).tell(DAY_MS, "power.cut").strokes([LATER]),
    "still-while-stopped": lambda: healthy(1).state(DAY_MS, "stopped", 0).strokes([LATER]),
    "still-before-a-prescription": lambda: Story().strokes([PERIOD_MS]),
    "stopped-means-zero": lambda: healthy(1).state(DAY_MS, "stopped", 1),
    "minimum-before-confirmation": lambda: (
        reset()
        .state(LATER + 1, "simple_continuous", RATE)
        .tell(LATER + 1, "wire.command", message="Start", outcome="")
    ),
    "rate-in-range": lambda: healthy(1).state(DAY_MS, "simple_continuous", 7_000),
    "rate-below-highest": lambda: healthy(1).state(DAY_MS, "simple_continuous", 24_000_001),
    "minimum-state-is-minimum": lambda: healthy(1).state(DAY_MS, "minimum_rate", RATE),
    "prescribed-rate-flows": lambda: healthy(1).state(DAY_MS, "simple_continuous", RATE + 1),
    "therapy-arrives": lambda: healthy(1).strokes([DAY_MS + 75 * MINUTE_MS + 1]),
    "stop-is-always-accepted": lambda: healthy(1).tell(DAY_MS, "wire.command", message="Stop", outcome="refused"),
    "stop-stops": lambda: healthy(1).tell(DAY_MS, "wire.command", message="Stop", outcome="accepted"),
    "lockout": lambda: (
        healthy(1)
        .tell(LATER, "pump.bolus", what="ended", kind="patient")
        .tell(LATER + HOUR_MS - 1, "pump.bolus", what="started", kind="patient")
    ),
    "bolus-count": lambda: (
        started()
        .tell(LATER + 2 * HOUR_MS, "pump.bolus", what="started", kind="patient")
        .tell(LATER + DAY_MS - 1, "pump.bolus", what="started", kind="patient")
    ),
    "bolus-needs-confirmation": lambda: reset().tell(LATER + 1, "pump.bolus", what="started", kind="clinician"),
    "denied-is-refused": lambda: healthy(1).tell(DAY_MS, "pump.bolus", what="denied", kind="patient"),
    "patient-bolus-ends": started,
    "bolus-by-command": lambda: healthy(1).tell(LATER, "pump.bolus", what="started", kind="patient"),
    "priming-ends": lambda: healthy(1).state(DAY_MS, "priming", RATE),
    "priming-gives-no-drug": lambda: healthy(1).state(DAY_MS, "priming", RATE).strokes([LATER], tip_pg=1),
    "no-bolus-in-priming-or-bridge": lambda: (
        healthy(1).state(DAY_MS, "bridge", RATE).tell(LATER, "pump.bolus", what="started", kind="patient")
    ),
    "schedule-in-range": lambda: healthy(1).state(DAY_MS, "flex", 7_000),
}
"""For every property the story of a pump that breaks it."""

LONG_AFTER = 5 * DAY_MS


def test_every_property_has_its_violating_story() -> None:
    """No property is shipped that was never seen to catch anything in a journal."""
    assert set(VIOLATING) == set(BY_ID)


@pytest.mark.parametrize("id_", sorted(VIOLATING))
def test_a_pump_that_breaks_a_property_is_caught(id_: str) -> None:
    """The property is violated in its story, and its premise occurred there."""
    verdict = judged(VIOLATING[id_](), LONG_AFTER)[id_]
    assert verdict.violated
    assert verdict.premises != 0


def test_a_healthy_story_violates_nothing_and_shows_little() -> None:
    """Nothing is wrong, and what has not been put to the test is named."""
    verdicts = judged(healthy(1), DAY_MS)
    assert not [each.id for each in verdicts.values() if each.violated]
    idle = {each.id for each in verdicts.values() if each.idle}
    assert {"motor-stall-alarm", "clock-alarm", "lockout"} - idle == {"lockout"}
    lines = list(summary(list(verdicts.values())))
    assert any(line.startswith("premise never true") and "clock-alarm" in line for line in lines)


def test_a_violation_is_told_with_formula_and_premise() -> None:
    """A reader sees when, what was demanded, the formula, and since when its premise was true."""
    verdict = judged(healthy(1).tell(DAY_MS, "fault.injected", fault="motor_stall"), LONG_AFTER)
    when, formula, premise = verdict["motor-stall-alarm"].lines()
    assert when.startswith("1 d 00:00:00.000  formula motor-stall-alarm: a motor that is told to move")
    assert formula.strip() == BY_ID["motor-stall-alarm"].text
    assert premise.strip() == "false until 4 d 23:40:00.000; its premise was true from 1 d 00:00:00.000 to the end"


# --- a real journal -------------------------------------------------------------------------------


def test_an_ordinary_week_of_the_real_pump_holds_and_reaches_its_premises() -> None:
    """A stall, a power cut, boluses and a forgotten stop: everything holds, and each of these was put to the test."""
    world = full_rate(1)
    world.talk(Role.CLINICIAN, bolus(2, minutes=1))
    world.bench.advance(HOUR_MS)
    world.talk(Role.PATIENT, PatientBolus())
    world.bench.inject("motor_stall")
    world.bench.advance(HOUR_MS)
    world.talk(Role.CLINICIAN, SilenceAlarms())
    world.bench.clear("motor_stall")
    world.bench.advance(HOUR_MS)
    world.talk(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.MOTOR_STALL))
    world.bench.cut_power()
    world.bench.advance(HOUR_MS)
    world.bench.restore_power()
    world.talk(Role.CLINICIAN, Stop())
    world.bench.advance(50 * HOUR_MS)
    verdict = world.verdict()
    assert verdict.holds, "\n".join(verdict.lines())
    shown = {each.id for each in verdict.formulas if not each.idle}
    assert shown >= {
        "motor-stall-alarm",
        "reset-alarm",
        "stopped-alarm",
        "lockout",
        "bolus-count",
        "cleared-by-a-person",
        "silence-after-a-sound",
        "critical-silence-bounded",
        "no-false-stall-alarm",
        "minimum-flow-alarms-obeyed",
    }


def emptied(world: World) -> None:
    """Let a small filling run out, and acknowledge what cannot be acknowledged yet."""
    world.bench.advance(2 * DAY_MS)
    world.talk(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.RESERVOIR_EMPTY))


def damaged(world: World) -> None:
    """Turn over a bit of the prescription's memory, and then of the ledgers'."""
    for place in ("therapy", "ledgers"):
        world.bench.inject("memory", place=place, bit=7)
        world.bench.advance(HOUR_MS)


def run_away(world: World) -> None:
    """Let the drive move by itself for a while."""
    world.bench.inject("drive_runaway", lasts="10 min")
    world.bench.advance(HOUR_MS)


def opened(world: World) -> None:
    """Bring a magnet near the valves, take it away, and put the valve right."""
    world.bench.inject("valve_open")
    world.bench.advance(HOUR_MS)
    world.bench.clear("valve_open")
    if world.bench.truth()["valve_shut"]:
        world.bench.reset_valve()
    world.talk(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.FREE_FLOW))
    world.bench.advance(HOUR_MS)


def primed(world: World) -> None:
    """Replace the catheter and fill the new one."""
    world.talk(Role.CLINICIAN, Stop())
    world.bench.empty_line()
    world.talk(Role.CLINICIAN, Prime(Nanolitres(100_000), Milliseconds(6 * HOUR_MS), line_emptied=True))
    world.bench.advance(DAY_MS)


def scheduled_then_bridged(world: World) -> None:
    """Infuse by a schedule, then change to a thinner fluid over a bridge, during which the patient presses."""
    by = schedule(100_000, 300_000, 60_000)
    flexible = replace(world.prescription(0, mode=Mode.FLEX), schedule=schedule_digest(by))
    world.talk(Role.CLINICIAN, StageSchedule(by))
    world.program(flexible)
    world.bench.advance(3 * DAY_MS)
    world.concentration = 5_000
    world.bench.refill(20_000_000, ((MORPHINE, 5_000),))
    patient = grant(strokes=1, minutes=1, lockout=5, count=3)
    thinner = world.prescription(400_000, patient_bolus=patient)
    world.program(replace(thinner, bridge=NanolitresPerDay(100_000), override_reason=""))
    world.bench.advance(HOUR_MS)
    world.talk(Role.PATIENT, PatientBolus())
    world.bench.advance(5 * DAY_MS)


def refilled_at_last(world: World) -> None:
    """Let a small filling run out, refill, enter it, and acknowledge both alarms."""
    world.bench.advance(2 * DAY_MS)
    world.bench.refill(20_000_000, ((MORPHINE, world.concentration),))
    world.talk(Role.CLINICIAN, EnterRefill(Nanolitres(0), Nanolitres(20_000_000)))
    acknowledge(world)


def worn_out(world: World) -> None:
    """Let the battery reach its replacement indicator, and the pump wait in its box until its end of service."""
    world.bench.inject("battery_eri")
    while AlarmCode.EOS not in raised(world):
        world.bench.advance(10 * DAY_MS)
    acknowledge(world)


def leaking_away(world: World) -> None:
    """Let the charge leak away until nothing is left."""
    world.bench.inject("battery_premature", within=3 * DAY_MS)
    world.bench.advance(4 * DAY_MS)


def mended(world: World) -> None:
    """Break clock and sounder one after the other, mend each, and acknowledge its alarm."""
    for fault in ("clock", "annunciator"):
        world.bench.inject(fault)
        world.bench.advance(DAY_MS)
        acknowledge(world)
        world.bench.clear(fault)
        world.bench.advance(DAY_MS)
        acknowledge(world)
        world.talk(Role.CLINICIAN, Start())


def disturbed(world: World) -> None:
    """Let an alarm sound in a disturbance, and strangers try their luck; then a clinician sees to it all."""
    world.bench.inject("telemetry_latch")
    world.bench.inject("motor_stall")
    world.bench.advance(HOUR_MS)
    for fault in ("telemetry_latch", "motor_stall"):
        world.bench.clear(fault)
    world.hang_up()
    for _ in range(8):
        world.wrong_proof()
        world.bench.advance(10 * MINUTE_MS)
    acknowledge(world)


def refused_by_the_guard(world: World) -> None:
    """Lose the ledgers, wait for a refusal and until there is room again, prescribe, stop and acknowledge."""
    world.bench.inject("memory", place="ledgers", bit=3)
    world.bench.advance(3 * DAY_MS)
    acknowledge(world)
    world.program(world.prescription(60_000))
    world.talk(Role.CLINICIAN, Stop())
    acknowledge(world)


def left_in_a_prime(world: World) -> None:
    """Let the session break off during a prime of a stopped pump, and come back an hour later."""
    world.talk(Role.CLINICIAN, Stop())
    world.bench.empty_line()
    world.talk(Role.CLINICIAN, Prime(Nanolitres(100_000), Milliseconds(6 * HOUR_MS), line_emptied=True))
    world.hang_up()
    world.bench.advance(HOUR_MS)
    acknowledge(world)


def cut_off(world: World) -> None:
    """Cut the power during a session, with the pump infusing."""
    world.talk(Role.CLINICIAN, Interrogate(Section.ALARMS))
    world.bench.cut_power()
    world.bench.advance(HOUR_MS)
    world.bench.restore_power()
    world.hang_up()
    world.bench.advance(HOUR_MS)


def raised(world: World) -> set[AlarmCode]:
    """Return which alarms the pump has raised."""
    return {alarm.code for alarm in world.device.pump.panel.raised} if world.device.pump else set()


def acknowledge(world: World) -> None:
    """Ask for the alarms and acknowledge every one, as far as the pump lets it."""
    world.talk(Role.CLINICIAN, Interrogate(Section.ALARMS))
    for code in AlarmCode:
        world.talk(Role.CLINICIAN, AcknowledgeAlarm(code))


TROUBLES: list[tuple[Callable[[int], World], Callable[[World], None], set[str]]] = [
    (
        nearly_empty,
        emptied,
        {"reservoir-low-alarm", "reservoir-empty-alarm", "low-before-empty", "stop-alarms-obeyed"},
    ),
    (full_rate, damaged, {"memory-alarm", "no-false-memory-alarm", "minimum-flow-alarms-obeyed"}),
    (full_rate, run_away, {"unrequested-delivery-alarm", "no-false-unrequested-delivery-alarm"}),
    (valve_metered, opened, {"free-flow-alarm", "no-false-free-flow-alarm", "free-flow-alarm-latched"}),
    (full_rate, primed, {"priming-ends", "priming-gives-no-drug"}),
    (nearly_empty, refilled_at_last, {"reservoir-low-alarm-latched", "reservoir-empty-alarm-latched"}),
    (unprogrammed, worn_out, {"eri-alarm", "eos-alarm", "eri-before-eos"}),
    (full_rate, leaking_away, {"eri-alarm", "eos-alarm", "eos-before-the-end"}),
    (
        full_rate,
        mended,
        {"clock-alarm", "clock-alarm-latched", "annunciator-alarm", "annunciator-alarm-latched"},
    ),
    (
        full_rate,
        disturbed,
        {"telemetry-alarm", "telemetry-alarm-latched", "intrusion-alarm", "intrusion-alarm-latched"},
    ),
    (full_rate, refused_by_the_guard, {"dose-limit-alarm", "dose-limit-alarm-latched", "memory-alarm-latched"}),
    (full_rate, left_in_a_prime, {"session-aborted-alarm", "no-false-session-aborted-alarm"}),
    (full_rate, cut_off, {"session-aborted-alarm", "no-false-session-aborted-alarm"}),
    (unprogrammed, scheduled_then_bridged, {"schedule-in-range", "no-bolus-in-priming-or-bridge"}),
]


@pytest.mark.safety
@pytest.mark.parametrize(("start", "trouble", "shown"), TROUBLES, ids=[each[1].__name__ for each in TROUBLES])
def test_troubles_of_the_real_pump_are_met_as_promised(
    start: Callable[[int], World],
    trouble: Callable[[World], None],
    shown: set[str],
    record_property: Callable[[str, object], None],
) -> None:
    """Nothing is violated, and the formulas that the trouble is about were put to the test."""
    world = start(1)
    trouble(world)
    verdict = world.verdict()
    record_property("counts", dict(verdict.counts()))
    assert verdict.holds, "\n".join(verdict.lines())
    assert {each.id for each in verdict.formulas if not each.idle} >= shown


def test_the_pump_says_which_alarms_it_has() -> None:
    """A journal names every alarm of its pump in its first event."""
    world = full_rate(1)
    world.bench.finish()
    record = record_of(read_journal(world.journal.lines))
    declared = {name for name in record.switches if name.startswith("has_alarm")}
    assert declared == {f"has_alarm({code.name.lower()})" for code in AlarmCode}


def test_no_alarm_can_be_declared_away() -> None:
    """Every alarm is demanded of every pump, whatever it says that it has."""
    assert not [
        each.id for each in load_properties() for name in each.formula.names() if name.startswith("has_alarm")
    ]


@pytest.mark.parametrize("alarm", sorted(ALARM_PROPERTIES))
def test_every_alarm_has_its_whole_life_in_formulas(alarm: str) -> None:
    """For each alarm there are formulas of its deadline, its causes, its end and its priority."""
    stem = ALARM_PROPERTIES[alarm].removesuffix("-alarm")
    names = {stem: stem, "motor-stall": "stall"}
    stem = names.get(stem, stem)
    for id_ in (f"no-false-{stem}-alarm", f"{stem}-alarm-latched"):
        assert alarm in " ".join(sorted(BY_ID[id_].formula.names()))
