"""What the frames of the link carry.

::

    RESET, RESET_ACK   epoch:4
    DATA               epoch:4  record:0..252
    NAK                reason:1  epoch:4
"""

from __future__ import annotations

import enum
import struct

from protocol.errors import RemoteProtocolError
from protocol.frame import MAX_PAYLOAD

EPOCH_OCTETS = 4
MAX_RECORD = MAX_PAYLOAD - EPOCH_OCTETS
NO_EPOCH = 0
"""What a NAK names when the pump has no epoch. As a nonce it is as good as any other: nothing hangs on it."""

_NAK = struct.Struct("<BI")


class NakReason(enum.IntEnum):
    """Why the pump does not answer."""

    DAMAGED = 1
    """Bytes came that are no frame, or a frame whose payload does not fit its kind. Names the pump's epoch."""
    UNKNOWN_EPOCH = 2
    """DATA of an epoch that the pump is not in. Names that epoch, so that an old NAK means nothing in a new one."""
    OUT_OF_SEQUENCE = 3
    """DATA of the right epoch that is neither the next request nor the last one again."""


def reset_payload(epoch: int) -> bytes:
    """Return the payload of a RESET or RESET_ACK."""
    return epoch.to_bytes(EPOCH_OCTETS, "little")


def data_payload(epoch: int, record: bytes) -> bytes:
    """Return the payload of DATA."""
    return reset_payload(epoch) + record


def read_data(payload: bytes) -> tuple[int, bytes]:
    """Return epoch and record of DATA; ``RemoteProtocolError`` if there is no whole epoch."""
    if len(payload) < EPOCH_OCTETS:
        raise RemoteProtocolError(f"payload of {len(payload)} bytes has no epoch")
    return int.from_bytes(payload[:EPOCH_OCTETS], "little"), payload[EPOCH_OCTETS:]


def read_reset(payload: bytes) -> int:
    """Return the epoch of RESET or RESET_ACK; ``RemoteProtocolError`` if the payload is anything else."""
    epoch, rest = read_data(payload)
    if rest:
        raise RemoteProtocolError(f"{len(rest)} bytes too many for a reset")
    return epoch


def nak_payload(reason: NakReason, epoch: int) -> bytes:
    """Return the payload of a NAK."""
    return _NAK.pack(reason, epoch)


def read_nak(payload: bytes) -> tuple[NakReason, int]:
    """Return reason and epoch; ``RemoteProtocolError`` if the payload is no NAK's."""
    try:
        reason, epoch = _NAK.unpack(payload)
        return NakReason(reason), epoch
    except (struct.error, ValueError) as problem:
        raise RemoteProtocolError(f"no NAK: {problem}") from None
