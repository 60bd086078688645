"""The two ends of the link, frame by frame: several frames in one read, several waiting to be sent, and the edges.

A read of a serial port returns what has come, not one frame: on a shared wire the own echo comes first, and after a
pause a request comes together with its repetitions.
"""

from __future__ import annotations

from protocol.frame import Direction, Frame, FrameDecoder, FrameError, Kind, encode_frame
from protocol.link import ProgrammerLink, PumpLink, ReplyReceived, RequestReceived
from protocol.link_payloads import MAX_RECORD, data_payload, reset_payload
from protocol.link_timeout import RetransmissionTimeout
from verify.suites.link_states import Epochs
from verify.suites.suite import Effort, Property, Suite, require

DAMAGED = b"\x00\x55\x55\x00"
"""Bytes that are no frame."""


def frames_in(data: bytes) -> list[Frame]:
    """Return the frames in what was sent; an end sends nothing else."""
    items = FrameDecoder().feed(data)
    broken = [item for item in items if isinstance(item, FrameError)]
    require(not broken, f"between its frames an end sends what is none: {broken}")
    return [item for item in items if isinstance(item, Frame)]


def joined() -> tuple[ProgrammerLink, PumpLink, RequestReceived]:
    """Return two ends of which the programmer's has just asked, and the pump's has the request."""
    programmer, pump = ProgrammerLink(Epochs()), PumpLink(7)
    require(programmer.take_outgoing() == b"", "an end that was asked nothing sends something")
    pump.receive(programmer.request(b"ask", 0))
    require(not programmer.receive(pump.take_outgoing(), 0), "a reset brings a reply")
    (request,) = pump.receive(programmer.take_outgoing())
    return programmer, pump, request


def reads_hold_several_frames(effort: Effort) -> None:
    """Give each end all that it is sent at once, with repetitions, damage and echoes before and after."""
    for before in range(3):
        for after in range(3):
            effort.tried += 1
            programmer, pump = ProgrammerLink(Epochs()), PumpLink(7)
            reset = programmer.request(b"ask", 0)
            pump.receive(reset)
            programmer.receive(pump.take_outgoing(), 0)
            asked = programmer.take_outgoing()
            requests = pump.receive((reset + DAMAGED) * before + asked + asked * after)
            require(len(requests) == 1, f"a request with {before + after} copies arrives {len(requests)} times")
            pump.reply(requests[0], b"answer")
            told = pump.take_outgoing()
            frames_in(told)
            events = programmer.receive((asked + DAMAGED) * before + told + (told + asked) * after, 1)
            require(events == [ReplyReceived(b"answer")], f"a reply between echoes brings {events}")


def all_that_waits_is_sent(effort: Effort) -> None:
    """Let a reply, a complaint and the answer to a reset wait at once; none takes another's place."""
    programmer, pump, request = joined()
    effort.tried += 1
    pump.reply(request, b"answer")
    pump.receive(DAMAGED)
    waiting = {frame.kind for frame in frames_in(pump.take_outgoing())}
    require(waiting == {Kind.DATA, Kind.NAK}, f"of a reply and a complaint these are sent: {waiting}")
    again = encode_frame(
        Frame(Direction.FROM_PROGRAMMER, Kind.DATA, request.seq, data_payload(request.epoch, request.record))
    )
    reset = encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, reset_payload(request.epoch)))
    pump.receive(reset + again + DAMAGED)
    frames = frames_in(pump.take_outgoing())
    require(
        sorted(frame.kind for frame in frames) == sorted((Kind.RESET_ACK, Kind.DATA, Kind.NAK)),
        f"of three frames that wait these are sent: {[frame.kind for frame in frames]}",
    )
    require(pump.take_outgoing() == b"", "what was sent is sent again")
    require(programmer.busy, "a request without its reply is over")


def edges_of_records(effort: Effort) -> None:
    """Ask and answer with the shortest and the longest record that a frame holds."""
    for size in (0, 1, MAX_RECORD - 1, MAX_RECORD):
        effort.tried += 1
        record = bytes(size)
        programmer, pump = ProgrammerLink(Epochs()), PumpLink(0xFFFF)
        pump.receive(programmer.request(record, 0))
        programmer.receive(pump.take_outgoing(), 0)
        (request,) = pump.receive(programmer.take_outgoing())
        require(request.record == record, f"a record of {size} bytes arrives as another")
        require(pump.reply(request, record), f"a reply of {size} bytes is not sent")
        events = programmer.receive(pump.take_outgoing(), 0)
        require(events == [ReplyReceived(record)], f"a reply of {size} bytes brings {events}")


def abandoned_truly(effort: Effort) -> None:
    """Abandon before, during and after a request; what is said of it is whether it was put on the wire."""
    effort.tried += 1
    programmer = ProgrammerLink(Epochs())
    require(programmer.abandon() is False, "of a request that never was it is said that it was sent")
    programmer.request(b"ask", 0)
    require(programmer.abandon() is False, "of a request that waited for a reset it is said that it was sent")
    programmer, pump, request = joined()
    require(programmer.abandon() is True, "of a request that was sent it is said that it was not")
    require(programmer.abandon() is False, "a request is abandoned twice")
    pump.reply(request, b"late")
    require(programmer.receive(pump.take_outgoing(), 1) == [], "a reply to an abandoned request is taken")


def whole_milliseconds(effort: Effort) -> None:
    """Measure round trips late in the life of a link, and look at the times that the ends deal in."""
    for now_ms in (0, 10_000_000):
        for trip_ms in (1, 30, 333):
            effort.tried += 1
            programmer, pump = ProgrammerLink(Epochs()), PumpLink()
            pump.receive(programmer.request(b"ask", now_ms))
            programmer.receive(pump.take_outgoing(), now_ms + trip_ms)
            wait_ms = (programmer.deadline_ms or 0) - now_ms - trip_ms
            expected = max(200, 3 * trip_ms)
            require(abs(wait_ms - expected) <= 1, f"after a first round trip of {trip_ms} ms it waits {wait_ms} ms")
    timeout = RetransmissionTimeout()
    for trip_ms in (101, 333, 250, 777, 90):
        timeout.measured(trip_ms)
        require(isinstance(timeout.current_ms, int), f"a wait of {timeout.current_ms} ms is no whole number")


SUITE = Suite(
    "link_ends",
    "the two ends of the link",
    (
        Property(
            "link_ends.reads",
            "Each frame of one read counts, whatever came before it.",
            reads_hold_several_frames,
            verifies=("COM-05", "PRG-03"),
        ),
        Property("link_ends.waiting", "What waits to be sent is sent, each once.", all_that_waits_is_sent),
        Property("link_ends.records", "Every record that fits a frame arrives.", edges_of_records),
        Property(
            "link_ends.abandoned",
            "What is said of an abandoned request is true.",
            abandoned_truly,
            verifies=("COM-06",),
        ),
        Property("link_ends.times", "Round trips are measured alike at any time of day.", whole_milliseconds),
    ),
)
