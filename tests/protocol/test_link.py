"""The two ends of the link, one promise at a time."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame
from protocol.link import (
    MAX_RECORD,
    LinkFailed,
    LinkFailure,
    NakReason,
    ProgrammerLink,
    ProgrammerLinkEvent,
    PumpLink,
    ReplyReceived,
    RequestReceived,
)
from protocol.link_payloads import data_payload, nak_payload, reset_payload
from protocol.link_programmer import MAX_ATTEMPTS
from protocol.link_timeout import INITIAL_MS, MINIMUM_MS

EPOCH = 0x11223344
OTHER_EPOCH = 0x55667788
GARBAGE = b"\0" + b"\x11" * 30 + b"\0"


def entropy(*epochs: int) -> Callable[[int], bytes]:
    """Return a source of these epochs, in order."""
    remaining = iter(epochs)
    return lambda octets: next(remaining).to_bytes(octets, "little")


def reset(epoch: int = EPOCH) -> bytes:
    """Return the programmer's RESET."""
    return encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, reset_payload(epoch)))


def reset_ack(seq: int = 0, epoch: int = EPOCH) -> bytes:
    """Return the pump's RESET_ACK."""
    return encode_frame(Frame(Direction.FROM_PUMP, Kind.RESET_ACK, seq, reset_payload(epoch)))


def request(seq: int, record: bytes, epoch: int = EPOCH) -> bytes:
    """Return the programmer's DATA."""
    return encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, seq, data_payload(epoch, record)))


def reply(seq: int, record: bytes, epoch: int = EPOCH) -> bytes:
    """Return the pump's DATA."""
    return encode_frame(Frame(Direction.FROM_PUMP, Kind.DATA, seq, data_payload(epoch, record)))


def nak(reason: NakReason, seq: int, epoch: int = EPOCH) -> bytes:
    """Return the pump's NAK."""
    return encode_frame(Frame(Direction.FROM_PUMP, Kind.NAK, seq, nak_payload(reason, epoch)))


def pump_in_epoch(first_sequence: int = 0) -> PumpLink:
    """Return a pump's end that was reset to ``EPOCH``."""
    pump = PumpLink(first_sequence)
    assert pump.receive(reset()) == []
    assert pump.take_outgoing() == reset_ack(first_sequence)
    return pump


def asking_programmer(record: bytes = b"ask", seq: int = 0) -> ProgrammerLink:
    """Return a programmer's end at time 0 in ``EPOCH`` whose request is on the wire and unanswered."""
    programmer = ProgrammerLink(entropy(EPOCH, OTHER_EPOCH))
    assert programmer.request(record, 0) == reset()
    assert programmer.receive(reset_ack(seq), 0) == []
    assert programmer.take_outgoing() == request(seq, record)
    return programmer


def wait_out(programmer: ProgrammerLink) -> tuple[list[bytes], list[ProgrammerLinkEvent], int]:
    """Let every deadline pass; return what was sent, what came of it, and when."""
    sent: list[bytes] = []
    events: list[ProgrammerLinkEvent] = []
    now_ms = 0
    while programmer.deadline_ms is not None:
        assert len(sent) <= 100, "never gives up"
        now_ms = programmer.deadline_ms
        assert programmer.tick(now_ms - 1) == []
        assert programmer.take_outgoing() == b""
        events += programmer.tick(now_ms)
        sent.append(programmer.take_outgoing())
    return [outgoing for outgoing in sent if outgoing], events, now_ms


class TestPump:
    """The pump's end."""

    @pytest.mark.verifies("BOL-14", "COM-05", "PRG-03")
    def test_executes_once_and_answers_alike(self) -> None:
        """A request is handed up once; each repetition is answered with the very same bytes."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        assert found == RequestReceived(b"bolus", EPOCH, 0)
        assert pump.reply(found, b"done")
        assert pump.take_outgoing() == reply(0, b"done")
        for _ in range(3):
            assert pump.receive(request(0, b"bolus")) == []
            assert pump.take_outgoing() == reply(0, b"done")

    def test_repetition_before_the_reply_is_silent(self) -> None:
        """A repetition that comes while the request is still being worked on is neither handed up nor answered."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        assert pump.receive(request(0, b"bolus")) == []
        assert pump.take_outgoing() == b""
        assert pump.reply(found, b"done")
        assert pump.take_outgoing() == reply(0, b"done")

    def test_same_number_other_bytes(self) -> None:
        """Other bytes under the last request's number are neither executed nor answered with its reply."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        pump.reply(found, b"done")
        pump.take_outgoing()
        assert pump.receive(request(0, b"other")) == []
        assert pump.take_outgoing() == nak(NakReason.OUT_OF_SEQUENCE, 1)

    @pytest.mark.parametrize("seq", [1, 3, 4, 6, 0x8005, 0xFFFF])
    def test_only_the_next_number_is_new(self, seq: int) -> None:
        """A request that is neither the next nor the last one again is refused, naming the next number."""
        pump = pump_in_epoch(5)
        assert pump.receive(request(seq, b"bolus")) == []
        assert pump.take_outgoing() == nak(NakReason.OUT_OF_SEQUENCE, 5)
        assert pump.receive(request(5, b"bolus")) == [RequestReceived(b"bolus", EPOCH, 5)]

    @pytest.mark.verifies("FLT-16")
    def test_numbers_wrap(self) -> None:
        """Behind 65535 comes 0, and the request before the wrap is still recognised as the last one."""
        pump = pump_in_epoch(0xFFFF)
        (last,) = pump.receive(request(0xFFFF, b"last"))
        pump.reply(last, b"of the turn")
        pump.take_outgoing()
        assert pump.receive(request(0xFFFF, b"last")) == []
        assert pump.take_outgoing() == reply(0xFFFF, b"of the turn")
        assert pump.receive(request(0, b"first")) == [RequestReceived(b"first", EPOCH, 0)]

    def test_unknown_epoch(self) -> None:
        """A request of an epoch that a pump just started cannot know is refused, and the refusal names that epoch."""
        pump = PumpLink()
        assert pump.receive(request(0, b"bolus")) == []
        assert pump.take_outgoing() == nak(NakReason.UNKNOWN_EPOCH, 0, EPOCH)

    def test_epoch_zero_is_no_back_door(self) -> None:
        """A pump that was never reset does not take epoch 0 for its own."""
        pump = PumpLink()
        assert pump.receive(request(0, b"bolus", epoch=0)) == []
        assert pump.take_outgoing() == nak(NakReason.UNKNOWN_EPOCH, 0, 0)

    def test_reset_keeps_counting(self) -> None:
        """A reset begins a new epoch, names the next number, and does not set it back."""
        pump = pump_in_epoch()
        pump.receive(request(0, b"bolus"))
        pump.receive(reset(OTHER_EPOCH))
        assert pump.take_outgoing() == reset_ack(1, OTHER_EPOCH)
        assert pump.receive(request(0, b"bolus", OTHER_EPOCH)) == []
        assert pump.receive(request(1, b"other", OTHER_EPOCH)) == [RequestReceived(b"other", OTHER_EPOCH, 1)]

    def test_repeated_reset_forgets_nothing(self) -> None:
        """A RESET that arrives again after its request does not make the pump execute or lose that request."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        pump.reply(found, b"done")
        pump.receive(reset())
        pump.take_outgoing()
        assert pump.receive(request(0, b"bolus")) == []
        assert pump.take_outgoing() == reply(0, b"done")

    def test_old_reset_brings_no_request_back(self) -> None:
        """An old RESET that turns up late, with its request behind it, does not execute that request again."""
        pump = pump_in_epoch()
        pump.receive(request(0, b"bolus"))
        pump.receive(reset(OTHER_EPOCH))
        assert pump.receive(reset() + request(0, b"bolus")) == []

    def test_old_epoch_is_refused(self) -> None:
        """After a reset a request of the epoch before is refused and its cached reply is gone."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        pump.reply(found, b"done")
        pump.receive(reset(OTHER_EPOCH))
        pump.take_outgoing()
        assert pump.receive(request(0, b"bolus")) == []
        assert pump.take_outgoing() == nak(NakReason.UNKNOWN_EPOCH, 1, EPOCH)

    def test_reply_to_a_request_that_is_gone(self) -> None:
        """A reply that comes after the link was reset is dropped, even if another request waits for one."""
        pump = pump_in_epoch()
        (old,) = pump.receive(request(0, b"old"))
        (new,) = pump.receive(reset(OTHER_EPOCH) + request(1, b"new", OTHER_EPOCH))
        pump.take_outgoing()
        assert not pump.reply(old, b"to the old one")
        assert pump.take_outgoing() == b""
        assert pump.reply(new, b"to the new one")
        assert pump.take_outgoing() == reply(1, b"to the new one", OTHER_EPOCH)

    def test_second_reply_is_our_own_mistake(self) -> None:
        """A request cannot be answered twice."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        pump.reply(found, b"done")
        with pytest.raises(LocalProtocolError, match="already answered"):
            pump.reply(found, b"not done")
        assert pump.take_outgoing() == reply(0, b"done")

    def test_reply_that_is_too_long(self) -> None:
        """A reply that fits no frame is refused at once, and a shorter one can still be given."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        with pytest.raises(LocalProtocolError):
            pump.reply(found, bytes(MAX_RECORD + 1))
        assert pump.reply(found, bytes(MAX_RECORD))
        assert pump.take_outgoing() == reply(0, bytes(MAX_RECORD))

    def test_one_refusal_for_each_reason(self) -> None:
        """However often a reason to refuse recurs, it is refused once, until something acceptable comes."""
        pump = pump_in_epoch()
        wrong = {
            NakReason.DAMAGED: GARBAGE,
            NakReason.UNKNOWN_EPOCH: request(0, b"bolus", OTHER_EPOCH),
            NakReason.OUT_OF_SEQUENCE: request(7, b"bolus"),
        }
        named = {reason: OTHER_EPOCH if reason is NakReason.UNKNOWN_EPOCH else EPOCH for reason in wrong}
        for round_ in range(3):
            for reason, stream in wrong.items():
                pump.receive(stream)
                assert pump.take_outgoing() == nak(reason, round_, named[reason])
            for stream in list(wrong.values()) * 5:
                assert pump.receive(stream) == []
                assert pump.take_outgoing() == b""
            assert len(pump.receive(request(round_, b"bolus"))) == 1

    @pytest.mark.parametrize("acceptable", [reset(), reset(OTHER_EPOCH), request(1, b"new"), request(0, b"last")])
    def test_what_ends_a_refusal(self, acceptable: bytes) -> None:
        """A reset, a new request and the last one again each let the next damage be refused anew."""
        pump = pump_in_epoch()
        pump.receive(request(0, b"last") + GARBAGE)
        pump.take_outgoing()
        pump.receive(acceptable)
        pump.take_outgoing()
        pump.receive(GARBAGE)
        (said,) = FrameDecoder().feed(pump.take_outgoing())
        assert isinstance(said, Frame)
        assert said.kind is Kind.NAK

    @pytest.mark.parametrize(
        "malformed",
        [
            Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, b""),
            Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, b"five!"),
            Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 0, b"two"),
        ],
    )
    def test_malformed_payload(self, malformed: Frame) -> None:
        """An intact frame whose payload does not fit its kind is refused as damaged and changes nothing."""
        pump = pump_in_epoch()
        assert pump.receive(encode_frame(malformed)) == []
        assert pump.take_outgoing() == nak(NakReason.DAMAGED, 0)
        assert pump.receive(request(0, b"bolus")) == [RequestReceived(b"bolus", EPOCH, 0)]

    def test_reflected_frames_change_nothing(self) -> None:
        """Whatever the pump sends may come back to it: nothing changes and nothing is sent."""
        pump = pump_in_epoch()
        pump.receive(GARBAGE)
        (found,) = pump.receive(request(0, b"bolus"))
        pump.reply(found, b"done")
        pump.take_outgoing()
        pump.receive(GARBAGE)
        pump.take_outgoing()
        everything = reset_ack() + reply(0, b"done") + b"".join(nak(reason, 1) for reason in NakReason)
        pump.decoder = FrameDecoder()
        before = pickle.dumps(pump)
        assert pump.receive(everything) == []
        assert pump.take_outgoing() == b""
        pump.decoder = FrameDecoder()
        assert pickle.dumps(pump) == before

    @pytest.mark.verifies("FLT-15")
    def test_flood_leaves_little_behind(self) -> None:
        """However much arrives before anything is sent, at most one frame of each kind waits and little is kept."""
        pump = pump_in_epoch()
        (found,) = pump.receive(request(0, b"bolus"))
        pump.reply(found, bytes(MAX_RECORD))
        random = Random(1)
        for _ in range(200):
            pump.receive(request(0, b"bolus") * 20 + GARBAGE + random.randbytes(3_000) + reset() * 20)
            pump.receive(b"\0" + request(9, b"other", random.randrange(2**32)) + b"\x11" * 10_000 + b"\0")
            assert len(pickle.dumps(pump)) < 2_500
        kinds = [said.kind for said in FrameDecoder().feed(pump.take_outgoing()) if isinstance(said, Frame)]
        assert sorted(kinds) == [Kind.RESET_ACK, Kind.DATA, Kind.NAK]

    @given(st.lists(st.binary(max_size=400) | st.sampled_from([reset(), request(0, b"x"), GARBAGE]), max_size=8))
    def test_no_bytes_raise(self, chunks: list[bytes]) -> None:
        """Whatever bytes come, the pump's end raises nothing and can be reset afterwards."""
        pump = PumpLink()
        for chunk in chunks:
            pump.receive(chunk)
        pump.take_outgoing()
        pump.receive(b"\0" + reset(OTHER_EPOCH))
        assert any(
            isinstance(said, Frame) and said.kind is Kind.RESET_ACK
            for said in FrameDecoder().feed(pump.take_outgoing())
        )


class TestProgrammer:
    """The programmer's end."""

    def test_first_request_begins_with_a_reset(self) -> None:
        """The first request sends a RESET; its acknowledgement releases the request under the number it names."""
        programmer = asking_programmer(b"ask", seq=77)
        assert programmer.receive(reply(77, b"answer"), 10) == [ReplyReceived(b"answer")]
        assert not programmer.busy
        assert programmer.deadline_ms is None
        assert programmer.request(b"again", 10) == request(78, b"again")

    def test_numbers_wrap(self) -> None:
        """Behind 65535 comes 0."""
        programmer = asking_programmer(seq=0xFFFF)
        assert programmer.receive(reply(0xFFFF, b"answer"), 0) == [ReplyReceived(b"answer")]
        assert programmer.request(b"again", 0) == request(0, b"again")
        assert programmer.receive(reply(0, b"answer"), 0) == [ReplyReceived(b"answer")]

    @pytest.mark.parametrize(
        "foreign",
        [
            reply(6, b"late"),
            reply(8, b"early"),
            reply(7, b"other epoch", OTHER_EPOCH),
            reset_ack(7),
            reset_ack(9),
            encode_frame(Frame(Direction.FROM_PUMP, Kind.DATA, 7, b"two")),
            encode_frame(Frame(Direction.FROM_PUMP, Kind.NAK, 7, b"two")),
            encode_frame(Frame(Direction.FROM_PUMP, Kind.NAK, 7, b"\x09\0\0\0\0")),
            nak(NakReason.OUT_OF_SEQUENCE, 9),
            nak(NakReason.UNKNOWN_EPOCH, 9, OTHER_EPOCH),
            request(7, b"ask"),
            reset(),
            GARBAGE,
        ],
    )
    def test_only_its_own_reply_counts(self, foreign: bytes) -> None:
        """Anything but the reply of this epoch and number changes nothing and sends nothing."""
        programmer = asking_programmer(seq=7)
        deadline_ms = programmer.deadline_ms
        assert programmer.receive(foreign, 5) == []
        assert programmer.take_outgoing() == b""
        assert programmer.deadline_ms == deadline_ms
        assert programmer.receive(reply(7, b"answer"), 10) == [ReplyReceived(b"answer")]

    @pytest.mark.parametrize(
        "foreign",
        [
            reset_ack(3, OTHER_EPOCH),
            encode_frame(Frame(Direction.FROM_PUMP, Kind.RESET_ACK, 3, reset_payload(EPOCH) + b"!")),
            reply(0, b"answer"),
            nak(NakReason.UNKNOWN_EPOCH, 3),
            reset(),
        ],
    )
    def test_only_its_own_acknowledgement_counts(self, foreign: bytes) -> None:
        """While a reset is unanswered, an acknowledgement from before and everything else is ignored."""
        programmer = ProgrammerLink(entropy(EPOCH))
        programmer.request(b"ask", 0)
        assert programmer.receive(foreign, 5) == []
        assert programmer.take_outgoing() == b""
        programmer.receive(reset_ack(), 5)
        assert programmer.take_outgoing() == request(0, b"ask")

    def test_reply_counts_once(self) -> None:
        """The second copy of a reply, and anything else that comes when nothing is asked, is ignored."""
        programmer = asking_programmer()
        stream = reply(0, b"answer") * 3 + nak(NakReason.UNKNOWN_EPOCH, 0) + nak(NakReason.DAMAGED, 0) + reset_ack()
        assert programmer.receive(stream, 0) == [ReplyReceived(b"answer")]
        assert programmer.take_outgoing() == b""
        assert not programmer.busy

    def test_repeats_and_gives_up(self) -> None:
        """An unanswered request is sent again after doubling waits, the same bytes each time, then given up."""
        programmer = asking_programmer()
        sent, events, now_ms = wait_out(programmer)
        assert sent == [request(0, b"ask")] * (MAX_ATTEMPTS - 1)
        assert events == [LinkFailed(LinkFailure.NO_ANSWER, sent=True)]
        assert now_ms == 200 + 400 + 800 + 1_600 + 3_200 + 4_000
        assert programmer.request(b"again", now_ms) == reset(OTHER_EPOCH)

    def test_absent_pump(self) -> None:
        """A RESET that nobody acknowledges is given up, and the request is known not to have been sent."""
        programmer = ProgrammerLink(entropy(EPOCH))
        programmer.request(b"ask", 0)
        sent, events, now_ms = wait_out(programmer)
        assert sent == [reset()] * (MAX_ATTEMPTS - 1)
        assert events == [LinkFailed(LinkFailure.NO_ANSWER, sent=False)]
        assert now_ms == 15_500

    def test_late_reply_still_counts(self) -> None:
        """A reply that comes after its deadline, but before anyone looked at the clock, is a reply."""
        programmer = asking_programmer()
        assert programmer.receive(reply(0, b"answer"), 60_000) == [ReplyReceived(b"answer")]
        assert programmer.tick(60_000) == []

    def test_lost_epoch_is_not_carried_over(self) -> None:
        """When the pump does not know the epoch any more, the request is reported unknown and never sent again."""
        programmer = asking_programmer()
        events = programmer.receive(nak(NakReason.UNKNOWN_EPOCH, 0), 10)
        assert events == [LinkFailed(LinkFailure.EPOCH_LOST, sent=True)]
        assert programmer.take_outgoing() == b""
        assert programmer.tick(1_000_000) == []
        assert programmer.request(b"what did you last do?", 20) == reset(OTHER_EPOCH)

    def test_refusal_for_damage_hurries(self) -> None:
        """A NAK for damage, whatever epoch it names, repeats the frame at once and starts the wait anew."""
        programmer = asking_programmer()
        assert programmer.receive(nak(NakReason.DAMAGED, 0, OTHER_EPOCH), 100) == []
        assert programmer.take_outgoing() == request(0, b"ask")
        assert programmer.deadline_ms == 100 + MINIMUM_MS

    def test_refusals_hurry_once_in_each_wait(self) -> None:
        """A flood of NAKs repeats the frame once in each wait: at most twice the frames, and the same end."""
        programmer = asking_programmer()
        sent, failures = 0, []
        for now_ms in range(0, 40_000, 10):
            failures += programmer.receive(nak(NakReason.DAMAGED, 0) * 3, now_ms)
            failures += programmer.tick(now_ms)
            sent += bool(programmer.take_outgoing())
        assert failures == [LinkFailed(LinkFailure.NO_ANSWER, sent=True)]
        assert sent == 2 * MAX_ATTEMPTS - 1

    def test_hurries_the_reset_as_well(self) -> None:
        """A RESET that arrived damaged is repeated at once."""
        programmer = ProgrammerLink(entropy(EPOCH))
        programmer.request(b"ask", 0)
        programmer.receive(nak(NakReason.DAMAGED, 0, 0), 10)
        assert programmer.take_outgoing() == reset()

    def test_waits_are_learned_from_clean_exchanges_only(self) -> None:
        """An exchange that needed a repetition teaches nothing about the round trip, and the doubled wait stays."""
        programmer = asking_programmer()
        programmer.receive(reply(0, b"answer"), 600)
        assert programmer.deadline_ms is None
        programmer.request(b"clean", 1_000)
        learned = (programmer.deadline_ms or 0) - 1_000
        assert learned > MINIMUM_MS
        programmer.tick(1_000 + learned)
        programmer.receive(reply(1, b"to which copy?"), 1_001 + learned)
        programmer.request(b"after a repetition", 10_000)
        assert programmer.deadline_ms == 10_000 + 2 * learned

    def test_hurried_exchange_teaches_nothing(self) -> None:
        """An exchange that was hurried by a NAK teaches nothing about the round trip either."""
        programmer = ProgrammerLink(entropy(EPOCH))
        programmer.request(b"ask", 0)
        programmer.receive(nak(NakReason.DAMAGED, 0), 1)
        programmer.receive(reset_ack(), 2)
        assert programmer.deadline_ms == 2 + INITIAL_MS

    def test_failure_forgets_what_was_learned(self) -> None:
        """After a failure the waits begin again at the initial one, not at the doubled ones."""
        programmer = asking_programmer()
        _, _, now_ms = wait_out(programmer)
        programmer.request(b"again", now_ms)
        assert programmer.deadline_ms == now_ms + INITIAL_MS

    def test_abandoned_request(self) -> None:
        """An abandoned request is forgotten, its late reply dies, and the next request begins with a reset."""
        programmer = asking_programmer()
        assert programmer.abandon() is True
        assert programmer.deadline_ms is None
        assert programmer.take_outgoing() == b""
        assert programmer.request(b"next", 10) == reset(OTHER_EPOCH)
        programmer.receive(reset_ack(0, OTHER_EPOCH), 10)
        assert programmer.receive(reply(0, b"late"), 11) == []
        assert programmer.receive(reply(0, b"answer", OTHER_EPOCH), 12) == [ReplyReceived(b"answer")]

    def test_abandoned_before_it_was_sent(self) -> None:
        """A request abandoned during the reset is known not to have been sent, and is not sent afterwards."""
        programmer = ProgrammerLink(entropy(EPOCH))
        programmer.request(b"ask", 0)
        assert programmer.abandon() is False
        assert programmer.receive(reset_ack(), 1) == []
        assert programmer.take_outgoing() == b""

    def test_abandoning_nothing_keeps_the_epoch(self) -> None:
        """Abandoning when nothing is asked changes nothing."""
        programmer = asking_programmer()
        programmer.receive(reply(0, b"answer"), 0)
        assert programmer.abandon() is False
        assert programmer.request(b"again", 0) == request(1, b"again")

    def test_nothing_waits_behind_a_result(self) -> None:
        """What was to be sent again is not sent any more once the reply is there or the request is abandoned."""
        programmer = asking_programmer()
        assert programmer.receive(nak(NakReason.DAMAGED, 0) + reply(0, b"answer"), 1) == [ReplyReceived(b"answer")]
        assert programmer.take_outgoing() == b""
        programmer = asking_programmer()
        programmer.receive(nak(NakReason.DAMAGED, 0), 1)
        programmer.abandon()
        assert programmer.take_outgoing() == b""

    def test_one_request_at_a_time(self) -> None:
        """A second request while one is outstanding is our own mistake and disturbs nothing."""
        programmer = asking_programmer()
        with pytest.raises(LocalProtocolError, match="one request at a time"):
            programmer.request(b"second", 0)
        assert programmer.receive(reply(0, b"answer"), 0) == [ReplyReceived(b"answer")]

    def test_record_sizes(self) -> None:
        """A record that fits no frame is our own mistake; the longest that fits, and an empty one, go through."""
        programmer = ProgrammerLink(entropy(EPOCH))
        with pytest.raises(LocalProtocolError, match="253 bytes"):
            programmer.request(bytes(MAX_RECORD + 1), 0)
        assert not programmer.busy
        programmer.request(bytes(MAX_RECORD), 0)
        programmer.receive(reset_ack(), 0)
        assert programmer.take_outgoing() == request(0, bytes(MAX_RECORD))
        programmer.receive(reply(0, b""), 0)
        assert programmer.request(b"", 0) == request(1, b"")

    def test_own_echo_changes_nothing(self) -> None:
        """Everything the programmer sends may come back to it, and nothing changes."""
        programmer = asking_programmer()
        programmer.decoder = FrameDecoder()
        before = {name: value for name, value in vars(programmer).items() if name != "decoder"}
        assert programmer.receive(reset() + request(0, b"ask") * 3 + reset(OTHER_EPOCH), 5) == []
        assert {name: value for name, value in vars(programmer).items() if name != "decoder"} == before

    def test_flood_leaves_nothing_behind(self) -> None:
        """A flood of noise and foreign frames is not kept."""
        programmer = ProgrammerLink(bytes)
        programmer.request(b"ask", 0)
        for _ in range(100):
            programmer.receive(GARBAGE * 50 + reply(9, bytes(MAX_RECORD)) * 20 + b"\x11" * 5_000, 1)
            assert len(pickle.dumps(programmer)) < 1_500

    @given(st.lists(st.binary(max_size=400) | st.sampled_from([reset_ack(), reply(3, b"x"), GARBAGE]), max_size=8))
    def test_no_bytes_raise(self, chunks: list[bytes]) -> None:
        """Whatever bytes come, the programmer's end raises nothing and takes its reply afterwards."""
        programmer = asking_programmer()
        for chunk in chunks:
            assert programmer.receive(chunk, 1) == []
        assert programmer.receive(b"\0" + reply(0, b"answer"), 2) == [ReplyReceived(b"answer")]


class TestRestart:
    """A pump that was restarted in the middle of things."""

    @pytest.mark.parametrize("executed_before", [False, True])
    def test_request_across_a_restart(self, executed_before: bool) -> None:
        """A request across a restart is reported unknown and not executed again; the next one works."""
        programmer = asking_programmer(b"bolus")
        executed = []
        pump = pump_in_epoch()
        if executed_before:
            executed += pump.receive(request(0, b"bolus"))
        pump = PumpLink(first_sequence=40)
        executed += pump.receive(request(0, b"bolus"))
        assert programmer.receive(pump.take_outgoing(), 10) == [LinkFailed(LinkFailure.EPOCH_LOST, sent=True)]
        executed += pump.receive(programmer.request(b"status", 20))
        programmer.receive(pump.take_outgoing(), 30)
        (found,) = pump.receive(programmer.take_outgoing())
        pump.reply(found, b"fine")
        assert programmer.receive(pump.take_outgoing(), 40) == [ReplyReceived(b"fine")]
        assert len(executed) == executed_before
        assert found.seq == 40

    def test_somebody_elses_reset(self) -> None:
        """A request across somebody else's reset is reported unknown in the same way."""
        programmer, pump = asking_programmer(b"bolus"), pump_in_epoch()
        pump.receive(reset(0xBAD))
        pump.take_outgoing()
        assert pump.receive(request(0, b"bolus")) == []
        assert programmer.receive(pump.take_outgoing(), 10) == [LinkFailed(LinkFailure.EPOCH_LOST, sent=True)]

    def test_frames_that_outlived_a_restart(self) -> None:
        """A RESET and its request from before a restart are not executed by a pump that counts from elsewhere."""
        pump = pump_in_epoch(first_sequence=5)
        assert len(pump.receive(request(5, b"bolus"))) == 1
        pump = PumpLink(first_sequence=40_000)
        assert pump.receive(reset() + request(5, b"bolus")) == []
