"""From captured bytes to what was said: frames, records and messages, each with its time.

Every direction is a stream of its own, cut into packets anywhere. Who sent a frame is told by the frame, not by the
direction in the capture: a wire that echoes carries both in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hw.capture import Flow, Packet
from hw.keylog import KeyRing
from protocol.channel_seal import Way
from protocol.errors import RemoteProtocolError
from protocol.frame import Direction, Frame, FrameDecoder, FrameError, FrameFault, Kind
from protocol.link_payloads import NakReason, read_data, read_nak, read_reset
from protocol.messages import Message, Sealed, decode

WAYS = {Direction.FROM_PROGRAMMER: Way.TO_PUMP, Direction.FROM_PUMP: Way.TO_PROGRAMMER}


@dataclass(frozen=True, slots=True)
class Heard:
    """One frame, or the bytes between two delimiters that are none."""

    at_us: int
    """When its last byte was captured; wall clock, microseconds since 1970."""
    flow: Flow | None
    frame: Frame | FrameError
    epoch: int | None = None
    nak: NakReason | None = None
    record: Message | None = None
    """The record of DATA: a message of the handshake, or the seal."""
    inner: Message | None = None
    """The message under the seal, if a key opened it."""
    session: bytes | None = None
    """Name of the session whose key did."""
    problem: str = ""
    """What of an intact frame cannot be read, and why."""

    @property
    def fault(self) -> FrameFault | None:
        """Return why these bytes are no frame; None for a frame."""
        return self.frame.reason if isinstance(self.frame, FrameError) else None


def listen(packets: Iterable[Packet], ring: KeyRing) -> Iterator[Heard]:
    """Yield what the packets carry, in the order in which it was complete."""
    decoders: dict[Flow | None, FrameDecoder] = {}
    for packet in packets:
        decoder = decoders.setdefault(packet.flow, FrameDecoder())
        for frame in decoder.feed(packet.data):
            yield hear(packet.at_us, packet.flow, frame, ring)


def hear(at_us: int, flow: Flow | None, frame: Frame | FrameError, ring: KeyRing) -> Heard:
    """Return everything that can be said of one frame."""
    heard = Heard(at_us, flow, frame)
    if isinstance(frame, FrameError):
        return heard
    try:
        if frame.kind is Kind.NAK:
            nak, epoch = read_nak(frame.payload)
            return replace(heard, epoch=epoch, nak=nak)
        if frame.kind is not Kind.DATA:
            return replace(heard, epoch=read_reset(frame.payload))
        epoch, record = read_data(frame.payload)
    except RemoteProtocolError as error:
        return replace(heard, problem=str(error))
    return _hear_record(replace(heard, epoch=epoch), WAYS[frame.direction], record, ring)


def _hear_record(heard: Heard, way: Way, data: bytes, ring: KeyRing) -> Heard:
    try:
        record = decode(data)
        heard = replace(heard, record=record)
        opened = ring.open(data, way) if isinstance(record, Sealed) else None
        if opened is not None:
            heard = replace(heard, session=opened.secret.keys.session)
            heard = replace(heard, inner=decode(opened.message))
    except RemoteProtocolError as error:
        return replace(heard, problem=str(error))
    return heard
