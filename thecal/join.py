"""Where pump, port and time meet: one loop that waits for whichever happens first.

Nothing is polled. The loop sleeps until bytes come, somebody asks at the bench's desk, a signal arrives, or the
pump's next event is due by the driver's clock; then time catches up first, so that every byte meets the pump of its
instant.
"""

from __future__ import annotations

import selectors

from emulator.device import PumpDevice
from hw.descriptor import AwaitedCarrier
from hw.lasting import LastingPort
from protocol.carrier import CarrierLost
from thecal.driver import TimeDriver
from thecal.keeper import Keeper
from thecal.output import doubtful, good, tell
from thecal.stopping import StopRequest

TALK_MS = 2_000
"""For so long after bytes on the line, time runs at the session's speed: a handshake at x3600 would take hours."""
SAVE_MS = 5_000
"""Without a reply to wait for, the image is at most this old when the computer's power fails."""
LOOK_MS = 250
"""How often an unplugged adapter is looked for."""


class Joint:
    """Runs one device on one port, and has it kept on the disk.

    The pump lives on while a ``LastingPort`` is unplugged, and is heard again when it is back.
    """

    def __init__(
        self,
        device: PumpDevice,
        port: AwaitedCarrier,
        driver: TimeDriver,
        selector: selectors.BaseSelector,
        keeper: Keeper,
    ) -> None:
        self._device = device
        self._port = port
        self._driver = driver
        self._selector = selector
        self._keeper = keeper
        self._kept_at_ms = port.now_ms()
        self._talk_ends_ms = port.now_ms()
        self._descriptor = -1
        self._listen()

    def _listen(self) -> None:
        self._descriptor = self._port.fileno()
        self._selector.register(self._descriptor, selectors.EVENT_READ, self._hear)

    def run(self, stop: StopRequest) -> None:
        """Live until a stop is requested; keep the image at the end. Raises ``CarrierLost`` if the port is gone."""
        self._selector.register(stop, selectors.EVENT_READ, lambda: None)
        try:
            while not stop.requested:
                ready = self._selector.select(self._patience_s())
                self._catch_up()
                for key, _ in ready:
                    key.data()
                self._look_for_port()
                self._set_pace()
                self._keep_sometimes()
        finally:
            self._catch_up()
            self._keeper.keep()

    def _catch_up(self) -> None:
        """Bring the pump to the driver's instant."""
        self._device.advance_to(max(self._driver.now_ms(), self._device.now_ms))

    def _hear(self) -> None:
        try:
            self._answer()
        except CarrierLost as lost:
            self._lose(lost)

    def _lose(self, lost: CarrierLost) -> None:
        """Go on without the port, if it is one that can come back."""
        if not isinstance(self._port, LastingPort):
            raise lost
        self._selector.unregister(self._descriptor)
        self._descriptor = -1
        tell(doubtful(f"{lost}; the pump goes on and waits for {self._port.identity.words}"))

    def _look_for_port(self) -> None:
        if self._descriptor < 0 and isinstance(self._port, LastingPort) and self._port.returned():
            self._listen()
            tell(f"{good('back')} as {self._port.name}")

    def _answer(self) -> None:
        """Answer what came from the wire; a change is on the disk before its answer leaves."""
        answer = self._device.receive(self._port.read(0))
        if self._keeper.due:
            self._keep_now()
        if answer:
            self._port.write(answer)
        self._talk_ends_ms = self._port.now_ms() + TALK_MS

    def _set_pace(self) -> None:
        """Slow simulated time down while somebody talks to the pump."""
        self._driver.hold(self._device.session_open or self._port.now_ms() < self._talk_ends_ms)

    def _patience_s(self) -> float | None:
        """Return how long nothing will happen by itself, in real seconds; None for ever."""
        waits = [self._driver.wait_ms(self._device.next_event_ms)]
        if self._talk_ends_ms > self._port.now_ms():
            waits.append(self._talk_ends_ms - self._port.now_ms())
        if self._descriptor < 0:
            waits.append(LOOK_MS)
        known = [wait for wait in waits if wait is not None]
        return min(known) / 1_000 if known else None

    def _keep_sometimes(self) -> None:
        if self._port.now_ms() - self._kept_at_ms >= SAVE_MS and self._keeper.due:
            self._keep_now()

    def _keep_now(self) -> None:
        self._keeper.keep()
        self._kept_at_ms = self._port.now_ms()
