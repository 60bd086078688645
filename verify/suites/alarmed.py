"""Asking a pump about its alarms: each must be as urgent as documented, and do to the flow what its row says."""

from __future__ import annotations

from emulator.journal import Event, read_journal
from protocol.messages import (
    AcknowledgeAlarm,
    AlarmsReport,
    Close,
    Interrogate,
)
from protocol.units import DAY_MS
from protocol.vocabulary import AlarmCode, AlarmStatus, LogKind, Priority, Role, Section
from verify.suites.asking import RATE, ask, done, infusing
from verify.suites.suite import require
from verify.world import World

KEPT, LITTLE, NONE = "keeps", "minimum", "stops"
AS_DOCUMENTED = {
    AlarmCode.UNREQUESTED_DELIVERY: (Priority.CRITICAL, NONE),
    AlarmCode.FREE_FLOW: (Priority.CRITICAL, NONE),
    AlarmCode.ERI: (Priority.NON_CRITICAL, KEPT),
    AlarmCode.EOS: (Priority.CRITICAL, NONE),
    AlarmCode.CLOCK: (Priority.CRITICAL, LITTLE),
    AlarmCode.ANNUNCIATOR: (Priority.CRITICAL, KEPT),
    AlarmCode.TELEMETRY_TIMEOUT: (Priority.NON_CRITICAL, KEPT),
    AlarmCode.SESSION_ABORTED: (Priority.CRITICAL, KEPT),
    AlarmCode.INTRUSION: (Priority.NON_CRITICAL, KEPT),
    AlarmCode.MEMORY: (Priority.CRITICAL, LITTLE),
}
"""How urgent each alarm is and what it does to the flow, as the protocol's documentation says."""


def alarms(world: World) -> dict[AlarmCode, AlarmStatus]:
    """Ask as an observer which alarms are raised, and require that each is as urgent as documented."""
    report = ask(world, Interrogate(Section.ALARMS), Role.OBSERVER)
    if not isinstance(report, AlarmsReport):
        raise TypeError(report)
    for alarm in report.alarms:
        if alarm.code in AS_DOCUMENTED:
            require(alarm.priority is AS_DOCUMENTED[alarm.code][0], f"{alarm.code.name} is {alarm.priority.name}")
    return {alarm.code: alarm.status for alarm in report.alarms}


def quiet(world: World, when: str) -> None:
    """Require that no alarm is raised."""
    require(not alarms(world), f"{when} these are raised: {alarms(world)}")


def only(world: World, code: AlarmCode, when: str, *, before: int = RATE) -> None:
    """Require that this alarm is active, no other is raised, and the flow is what the alarm's row says."""
    found = alarms(world)
    require(found == {code: AlarmStatus.ACTIVE}, f"{when} these are raised: {found}")
    flows = {KEPT: before, LITTLE: world.profile.minimum_rate.value, NONE: 0}
    flow = world.device.pump.therapy.rate if world.device.pump else 0
    require(flow == flows[AS_DOCUMENTED[code][1]], f"with {code.name} the pump infuses at {flow}")


def over(world: World, code: AlarmCode, when: str) -> None:
    """Require that the alarm's cause is gone and it can be acknowledged."""
    found = alarms(world).get(code)
    require(found is AlarmStatus.LATCHED, f"{when} {code.name} is {found}")
    done(world, AcknowledgeAlarm(code))


def events(world: World, kind: str) -> list[Event]:
    """Return every event of a kind so far."""
    world.journal.flush()
    return [event for event in read_journal(world.journal.lines) if event.kind == kind]


def until(world: World, kind: str) -> None:
    """Go from one instant to the next until an event of a kind has come, which takes no more than a day."""
    end = world.device.now_ms + DAY_MS
    while not events(world, kind):
        require(world.bench.jump() and world.device.now_ms < end, f"there is no {kind} within a day")


def logged(world: World, kind: LogKind) -> int:
    """Return how often something is in the log."""
    return sum(entry.kind is kind for entry in world.device.chip.log_entries())


def alone(seed: int) -> World:
    """Return an infusing pump whose clinician has left properly."""
    world = infusing(seed)
    done(world, Close(False))
    return world
