"""Asking a pump in a small world: an answer is a refusal for the right reason, or none."""

from __future__ import annotations

from dataclasses import replace

from emulator.firmware.allowance import age_ledgers
from protocol.messages import (
    Accepted,
    Interrogate,
    Message,
    PatientBolusGrant,
    Refused,
    TherapyReport,
    TotalsReport,
)
from protocol.units import HOUR_MS, MINUTE_MS
from protocol.vocabulary import Reason, Role, Section
from verify.starts import grant
from verify.suites.suite import require
from verify.world import World

RATE = 200_000
"""In nL/day: 5 mg of morphine a day at 25 mg/mL."""
PATIENT = grant(strokes=4, minutes=2, lockout=30, count=3)
NEXT = 30 * MINUTE_MS + 1
"""When a lockout of half an hour is over."""


def infusing(seed: int, *, patient: PatientBolusGrant | None = PATIENT, hours: int = 2) -> World:
    """Return a pump that has infused for some hours."""
    world = World(seed)
    wanted = replace(world.prescription(RATE), patient_bolus=patient) if patient else world.prescription(RATE)
    reply = world.program(wanted)
    require(isinstance(reply, Accepted), f"an ordinary prescription is answered by {reply}")
    world.bench.advance(hours * HOUR_MS)
    return world


def ask(world: World, message: Message, role: Role = Role.CLINICIAN) -> Message:
    """Ask as a role whose session may have been replaced meanwhile."""
    reply = world.talk(role, message) or world.talk(role, message)
    if reply is None:
        raise TypeError(f"no answer to {message}")
    return reply


def done(world: World, message: Message, role: Role = Role.CLINICIAN) -> Message:
    """Ask, and require that it is not refused."""
    reply = ask(world, message, role)
    require(not isinstance(reply, Refused), f"{message} is refused: {reply}")
    return reply


def refused(world: World, message: Message, reason: Reason, role: Role = Role.CLINICIAN) -> Refused:
    """Ask, and require that it is refused for this reason."""
    reply = ask(world, message, role)
    if not isinstance(reply, Refused) or reply.reason is not reason:
        require(False, f"{message} is answered by {reply}, not refused for {reason.name}")
        raise TypeError(reply)
    return reply


def therapy(world: World) -> TherapyReport:
    """Return what the pump says it is doing."""
    report = done(world, Interrogate(Section.THERAPY))
    if not isinstance(report, TherapyReport):
        raise TypeError(report)
    return report


def strokes_of(world: World) -> int:
    """Return the strokes that the pump has counted."""
    report = done(world, Interrogate(Section.TOTALS))
    if not isinstance(report, TotalsReport):
        raise TypeError(report)
    return report.strokes


def flicker(world: World) -> None:
    """Cut the power and give it back."""
    world.bench.cut_power()
    world.bench.restore_power()


def next_stroke(world: World) -> None:
    """Go to the instant at which the next stroke moves."""
    before = world.device.body.strokes
    while world.device.body.strokes == before:
        world.bench.jump()


def hour_pg(world: World) -> int:
    """Return what the hour's ledger at the outlet holds now."""
    pump = world.device.pump
    if pump is None:
        raise TypeError("a pump without power")
    age_ledgers(pump)
    return pump.ledgers[0].outlet.hour.total
