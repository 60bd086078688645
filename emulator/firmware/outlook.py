"""What would flow from now on: the plans by which a command's limits are asked before it is carried out.

``emulator.firmware.plans`` lays a plan out; here is what the pump has to put into it: the basal flow that is
prescribed, the boluses that are not finished, what stands in the line, and what the command would add. Nothing here
changes the pump.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emulator.firmware.basal import NOTHING, Basal, basal_of
from emulator.firmware.planner import Plan
from emulator.firmware.plans import bridge_ahead, planned, prime_ahead, span_of
from emulator.firmware.prescribing import fluid_of
from emulator.firmware.state import Bolus
from emulator.firmware.therapy import STOPPED
from emulator.hardware.line import foreign_nl
from protocol.messages import Prescription, Schedule

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump


def plan_bolus(pump: Pump, bolus: Bolus) -> Plan:
    """Return what would flow from now on with one more bolus, before those that it interrupts, if any."""
    basal, boluses = _basal(pump), [bolus, *_unfinished(pump)]
    return planned(basal, pump.now, pump.credit, _span_ms(pump, basal), boluses=boluses)


def plan_prime(pump: Pump, prime: Bolus) -> Plan:
    """Return what would flow with a prime: that first, then what it interrupts; after a stop, nothing."""
    basal = NOTHING if pump.therapy.state is STOPPED else _basal(pump)
    ahead, boluses = prime_ahead(prime), list(_unfinished(pump))
    return planned(basal, pump.now, pump.credit, _span_ms(pump, basal), ahead=ahead, boluses=boluses)


def plan_prescription(pump: Pump, prescription: Prescription, schedule: Schedule | None) -> Plan:
    """Return what would flow if a prescription were begun now: its bridge first, if it has one to cross."""
    basal = basal_of(prescription, schedule, pump.profile)
    fluid, bridge = fluid_of(prescription), prescription.bridge.value
    ahead = bridge_ahead(foreign_nl(pump.line, fluid), bridge)
    span_ms = span_of(basal, pump.line, fluid, pump.sizes, is_new=True)
    return planned(basal, pump.now, pump.credit, span_ms, ahead=ahead)


def basal_peak(pump: Pump) -> int:
    """Return the largest basal flow that is prescribed, in nL/day."""
    return _basal(pump).peak


def _basal(pump: Pump) -> Basal:
    prescription = pump.therapy.prescription
    return basal_of(prescription, pump.record.schedule, pump.profile) if prescription else NOTHING


def _span_ms(pump: Pump, basal: Basal) -> int:
    return span_of(basal, pump.line, pump.fluid, pump.sizes, is_new=False)


def _unfinished(pump: Pump) -> Iterator[Bolus]:
    if pump.therapy.running:
        yield pump.therapy.running
    yield from reversed(pump.therapy.suspended)
