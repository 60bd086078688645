"""The pump's event log: a bounded ring in non-volatile memory, oldest entry overwritten first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from emulator.hardware.nonvolatile import NonVolatile
from protocol.messages import LogEntry, LogPage
from protocol.units import Milliseconds
from protocol.vocabulary import LogKind

PAGE_ENTRIES = 9
"""As many entries as fit one message."""
_VALUE_MOST = (1 << 64) - 1
LAST_NUMBER = (1 << 32) - 2
"""Of an entry: what comes after it must fit its field, too. At an entry a second it is reached after 136 years."""


class EventLog:
    """The log of one pump. Sequence numbers go on across power losses and never repeat; after the last there is none.

    An entry is written by ``flush``, after the change that it tells of has been saved, so that the log never
    tells of something that power failed too early for.
    """

    def __init__(self, chip: NonVolatile) -> None:
        self._chip = chip
        self._waiting: list[LogEntry] = []
        entries = chip.log_entries()
        self._next = max((entry.sequence + 1 for entry in entries), default=0)
        self.last_at_ms = max((entry.at.value for entry in entries), default=0)

    @property
    def next(self) -> int:
        """Return the sequence number that the next entry will get."""
        return self._next

    def add(self, at_ms: int, kind: LogKind, subject: int = 0, value: int = 0) -> None:
        """Note one entry for the next ``flush``; a value too large for its field becomes the field's largest."""
        if self._next > LAST_NUMBER:
            return
        entry = LogEntry(self._next, Milliseconds(at_ms), kind, min(subject, 255), min(value, _VALUE_MOST))
        self._waiting.append(entry)
        self._next += 1

    def flush(self) -> None:
        """Write every entry that waits, in order."""
        while self._waiting:
            self._chip.append(self._waiting[0].sequence, self._waiting[0])
            self._waiting.pop(0)

    def page(self, first: int) -> LogPage:
        """Return the entries from a sequence number on, as many as fit one message."""
        self.flush()
        oldest = next((entry.sequence for entry in self._from(0)), self._next)
        return LogPage(oldest, self._next, tuple(islice(self._from(first), PAGE_ENTRIES)))

    def _from(self, first: int) -> Iterator[LogEntry]:
        """Yield the entries from a sequence number on that are there and can be read."""
        for sequence in range(max(first, self._next - self._chip.log_capacity), self._next):
            entry = self._chip.log_entry(sequence)
            if entry is not None and entry.sequence == sequence:
                yield entry
