"""The event log against a list: numbers never repeat, pages leave nothing out, values come back whole."""

from __future__ import annotations

import json

from emulator.firmware.event_log import PAGE_ENTRIES, EventLog
from emulator.firmware.state import LOG_CAPACITY, new_chip
from emulator.hardware.nonvolatile import NonVolatile, PowerLostError
from protocol.messages import LogEntry, encode
from protocol.units import Milliseconds
from protocol.vocabulary import LogKind
from verify.suites.suite import Effort, Property, Suite, require

VALUES = (0, 1, 255, 256, 65_535, 65_536, 1 << 32, (1 << 64) - 1)


def _read(log: EventLog, first: int) -> list[LogEntry]:
    """Read every page, as a programmer does."""
    entries: list[LogEntry] = []
    for _ in range(2 * LOG_CAPACITY // PAGE_ENTRIES):
        page = log.page(first)
        encode(page)
        if not page.entries:
            return entries
        entries += page.entries
        first = page.entries[-1].sequence + 1
    require(False, "the pages of the log never end")
    return entries


def pages(effort: Effort) -> None:
    """Fill logs to various lengths, past their end as well, and read them from every kind of place."""
    for count in (0, 1, PAGE_ENTRIES, PAGE_ENTRIES + 1, 40, LOG_CAPACITY, LOG_CAPACITY + 20):
        chip = new_chip()
        log = EventLog(chip)
        for number in range(count):
            log.add(1_000 * number, LogKind.REFILL, number % 300, VALUES[number % len(VALUES)])
            if number % 7 == 0:
                log.flush()
        kept = range(max(0, count - LOG_CAPACITY), count)
        expected = [
            LogEntry(at, Milliseconds(1_000 * at), LogKind.REFILL, min(at % 300, 255), VALUES[at % len(VALUES)])
            for at in kept
        ]
        for first in sorted({0, count // 2, max(0, count - 1), count, count + 5}):
            effort.tried += 1
            wanted = [entry for entry in expected if entry.sequence >= first]
            found = _read(log, first)
            require(found == wanted, f"of {count} entries from {first} on, {len(found)} are read, not {len(wanted)}")
        page = log.page(0)
        require((page.next, log.next) == (count, count), f"after {count} entries the next is number {page.next}")
        require(page.oldest == kept.start, f"of {count} entries the oldest is number {page.oldest}")
    log.add(0, LogKind.REFILL, 0, 1 << 70)
    require(log.page(log.next - 1).entries[0].value == (1 << 64) - 1, "a value that is too large is another one")


def numbers(effort: Effort) -> None:
    """Restart pumps with logs of various lengths, and cut power while entries are written."""
    for count in (0, 1, 5, LOG_CAPACITY - 1, LOG_CAPACITY, LOG_CAPACITY + 3, 2 * LOG_CAPACITY + 1):
        effort.tried += 1
        chip = new_chip()
        log = EventLog(chip)
        for number in range(count):
            log.add(number, LogKind.COMMAND)
        log.flush()
        again = EventLog(_reread(chip))
        require(again.next == count, f"after {count} entries and a power cut the next is number {again.next}")
        require(again.last_at_ms == max(0, count - 1), f"the last entry was at {again.last_at_ms}")
        for step in range(4):
            chip.steps_until_power_fails = step
            log.add(count, LogKind.STATE)
            log.add(count, LogKind.STATE)
            try:
                log.flush()
            except PowerLostError:
                effort.reached["power failed"] += 1
            chip.steps_until_power_fails = None
            log = EventLog(chip)
            found = [entry.sequence for entry in chip.log_entries()]
            require(len(set(found)) == len(found), "two entries have one number")
            require(log.next > max(found, default=-1), "a number comes again")


def _reread(chip: NonVolatile) -> NonVolatile:
    other = new_chip()
    other.restore(json.loads(json.dumps(chip.to_json())))
    return other


SUITE = Suite(
    "log",
    "the event log",
    (
        Property("log.pages", "Page by page the whole log is read, in order.", pages, verifies=("LOG-02",)),
        Property("log.numbers", "Numbers go on over power cuts and never repeat.", numbers, 1, ("power failed",)),
    ),
)
