"""The pump's self-tests: each check is one bit of the report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.firmware.guard import Ring
from emulator.hardware.line import volume_nl
from protocol.crc import crc32_autosar

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

CRC_TEXT, CRC_CHECK = b"123456789", 0x1697D06A


def _crc(_: Pump) -> bool:
    return crc32_autosar(CRC_TEXT) == CRC_CHECK


def _memory(pump: Pump) -> bool:
    return not pump.chip.damage()


def _library(pump: Pump) -> bool:
    return pump.library is not None


def _ledgers(pump: Pump) -> bool:
    return all(_adds_up(ring) for _, *pair in pump.ledgers for ledger in pair for ring in (ledger.hour, ledger.day))


def _adds_up(ring: Ring) -> bool:
    return ring.newest + sum(ring.older) == ring.total


def _line(pump: Pump) -> bool:
    return volume_nl(pump.line) == pump.profile.line_nl


def _sounder(pump: Pump) -> bool:
    return pump.body.sounder_works


CHECKS: tuple[Callable[[Pump], bool], ...] = (_crc, _memory, _library, _ledgers, _line, _sounder)
"""Bit 0 upwards."""
SOUNDER_BIT = 1 << CHECKS.index(_sounder)


def failed_checks(pump: Pump) -> int:
    """Run every check and return one bit for each that failed."""
    return sum(1 << bit for bit, check in enumerate(CHECKS) if not check(pump))
