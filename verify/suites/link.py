"""The link: nothing happens twice, the truth about each request is told, and most of them succeed.

``link_states`` visits every state that any order of delivery leads to. Wires that misbehave in time, as real ones do,
show what that cannot: that requests succeed, how soon, and what is said of those that do not.
"""

from __future__ import annotations

import itertools
import pickle
from collections import Counter
from fractions import Fraction
from random import Random

from hypothesis import strategies as st

from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame
from protocol.link import LinkFailed, LinkFailure, ProgrammerLink, PumpLink, ReplyReceived
from protocol.link_payloads import MAX_RECORD, NakReason, data_payload, nak_payload, reset_payload
from protocol.link_timeout import RetransmissionTimeout
from verify.suites.desk import refused
from verify.suites.link_states import INTRUDERS, Epochs, Exploration, walk
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.wires import (
    LATENCY_MS,
    LinkPair,
    Trick,
    answer_to,
    chatter,
    corrupt,
    cut,
    delay,
    duplicate,
    lose,
    trickle,
)


def _from_programmer(kind: Kind, seq: int, payload: bytes) -> bytes:
    return encode_frame(Frame(Direction.FROM_PROGRAMMER, kind, seq, payload))


def _from_pump(kind: Kind, seq: int, payload: bytes) -> bytes:
    return encode_frame(Frame(Direction.FROM_PUMP, kind, seq, payload))


# --- properties -----------------------------------------------------------------------------------------------

BOUNDS = ((1, 0, 10), (1, 2, 200), (2, 0, 500))
"""Requests, intruders, and the least number of states that there are to visit."""


def every_interleaving(effort: Effort) -> None:
    """With few requests, visit every state that any order of delivery leads to."""
    for requests, intruders, least_states in BOUNDS:
        exploration = Exploration(requests, *INTRUDERS[:intruders])
        exploration.run()
        effort.tried += exploration.states
        effort.reached += exploration.seen
        require(exploration.states >= least_states, f"only {exploration.states} states with {requests} requests")


def long_walks(effort: Effort) -> None:
    """Walk far, mostly repeating old frames, with intruders and power cuts."""
    for number in range(effort.examples):
        effort.tried += 1
        walk(Random(effort.seed + number), effort.reached, restarts=number % 2 == 1)  # noqa: S311


WIRES: dict[str, tuple[Trick, ...]] = {
    "perfect": (),
    "one byte at a time": (trickle,),
    "lossy": (lose(0.2),),
    "very lossy": (lose(0.6),),
    "duplicating": (duplicate(0.5),),
    "corrupting": (corrupt(0.3),),
    "corrupting bytewise": (trickle, corrupt(0.01)),
    "reordering": (delay(0.3),),
    "reordering and duplicating": (duplicate(0.5, 8_000), delay(0.3)),
    "cutting": (cut(0.3),),
    "noisy": (chatter(0.5),),
    "everything": (duplicate(0.3, 8_000), delay(0.2), lose(0.1), corrupt(0.1), cut(0.1), chatter(0.1)),
}
HARMLESS = {"perfect", "one byte at a time", "duplicating"}
"""Wires over which every request succeeds at once."""
LONGEST_MS = 60_000
"""A request takes no longer, whatever the wire does: two frames, six attempts each, four seconds at most between."""


def converse(pair: LinkPair, requests: int) -> Counter[str]:
    """Ask so many different things and check every promise of the link; return how often each result came."""
    results: Counter[str] = Counter()
    answered, unsent = [], []
    for count in range(requests):
        record, began_ms = b"request %05d" % count, pair.now_ms
        result = pair.ask(record)
        require(pair.now_ms - began_ms <= LONGEST_MS, f"a request took {pair.now_ms - began_ms} ms")
        if isinstance(result, ReplyReceived):
            require(result.record == answer_to(record), f"{record!r} got the reply {result.record!r}")
            answered.append(record)
            results["answered"] += 1
        else:
            results["sent, unknown" if result.sent else "not sent"] += 1
            if not result.sent:
                unsent.append(record)
    pair.drain()
    require(pair.executed == sorted(set(pair.executed)), "a request was executed twice, or after a later one")
    require(set(answered) <= set(pair.executed), "a request was answered and not executed")
    require(not set(unsent) & set(pair.executed), "a request was executed that is said to be unsent")
    return results


def wires(effort: Effort) -> None:
    """Talk over every kind of wire, with and without echo, and beginning anywhere in the sequence numbers."""
    for name, tricks in WIRES.items():
        results: Counter[str] = Counter()
        for number in range(effort.examples):
            for echo, first in ((False, 0), (True, 65_526)):
                effort.tried += 1
                pair = LinkPair(1_000 * effort.seed + number, *tricks, echo=echo, first_sequence=first)
                results += converse(pair, 40)
        least = 0.1 if name == "very lossy" else 0.85
        require(results["answered"] >= least * results.total(), f"over a {name} wire: {dict(results)}")
        require(name not in HARMLESS or results.keys() == {"answered"}, f"over a {name} wire: {dict(results)}")
        effort.reached += results


def dead_wires(effort: Effort) -> None:
    """Ask over wires of which one way or both bring nothing, from the first request on or from a later one."""
    for up, down, later in itertools.product((0.0, 1.0), (0.0, 1.0), (False, True)):
        if not up and not down:
            continue
        effort.tried += 1
        pair = LinkPair(effort.seed)
        require(not later or isinstance(pair.ask(b"first"), ReplyReceived), "a good wire fails")
        pair.up, pair.down = LinkPair(1, lose(up)).up, LinkPair(1, lose(down)).down
        began_ms = pair.now_ms
        result = pair.ask(b"last")
        require(result == LinkFailed(LinkFailure.NO_ANSWER, sent=later), f"after a later start {later}: {result}")
        require(pair.executed.count(b"last") == (later and not up), f"executed: {pair.executed}")
        require(8_000 <= pair.now_ms - began_ms <= 40_000, f"given up after {pair.now_ms - began_ms} ms")
        pair.up, pair.down = LinkPair(1).up, LinkPair(1).down
        require(isinstance(pair.ask(b"again"), ReplyReceived), "the link does not recover")
        require(pair.executed.count(b"last") == (later and not up), f"executed late: {pair.executed}")


def good_wires_are_quick(effort: Effort) -> None:
    """Count frames and time over a good wire, and over one that damages a frame now and then."""
    pair = LinkPair(effort.seed)
    for count in range(10):
        effort.tried += 1
        require(isinstance(pair.ask(b"%d" % count), ReplyReceived), "a good wire fails")
    require(
        (pair.up.sent, pair.down.sent) == (11, 11), f"{pair.up.sent} frames up and {pair.down.sent} down, for ten"
    )
    require(pair.now_ms == 11 * 2 * LATENCY_MS, f"ten requests took {pair.now_ms} ms")
    pair.up = LinkPair(effort.seed + 4, corrupt(0.4)).up
    repaired = []
    for _ in range(30):
        began_ms, sent = pair.now_ms, pair.up.sent
        pair.ask(b"%d" % pair.up.sent)
        if pair.up.sent == sent + 2:
            repaired.append(pair.now_ms - began_ms)
    require(4 * LATENCY_MS in repaired, f"damage is repaired after {repaired} ms only, not on the pump's word")


def complaints_are_few(effort: Effort) -> None:
    """Let the pump hear a lot that it cannot use; it must complain once, until it hears something good."""
    stale = _from_programmer(Kind.DATA, 9, data_payload(7, b"old"))
    broken = _from_programmer(Kind.DATA, 9, b"no")
    reset = _from_programmer(Kind.RESET, 0, reset_payload(3))
    early = _from_programmer(Kind.DATA, 9, data_payload(3, b"early"))
    request = _from_programmer(Kind.DATA, 5, data_payload(3, b"new, then repeated"))
    for bad, reason, named in (
        (stale, NakReason.UNKNOWN_EPOCH, 7),
        (broken, NakReason.DAMAGED, 3),
        (early, NakReason.OUT_OF_SEQUENCE, 3),
        (_from_programmer(Kind.RESET, 0, reset_payload(3) + b"more"), NakReason.DAMAGED, 3),
        (bytes(20) + b"\x55" * 30 + bytes(20), NakReason.DAMAGED, 3),
    ):
        effort.tried += 1
        pump = PumpLink(5)
        pump.receive(reset)
        pump.take_outgoing()
        for again, good in enumerate((reset, request, request, reset)):
            sent = b""
            for _ in range(10):
                require(not pump.receive(bad), f"{reason.name}: a request came of it")
                sent += pump.take_outgoing()
            said = [event for event in FrameDecoder().feed(sent) if isinstance(event, Frame)]
            require(
                [(frame.kind, frame.payload) for frame in said] == [(Kind.NAK, nak_payload(reason, named))],
                f"{reason.name}, round {again}: the pump says {said}",
            )
            pump.receive(good)
            replies = [event for event in FrameDecoder().feed(pump.take_outgoing()) if isinstance(event, Frame)]
            acknowledged = [frame.seq for frame in replies]
            expected = [5 if again == 0 else 6] if good == reset else []
            require(acknowledged == expected, f"what can be used is acknowledged by {replies}")


def repeats_get_the_same_answer(effort: Effort) -> None:
    """Repeat a reset and a request, in every order, and compare what the pump sends."""
    reset, request = (
        _from_programmer(Kind.RESET, 0, reset_payload(3)),
        _from_programmer(Kind.DATA, 5, data_payload(3, b"x")),
    )
    for between in itertools.product((reset, request), repeat=3):
        effort.tried += 1
        pump = PumpLink(5)
        pump.receive(reset)
        (received,) = pump.receive(request)
        pump.take_outgoing()
        pump.reply(received, b"done")
        answer = pump.take_outgoing()
        for frame in between:
            require(not pump.receive(frame), "a repeated frame is a new request")
            said = pump.take_outgoing()
            require(frame == reset or said == answer, f"the reply is repeated as {said.hex()}, not {answer.hex()}")


STRANGE = (
    _from_pump(Kind.NAK, 0, nak_payload(NakReason.UNKNOWN_EPOCH, 99)),
    _from_pump(Kind.NAK, 0, nak_payload(NakReason.OUT_OF_SEQUENCE, 1)),
    _from_pump(Kind.NAK, 0, b"\x63" + bytes(4)),
    _from_pump(Kind.NAK, 0, b"\x01"),
    _from_pump(Kind.DATA, 5, b"no"),
    _from_pump(Kind.DATA, 4, data_payload(1, b"to another")),
    _from_pump(Kind.DATA, 5, data_payload(2, b"of another time")),
    _from_pump(Kind.RESET_ACK, 5, reset_payload(1)),
    _from_pump(Kind.RESET_ACK, 9, reset_payload(2)),
    _from_programmer(Kind.DATA, 5, data_payload(1, b"an echo")),
)
"""What may come while a reply to request 5 in epoch 1 is awaited, and is none."""


def strange_replies_change_nothing(effort: Effort) -> None:
    """Send a waiting programmer everything that is no reply, and then the reply."""
    for strange in STRANGE:
        for while_resetting in (True, False):
            effort.tried += 1
            programmer = ProgrammerLink(Epochs())
            programmer.request(b"ask", 0)
            acknowledged = _from_pump(Kind.RESET_ACK, 5, reset_payload(1))
            if while_resetting and strange != acknowledged:
                require(not programmer.receive(strange, 1), f"while it resets, {strange.hex()} is an event")
            programmer.receive(acknowledged, 2)
            require(not programmer.receive(strange, 3), f"{strange.hex()} ends a request")
            found = programmer.receive(_from_pump(Kind.DATA, 5, data_payload(1, b"yes")), 4)
            require(found == [ReplyReceived(b"yes")], f"after {strange.hex()} the reply is {found}")


def complaints_hurry_once(effort: Effort) -> None:
    """Complain of damage again and again; the request is repeated once for each wait."""
    programmer, damaged = ProgrammerLink(Epochs()), _from_pump(Kind.NAK, 0, nak_payload(NakReason.DAMAGED, 0))
    programmer.request(b"ask", 0)
    for _ in range(3):
        sent = 0
        for _ in range(10):
            effort.tried += 1
            programmer.receive(damaged, 1)
            sent += bool(programmer.take_outgoing())
        require(sent == 1, f"ten complaints in one wait bring {sent} repetitions")
        deadline_ms = programmer.deadline_ms
        require(deadline_ms is not None and not programmer.tick(deadline_ms), "the request is given up early")
        require(programmer.take_outgoing(), "nothing is repeated when the time is up")


def only_first_answers_are_measured(effort: Effort) -> None:
    """Lose a request once, or hurry it, and look whether its late answer shortens the next wait."""
    for hurried in (False, True):
        effort.tried += 1
        programmer = ProgrammerLink(Epochs())
        programmer.request(b"ask", 0)
        if hurried:
            programmer.receive(_from_pump(Kind.NAK, 0, nak_payload(NakReason.DAMAGED, 0)), 1)
        else:
            programmer.tick(programmer.deadline_ms or 0)
        now_ms = 600
        programmer.receive(_from_pump(Kind.RESET_ACK, 5, reset_payload(1)), now_ms)
        wait_ms = (programmer.deadline_ms or 0) - now_ms
        expected_ms = 500 if hurried else 1_000
        require(wait_ms == expected_ms, f"hurried {hurried}: the next wait is {wait_ms} ms, not {expected_ms}")


def waiting_is_bounded(effort: Effort) -> None:
    """Ask the pump's end a thousand things at once; what waits to be sent stays small."""
    pump = PumpLink()
    for epoch in range(1_000):
        effort.tried += 1
        frames = [
            Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, reset_payload(epoch)),
            Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 99, data_payload(epoch, b"x")),
            Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 0, data_payload(epoch + 1, b"x")),
        ]
        pump.receive(b"".join(map(encode_frame, frames)) + b"\x55" * 20 + b"\0")
    held = len(pickle.dumps(pump))
    require(held < 2_000, f"the pump's end holds {held} bytes")
    require(len(pump.take_outgoing()) < 1_000, "the pump's end has stored up answers")


def local_mistakes(effort: Effort) -> None:
    """Use both ends as no program may."""
    programmer = ProgrammerLink(Epochs())
    effort.tried += 1
    for record in (bytes(MAX_RECORD + 1),):
        refused("a record that fits no frame", programmer.request, record, 0)
    programmer.request(b"one", 0)
    refused("a second request at a time", programmer.request, b"two", 0)
    pair = LinkPair(effort.seed)
    pair.ask(b"one")
    (request,) = pair.pump.receive(pair.programmer.request(b"two", pair.now_ms))
    require(pair.pump.reply(request, b"first"), "a reply is not sent")
    refused("a second reply to one request", pair.pump.reply, request, b"second")
    require(not pair.pump.reply(request._replace(seq=77), b"late"), "a reply to another request is sent")


def timeouts(effort: Effort) -> None:
    """Feed the timeout with round trips and losses, beside RFC 6298 in fractions."""

    def check(trips: list[int | None]) -> None:
        timeout = RetransmissionTimeout()
        require(timeout.current_ms == 500, f"before anything is measured: {timeout.current_ms} ms")
        smoothed, deviation = None, Fraction(0)
        for trip in trips:
            if trip is None:
                expected = min(2 * timeout.current_ms, 4_000)
                timeout.expired()
                require(timeout.current_ms == expected, f"after a loss {timeout.current_ms} ms instead of {expected}")
                effort.reached["a loss"] += 1
                continue
            if smoothed is None:
                smoothed, deviation = Fraction(trip), Fraction(trip, 2)
            else:
                deviation = Fraction(3, 4) * deviation + Fraction(1, 4) * abs(trip - smoothed)
                smoothed = Fraction(7, 8) * smoothed + Fraction(1, 8) * trip
            timeout.measured(trip)
            exact: Fraction = min(max(smoothed + 4 * deviation, Fraction(200)), Fraction(4_000))
            # Whole milliseconds, and the deviation scaled by four: off by a few of them after any number of steps.
            require(abs(timeout.current_ms - exact) <= 24, f"after {trips}: {timeout.current_ms} ms, not {exact}")

    trips = st.lists(st.none() | st.integers(0, 300) | st.integers(0, 9_000), max_size=12)
    effort.search(check, trips=trips)


SUITE = Suite(
    "link",
    "the link",
    (
        Property(
            "link.quick",
            "Over a good wire a request is one frame each way.",
            good_wires_are_quick,
        ),
        Property(
            "link.complaints",
            "The pump complains once of each kind of nonsense.",
            complaints_are_few,
        ),
        Property(
            "link.repeats",
            "A repeated request gets the same reply, however often.",
            repeats_get_the_same_answer,
            verifies=("BOL-14", "COM-05", "PRG-03"),
        ),
        Property("link.foreign replies", "What is no reply ends no request.", strange_replies_change_nothing),
        Property("link.hurry", "Complaints hurry a request once in each wait.", complaints_hurry_once),
        Property("link.measures", "Only answers to a frame sent once are measured.", only_first_answers_are_measured),
        Property(
            "link.bounded",
            "Whatever is asked at once, what waits stays small.",
            waiting_is_bounded,
            verifies=("COM-02",),
        ),
        Property("link.misuse", "A second request or reply at a time is our own bug, and refused.", local_mistakes),
        Property("link.timeouts", "The timeout follows RFC 6298 within its bounds.", timeouts, 200, ("a loss",)),
        Property(
            "link.dead wires",
            "Over a dead wire a request fails in time, and truly.",
            dead_wires,
            verifies=("COM-06",),
        ),
        Property(
            "link.long walks",
            "No long walk of repeated old frames executes twice, late, or answers with another's reply.",
            long_walks,
            20,
            ("answered", "epoch lost", "executed late", "restarts"),
            verifies=("BOL-14", "COM-05", "COM-06", "PRG-03"),
        ),
        Property(
            "link.wires",
            "Over wires that lose, repeat, damage, delay, cut and echo nothing happens twice, and most succeeds.",
            wires,
            2,
            ("answered", "sent, unknown", "not sent"),
            verifies=("BOL-14", "COM-05", "COM-06", "PRG-03"),
        ),
        Property(
            "link.every interleaving",
            "With few requests no order of delivery at all executes one twice, late, or answers it wrongly.",
            every_interleaving,
            premises=("answered", "epoch lost", "executed late"),
            verifies=("BOL-14", "COM-05", "COM-06", "PRG-03"),
        ),
    ),
)
