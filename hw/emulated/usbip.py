"""Transfers as Linux's virtual host controller speaks them: the protocol of USB over IP, after its handshake.

A header of 48 octets, big-endian, goes each way for each transfer. The session answers at once what the chip knows
at once; the others wait here until the chip has something to say, or until the driver takes them back.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import NamedTuple

from hw.emulated.chip import Chip, Setup, Stall, Transfer

HEADER = struct.Struct(">IIIII IiiiI8s")
"""Command, number, device, direction, endpoint; flags, length, first frame, packets, interval, setup."""

ANSWER = struct.Struct(">IIIII iiiii8x")
"""Command, number, device, direction, endpoint; status, length, first frame, packets, errors."""

SETUP = struct.Struct("<BBHHH")

SUBMIT, UNLINK, SUBMITTED, UNLINKED = 1, 2, 3, 4
TO_HOST = 1
GOOD, BROKEN_PIPE, TAKEN_BACK = 0, -32, -104


class Command(NamedTuple):
    """What the host asks. For ``UNLINK`` the number of the other transfer stands in ``flags``."""

    command: int
    number: int
    device: int
    direction: int
    endpoint: int
    flags: int
    length: int
    first_frame: int
    packets: int
    interval: int
    setup: bytes


class _Waiting(NamedTuple):
    """A transfer that waits: for data (``due_ns`` 0), or for room in the chip's buffer."""

    number: int
    address: int
    length: int
    due_ns: int


class Session:
    """One chip's conversation with the host. Bytes in, bytes out; the caller knows the time."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self._heard = bytearray()
        self._waiting: deque[_Waiting] = deque()

    def receive(self, data: bytes, now_ns: int) -> bytes:
        """Take bytes from the host and return the answers to what is complete."""
        self._heard += data
        answers = b""
        while (size := self._complete()) is not None:
            command = Command._make(HEADER.unpack_from(self._heard))
            payload = bytes(self._heard[HEADER.size : size])
            del self._heard[:size]
            answers += self._unlink(command) if command.command == UNLINK else self._submit(command, payload, now_ns)
        return answers

    def _complete(self) -> int | None:
        """Return the size of the first command with its data, once all of it is here."""
        if len(self._heard) < HEADER.size:
            return None
        command = Command._make(HEADER.unpack_from(self._heard))
        carries = command.command == SUBMIT and command.direction != TO_HOST
        size = HEADER.size + (command.length if carries else 0)
        return size if len(self._heard) >= size else None

    def _submit(self, command: Command, payload: bytes, now_ns: int) -> bytes:
        if command.endpoint == 0:
            return self._control(command, payload, now_ns)
        if command.direction == TO_HOST:
            self._waiting.append(_Waiting(command.number, 0x80 | command.endpoint, command.length, 0))
            return b""
        end = self.chip.end
        end.send(payload, now_ns)
        due_ns = end.room_at_ns(self.chip.SEND_BUFFER_OCTETS)
        self._waiting.append(_Waiting(command.number, command.endpoint, len(payload), due_ns))
        return b""

    def _control(self, command: Command, payload: bytes, now_ns: int) -> bytes:
        setup = Setup(*SETUP.unpack(command.setup))
        try:
            reply = self.chip.control(setup, payload, now_ns)
        except Stall:
            return _answer(command.number, BROKEN_PIPE)
        if command.direction == TO_HOST:
            return _answer(command.number, GOOD, reply[: command.length])
        return _answer(command.number, GOOD, length=len(payload))

    def _unlink(self, command: Command) -> bytes:
        """Take a waiting transfer back; one that was answered already cannot be."""
        status = GOOD
        for waiting in list(self._waiting):
            if waiting.number == command.flags:
                self._waiting.remove(waiting)
                status = TAKEN_BACK
        return ANSWER.pack(UNLINKED, command.number, 0, 0, 0, status, 0, 0, 0, 0)

    def answer(self, now_ns: int) -> bytes:
        """Return the answers to waiting transfers that can be given now."""
        answers = b""
        for waiting in tuple(self._waiting):
            answer = self._ready(waiting, now_ns)
            if answer is not None:
                self._waiting.remove(waiting)
                answers += answer
        return answers

    def _ready(self, waiting: _Waiting, now_ns: int) -> bytes | None:
        if not waiting.address & 0x80:
            return _answer(waiting.number, GOOD, length=waiting.length) if now_ns >= waiting.due_ns else None
        try:
            endpoint = self.chip.endpoint(waiting.address)
        except Stall:
            return _answer(waiting.number, BROKEN_PIPE)
        if endpoint.transfer is Transfer.INTERRUPT:
            data = self.chip.news(now_ns)
        else:
            data = self.chip.packets(waiting.length, now_ns)
        return None if data is None else _answer(waiting.number, GOOD, data)

    def due_ns(self, now_ns: int) -> int | None:
        """Return when to ask for answers again; None if only the host or the other chip can change anything."""
        times = [waiting.due_ns for waiting in self._waiting if waiting.due_ns]
        chip_due = self.chip.due_ns(now_ns)
        if chip_due is not None:
            times.append(chip_due)
        return min(times, default=None)


def _answer(number: int, status: int, data: bytes = b"", length: int | None = None) -> bytes:
    return ANSWER.pack(SUBMITTED, number, 0, 0, 0, status, len(data) if length is None else length, 0, 0, 0) + data
