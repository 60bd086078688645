"""Interrogations: every raised alarm is told, through power cuts too, and nothing else."""

from __future__ import annotations

import pytest

from emulator.firmware.alarms import Panel
from protocol.messages import AcknowledgeAlarm, Interrogate
from protocol.units import DAY_MS, HOUR_MS
from protocol.vocabulary import AlarmCode, Role, Section
from verify.starts import full_rate
from verify.story import Story, healthy
from verify.verdict import Claim, Verdict
from verify.world import World


def alarmed() -> Story:
    """Return a story with a non-critical alarm and then a critical one."""
    story = healthy(1).tell(DAY_MS, "battery.level", level="eri", left_permille=90)
    story.raised(DAY_MS, "eri", "non_critical")
    return story.tell(DAY_MS, "fault.injected", fault="memory").raised(DAY_MS, "memory")


@pytest.mark.parametrize(
    ("listed", "holds"),
    [
        (["memory", "eri"], True),
        (["eri", "memory"], False),
        (["memory"], False),
        (["memory", "eri", "clock"], False),
        ([], False),
    ],
)
def test_an_interrogation_is_told_what_is_raised(listed: list[str], holds: bool) -> None:
    """A list that hides an alarm, invents one, or puts the urgent one last is found, and the right one is not."""
    verdict = alarmed().tell(DAY_MS, "wire.alarms", role="observer", listed=listed).verdict()
    assert verdict.broken() == (set() if holds else {Claim.LIST})


def test_an_alarm_that_is_lost_with_the_power_is_found() -> None:
    """What was raised and not cleared must be listed after any power cut."""
    story = healthy(1).tell(DAY_MS, "fault.injected", fault="memory").raised(DAY_MS, "memory")
    story.tell(DAY_MS + 1, "power.cut").tell(DAY_MS + 2, "power.restored").raised(DAY_MS + 2, "reset")
    assert story.tell(DAY_MS + 3, "wire.alarms", role="observer", listed=["reset"]).verdict().broken() == {Claim.LIST}


def damage_alarms(world: World, *copies: str) -> None:
    """Damage copies of the alarms' memory, and let the pump read it at its next power-up."""
    for copy in copies:
        world.bench.inject("memory", place=copy, bit=11)
    world.bench.cut_power()
    world.bench.restore_power()
    world.talk(Role.OBSERVER, Interrogate(Section.ALARMS))


def righted(world: World) -> Verdict:
    """Confirm the prescription, acknowledge every alarm, let a day pass and return the judgement."""
    world.program(world.prescription(100_000))
    for code in AlarmCode:
        world.talk(Role.CLINICIAN, AcknowledgeAlarm(code))
    world.talk(Role.OBSERVER, Interrogate(Section.ALARMS))
    world.bench.advance(DAY_MS)
    return world.verdict()


def stalled_once() -> World:
    """Return a pump whose stall is over and whose alarm for it is not acknowledged."""
    world = full_rate(1)
    world.bench.inject("motor_stall")
    world.bench.advance(HOUR_MS)
    world.bench.clear("motor_stall")
    world.bench.advance(HOUR_MS)
    return world


@pytest.mark.parametrize("copies", [("alarms",), ("alarms@0", "alarms@1")])
def test_a_pump_whose_memory_of_alarms_is_damaged_says_what_it_still_knows(copies: tuple[str, ...]) -> None:
    """Alarms that are forgotten are forgotten openly; the alarm for damaged memory stands for them."""
    world = stalled_once()
    damage_alarms(world, *copies)
    verdict = righted(world)
    assert verdict.holds, "\n".join(verdict.lines())
    assert verdict.figures.occurrences["alarm.forgotten"] == 1


def test_an_alarm_that_comes_back_out_of_an_older_memory_is_told() -> None:
    """If the newest copy is damaged just after an acknowledgement, the older one still has the alarm."""
    world = stalled_once()
    world.talk(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.MOTOR_STALL))
    damage_alarms(world, "alarms")
    verdict = righted(world)
    assert verdict.holds, "\n".join(verdict.lines())


def powered_off_and_on(world: World) -> Verdict:
    """Cut power for an hour, ask for the alarms, and return the judgement."""
    world.bench.cut_power()
    world.bench.advance(HOUR_MS)
    world.bench.restore_power()
    world.talk(Role.OBSERVER, Interrogate(Section.ALARMS))
    return world.verdict()


def test_an_alarm_outlives_its_cause_and_a_power_cut() -> None:
    """What was not acknowledged is listed after a power cut, even if its cause was gone before."""
    verdict = powered_off_and_on(stalled_once())
    assert verdict.holds, "\n".join(verdict.lines())


def test_a_pump_that_loses_its_alarms_with_the_power_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pump that begins with a clean slate hides the alarm whose cause is gone."""
    monkeypatch.setattr("emulator.firmware.watching.Watch.restarted", lambda watch: setattr(watch, "panel", Panel()))
    assert Claim.LIST in powered_off_and_on(stalled_once()).broken()
