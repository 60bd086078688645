"""One stroke: asked of the guard, counted on the chip, moved by the motor, and looked at.

The guard's count is on non-volatile memory before the motor is told to move. Whether the rotor turned is seen at its
sensor, which has the meters count it (``emulator.firmware.escapes``); here a rotor that stood is noted as stalled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.firmware.allowance import age_ledgers
from emulator.firmware.meters import bridge_remaining_nl
from emulator.firmware.therapy import BRIDGE
from emulator.hardware.line import masses, push
from protocol.vocabulary import LogKind

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump


def take_stroke(pump: Pump) -> None:
    """Move one stroke, if the reservoir holds it and the guard grants it; the credit is spent either way."""
    pump.credit -= pump.stroke_credit
    if pump.reservoir_nl < pump.stroke_nl:
        return
    if not _granted(pump):
        pump.record = pump.record._replace(guard_refused_at=pump.now)
        pump.news.add("guard.refused")
        pump.save()
        return
    if pump.record.guard_refused_at >= 0:
        pump.record = pump.record._replace(guard_refused_at=-1)
    pump.save()
    if pump.body.stroke():
        _turned(pump)
    else:
        _stood(pump)


def _granted(pump: Pump) -> bool:
    """Ask the guard for what a stroke moves out of the reservoir and out of the tip."""
    _, out = push(pump.line, pump.stroke_nl, pump.fluid)
    outlet = masses(((pump.stroke_nl, pump.fluid),))
    age_ledgers(pump)
    pump.ledgers, granted = pump.monitor.grant(pump.ledgers, outlet, masses(out))
    return granted


def _turned(pump: Pump) -> None:
    if pump.record.stalled_at >= 0:
        pump.log.add(pump.now, LogKind.STALL_RECOVERED, 0, pump.now - pump.record.stalled_at)
        pump.record = pump.record._replace(stalled_at=-1)
    if pump.therapy.state is BRIDGE and bridge_remaining_nl(pump) == 0:
        _bridged(pump)


def _stood(pump: Pump) -> None:
    pump.monitor.granted = 0
    if pump.record.stalled_at < 0:
        pump.log.add(pump.now, LogKind.STALL)
        pump.record = pump.record._replace(stalled_at=pump.now)


def _bridged(pump: Pump) -> None:
    """The old fluid has left the line: go on with what is prescribed."""
    pump.log.add(pump.now, LogKind.BRIDGE_ENDED)
    pump.course.fire("bridged")
    pump.save()
