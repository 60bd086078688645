"""Dead reckoning: what has moved, what is left in the reservoir, and what the pump believes to stand in its line.

Nothing measures a volume; the meters count strokes. What the line holds is what was pumped into it, or a clinician's
explicit word. How long a bridge still lasts follows from that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.firmware.state import Metering
from emulator.hardware.line import SALINE, Line, emptied, filled, foreign_nl, push
from protocol.messages import Prime
from protocol.vocabulary import LogKind

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump


def metering_of(pump: Pump) -> Metering:
    """Return the meters as memory keeps them."""
    return Metering(
        pump.now,
        pump.credit,
        pump.line,
        pump.reservoir_nl,
        pump.volume_nl,
        pump.strokes,
        tuple(pump.delivered.items()),
        pump.monitor.position,
        pump.monitor.granted,
        max(0, pump.ledgers_at - pump.now),
        pump.time_bases.offset_ms,
    )


def count_stroke(pump: Pump) -> None:
    """Note that one stroke has moved."""
    count_volume(pump, pump.stroke_nl)
    pump.strokes += 1


def count_volume(pump: Pump, volume_nl: int) -> None:
    """Note that a volume has moved out of the reservoir."""
    fluid = pump.fluid
    pump.line, _ = push(pump.line, volume_nl, fluid)
    pump.reservoir_nl = max(0, pump.reservoir_nl - volume_nl)
    pump.volume_nl += volume_nl
    for code, concentration in fluid:
        pump.delivered[code] = pump.delivered.get(code, 0) + volume_nl * concentration


def bridge_remaining_nl(pump: Pump) -> int:
    """Return the volume until the prescribed bridge has done its work; 0 without one."""
    prescription = pump.therapy.prescription
    if prescription is None or not prescription.bridge.value:
        return 0
    return foreign_nl(pump.line, pump.fluid)


def line_as_declared(pump: Pump, request: Prime) -> Line:
    """Return what the line holds by the word of the clinician who primes: with an emptied catheter, the tubing
    still holds what it held.
    """
    if request.line_emptied:
        return filled(pump.profile.line_nl, SALINE)
    return emptied(pump.line, pump.profile.catheter.value) if request.catheter_emptied else pump.line


def declare_line(pump: Pump, request: Prime) -> None:
    """Take the word of the clinician who primes for what the line holds."""
    pump.line = line_as_declared(pump, request)
    if request.line_emptied or request.catheter_emptied:
        pump.log.add(pump.now, LogKind.LINE_EMPTIED, 0 if request.line_emptied else 1)
