"""Another fluid in the reservoir: what a clinician tells the pump of it, with a bridge or a reason against one."""

from __future__ import annotations

from dataclasses import replace

from emulator.device import PumpDevice
from emulator.firmware.state import TherapyRecord
from protocol.messages import Prescription
from verify.scripts.action import Who, action, one_of
from verify.scripts.run import Run
from verify.starts import STRONGEST
from verify.world import MORPHINE

SLOWEST, FASTEST = 48_000, 24_000_000
"""Basal rates in nL/day between which a clinician chooses."""


def _knows_its_fluid(run: Run) -> bool:
    """Whether what the pump believes about its fluid can be what is there."""
    pump = run.world.device.pump
    return bool(pump and pump.therapy.prescription and run.told_all and not run.escaping)


@action(
    Who.CLINICIAN,
    _knows_its_fluid,
    concentration=one_of(STRONGEST, 5_000, 1_000),
    share=one_of(1, 2, 8),
    reason=one_of(True, True, False),
)
def other_fluid(run: Run, concentration: int, share: int, reason: bool) -> None:
    """The reservoir is filled with another concentration and the pump is told at once; no bridge is given.

    The rate is the one that keeps the dose, or a part of it. If the pump does not take the prescription, the old
    fluid is filled in again: what the label says is in the reservoir is one of the premises.
    """
    change_fluid(run, concentration, share, bridge=0, reason=reason)


@action(
    Who.CLINICIAN,
    _knows_its_fluid,
    concentration=one_of(STRONGEST, 5_000, 1_000),
    share=one_of(1, 2, 8),
    bridge=one_of(48_000, 200_000, 2_000_000),
)
def bridged_fluid(run: Run, concentration: int, share: int, bridge: int) -> None:
    """The reservoir is filled with another concentration, and a bridge carries the old fluid out of the line."""
    change_fluid(run, concentration, share, bridge)


def change_fluid(run: Run, concentration: int, share: int, bridge: int, *, reason: bool = True) -> None:
    """Fill in another concentration and tell the pump; take it back if the pump has not taken it.

    An answer may be lost with the power, so what counts is what the pump has, as whoever comes back reads it.
    """
    pump, world = run.world.device.pump, run.world
    if pump is None or pump.therapy.prescription is None:
        return
    before, volume_nl = world.concentration, world.bench.residual_nl()
    run.fluid_changed = True
    run.clear_sky()
    drug = pump.therapy.prescription.drugs[0]
    world.concentration = concentration
    rate = max(SLOWEST, pump.therapy.prescription.rate.value * before // concentration // share)
    prescription = world.prescription(
        min(rate, FASTEST), limit_1h=drug.limit_1h.value, limit_24h=drug.limit_24h.value, bridge=bridge
    )
    if not reason:
        prescription = replace(prescription, override_reason="")
    world.bench.refill(volume_nl, ((MORPHINE, concentration),))
    reply = world.program(prescription) or world.program(prescription)
    run.note("bridged fluid" if bridge else "other fluid", reply)
    if _prescribed_concentration(run) != concentration:
        world.concentration = before
        world.bench.refill(volume_nl, ((MORPHINE, before),))


def _prescribed_concentration(run: Run) -> int | None:
    """Return what the pump takes its fluid for, by its memory if it has no power."""
    device = run.world.device
    kept = device.pump.therapy.prescription if device.pump else _remembered(device)
    return kept.drugs[0].concentration.value if kept else None


def _remembered(device: PumpDevice) -> Prescription | None:
    values, _ = device.chip.load()
    record: TherapyRecord | None = values.get("therapy")
    return record.prescription if record else None
