"""Interrogations judged: whoever asks is told every raised alarm, none that is not raised, critical ones first.

A raised alarm is one that was not cleared since, through any number of power cuts. So this also finds an alarm that
was lost with the power, or that another one hides.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.journal import Event
from verify.scene import CRITICAL, Scene, word
from verify.verdict import Claim, Finding
from verify.watcher import Watcher


class ListingWatcher(Watcher):
    """Compares every list of alarms that the pump gave with what it had raised."""

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge a list."""
        if event.kind != "wire.alarms":
            return
        told, raised = [word(alarm) for alarm in event.data["listed"]], scene.alarms
        hidden, invented = sorted(set(raised) - set(told)), sorted(set(told) - set(raised))
        if hidden:
            words = f"raised, and not listed at an interrogation: {', '.join(hidden)}"
            yield Finding(Claim.LIST, event.at, words, len(hidden), 0, "alarms")
        if invented:
            words = f"listed at an interrogation, and not raised: {', '.join(invented)}"
            yield Finding(Claim.LIST, event.at, words, len(invented), 0, "alarms")
        urgent = [raised.get(alarm) == CRITICAL for alarm in told]
        if urgent != sorted(urgent, reverse=True):
            words = f"a critical alarm is listed after one that is not: {', '.join(told)}"
            yield Finding(Claim.LIST, event.at, words, 1, 0, "lists")
