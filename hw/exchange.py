"""Wires of software: a thread that carries bytes from port to port.

It makes an echoing port out of one and a null-modem cable out of two, and puts pace and damage between a port and its
user. A route is where bytes are taken from, what happens to them and where they are put; everything runs in one
thread, so the ports need not be safe for several.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hw.descriptor import DescriptorPort
from hw.passage import SECOND_NS, Passage
from protocol.carrier import CarrierLost

MOST_WAITING = 4_096
"""Bytes on their way at which no more are taken: a UART's driver, too, lets the writer wait."""


class Route(NamedTuple):
    """Whatever can be read from the source passes to the sink."""

    source: DescriptorPort
    sink: Callable[[bytes], None]
    passage: Passage | None = None


class Exchange:
    """Carries bytes along the routes until it is closed. The ports are the caller's to close afterwards.

    ``lost`` is called, once for each route, when its source is gone.
    """

    def __init__(self, routes: Sequence[Route], lost: Callable[[CarrierLost], None] = lambda _: None) -> None:
        self._selector = selectors.DefaultSelector()
        self._asleep, self._wake = socket.socketpair()
        self._selector.register(self._asleep, selectors.EVENT_READ)
        self._routes = list(routes)
        self._lost = lost
        for route in routes:
            self._selector.register(route.source, selectors.EVENT_READ, route)
        self._open = True
        self._thread = threading.Thread(target=self._carry, name="wires of software", daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        while self._open:
            for key, _ in self._selector.select(self._patience_s()):
                if key.data is not None:
                    self._take_in(key.data)
            for route in self._routes:
                self._hand_out(route)

    def _patience_s(self) -> float | None:
        due = [route.passage.due_ns for route in self._routes if route.passage and route.passage.due_ns is not None]
        return max(0, min(due) - time.monotonic_ns()) / SECOND_NS if due else None

    def _take_in(self, route: Route) -> None:
        try:
            data = route.source.read(0)
        except CarrierLost as lost:
            self._selector.unregister(route.source)
            self._routes.remove(route)
            self._lost(lost)
            return
        if route.passage is None:
            _put(route, data)
            return
        route.passage.feed(data, time.monotonic_ns())
        if route.passage.waiting > MOST_WAITING:
            self._selector.unregister(route.source)

    def _hand_out(self, route: Route) -> None:
        passage = route.passage
        if passage is None or not (data := passage.take(time.monotonic_ns())):
            return
        _put(route, data)
        if passage.waiting <= MOST_WAITING and route.source.fileno() not in self._selector.get_map():
            self._selector.register(route.source, selectors.EVENT_READ, route)

    def close(self) -> None:
        """Stop carrying; a second time does nothing."""
        if self._open:
            self._open = False
            self._wake.send(b"\0")
            self._thread.join()
            self._selector.close()
            self._asleep.close()
            self._wake.close()


def _put(route: Route, data: bytes) -> None:
    with contextlib.suppress(CarrierLost):  # a wire that ends in the air; the reader of that end will say so
        route.sink(data)
