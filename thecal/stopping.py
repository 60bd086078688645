"""Stopping on request: Ctrl-C and SIGTERM end a loop between two steps, never in the middle of one.

A ``KeyboardInterrupt`` could come while the pump is half-way through a change; what would then be saved as its
image was never a state of the pump. So the signal only wakes the loop, which looks at ``requested``.
"""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from functools import partial
from types import FrameType, TracebackType
from typing import Self

until_ctrl_c = partial(suppress, KeyboardInterrupt)
"""For a loop that may be interrupted anywhere and has no other end: Ctrl-C is how it is meant to be ended."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """While this context is open, stop signals set ``requested`` and make ``fileno`` readable."""

    def __init__(self) -> None:
        self.requested = False

    def fileno(self) -> int:
        """Return a descriptor that becomes readable when a signal comes."""
        return self._awake.fileno()

    def _request(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module's signature
        self.requested = True

    def __enter__(self) -> Self:
        self._awake, self._wake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake.setblocking(False)
        self._old_descriptor = signal.set_wakeup_fd(self._wake.fileno())
        self._old_handlers = [signal.signal(number, self._request) for number in SIGNALS]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in zip(SIGNALS, self._old_handlers, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_descriptor)
        self._awake.close()
        self._wake.close()
