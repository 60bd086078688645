"""What every watcher of the judge looks like."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.journal import Event
from verify.scene import Scene
from verify.verdict import Finding


class Watcher:
    """Judges one claim, from the events and the scene as it was before each."""

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Take an event and yield what it shows to be broken."""
        raise NotImplementedError

    def end(self, scene: Scene) -> Iterator[Finding]:  # noqa: ARG002 - most watchers have nothing left open
        """Take the end of the journal; by default nothing is left open."""
        return iter(())
