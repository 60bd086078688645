"""Transfers as the virtual host controller speaks them."""

from __future__ import annotations

import pytest

from hw.emulated.cp2102 import Cp2102
from hw.emulated.usbip import (
    ANSWER,
    BROKEN_PIPE,
    GOOD,
    HEADER,
    SETUP,
    SUBMIT,
    SUBMITTED,
    TAKEN_BACK,
    UNLINK,
    UNLINKED,
    Session,
)
from hw.emulated.wire_end import SECOND_NS

OUT, IN = 0, 1
NO_SETUP = bytes(8)


def submit(
    number: int, direction: int, endpoint: int, length: int, data: bytes = b"", setup: bytes = NO_SETUP
) -> bytes:
    """Return the command that asks for a transfer."""
    return HEADER.pack(SUBMIT, number, 1, direction, endpoint, 0, length, 0, 0, 0, setup) + data


def unlink(number: int, other: int) -> bytes:
    """Return the command that takes a transfer back."""
    return HEADER.pack(UNLINK, number, 1, 0, 0, other, 0, 0, 0, 0, NO_SETUP)


def answers(raw: bytes) -> list[tuple[int, int, int, bytes]]:
    """Return command, number, status and data of each answer. Only answers to reads carry data."""
    found = []
    while raw:
        command, number, _, _, _, status, length, *_ = ANSWER.unpack_from(raw)
        size = length if len(raw) > ANSWER.size and length <= len(raw) - ANSWER.size else 0
        found.append((command, number, status, raw[ANSWER.size : ANSWER.size + size]))
        raw = raw[ANSWER.size + size :]
    return found


@pytest.fixture
def session() -> Session:
    """Return a session with a looped-back CP2102."""
    return Session(Cp2102())


def test_a_command_may_come_in_pieces(session: Session) -> None:
    """Byte by byte or two at once, each transfer is answered once, when all of it is here."""
    setup = SETUP.pack(0x80, 0x08, 0, 0, 1)
    raw = submit(1, IN, 0, 1, setup=setup)
    said = b"".join(session.receive(raw[place : place + 1], 0) for place in range(len(raw)))
    assert answers(said) == [(SUBMITTED, 1, GOOD, b"\x01")]
    assert [number for _, number, _, _ in answers(session.receive(raw + raw, 0))] == [1, 1]


def test_a_request_that_is_not_known_is_a_broken_pipe(session: Session) -> None:
    """The chip's stall is told as the system says it."""
    setup = SETUP.pack(0x80, 0x77, 0, 0, 1)
    assert answers(session.receive(submit(1, IN, 0, 1, setup=setup), 0)) == [(SUBMITTED, 1, BROKEN_PIPE, b"")]


def test_a_read_waits_for_data(session: Session) -> None:
    """What is written comes back on the looped wire, not before its time, into the transfer that waits for it."""
    assert session.receive(submit(1, IN, 1, 64), 0) == b""
    session.receive(submit(2, OUT, 1, 3, b"abc"), 0)
    assert answers(session.answer(0)) == [(SUBMITTED, 2, GOOD, b"")]
    session.chip.end.carry(SECOND_NS)
    assert answers(session.answer(SECOND_NS)) == [(SUBMITTED, 1, GOOD, b"abc")]
    assert session.answer(2 * SECOND_NS) == b""


def test_a_write_is_done_when_it_fits_into_the_chip(session: Session) -> None:
    """A thousand octets at 9600 baud keep the host waiting until all but the buffer have been sent."""
    session.receive(submit(1, OUT, 1, 1_000, bytes(1_000)), 0)
    octet_ns = 10 * SECOND_NS // 9_600
    ready_ns = (1_000 - Cp2102.SEND_BUFFER_OCTETS) * octet_ns
    assert session.answer(ready_ns - 1) == b""
    assert session.due_ns(0) is not None
    assert answers(session.answer(ready_ns)) == [(SUBMITTED, 1, GOOD, b"")]


def test_a_transfer_taken_back_is_not_answered(session: Session) -> None:
    """Unlinking says so; what arrives later goes to the next transfer. One that was answered cannot be taken back."""
    session.receive(submit(1, IN, 1, 64), 0)
    assert answers(session.receive(unlink(2, 1), 0)) == [(UNLINKED, 2, TAKEN_BACK, b"")]
    session.receive(submit(3, OUT, 1, 1, b"x"), 0)
    session.answer(0)
    session.chip.end.carry(SECOND_NS)
    assert session.answer(SECOND_NS) == b""
    session.receive(submit(4, IN, 1, 64), SECOND_NS)
    assert answers(session.answer(SECOND_NS)) == [(SUBMITTED, 4, GOOD, b"x")]
    assert answers(session.receive(unlink(5, 4), SECOND_NS)) == [(UNLINKED, 5, GOOD, b"")]


def test_an_endpoint_that_is_not_there_is_a_broken_pipe(session: Session) -> None:
    """A read from it is answered at once."""
    session.receive(submit(1, IN, 7, 64), 0)
    assert answers(session.answer(0)) == [(SUBMITTED, 1, BROKEN_PIPE, b"")]
