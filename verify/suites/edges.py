"""Small things at the edges of link, log and pause: a number used twice, a question given up, the last number."""

from __future__ import annotations

from itertools import pairwise

from emulator.firmware.event_log import LAST_NUMBER, EventLog
from emulator.firmware.state import new_chip
from protocol.channel import SESSION_IDLE_MS
from protocol.channel_backoff import Backoff
from protocol.channel_events import Request, SessionClosed
from protocol.frame import Direction, Frame, Kind, encode_frame
from protocol.link import ProgrammerLink, PumpLink
from protocol.link_payloads import NakReason, data_payload, nak_payload, reset_payload
from protocol.units import DAY_MS, HOUR_MS
from protocol.vocabulary import LogKind
from verify.suites.desk import ASKS, DONE, Desk
from verify.suites.link_ends import frames_in
from verify.suites.link_states import Epochs
from verify.suites.suite import Effort, Property, Suite, require

EPOCH = 5


def _asked(kind: Kind, number: int, payload: bytes) -> bytes:
    return encode_frame(Frame(Direction.FROM_PROGRAMMER, kind, number, payload))


def _answered(kind: Kind, number: int, payload: bytes) -> bytes:
    return encode_frame(Frame(Direction.FROM_PUMP, kind, number, payload))


def a_number_is_one_request(effort: Effort) -> None:
    """Send another request under the number of the last one: it is neither carried out nor given that one's reply."""
    effort.tried += 1
    pump = PumpLink()
    pump.receive(_asked(Kind.RESET, 0, reset_payload(EPOCH)))
    pump.take_outgoing()
    (request,) = pump.receive(_asked(Kind.DATA, 0, data_payload(EPOCH, b"stop")))
    pump.reply(request, b"stopped")
    (reply,) = frames_in(pump.take_outgoing())
    again = pump.receive(_asked(Kind.DATA, 0, data_payload(EPOCH, b"stop")))
    require(not again and frames_in(pump.take_outgoing()) == [reply], "a repetition is not given its reply once more")
    other = pump.receive(_asked(Kind.DATA, 0, data_payload(EPOCH, b"start")))
    require(not other, f"another request under the last one's number is carried out: {other}")
    said = frames_in(pump.take_outgoing())
    require(reply not in said, "another request under the last one's number is given that one's reply")


def given_up_is_not_sent(effort: Effort) -> None:
    """Let a pump accept a reset and disown it in one read: the request is reported lost, and stays at home."""
    effort.tried += 1
    link = ProgrammerLink(Epochs())
    (reset,) = frames_in(link.request(b"stop", 0))
    epoch = int.from_bytes(reset.payload[:4], "little")
    accepted = _answered(Kind.RESET_ACK, 7, reset_payload(epoch))
    disowned = _answered(Kind.NAK, 7, nak_payload(NakReason.UNKNOWN_EPOCH, epoch))
    told = link.receive(accepted + disowned, 10)
    require(bool(told), "a request that was disowned is not reported")
    waiting = link.take_outgoing()
    require(waiting == b"", f"a request that was reported lost is sent afterwards: {waiting.hex()}")


def attacks_are_told_anew(effort: Effort) -> None:
    """Fail, succeed, and fail again: the second run of failures is reported from its first on."""
    effort.tried += 1
    backoff = Backoff()
    first = [backoff.failed(1_000 * number) for number in range(8)]
    backoff.succeeded()
    second = [backoff.failed(20_000 + 1_000 * number) for number in range(8)]
    require(
        first == second and first[0], f"after a right proof wrong ones are reported at {second}, before at {first}"
    )


def the_last_number_is_the_last(effort: Effort) -> None:
    """Fill the log up to the last number there is, and past it: it can still be read, and says no more."""
    for short_of in range(3):
        effort.tried += 1
        chip = new_chip()
        log = EventLog(chip)
        log._next = LAST_NUMBER - short_of
        for at_ms in range(5):
            log.add(at_ms, LogKind.REFILL)
            log.flush()
        page = log.page(LAST_NUMBER - short_of)
        numbers = [entry.sequence for entry in page.entries]
        require(numbers == list(range(LAST_NUMBER - short_of, LAST_NUMBER + 1)), f"near the last number: {numbers}")
        require(EventLog(chip).next == LAST_NUMBER + 1, "after the last number the log begins anew")
        page.pack()


def steady_attacks_are_told_on(effort: Effort) -> None:
    """Fail every ten seconds for a day: at least every hour, and hardly more often, it is reported."""
    effort.tried += 1
    backoff = Backoff()
    told = [at_ms for at_ms in range(0, DAY_MS, 10_000) if backoff.failed(at_ms)]
    gaps = [later - earlier for earlier, later in pairwise((*told, DAY_MS))]
    require(max(gaps) <= HOUR_MS, f"a steady attack is not told of for {max(gaps)} ms")
    require(len(told) <= 24 + 14, f"a day of a steady attack is told of {len(told)} times")


def repetitions_keep_nothing_open(effort: Effort) -> None:
    """Send a session's record again just before it has been idle for too long: it ends all the same."""
    effort.tried += 1
    desk = Desk(effort.seed)
    programmer = desk.connected()
    record = programmer.seal(ASKS)
    require(any(isinstance(event, Request) for event in desk.events(record)), "a request is not taken")
    desk.pump.seal(DONE)
    desk.now_ms += SESSION_IDLE_MS - 1
    desk.events(record)
    desk.now_ms += 1
    ended = desk.pump.expire(desk.now_ms)
    require([type(event) for event in ended] == [SessionClosed], "a record that is sent again keeps a session open")


SUITE = Suite(
    "edges",
    "link, log and pause at their edges",
    (
        Property(
            "edges.number",
            "A number stands for one request.",
            a_number_is_one_request,
            verifies=("COM-05",),
        ),
        Property(
            "edges.given up",
            "A request that is reported lost is not sent.",
            given_up_is_not_sent,
            verifies=("COM-06",),
        ),
        Property(
            "edges.attacks",
            "Each run of wrong proofs is told of.",
            attacks_are_told_anew,
            verifies=("FLT-15",),
        ),
        Property(
            "edges.last",
            "After the last number the log can still be read.",
            the_last_number_is_the_last,
            verifies=("FLT-16",),
        ),
        Property(
            "edges.steady",
            "A steady attack is told of every hour.",
            steady_attacks_are_told_on,
            verifies=("FLT-15",),
        ),
        Property(
            "edges.repeated",
            "What is sent again keeps no session open.",
            repetitions_keep_nothing_open,
            verifies=("COM-13", "SEC-01"),
        ),
    ),
)
