"""Captures: what goes over a wire, byte for byte, in a file that Wireshark opens.

The format is pcapng. A packet is a piece of the stream as the port took or gave it, which is not a frame: one packet
may hold half a frame or three. Its time is the computer's wall clock, its direction stands in the packet's flags,
and its link type is the first of those that are free for private use. Each packet goes to the disk whole and at
once, so that what was captured before a crash can be read.
"""

from __future__ import annotations

import enum
import io
import struct
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pcapng import FileScanner, FileWriter
from pcapng.blocks import EnhancedPacket, InterfaceDescription, SectionHeader
from pcapng.exceptions import PcapngException, TruncatedFile

LINKTYPE_USER0 = 147
"""The first link type for private use, "DLT_USER0" in Wireshark's list."""

MICROSECONDS = 1_000_000
"""In a second; what pcapng counts in unless an interface says otherwise, and ours does not."""


class Flow(enum.IntEnum):
    """Which way bytes went, seen from the program that captured; the direction bits of ``epb_flags``."""

    INBOUND = 1
    OUTBOUND = 2


class Packet(NamedTuple):
    """A piece of the stream."""

    at_us: int
    """Wall clock, microseconds since 1970 in UTC."""
    flow: Flow | None
    """None if the file does not say."""
    data: bytes


class CaptureError(Exception):
    """A capture cannot be read or written. The message says which, where and why."""


class CaptureExistsError(CaptureError):
    """There is a file already, and a capture is never overwritten."""


class Capture:
    """Writes a capture. Opened by path, it makes a new file, or feeds a named pipe that Wireshark reads live.

    A capture must not stop what it watches: when the disk is full or the pipe's reader has gone, it ends with one
    word to ``complain``. Raises ``CaptureError`` if the file exists or cannot be made.
    """

    def __init__(
        self,
        path: Path,
        port_name: str,
        *,
        complain: Callable[[str], object],
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path = path
        self._complain = complain
        self._clock_ns = clock_ns
        try:
            self._stream: BinaryIO | None = path.open("wb" if path.is_fifo() else "xb", buffering=0)
        except FileExistsError:
            raise CaptureExistsError(f"{path} exists; a capture is never overwritten") from None
        except OSError as error:
            raise CaptureError(f"cannot write the capture {path}: {error.strerror}") from error
        self._section = SectionHeader(options={"shb_userappl": "thecal, an emulator; not for clinical use"})
        self._interface = self._section.new_member(
            InterfaceDescription,
            link_type=LINKTYPE_USER0,
            options={"if_name": port_name},
        )
        self._block = io.BytesIO()
        self._writer = FileWriter(self._block, self._section)
        self._flush()

    def hear(self, flow: Flow, data: bytes) -> None:
        """Write one packet, with the time of now."""
        if self._stream is None or not data:
            return
        at_us = self._clock_ns() // 1_000
        packet = self._section.new_member(
            EnhancedPacket,
            interface_id=self._interface.interface_id,
            timestamp_high=at_us >> 32,
            timestamp_low=at_us & 0xFFFF_FFFF,
            packet_len=len(data),
            packet_data=data,
            options={"epb_flags": int(flow)},
        )
        self._writer.write_block(packet)
        self._flush()

    def _flush(self) -> None:
        """Give the file what was written since the last time, in one piece: a crash leaves no half of a block."""
        block = self._block.getvalue()
        self._block.seek(0)
        self._block.truncate()
        try:
            if self._stream is not None:
                self._stream.write(block)
        except OSError as error:
            self._complain(f"the capture {self._path} ends here: {error.strerror}")
            self.close()

    def close(self) -> None:
        """End the capture; a second time does nothing."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.close()


def read_capture(path: Path) -> Iterator[Packet]:
    """Yield the packets of a capture in their order.

    Raises ``CaptureError`` for a file that is no pcapng, and at the end of one that ends inside a block: what comes
    before that is good.
    """
    try:
        with path.open("rb") as stream:
            for block in FileScanner(stream):
                if isinstance(block, EnhancedPacket):
                    yield _packet(block)
    except OSError as error:
        raise CaptureError(f"cannot read {path}: {error.strerror}") from error
    except TruncatedFile:
        raise CaptureError(f"{path} ends inside a block: it was cut off, and what follows is lost") from None
    except (PcapngException, ValueError, KeyError, TypeError, struct.error) as error:
        raise CaptureError(f"{path} is no pcapng capture, or is damaged: {error}") from error


def _packet(block: Any) -> Packet:
    if block.interface.link_type != LINKTYPE_USER0:
        raise CaptureError(f"a packet of link type {block.interface.link_type}; ours have {LINKTYPE_USER0}")
    ticks = (block.timestamp_high << 32) + block.timestamp_low
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # python-pcapng's own, for a resolution it reads well
        ticks_per_second = round(1 / block.timestamp_resolution)
    direction = block.options["epb_flags"].inout if "epb_flags" in block.options else ""
    flow = {"inbound": Flow.INBOUND, "outbound": Flow.OUTBOUND}.get(direction)
    return Packet(ticks * MICROSECONDS // ticks_per_second, flow, block.packet_data)
