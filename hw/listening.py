"""From captured bytes to what was said: frames, records and messages, each with its time.

Every direction is a stream of its own, cut into packets anywhere. Who sent a frame is told by the frame, not by the
direction in the capture: a wire that echoes carries both in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hw.capture import Flow, Packet
from hw.keylog import KeyRing
from protocol.channel_seal import Way
from protocol.errors import RemoteProtocolError
from protocol.frame import Direction, Frame, FrameDecoder, FrameError, FrameFault, Kind
from protocol.link_payloads import NakReason, read_data, read_nak, read_reset
from protocol.messages import Message, Sealed, decode


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
    if isinstance(frame, FrameError):
        return Heard(at_us, flow, frame)
    try:
        if frame.kind is Kind.NAK:
            nak, epoch = read_nak(frame.payload)
            return Heard(at_us, flow, frame, epoch, nak)
        if frame.kind is not Kind.DATA:
            return Heard(at_us, flow, frame, read_reset(frame.payload))
        epoch, record = read_data(frame.payload)
    except RemoteProtocolError as error:
        return Heard(at_us, flow, frame, problem=str(error))
    return _hear_record(Heard(at_us, flow, frame, epoch), frame.direction, record, ring)


def _hear_record(heard: Heard, sender: Direction, data: bytes, ring: KeyRing) -> Heard:
    at_us, flow, frame, epoch = heard.at_us, heard.flow, heard.frame, heard.epoch
    try:
        record = decode(data)
    except RemoteProtocolError as error:
        return Heard(at_us, flow, frame, epoch, problem=str(error))
    if not isinstance(record, Sealed):
        return Heard(at_us, flow, frame, epoch, record=record)
    way = Way.TO_PUMP if sender is Direction.FROM_PROGRAMMER else Way.TO_PROGRAMMER
    opened = ring.open(data, way)
    if opened is None:
        return Heard(at_us, flow, frame, epoch, record=record)
    session = opened.secret.keys.session
    try:
        inner = decode(opened.message)
    except RemoteProtocolError as error:
        return Heard(at_us, flow, frame, epoch, record=record, session=session, problem=str(error))
    return Heard(at_us, flow, frame, epoch, record=record, inner=inner, session=session)
