"""Wires of software: a thread that carries bytes from port to port.

It makes an echoing port out of one and a null-modem cable out of two. A route is where bytes are taken from and where
they are put; everything runs in one thread, so the ports need not be safe for several.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hw.descriptor import DescriptorPort
from protocol.carrier import CarrierLost


class Route(NamedTuple):
    """Whatever can be read from the source goes to the sink."""

    source: DescriptorPort
    sink: Callable[[bytes], None]


class Exchange:
    """Carries bytes along the routes until it is closed. The ports are the caller's to close afterwards."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._selector = selectors.DefaultSelector()
        self._asleep, self._wake = socket.socketpair()
        self._selector.register(self._asleep, selectors.EVENT_READ)
        for route in routes:
            self._selector.register(route.source, selectors.EVENT_READ, route)
        self._open = True
        self._thread = threading.Thread(target=self._carry, name="wires of software", daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        while self._open:
            for key, _ in self._selector.select():
                if key.data is not None:
                    self._pass_on(key.data)

    def _pass_on(self, route: Route) -> None:
        try:
            data = route.source.read(0)
        except CarrierLost:
            self._selector.unregister(route.source)
            return
        with contextlib.suppress(CarrierLost):  # a wire that ends in the air
            route.sink(data)

    def close(self) -> None:
        """Stop carrying; a second time does nothing."""
        if self._open:
            self._open = False
            self._wake.send(b"\0")
            self._thread.join()
            self._selector.close()
            self._asleep.close()
            self._wake.close()
