"""The programmer's end of the link; ``protocol.link`` tells how the two ends work together."""

from __future__ import annotations

import enum
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.frame import SEQUENCE_NUMBERS, Direction, Frame, FrameDecoder, FrameError, Kind, encode_frame
from protocol.link_payloads import (
    EPOCH_OCTETS,
    MAX_RECORD,
    NakReason,
    data_payload,
    read_data,
    read_nak,
    read_reset,
    reset_payload,
)
from protocol.link_timeout import RetransmissionTimeout

MAX_ATTEMPTS = 6
"""How often one frame is sent. With a fifth of all frames lost each way, one request in 450 still fails; a pump that
is not there is given up after 16 s (0.5 + 1 + 2 + 4 + 4 + 4), about as long as someone holding a wand will wait."""


class LinkFailure(enum.Enum):
    """Why a request got no reply."""

    NO_ANSWER = "no answer"
    """Every attempt stayed unanswered."""
    EPOCH_LOST = "epoch lost"
    """The pump was restarted, or someone else reset the link."""


class ReplyReceived(NamedTuple):
    """The reply to the request."""

    record: bytes


class LinkFailed(NamedTuple):
    """There will be no reply. The next request begins with a reset."""

    reason: LinkFailure
    sent: bool
    """Whether the request was put on the wire. If not, the pump has not seen it. If so, nobody here knows."""


ProgrammerLinkEvent = ReplyReceived | LinkFailed


class ProgrammerLink:
    """Asks one question at a time, repeats it until it is answered, and gives up in the end.

    ``entropy(n)`` returns n unpredictable bytes; epochs are drawn from it. All times are integer milliseconds on
    one monotonic clock, the caller's.
    """

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.decoder = FrameDecoder()
        """Read its counters; do not feed it."""
        self._entropy = entropy
        self._timeout = RetransmissionTimeout()
        self._epoch: int | None = None
        self._next_seq = 0
        self._record = b""
        self._in_flight: Frame | None = None
        self._attempts = 0
        self._hurried = False
        self._sent_at_ms = 0
        self._deadline_ms = 0
        self._outgoing = b""

    @property
    def busy(self) -> bool:
        """Whether a request is outstanding."""
        return self._in_flight is not None

    @property
    def deadline_ms(self) -> int | None:
        """When ``tick`` has to be called next; None when nothing is awaited."""
        return self._deadline_ms if self.busy else None

    def request(self, record: bytes, now_ms: int) -> bytes:
        """Begin to ask; return the bytes to write now (``take_outgoing`` does not return them again).

        Raises ``LocalProtocolError`` while another request is outstanding, and for a record over ``MAX_RECORD``.
        """
        if self.busy:
            raise LocalProtocolError("one request at a time: wait for the reply, or abandon the request")
        if len(record) > MAX_RECORD:
            raise LocalProtocolError(f"record of {len(record)} bytes; at most {MAX_RECORD} fit a frame")
        self._record = record
        if self._epoch is None:
            self._epoch = int.from_bytes(self._entropy(EPOCH_OCTETS), "little")
            self._ask(Kind.RESET, 0, reset_payload(self._epoch), now_ms)
        else:
            self._ask(Kind.DATA, self._next_seq, data_payload(self._epoch, record), now_ms)
        return self.take_outgoing()

    def receive(self, data: bytes, now_ms: int) -> list[ProgrammerLinkEvent]:
        """Take bytes from the wire; return what they bring. Raises nothing, whatever comes."""
        events: list[ProgrammerLinkEvent] = []
        for item in self.decoder.feed(data):
            if isinstance(item, FrameError) or item.direction is Direction.FROM_PROGRAMMER:
                continue  # damage is left to the timer, and our own echo says nothing
            with suppress(RemoteProtocolError):
                events += self._on_frame(item, now_ms)
        return events

    def tick(self, now_ms: int) -> list[ProgrammerLinkEvent]:
        """Ask again, or give up, if the deadline has come."""
        asked = self._in_flight
        if asked is None or now_ms < self._deadline_ms:
            return []
        if self._attempts == MAX_ATTEMPTS:
            return [self._fail(LinkFailure.NO_ANSWER)]
        self._attempts += 1
        self._hurried = False
        self._timeout.expired()
        self._transmit(asked, now_ms)
        return []

    def take_outgoing(self) -> bytes:
        """Return what is to be written to the wire, once."""
        outgoing, self._outgoing = self._outgoing, b""
        return outgoing

    def abandon(self) -> bool:
        """Forget the outstanding request, if any; return whether it was put on the wire.

        The next request then begins with a reset, so that a late reply to this one cannot pass for its reply.
        """
        asked = self._in_flight
        if asked is None:
            return False
        self._finish()
        self._epoch = None
        return asked.kind is Kind.DATA

    def _on_frame(self, frame: Frame, now_ms: int) -> list[ProgrammerLinkEvent]:
        asked = self._in_flight
        if asked is None:
            return []
        if frame.kind is Kind.NAK:
            return self._on_nak(asked, frame, now_ms)
        if asked.kind is Kind.RESET and frame.kind is Kind.RESET_ACK:
            self._on_reset_ack(frame, now_ms)
        elif asked.kind is Kind.DATA and frame.kind is Kind.DATA:
            return self._on_reply(asked, frame, now_ms)
        return []

    def _on_reset_ack(self, frame: Frame, now_ms: int) -> None:
        epoch = read_reset(frame.payload)
        if epoch == self._epoch:
            self._measure(now_ms)
            self._next_seq = frame.seq
            self._ask(Kind.DATA, self._next_seq, data_payload(epoch, self._record), now_ms)

    def _on_reply(self, asked: Frame, frame: Frame, now_ms: int) -> list[ProgrammerLinkEvent]:
        epoch, record = read_data(frame.payload)
        if epoch != self._epoch or frame.seq != asked.seq:
            return []
        self._measure(now_ms)
        self._next_seq = (asked.seq + 1) % SEQUENCE_NUMBERS
        self._finish()
        return [ReplyReceived(record)]

    def _on_nak(self, asked: Frame, frame: Frame, now_ms: int) -> list[ProgrammerLinkEvent]:
        reason, epoch = read_nak(frame.payload)
        if reason is NakReason.UNKNOWN_EPOCH and epoch == self._epoch and asked.kind is Kind.DATA:
            return [self._fail(LinkFailure.EPOCH_LOST)]
        if reason is NakReason.DAMAGED and not self._hurried:
            self._hurried = True  # once in each wait: a noisy line must not be filled with repetitions
            self._transmit(asked, now_ms)
        # OUT_OF_SEQUENCE is for who debugs a client: a late one looks like a current one, so the timer decides.
        return []

    def _ask(self, kind: Kind, seq: int, payload: bytes, now_ms: int) -> None:
        self._in_flight = Frame(Direction.FROM_PROGRAMMER, kind, seq, payload)
        self._attempts, self._hurried = 1, False
        self._transmit(self._in_flight, now_ms)

    def _transmit(self, frame: Frame, now_ms: int) -> None:
        self._outgoing = encode_frame(frame)
        self._sent_at_ms = now_ms
        self._deadline_ms = now_ms + self._timeout.current_ms

    def _measure(self, now_ms: int) -> None:
        if self._attempts == 1 and not self._hurried:
            self._timeout.measured(now_ms - self._sent_at_ms)

    def _finish(self) -> None:
        self._in_flight, self._record, self._outgoing = None, b"", b""

    def _fail(self, reason: LinkFailure) -> LinkFailed:
        self._timeout = RetransmissionTimeout()  # what it learned, it learned on a path that is gone
        return LinkFailed(reason, self.abandon())
