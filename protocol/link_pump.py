"""The pump's end of the link; ``protocol.link`` tells how the two ends work together."""

from __future__ import annotations

from typing import NamedTuple

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.frame import SEQUENCE_NUMBERS, Direction, Frame, FrameDecoder, FrameError, Kind, encode_frame
from protocol.link_payloads import (
    NO_EPOCH,
    NakReason,
    data_payload,
    nak_payload,
    read_data,
    read_reset,
    reset_payload,
)


class RequestReceived(NamedTuple):
    """A new request. Hand it back with its reply."""

    record: bytes
    epoch: int
    seq: int


class PumpLink:
    """Answers every request once, and the same way as often as it is repeated. Needs no clock.

    ``first_sequence`` is where this power-up's requests are counted from. A pump should draw it anew at each
    power-up, so that frames which outlived a power cut on the wire fit nothing.
    """

    def __init__(self, first_sequence: int = 0) -> None:
        self.decoder = FrameDecoder()
        """Read its counters; do not feed it."""
        self._epoch: int | None = None
        self._expected = first_sequence % SEQUENCE_NUMBERS
        self._last: RequestReceived | None = None
        self._reply = b""
        self._complaints: set[NakReason] = set()
        self._outgoing: dict[Kind, bytes] = {}

    def receive(self, data: bytes) -> list[RequestReceived]:
        """Take bytes from the wire; return the new requests in them. Raises nothing, whatever comes."""
        events: list[RequestReceived] = []
        for item in self.decoder.feed(data):
            if isinstance(item, FrameError):
                self._complain(NakReason.DAMAGED, self._epoch or NO_EPOCH)
            elif item.direction is Direction.FROM_PROGRAMMER:
                events += self._on_frame(item)
        return events

    def reply(self, request: RequestReceived, record: bytes) -> bool:
        """Answer ``request``; return False, and send nothing, if the programmer has meanwhile gone on without it.

        Raises ``LocalProtocolError`` for a second reply to the same request, or a record that is too long.
        """
        if request != self._last:
            return False
        if self._reply:
            raise LocalProtocolError(f"request {request.seq} is already answered")
        payload = data_payload(request.epoch, record)
        self._reply = encode_frame(Frame(Direction.FROM_PUMP, Kind.DATA, request.seq, payload))
        self._post(Kind.DATA, self._reply)
        return True

    def take_outgoing(self) -> bytes:
        """Return what is to be written to the wire, once."""
        frames, self._outgoing = self._outgoing, {}
        return b"".join(frames.values())

    def _on_frame(self, frame: Frame) -> list[RequestReceived]:
        try:
            if frame.kind is Kind.RESET:
                self._on_reset(read_reset(frame.payload))
                return []
            epoch, record = read_data(frame.payload)
            return self._on_data(RequestReceived(record, epoch, frame.seq))
        except RemoteProtocolError:
            self._complain(NakReason.DAMAGED, self._epoch or NO_EPOCH)
            return []

    def _on_reset(self, epoch: int) -> None:
        self._complaints.clear()
        if epoch != self._epoch:  # a repeated RESET must not make the pump forget what it has executed
            self._epoch, self._last, self._reply = epoch, None, b""
        self._say(Kind.RESET_ACK, reset_payload(epoch))

    def _on_data(self, request: RequestReceived) -> list[RequestReceived]:
        if request.epoch != self._epoch:
            self._complain(NakReason.UNKNOWN_EPOCH, request.epoch)
        elif request == self._last:
            self._complaints.clear()
            self._post(Kind.DATA, self._reply)  # empty, and so silent, while the request is still being worked on
        elif request.seq != self._expected:
            self._complain(NakReason.OUT_OF_SEQUENCE, request.epoch)
        else:
            self._complaints.clear()
            self._expected = (request.seq + 1) % SEQUENCE_NUMBERS
            self._last, self._reply = request, b""
            return [request]
        return []

    def _complain(self, reason: NakReason, epoch: int) -> None:
        """Send one NAK for each reason until something acceptable comes: noise must not be answered with noise."""
        if reason not in self._complaints:
            self._complaints.add(reason)
            self._say(Kind.NAK, nak_payload(reason, epoch))

    def _say(self, kind: Kind, payload: bytes) -> None:
        self._post(kind, encode_frame(Frame(Direction.FROM_PUMP, kind, self._expected, payload)))

    def _post(self, kind: Kind, encoded: bytes) -> None:
        # One waiting frame of each kind, the newest: however much is asked at once, what waits is bounded.
        self._outgoing.pop(kind, None)
        self._outgoing[kind] = encoded
