"""A port that outlives being unplugged: it is known by what it is, and opened again when it is back.

Losing it is never hidden. Whoever reads or writes hears ``CarrierLost`` and has to say what became of what was under
way; then ``returned`` or ``wait`` opens the port again, under whatever name it now has.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hw.descriptor import DescriptorPort
from hw.errors import PortError
from hw.identity import LOOK_EVERY_S, Identity, identity_of, present_name
from protocol.carrier import CarrierLost

Opener = Callable[[str], DescriptorPort]


class LastingPort:
    """A carrier that can be opened again. ``opener`` opens a port by name; ``PortError`` if it cannot at first."""

    def __init__(
        self,
        name: str,
        opener: Opener,
        identify: Callable[[str], Identity] = identity_of,
        find: Callable[[Identity], str | None] = present_name,
    ) -> None:
        self._opener = opener
        self._find = find
        self._port: DescriptorPort | None = opener(name)
        self._open = True
        self.identity = identify(name)
        self.name = self._port.name

    @property
    def lost(self) -> bool:
        """Whether the port is gone and not opened again."""
        return self._port is None

    def now_ms(self) -> int:
        """Return a monotonic time in milliseconds."""
        return time.monotonic_ns() // 1_000_000

    def fileno(self) -> int:
        """Return the descriptor to wait for; ``CarrierLost`` while the port is gone. Another after every return."""
        return self._present().fileno()

    def read(self, timeout_ms: int) -> bytes:
        """Return what comes within the time; ``CarrierLost`` when the port is gone."""
        try:
            return self._present().read(timeout_ms)
        except CarrierLost:
            self._lose()
            raise

    def write(self, data: bytes) -> None:
        """Write all bytes; ``CarrierLost`` when the port is gone."""
        try:
            self._present().write(data)
        except CarrierLost:
            self._lose()
            raise

    def returned(self) -> bool:
        """Open the port again if it is back; say whether it is open."""
        if self._port is None and self._open and (name := self._find(self.identity)) is not None:
            try:
                self._port = self._opener(name)
            except PortError:
                return False  # there already, but not ours to open yet: udev sets its group a moment later
            self.name = self._port.name
        return self._port is not None

    def wait(self, patience_ms: int) -> None:
        """Wait until the port is open again; ``CarrierLost`` if that does not happen in time."""
        end_ms = self.now_ms() + patience_ms
        while not self.returned():
            if not self._open or self.now_ms() >= end_ms:
                raise CarrierLost(f"{self.identity.words} was not plugged in again")
            time.sleep(LOOK_EVERY_S)

    def close(self) -> None:
        """Close the port for good; a second time does nothing."""
        self._open = False
        self._lose()

    def _present(self) -> DescriptorPort:
        if not self._open:
            raise CarrierLost(f"{self.name} is closed")
        if self._port is None:
            raise CarrierLost(f"{self.identity.words} is gone: it was unplugged")
        return self._port

    def _lose(self) -> None:
        if self._port is not None:
            self._port.close()
            self._port = None

    def __enter__(self) -> LastingPort:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
