"""What the pump may still give, and what only time gives back: ledgers, the patient's lockout, the count of a day.

The guard's ledgers are brought up to the pump's time before anybody looks at them (``age_ledgers``). Time that the
pump does not trust to have passed is taken back from all three (``forfeit``).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from emulator.firmware import ledgers
from emulator.firmware.ledgers import Ledgers
from emulator.hardware.line import drugs_in
from protocol.messages import Prescription

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

LONG_DAY_MS = 96 * 903_000
"""The day over which patient boluses are counted: 0.33 % long, like the guard's, for a clock that runs fast."""


def age_ledgers(pump: Pump) -> None:
    """Let the ledgers catch up with the pump time that has passed since they last did."""
    if pump.now > pump.ledgers_at:
        pump.ledgers = ledgers.advance_all(pump.ledgers, pump.now - pump.ledgers_at, pump.sizes)
        pump.ledgers_at = pump.now


def ledgers_under(pump: Pump, prescription: Prescription) -> Ledgers:
    """Return the ledgers as they are now, with the limits that a prescription sets.

    A drug that stands in the line and was never prescribed has the library's hard limits.
    """
    age_ledgers(pump)
    in_line = drugs_in(pump.line)
    counted = {entry.code for entry in pump.ledgers}
    limits = library_limits(pump, in_line - counted)
    limits |= {drug.code: (drug.limit_1h.value, drug.limit_24h.value) for drug in prescription.drugs}
    return ledgers.with_drugs(pump.ledgers, limits, in_line, pump.sizes)


def library_limits(pump: Pump, codes: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return the library's hard limits of an hour and a day, in picograms, of those of some drugs that it knows."""
    entries = [pump.library.drug(code) for code in sorted(codes)] if pump.library else []
    return {entry.code: (entry.hard_1h.value, entry.hard_24h.value) for entry in entries if entry}


def restart_lockout(pump: Pump) -> None:
    """Begin the patient's lockout anew; it can only get longer."""
    if pump.therapy.prescription:
        until = pump.now + pump.therapy.prescription.patient_bolus.lockout.value
        pump.record = pump.record._replace(lockout_until=max(until, pump.record.lockout_until))


def grants_today(pump: Pump) -> tuple[int, ...]:
    """Return when the patient boluses of the sliding day were granted."""
    return tuple(at for at in pump.record.grants if at > pump.now - LONG_DAY_MS)


def next_grant_in(pump: Pump, count: int) -> int:
    """Return in how many ms fewer than ``count`` patient boluses will be in the sliding day."""
    return grants_today(pump)[-count] + LONG_DAY_MS - pump.now


def forfeit(pump: Pump, for_ms: int) -> None:
    """Take a time that has just passed to have not: ledgers, lockout and counts wait for it once more."""
    age_ledgers(pump)
    pump.ledgers_at += for_ms
    record = pump.record
    pump.record = record._replace(
        lockout_until=record.lockout_until + for_ms, grants=tuple(at + for_ms for at in record.grants)
    )
