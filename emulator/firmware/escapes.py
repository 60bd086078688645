"""Drug that left the pump without the guard's consent: it is counted all the same, and at its worst.

A drive that moved unasked has moved whole strokes. Through valves that stand open flows what the flow-activated valve
lets pass before it shuts; without one nobody knows how much, so the ledgers count as full and the reservoir as empty.
The guard takes what escaped into account before it grants anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.firmware import ledgers
from emulator.firmware.allowance import age_ledgers, library_limits
from emulator.firmware.damage import every_ledger
from emulator.firmware.meters import count_stroke, count_volume
from emulator.hardware.line import drugs_in, filled, masses, push
from protocol.vocabulary import LogKind

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

QUIET_MS = 15 * 60_000
"""A drive that has not moved unasked for so long is taken to have stopped doing so: a stroke's time at the smallest
therapeutic rate."""


def look_at_drive(pump: Pump) -> None:
    """Look at the rotor and count what moved; note what nobody had granted."""
    moved, ungranted = pump.monitor.look(pump.body.rotor)
    for _ in range(moved - ungranted):
        count_stroke(pump)
    for _ in range(ungranted):
        _observe(pump, pump.profile.stroke.value)
        count_stroke(pump)
    if ungranted:
        noticed = pump.noticed
        if noticed.overran_at < 0 or pump.now - noticed.overran_at >= QUIET_MS:
            pump.log.add(pump.now, LogKind.UNREQUESTED, 0, ungranted * pump.profile.stroke.value)
        pump.noticed = noticed._replace(overran_at=pump.now)


def look_at_valves(pump: Pump) -> None:
    """Look at the valves and count what may have escaped, once for each time that they came to stand open."""
    body, noticed = pump.body, pump.noticed
    exposed = body.valves_open and not body.valve_shut
    shut_unseen = body.valve_shut and not noticed.exposed and noticed.valves_at < 0
    if (exposed and not noticed.exposed) or shut_unseen:
        _escaped(pump)
    if not (body.valves_open or body.valve_shut):
        since = -1
    else:
        since = noticed.valves_at if noticed.valves_at >= 0 else pump.now
    if (exposed, since) != (noticed.exposed, noticed.valves_at):
        pump.noticed = noticed._replace(exposed=exposed, valves_at=since)


def _escaped(pump: Pump) -> None:
    if pump.profile.flow_valve:
        volume_nl = pump.profile.flow_valve_escape.value
        _observe(pump, volume_nl)
    else:
        volume_nl = pump.reservoir_nl
        age_ledgers(pump)
        pump.ledgers = ledgers.all_lost(every_ledger(pump), pump.sizes)
    count_volume(pump, volume_nl)
    if not pump.profile.flow_valve:
        pump.line = filled(pump.profile.line_nl, pump.fluid)
    pump.log.add(pump.now, LogKind.FREE_FLOW, 0, volume_nl)


def _observe(pump: Pump, volume_nl: int) -> None:
    """Put a volume that moved without a grant into the ledgers of every drug that it can have moved."""
    _, out = push(pump.line, volume_nl, pump.fluid)
    age_ledgers(pump)
    known = {entry.code: (entry.outlet.limit_1h, entry.outlet.limit_24h) for entry in pump.ledgers}
    moving = drugs_in(pump.line) | {code for code, _ in pump.fluid}
    limits = known | library_limits(pump, moving - known.keys())
    held = ledgers.with_drugs(pump.ledgers, limits, frozenset(moving), pump.sizes)
    pump.ledgers = ledgers.observe(held, masses(((volume_nl, pump.fluid),)), masses(out))
