"""Journals that were forged well: changed at will, and chained anew, so that only their content can betray them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

from emulator.journal import Event, Journal, read_journal


def forged(lines: Iterable[str], change: Callable[[Event], Event | None]) -> list[str]:
    """Return a journal with every event as ``change`` makes it, or without those for which it returns None."""
    journal = Journal()
    for event in read_journal(lines):
        changed = change(event._replace(data=copy.deepcopy(event.data)))
        if changed is not None:
            journal.record(changed.at, changed.kind, **changed.data)
    return journal.lines
