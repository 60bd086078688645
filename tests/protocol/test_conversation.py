"""The synchronous client: what it concludes when the wire loses, damages, repeats or lies."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable

import pytest

from protocol.carrier import CarrierLost, DirectCarrier
from protocol.channel import SESSION_IDLE_MS, PumpChannel
from protocol.channel_backoff import LONGEST_PAUSE_MS
from protocol.channel_events import ChannelEvent, CloseCause, Malformed, NotPermitted, Request, SessionClosed
from protocol.channel_seal import Seal, Way
from protocol.conversation import CONNECT_ATTEMPTS, ChannelEnded, Conversation, NoAnswer, PeerRejected
from protocol.errors import LocalProtocolError, ProtocolError
from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame
from protocol.keys import role_key
from protocol.link import PumpLink
from protocol.messages import (
    Accepted,
    ChannelRefusal,
    Close,
    Closed,
    Hello,
    HelloReply,
    Interrogate,
    Message,
    Prove,
    QueryCommand,
    Refused,
    SetWallClock,
    Stop,
    encode,
)
from protocol.pump_end import PumpEnd
from protocol.units import Milliseconds, NanolitresPerDay
from protocol.vocabulary import ChannelReason, Reason, Role, Section, TherapyState

PUMP_KEY = bytes(range(32))
ACCEPTED = Accepted(TherapyState.STOPPED, NanolitresPerDay(0))
Bytes = Callable[[bytes], bytes]


def entropy(seed: int) -> Callable[[int], bytes]:
    """Return a reproducible source of bytes."""
    return random.Random(seed).randbytes


class TestPump:
    """A pump's end of the wire that accepts everything and counts what it carried out."""

    __test__ = False

    def __init__(self, key: bytes = PUMP_KEY, serial: str = "TC000042") -> None:
        self.now_ms = 0
        self.executed: Counter[tuple[bytes, int]] = Counter()
        self.events: list[ChannelEvent] = []
        channel = PumpChannel(key, serial, entropy(1), 1)
        self.end = PumpEnd(PumpLink(), channel, self.execute, self.events.append)

    def execute(self, request: Request) -> Message:
        """Count the request; accept it."""
        self.executed[request.session, request.counter] += 1
        return Closed() if isinstance(request.message, Close) else ACCEPTED

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the wire; return what the pump sends."""
        return self.end.receive(data, self.now_ms)

    def pass_time(self, elapsed_ms: int) -> bytes:
        """Let the pump's clock go with the carrier's."""
        self.now_ms += elapsed_ms
        self.end.expire(self.now_ms)
        return b""


class Tampered(DirectCarrier):
    """A direct wire on which ``up`` and ``down`` may change or drop what goes to the pump and what comes from it."""

    def __init__(self, pump: TestPump, up: Bytes | None = None, down: Bytes | None = None) -> None:
        super().__init__(self._pass_on, pump.pass_time)
        self.pump = pump
        self.up, self.down = up, down
        self.written: list[bytes] = []

    def _pass_on(self, data: bytes) -> bytes:
        self.written.append(data)
        reply = self.pump.receive(self.up(data) if self.up else data)
        return self.down(reply) if self.down else reply


def converse(
    carrier: DirectCarrier, role: Role = Role.CLINICIAN, key: bytes = PUMP_KEY, seed: int = 2
) -> Conversation:
    """Return the programmer's side over a carrier."""
    return Conversation(carrier, role_key(key, role), role, entropy(seed))


def drop(_data: bytes) -> bytes:
    """Lose everything."""
    return b""


def frames(data: bytes) -> list[Frame]:
    """Return the frames in the bytes."""
    return [item for item in FrameDecoder().feed(data) if isinstance(item, Frame)]


def with_record(reply: bytes, record: bytes) -> bytes:
    """Return the pump's reply frame with another record in it, as someone who owns the wire would forge it."""
    (frame,) = frames(reply)
    return encode_frame(Frame(Direction.FROM_PUMP, Kind.DATA, frame.seq, frame.payload[:4] + record))


# --- an undisturbed wire ----------------------------------------------------------------------------------------


def test_connect_and_ask() -> None:
    """After connect every request gets its reply, and the conversation knows pump, session and counter."""
    pump = TestPump()
    conversation = converse(Tampered(pump))
    welcome = conversation.connect()
    assert (conversation.session, conversation.last_counter) == (welcome.session, 0)
    assert (conversation.serial, conversation.role) == ("TC000042", Role.CLINICIAN)
    for counter in (1, 2, 3):
        assert conversation.request(Stop()) == ACCEPTED
        assert conversation.last_counter == counter
    assert pump.executed == {(welcome.session, counter): 1 for counter in (1, 2, 3)}


def test_the_same_inputs_put_the_same_bytes_on_the_wire() -> None:
    """Given the entropy, a conversation is the same to the last byte each time."""
    runs = []
    for _ in range(2):
        carrier = Tampered(TestPump())
        conversation = converse(carrier)
        conversation.connect()
        conversation.request(Stop())
        runs.append(carrier.written)
    assert runs[0] == runs[1]
    assert len(runs[0]) == 4


def test_bytes_may_come_one_at_a_time() -> None:
    """A carrier that hands over single bytes changes nothing."""
    pump = TestPump()
    pieces: list[bytes] = []

    class Dribbling(DirectCarrier):
        """A wire that gives one byte for each read."""

        def read(self, timeout_ms: int) -> bytes:
            """Return one byte."""
            if not pieces:
                pieces.extend(bytes((byte,)) for byte in super().read(timeout_ms))
            return pieces.pop(0) if pieces else b""

    conversation = converse(Dribbling(pump.receive))
    conversation.connect()
    assert conversation.request(Stop()) == ACCEPTED


def test_close_ends_the_session_on_both_sides() -> None:
    """After Closed the pump has no session, and the conversation sends nothing more without connecting again."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    session = conversation.connect().session
    assert conversation.request(Close(stopped_acknowledged=True)) == Closed()
    assert pump.events[-1] == SessionClosed(Role.CLINICIAN, session, CloseCause.ASKED)
    assert_sends_nothing(carrier, conversation)
    assert conversation.connect().session != session
    assert conversation.request(Stop()) == ACCEPTED


def assert_sends_nothing(carrier: Tampered, conversation: Conversation) -> None:
    """Check that a request is refused as not sent, and that not a byte has left."""
    before = len(carrier.written)
    with pytest.raises(ChannelEnded, match="nothing was sent"):
        conversation.request(Stop())
    assert len(carrier.written) == before


def test_nothing_is_sent_before_connect() -> None:
    """A request without a session is refused before a byte leaves."""
    carrier = Tampered(TestPump())
    assert_sends_nothing(carrier, converse(carrier))


def test_nothing_is_sent_in_a_session_that_was_idle_too_long() -> None:
    """When the pump's time-out has passed since the last request, the next one is not sent: it could only be lost."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    conversation.connect()
    carrier.read(SESSION_IDLE_MS - 1)
    assert conversation.request(Stop()) == ACCEPTED
    carrier.read(SESSION_IDLE_MS)
    assert_sends_nothing(carrier, conversation)
    assert pump.events[-1] == SessionClosed(Role.CLINICIAN, conversation.session or b"", CloseCause.IDLE)
    conversation.connect()
    assert conversation.request(Stop()) == ACCEPTED


def test_a_message_that_does_not_fit_is_our_own_error_and_leaves_the_session_whole() -> None:
    """A field out of range is refused before anything is sent, and the next request works."""
    carrier = Tampered(TestPump())
    conversation = converse(carrier)
    conversation.connect()
    before = len(carrier.written)
    with pytest.raises(LocalProtocolError, match="unix_ms"):
        conversation.request(SetWallClock(2**64))
    assert len(carrier.written) == before
    assert conversation.request(Stop()) == ACCEPTED


# --- loss and damage --------------------------------------------------------------------------------------------


@pytest.mark.verifies("COM-05")
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("damage", ["drop", "flip", "twice", "late"])
@pytest.mark.parametrize("turn", range(5))
def test_one_lost_damaged_repeated_or_late_frame_costs_nothing(direction: str, damage: str, turn: int) -> None:
    """Whichever frame of connect and request is hit, the link mends it and the request is executed once."""
    pump, count, held = TestPump(), 0, b""

    def hit(data: bytes) -> bytes:
        nonlocal count, held
        count += 1
        if count - 1 == turn:
            match damage:
                case "drop":
                    return b""
                case "flip":
                    return data[:9] + bytes((data[9] ^ 4,)) + data[10:]
                case "twice":
                    return data + data
                case _:
                    held = data
                    return b""
        late, held = held, b""
        return late + data

    carrier = Tampered(pump, **{direction: hit})
    conversation = converse(carrier)
    session = conversation.connect().session
    assert conversation.request(Stop()) == ACCEPTED
    assert conversation.request(Stop()) == ACCEPTED
    assert count > turn
    assert pump.executed == {(session, 1): 1, (session, 2): 1}


@pytest.mark.verifies("COM-04")
@pytest.mark.parametrize("direction", ["up", "down"])
def test_silence_after_a_request_leaves_it_unknown(direction: str) -> None:
    """Whether request or reply is lost, the programmer knows only that it does not know, and what to ask about."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    session = conversation.connect().session
    conversation.request(Stop())
    setattr(carrier, direction, drop)
    with pytest.raises(NoAnswer, match="not known") as unknown:
        conversation.request(Stop())
    assert (unknown.value.sent, unknown.value.session, unknown.value.counter) == (True, session, 2)
    assert pump.executed[session, 2] == (0 if direction == "up" else 1)


def test_a_conversation_goes_on_after_an_unknown_result() -> None:
    """After NoAnswer the conversation connects again, asks about the old session by name, and works."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    old = conversation.connect().session
    carrier.down = drop
    with pytest.raises(NoAnswer):
        conversation.request(Stop())
    carrier.down = None
    assert conversation.connect().session != old
    assert conversation.request(QueryCommand(old)) == ACCEPTED
    assert pump.executed[old, 1] == 1


@pytest.mark.verifies("BOL-14", "COM-05")
def test_a_request_that_was_held_back_is_dead_once_connected_again() -> None:
    """After reconnecting, the wire may deliver the unknown request as often as it likes: it is never executed."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    old = conversation.connect().session
    carrier.up = drop
    with pytest.raises(NoAnswer):
        conversation.request(Stop())
    (held_back,) = set(carrier.written[3:])
    record = frames(held_back)[0].payload[4:]
    carrier.up = None
    new = conversation.connect().session
    assert pump.end.channel.session == new != old
    for data in (held_back, b"\0" + held_back):
        pump.receive(data)
    assert not any(isinstance(event, Request) for event in pump.end.channel.receive(record, pump.now_ms))
    assert not pump.executed


@pytest.mark.verifies("ALM-26")
def test_nobody_there_is_found_out_in_bounded_time() -> None:
    """Without a pump, connect gives up in under half a minute, and says that nothing was sent."""
    carrier = DirectCarrier(drop)
    conversation = converse(carrier)
    with pytest.raises(NoAnswer) as none:
        conversation.connect()
    assert (none.value.sent, none.value.session) == (False, None)
    assert 1_000 < carrier.now_ms() < 30_000


def test_a_babbling_line_does_not_hold_the_programmer() -> None:
    """A line that never stops sending noise ends a request in bounded time as well."""
    pump = TestPump()
    noise = random.Random(3)

    class Babbling(Tampered):
        """A wire that always has something, and takes a millisecond for it."""

        def read(self, timeout_ms: int) -> bytes:
            """Return noise."""
            return super().read(min(timeout_ms, 1)) + noise.randbytes(12)

    carrier = Babbling(pump)
    conversation = converse(carrier)
    carrier.down = drop
    with pytest.raises(NoAnswer):
        conversation.connect()
    assert carrier.now_ms() < 60_000


class Cut(Tampered):
    """A wire that is cut after so many bytes, counted in both directions."""

    def __init__(self, pump: TestPump, after: int) -> None:
        super().__init__(pump)
        self.left = after

    def write(self, data: bytes) -> None:
        """Pass on what still goes through."""
        if self.left < len(data):
            self.pump.receive(data[: self.left])
            self.left = 0
            raise CarrierLost("unplugged")
        self.left -= len(data)
        super().write(data)

    def read(self, timeout_ms: int) -> bytes:
        """Return an answer that still comes through whole."""
        data = super().read(timeout_ms)
        if self.left < len(data) or self.left == 0:
            raise CarrierLost("unplugged")
        self.left -= len(data)
        return data


def failure(conversation: Conversation, message: Message) -> NoAnswer | None:
    """Ask, after connecting if need be; return how it failed, or None if it did not."""
    try:
        if not conversation.connected:
            conversation.connect()
        assert conversation.request(message) == ACCEPTED
    except NoAnswer as none:
        return none
    return None


@pytest.mark.verifies("COM-06")
def test_a_lost_line_is_never_taken_for_a_lost_request() -> None:
    """The line is cut at every byte of a whole conversation: "not sent" is said only of what was not executed."""
    outcomes: Counter[str] = Counter()
    for after in range(450):
        pump = TestPump()
        lost = failure(converse(Cut(pump, after)), Stop())
        if lost is None:
            outcomes["done"] += 1
        else:
            assert isinstance(lost.__cause__, ProtocolError)
            assert lost.sent or not pump.executed
            outcomes["unknown" if lost.sent else "not sent"] += 1
        assert max(pump.executed.values(), default=0) <= 1
    assert min(outcomes[what] for what in ("done", "unknown", "not sent")) > 10


def test_a_line_lost_before_the_request_leaves_it_unsent() -> None:
    """If the link has to be reset first and is not, the request has not left, and that is what is said."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    conversation.connect()
    carrier.down = drop
    with pytest.raises(NoAnswer) as unknown:
        conversation.request(Stop())
    assert unknown.value.sent
    with pytest.raises(NoAnswer, match="was not sent") as unsent:
        conversation.request(Stop())
    assert not unsent.value.sent
    assert pump.executed == {(conversation.session, 1): 1}


def test_an_interrupt_leaves_the_conversation_usable() -> None:
    """If waiting is broken off from outside, the next connect and request work."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    conversation.connect()

    def interrupt(_data: bytes) -> bytes:
        raise KeyboardInterrupt

    carrier.down = interrupt
    with pytest.raises(KeyboardInterrupt):
        conversation.request(Stop())
    carrier.down = None
    conversation.connect()
    assert conversation.request(Stop()) == ACCEPTED


@pytest.mark.verifies("COM-06")
@pytest.mark.parametrize("seed", range(8))
def test_on_a_bad_line_no_answer_is_ever_a_lie(seed: int) -> None:
    """On a line that harms every other frame, done means executed once, and not sent means not at all."""
    chance = random.Random(seed)
    pump = TestPump()
    held: list[bytes] = []

    def harm(data: bytes) -> bytes:
        late = held.pop() if held and chance.random() < 0.2 else b""
        fate = chance.random()
        if fate < 0.3:
            return late
        if fate < 0.4 and data:
            at = chance.randrange(len(data))
            return late + data[:at] + bytes((data[at] ^ chance.randrange(1, 256),)) + data[at + 1 :]
        if fate < 0.45:
            return data + late + data
        if fate < 0.55:
            held.append(data)
        return late + data

    conversation = converse(Tampered(pump, harm, harm), seed=seed)
    done = unknown = 0
    while done < 150 or unknown == 0:
        lost = failure(conversation, Stop())
        if lost is None:
            assert pump.executed[conversation.session or b"", conversation.last_counter] == 1
            done += 1
        else:
            assert lost.sent or not pump.executed[lost.session or b"", lost.counter]
            unknown += lost.sent
            if chance.random() < 0.5:
                with contextlib.suppress(NoAnswer):
                    conversation.connect()
    assert set(pump.executed.values()) == {1}
    assert done <= len(pump.executed) <= done + unknown


# --- lies -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ChannelReason)
def test_an_injected_refusal_does_not_make_a_command_undone(reason: ChannelReason) -> None:
    """A forged ChannelRefusal with the right epoch and number leaves the result unknown, and the session goes on."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    session = conversation.connect().session
    forged = encode(ChannelRefusal(reason, Milliseconds(0)))
    carrier.down = lambda reply: with_record(reply, forged) + reply
    with pytest.raises(NoAnswer) as unknown:
        conversation.request(Stop())
    assert (unknown.value.sent, unknown.value.advice, unknown.value.counter) == (True, reason, 1)
    assert pump.executed[session, 1] == 1
    carrier.down = None
    assert conversation.request(Stop()) == ACCEPTED


def forgeries() -> list[bytes]:
    """Return records that are no reply, from plain noise to a seal under another key."""
    foreign = Seal(bytes(32), bytes(8), Way.TO_PROGRAMMER).close(1, encode(ACCEPTED))
    plain = [encode(ACCEPTED), encode(Closed()), encode(Hello(Role.CLINICIAN, bytes(16)))]
    return [b"", b"\0", b"\xff" * 40, foreign, foreign[:9], *plain]


@pytest.mark.parametrize("forged", forgeries())
def test_a_forged_reply_leaves_the_result_unknown(forged: bytes) -> None:
    """Anything but the sealed reply, even "accepted" or "closed" in plain, is no answer; the session goes on."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    conversation.connect()
    carrier.down = lambda reply: with_record(reply, forged)
    with pytest.raises(NoAnswer) as unknown:
        conversation.request(Stop())
    assert unknown.value.sent
    carrier.down = None
    assert conversation.request(Stop()) == ACCEPTED


def test_the_reply_to_an_earlier_request_is_no_reply() -> None:
    """A genuine reply played again under the next link number leaves the result unknown."""
    pump = TestPump()
    replies: list[bytes] = []
    carrier = Tampered(pump)
    conversation = converse(carrier)
    conversation.connect()

    def again(reply: bytes) -> bytes:
        replies.append(frames(reply)[0].payload[4:])
        return with_record(reply, replies[0])

    carrier.down = again
    assert conversation.request(Stop()) == ACCEPTED
    with pytest.raises(NoAnswer, match="reply to request 1 instead of 2"):
        conversation.request(Stop())
    assert len(pump.executed) == 2


def test_a_wrong_key_is_told_from_silence() -> None:
    """A pump with another key is rejected after a bounded number of hellos, and never sees a proof."""
    carrier = Tampered(TestPump())
    conversation = converse(carrier, key=bytes(32))
    with pytest.raises(PeerRejected, match="another key"):
        conversation.connect()
    kinds = [frame.payload[4] for data in carrier.written for frame in frames(data) if frame.kind is Kind.DATA]
    assert kinds == [Hello.TYPE] * CONNECT_ATTEMPTS


def test_a_forged_hello_reply_is_survived() -> None:
    """One forged answer to a hello costs one attempt: the next hello is answered by the pump and connects."""
    pump = TestPump()
    carrier = Tampered(pump)
    forged = encode(HelloReply("TC000042", bytes(16), 1, bytes(32)))

    def forge_once(reply: bytes) -> bytes:
        if frames(reply) and frames(reply)[0].kind is Kind.DATA:
            carrier.down = None
            return with_record(reply, forged)
        return reply

    carrier.down = forge_once
    conversation = converse(carrier)
    conversation.connect()
    assert conversation.request(Stop()) == ACCEPTED


def test_a_failed_connect_leaves_no_session() -> None:
    """Once connect has begun, the earlier session is not used again even if connecting fails."""
    pump = TestPump()
    carrier = Tampered(pump)
    conversation = converse(carrier)
    conversation.connect()
    carrier.up = drop
    with pytest.raises(NoAnswer):
        conversation.connect()
    carrier.up = None
    assert_sends_nothing(carrier, conversation)


# --- told to wait -----------------------------------------------------------------------------------------------


def flooded(pump: TestPump) -> None:
    """Send the pump wrong proofs until it makes everybody wait."""
    for _ in range(4):
        pump.end.channel.receive(encode(Prove(Role.CLINICIAN, bytes(16), 1 << 40, bytes(32))), pump.now_ms)


def test_connect_waits_as_long_as_it_is_told() -> None:
    """A pump that asks to slow down is asked again after exactly the wait, and then connects."""
    pump = TestPump()
    flooded(pump)
    carrier = Tampered(pump)
    conversation = converse(carrier)
    conversation.connect()
    assert carrier.now_ms() == 1_000
    assert conversation.request(Stop()) == ACCEPTED


def test_a_forged_wait_is_not_obeyed_for_long() -> None:
    """Somebody who answers every hello with "wait seven weeks" holds the programmer for half a minute, no longer."""
    carrier = Tampered(TestPump())
    forged = encode(ChannelRefusal(ChannelReason.SLOW_DOWN, Milliseconds(2**32 - 1)))
    carrier.down = lambda reply: with_record(reply, forged) if frames(reply)[0].kind is Kind.DATA else reply
    conversation = converse(carrier)
    with pytest.raises(NoAnswer) as none:
        conversation.connect()
    assert (none.value.sent, none.value.advice) == (False, ChannelReason.SLOW_DOWN)
    assert carrier.now_ms() <= CONNECT_ATTEMPTS * LONGEST_PAUSE_MS


def test_connect_survives_somebody_who_resets_the_link() -> None:
    """If the link is taken over in the middle of a handshake, connect begins again and succeeds."""
    pump = TestPump()
    carrier = Tampered(pump)
    stolen = 0

    def steal(data: bytes) -> bytes:
        nonlocal stolen
        if frames(data)[0].kind is Kind.DATA and stolen < CONNECT_ATTEMPTS - 1:
            stolen += 1
            pump.receive(encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, b"evil")))
        return data

    carrier.up = steal
    conversation = converse(carrier)
    conversation.connect()
    assert stolen == CONNECT_ATTEMPTS - 1
    assert conversation.request(Stop()) == ACCEPTED


# --- the pump's side --------------------------------------------------------------------------------------------


def test_the_pump_refuses_by_seal_what_a_role_may_not_ask() -> None:
    """A patient's stop comes back as a sealed refusal, is reported, and is not executed."""
    pump = TestPump()
    conversation = converse(Tampered(pump), Role.PATIENT)
    conversation.connect()
    reply = conversation.request(Stop())
    assert isinstance(reply, Refused)
    assert (reply.reason, reply.subject) == (Reason.NOT_PERMITTED, 255)
    assert isinstance(pump.events[-1], NotPermitted)
    assert not pump.executed
    assert conversation.request(Interrogate(Section.ALARMS)) == ACCEPTED


def test_the_pump_refuses_by_seal_what_is_no_request() -> None:
    """A reply sent as a request comes back as a sealed refusal, is reported, and is not executed."""
    pump = TestPump()
    conversation = converse(Tampered(pump))
    conversation.connect()
    reply = conversation.request(ACCEPTED)
    assert isinstance(reply, Refused)
    assert reply.reason is Reason.MALFORMED
    assert isinstance(pump.events[-1], Malformed)
    assert not pump.executed


def test_a_direct_carrier_moves_its_clock_only_in_vain() -> None:
    """Reading what is there takes no time; waiting for nothing takes all of it and tells the peer's clock."""
    waits: list[int] = []

    def pass_time(elapsed_ms: int) -> bytes:
        waits.append(elapsed_ms)
        return b"late" if elapsed_ms == 7 else b""

    carrier = DirectCarrier(bytes.upper, pass_time, start_ms=100)
    carrier.write(b"ab")
    carrier.write(b"c")
    assert (carrier.read(50), carrier.now_ms()) == (b"ABC", 100)
    assert (carrier.read(50), carrier.now_ms()) == (b"", 150)
    assert (carrier.read(0), carrier.now_ms()) == (b"", 150)
    assert (carrier.read(7), carrier.now_ms(), waits) == (b"late", 157, [50, 7])
