"""What the pump assumes where memory cannot be read: the worst that may have been there.

Sections are lost one by one. Without the meters the reservoir counts as empty and the line as full of the strongest
that it may hold; without the ledgers every limit counts as used up; without the record the prescription is unknown,
the patient's boluses are spent, and a stall whose alarm is active lasts. Whatever is lost, the pump's time falls
behind nothing that memory tells of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from emulator.firmware import ledgers
from emulator.firmware.alarms import Panel, is_active
from emulator.firmware.allowance import age_ledgers
from emulator.firmware.ledgers import Ledgers
from emulator.firmware.state import Identity, Metering, State, TherapyRecord
from emulator.hardware.body import ROTOR_POSITIONS
from emulator.hardware.line import Fluid, filled, strongest
from protocol.vocabulary import AlarmCode, LogKind

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

LOST_COUNT = 1 << 20
"""An unreadable number of power-ups goes on from here, plus the log's length, so that it hardly repeats."""
ALL_DENIED = 255


def identity_unknown(entries: int) -> Identity:
    """Return who the pump is when it cannot tell, by the number of the log's next entry."""
    return Identity("unknown", b"", LOST_COUNT + entries)


def metering_unknown(pump: Pump, *, therapy_known: bool) -> Metering:
    """Return what to assume when nothing about volumes can be read: an empty reservoir moves nothing."""
    in_line = strongest(pump.fluid, _may_stand_in_line(pump, therapy_known))
    return Metering(0, 0, filled(pump.profile.line_nl, in_line), 0, 0, 0, (), pump.body.rotor, ROTOR_POSITIONS)


def _may_stand_in_line(pump: Pump, known: bool) -> Fluid:
    """Return the worst that may stand in the line: what the record says, or all that the library lets in."""
    if known or pump.library is None:
        return pump.record.in_line
    return tuple((entry.code, entry.concentration.hard.value) for entry in pump.library)


def instants(record: TherapyRecord, panel: Panel) -> tuple[int, ...]:
    """Return instants of the past that memory holds: the pump's time must not fall behind them if its own is lost."""
    noted = (record.stopped_at, record.reset_at, record.memory_fault_at, record.stalled_at, record.guard_refused_at)
    return (*noted, *record.grants, panel.sounded_at, *(alarm.raised_at for alarm in panel.raised))


def assume_worst(pump: Pump, damaged: Sequence[str]) -> None:
    """Assume the worst of what was damaged: ledgers full, prescription unknown, bolus history used up."""
    age_ledgers(pump)
    if "ledgers" in damaged:
        pump.ledgers = ledgers.all_lost(every_ledger(pump), pump.sizes)
    if "therapy" in damaged:
        pump.course.fire("forget")
        pump.therapy.prescription = None
        pump.record = pump.record._replace(schedule=None, grants=(pump.now,) * ALL_DENIED, reset_at=-1)
        if pump.record.stalled_at < 0 and is_active(pump.panel, AlarmCode.MOTOR_STALL):
            pump.record = pump.record._replace(stalled_at=pump.now)  # it lasts until the rotor has turned
    pump.record = pump.record._replace(confirmed=False, memory_fault_at=pump.now)
    pump.chip.discard_damaged_log()
    for place in damaged:
        pump.log.add(pump.now, LogKind.MEMORY_FAULT, _place_number(place))
    pump.course.fire("limit")


def every_ledger(pump: Pump) -> Ledgers:
    """Return the ledgers of every drug that may be in the pump: of all in the library, if none could be read."""
    limits = {code: (outlet.limit_1h, outlet.limit_24h) for code, outlet, _ in pump.ledgers}
    for drug in pump.therapy.prescription.drugs if pump.therapy.prescription else ():
        limits.setdefault(drug.code, (drug.limit_1h.value, drug.limit_24h.value))
    for entry in pump.library if pump.library and not pump.ledgers else ():
        limits.setdefault(entry.code, (entry.hard_1h.value, entry.hard_24h.value))
    return ledgers.with_drugs((), limits, frozenset(), pump.sizes)


def _place_number(place: str) -> int:
    sections = State._fields
    return sections.index(place) if place in sections else len(sections)
