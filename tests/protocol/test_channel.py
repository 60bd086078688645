"""The secure channel, both ends: who gets in, what gets through, and that everything else is inert."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.channel import HANDSHAKE_MS, SESSION_IDLE_MS, PumpChannel
from protocol.channel_events import (
    Answer,
    ChannelEvent,
    CloseCause,
    Malformed,
    NotPermitted,
    RecordRejected,
    Rejection,
    Request,
    SessionClosed,
    SessionOpened,
)
from protocol.channel_programmer import ChannelRefused, ProgrammerChannel, WrongProof
from protocol.channel_seal import COUNTER_LIMIT, MESSAGE_OCTETS_MAX, Seal, Way
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.keys import Transcript, role_key, session_keys
from protocol.messages import (
    MESSAGES,
    Accepted,
    ChannelRefusal,
    Closed,
    Hello,
    HelloReply,
    Interrogate,
    LogPage,
    Message,
    Prove,
    Sealed,
    Stop,
    Welcome,
    decode,
    encode,
)
from protocol.units import Milliseconds, NanolitresPerDay
from protocol.vocabulary import ChannelReason, Role, Section, TherapyState

PUMP_KEY = bytes(range(100, 132))
SERIAL = "TC000042"
REPLY = Accepted(TherapyState.STOPPED, NanolitresPerDay(0))
Kind = TypeVar("Kind")

# --- two ends and what stands between them --------------------------------------------------------------------


def entropy(seed: int) -> Callable[[int], bytes]:
    """Return a reproducible source of bytes."""
    return random.Random(seed).randbytes


def new_pump(key: bytes = PUMP_KEY, serial: str = SERIAL, seed: int = 1, power_ups: int = 1) -> PumpChannel:
    """Return the pump's end after a power-up."""
    return PumpChannel(key, serial, entropy(seed), power_ups)


def new_programmer(
    role: Role = Role.CLINICIAN, key: bytes = PUMP_KEY, seed: int = 2, serial: str | None = None
) -> ProgrammerChannel:
    """Return the programmer's end, before its hello."""
    return ProgrammerChannel(role_key(key, role), role, entropy(seed), serial)


def answer(events: list[ChannelEvent]) -> bytes:
    """Return the record that the pump sends back."""
    assert isinstance(events[-1], Answer), events
    return events[-1].record


def only(kind: type[Kind], events: list[ChannelEvent]) -> list[Kind]:
    """Return the events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def connect(pump: PumpChannel, programmer: ProgrammerChannel, now_ms: int = 0) -> Welcome:
    """Run an undisturbed handshake."""
    proof = programmer.prove(answer(pump.receive(programmer.hello(), now_ms)))
    return programmer.welcome(answer(pump.receive(proof, now_ms)))


def established(role: Role = Role.CLINICIAN) -> tuple[PumpChannel, ProgrammerChannel]:
    """Return two ends with a session."""
    pump, programmer = new_pump(), new_programmer(role)
    connect(pump, programmer)
    return pump, programmer


def ask(pump: PumpChannel, programmer: ProgrammerChannel, message: Message, now_ms: int = 0) -> Message:
    """Run an undisturbed request."""
    (event,) = pump.receive(programmer.seal(message), now_ms)
    assert isinstance(event, Request)
    assert event.message == message
    return programmer.open(pump.seal(REPLY))


def assert_rejected(events: list[ChannelEvent], rejection: Rejection, reason: ChannelReason) -> None:
    """Check that a record was dropped, reported and answered with unauthenticated advice, and did nothing else."""
    assert only(RecordRejected, events) == [RecordRejected(rejection)]
    refusal = decode(answer(events))
    assert isinstance(refusal, ChannelRefusal)
    assert refusal.reason is reason
    assert not only(Request, events) + only(SessionOpened, events) + only(SessionClosed, events)


def assert_works(pump: PumpChannel, programmer: ProgrammerChannel, now_ms: int = 0) -> None:
    """Check that the session still carries requests."""
    assert ask(pump, programmer, Interrogate(Section.ALARMS), now_ms) == REPLY


def each_bit_flipped(record: bytes) -> list[bytes]:
    """Return every record that differs in one bit."""
    number = int.from_bytes(record, "little")
    return [(number ^ (1 << bit)).to_bytes(len(record), "little") for bit in range(8 * len(record))]


# --- the handshake --------------------------------------------------------------------------------------------


@pytest.mark.verifies("SEC-01")
@pytest.mark.parametrize("role", Role)
def test_the_right_key_opens_a_session_in_its_role(role: Role) -> None:
    """Whoever knows a role's key gets a session in that role, named alike at both ends."""
    pump, programmer = new_pump(), new_programmer(role)
    proof = programmer.prove(answer(pump.receive(programmer.hello(), 0)))
    opened, welcomed = pump.receive(proof, 0)
    welcome = programmer.welcome(answer([welcomed]))
    assert opened == SessionOpened(role, welcome.session)
    assert welcome.idle_timeout.value == SESSION_IDLE_MS
    assert (pump.role, pump.session) == (role, welcome.session)
    assert (programmer.session, programmer.serial, programmer.counter) == (welcome.session, SERIAL, 0)


@pytest.mark.verifies("SEC-02")
def test_the_same_two_ends_never_share_keys_twice() -> None:
    """Every handshake gives fresh keys: the same request is never the same bytes in two sessions."""
    pump = new_pump()
    seen = set()
    for seed in range(20):
        programmer = new_programmer(seed=seed)
        seen.add(connect(pump, programmer).session)
        seen.add(programmer.seal(Stop()))
    assert len(seen) == 40


def test_fresh_nonces_of_either_end_alone_make_fresh_keys() -> None:
    """If one end's random source repeats itself, or the pump forgets its power-ups, the other's nonce suffices."""
    sessions = {
        connect(new_pump(seed=pump), new_programmer(seed=programmer)).session
        for pump, programmer in [(1, 2), (1, 3), (4, 2)]
    }
    assert len(sessions) == 3


def test_a_programmer_with_a_wrong_key_learns_it_and_gives_nothing_away() -> None:
    """The programmer checks the pump's proof first, so a wrong key ends the handshake before it sends its own."""
    pump, stranger = new_pump(), new_programmer(key=bytes(32))
    reply = answer(pump.receive(stranger.hello(), 0))
    with pytest.raises(WrongProof):
        stranger.prove(reply)
    assert pump.session is None


def forge_proof(pump: PumpChannel, forger: ProgrammerChannel, now_ms: int = 0) -> bytes:
    """Return the Prove of a programmer with another pump's key that skips checking the pump's proof."""
    twin = new_pump(key=bytes(32))
    forged = decode(forger.prove(answer(twin.receive(forger.hello(), now_ms))))
    assert isinstance(forged, Prove)
    genuine = decode(answer(pump.receive(encode(Hello(forged.role, forged.nonce)), now_ms)))
    assert isinstance(genuine, HelloReply)
    return encode(Prove(forged.role, forged.nonce, genuine.ordinal, forged.proof))


@pytest.mark.verifies("SEC-01")
def test_a_proof_under_a_wrong_key_opens_nothing() -> None:
    """An intruder who answers a genuine hello reply with another key's proof is refused and reported."""
    pump = new_pump()
    events = pump.receive(forge_proof(pump, new_programmer(key=bytes(32))), 0)
    assert_rejected(events, Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)
    assert pump.session is None


@pytest.mark.verifies("SEC-01")
def test_every_damaged_proof_is_refused() -> None:
    """A Prove with any single bit changed, in role, nonce, ordinal or proof, opens no session."""
    template = new_programmer()
    genuine = template.prove(answer(new_pump().receive(template.hello(), 0)))
    hello = encode(Hello(Role.CLINICIAN, genuine[2:18]))
    for damaged in each_bit_flipped(genuine):
        pump = new_pump()
        pump.receive(hello, 0)
        assert not only(SessionOpened, pump.receive(damaged, 0))
        assert only(SessionOpened, pump.receive(genuine, 0))


def test_every_damaged_hello_reply_is_refused() -> None:
    """A HelloReply with any single bit changed fails the programmer's check; the genuine one passes after it."""
    pump, programmer = new_pump(), new_programmer()
    genuine = answer(pump.receive(programmer.hello(), 0))
    for damaged in each_bit_flipped(genuine):
        with pytest.raises(RemoteProtocolError):
            programmer.prove(damaged)
    proof = programmer.prove(genuine)
    assert only(SessionOpened, pump.receive(proof, 0))


def test_every_damaged_welcome_is_refused() -> None:
    """A Welcome with any single bit changed establishes nothing at the programmer; the genuine one does."""
    pump, programmer = new_pump(), new_programmer()
    proof = programmer.prove(answer(pump.receive(programmer.hello(), 0)))
    genuine = answer(pump.receive(proof, 0))
    for damaged in each_bit_flipped(genuine):
        with pytest.raises(RemoteProtocolError):
            programmer.welcome(damaged)
        assert not programmer.established
    assert programmer.welcome(genuine).session == pump.session


def test_the_pumps_own_proof_does_not_open_the_pump() -> None:
    """An intruder who sends the pump's proof back as his own is refused: the two proofs have different labels."""
    pump = new_pump()
    nonce = bytes(16)
    reply = decode(answer(pump.receive(encode(Hello(Role.CLINICIAN, nonce)), 0)))
    assert isinstance(reply, HelloReply)
    events = pump.receive(encode(Prove(Role.CLINICIAN, nonce, reply.ordinal, reply.proof)), 0)
    assert_rejected(events, Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)


def test_a_programmer_does_not_accept_its_own_words() -> None:
    """Hello and Prove that come back from an echoing wire, or inside a hello reply, are no pump's answer."""
    pump, programmer = new_pump(), new_programmer()
    hello = programmer.hello()
    with pytest.raises(RemoteProtocolError, match="Hello instead of HelloReply"):
        programmer.prove(hello)
    reply = decode(answer(pump.receive(hello, 0)))
    assert isinstance(reply, HelloReply)
    proof = decode(programmer.prove(encode(reply)))
    assert isinstance(proof, Prove)
    with pytest.raises(RemoteProtocolError):
        programmer.welcome(encode(proof))
    with pytest.raises(WrongProof):
        programmer.prove(encode(HelloReply(reply.serial, reply.nonce, reply.ordinal, proof.proof)))


@pytest.mark.verifies("SEC-02")
def test_a_proof_opens_one_session_only() -> None:
    """A recorded Prove that is sent again is refused, and the session it once opened stands."""
    pump, programmer = new_pump(), new_programmer()
    proof = programmer.prove(answer(pump.receive(programmer.hello(), 0)))
    programmer.welcome(answer(pump.receive(proof, 0)))
    assert_rejected(pump.receive(proof, 0), Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)
    assert_works(pump, programmer)


def test_a_proof_of_an_earlier_hello_dies_with_a_later_session() -> None:
    """A Prove that was held back opens nothing once a later hello has been proven."""
    pump, early, late = new_pump(), new_programmer(seed=3), new_programmer(seed=4)
    held_back = early.prove(answer(pump.receive(early.hello(), 0)))
    connect(pump, late)
    assert_rejected(pump.receive(held_back, 0), Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)
    assert_works(pump, late)


@pytest.mark.verifies("COM-05", "SEC-02")
def test_a_whole_recorded_handshake_opens_nothing() -> None:
    """Playing every record of a genuine session again, in order, opens no session and executes nothing."""
    pump, programmer = new_pump(), new_programmer()
    recorded = [programmer.hello()]
    recorded.append(programmer.prove(answer(pump.receive(recorded[0], 0))))
    programmer.welcome(answer(pump.receive(recorded[1], 0)))
    recorded.append(programmer.seal(Stop()))
    pump.receive(recorded[2], 0)
    pump.close()
    for record in recorded * 5:
        events = pump.receive(record, 0)
        assert not only(Request, events) + only(SessionOpened, events)


@pytest.mark.verifies("SEC-02")
@pytest.mark.parametrize(("power_ups", "seed"), [(6, 1), (5, 9)], ids=["same random numbers", "same power-up count"])
def test_a_recording_is_worthless_after_a_power_cut(power_ups: int, seed: int) -> None:
    """After a restart that repeats all random numbers, or the count of power-ups, the same bytes open nothing."""
    before, programmer = new_pump(power_ups=5), new_programmer()
    hello = programmer.hello()
    proof = programmer.prove(answer(before.receive(hello, 0)))
    programmer.welcome(answer(before.receive(proof, 0)))
    after = new_pump(power_ups=power_ups, seed=seed)
    after.receive(hello, 0)
    for record in (proof, programmer.seal(Stop())):
        events = after.receive(record, 0)
        assert not only(Request, events) + only(SessionOpened, events)


def test_ordinals_never_repeat() -> None:
    """Hellos are numbered upwards within a power-up and across power-ups, up to the largest counts."""
    hello = encode(Hello(Role.OBSERVER, bytes(16)))
    ordinals = []
    for power_ups in (0, 1, 2, 255, 65_535, 2**24 - 1):
        pump = new_pump(power_ups=power_ups)
        for _ in range(3):
            reply = decode(answer(pump.receive(hello, 0)))
            assert isinstance(reply, HelloReply)
            ordinals.append(reply.ordinal)
    assert ordinals == sorted(set(ordinals))


def test_a_power_up_count_beyond_the_field_does_not_stop_the_pump() -> None:
    """Even a nonsensical number of power-ups leaves a pump that can be reached."""
    pump, programmer = new_pump(power_ups=2**32 - 1), new_programmer()
    connect(pump, programmer)
    assert_works(pump, programmer)


@pytest.mark.verifies("FLT-15")
def test_a_flood_of_hellos_disturbs_neither_session_nor_handshake() -> None:
    """Ten thousand hellos between a hello and its proof change nothing for it or for the established session."""
    pump, programmer = established()
    newcomer = new_programmer(seed=9)
    reply = answer(pump.receive(newcomer.hello(), 0))
    noise = random.Random(5)
    for _ in range(10_000):
        assert isinstance(pump.receive(encode(Hello(noise.choice(list(Role)), noise.randbytes(16))), 0)[0], Answer)
    assert_works(pump, programmer)
    events = pump.receive(newcomer.prove(reply), 0)
    assert only(SessionOpened, events)
    newcomer.welcome(answer(events))
    assert_works(pump, newcomer)


@pytest.mark.parametrize("hello_ms", [0, 1, HANDSHAKE_MS - 1, HANDSHAKE_MS, 12_345, 2**32 - 1, 2**41 + 17])
def test_a_proof_is_good_for_half_a_minute_and_dead_after_a_minute(hello_ms: int) -> None:
    """Whenever the hello came, its proof is accepted for HANDSHAKE_MS and never after twice that."""
    for later_ms, good in ((0, True), (HANDSHAKE_MS, True), (2 * HANDSHAKE_MS, False), (86_400_000, False)):
        pump, programmer = new_pump(), new_programmer()
        proof = programmer.prove(answer(pump.receive(programmer.hello(), hello_ms)))
        assert bool(only(SessionOpened, pump.receive(proof, hello_ms + later_ms))) is good


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("ordinal", [0, 1, (1 << 40) - 1, 1 << 40, (1 << 40) + 1, 2**63, 2**64 - 1])
def test_a_proof_with_any_ordinal_is_refused_quietly(role: Role, ordinal: int) -> None:
    """Ordinals far below and above those in use are refused like any wrong proof, and the session stands."""
    pump, programmer = established()
    forged = encode(Prove(role, bytes(16), ordinal, bytes(32)))
    assert_rejected(pump.receive(forged, 0), Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)
    assert_works(pump, programmer)


def test_a_proof_of_a_hello_that_was_never_answered_is_refused() -> None:
    """An ordinal that the pump has not given out yet opens nothing, even under the right key."""
    pump, programmer = new_pump(), new_programmer()
    proof = programmer.prove(answer(new_pump().receive(programmer.hello(), 0)))
    assert_rejected(pump.receive(proof, 0), Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)


@pytest.mark.verifies("SEC-01")
@pytest.mark.parametrize("other", [role for role in Role if role is not Role.PATIENT])
def test_one_roles_key_is_no_use_in_another_role(other: Role) -> None:
    """Whoever holds the patient's key cannot prove any other role, nor turn a patient's proof into one."""
    pump = new_pump()
    patient_key = role_key(PUMP_KEY, Role.PATIENT)
    with_wrong_role = ProgrammerChannel(patient_key, other, entropy(2))
    with pytest.raises(WrongProof):
        with_wrong_role.prove(answer(pump.receive(with_wrong_role.hello(), 0)))
    patient = new_programmer(Role.PATIENT)
    proof = decode(patient.prove(answer(pump.receive(patient.hello(), 0))))
    assert isinstance(proof, Prove)
    promoted = encode(Prove(other, proof.nonce, proof.ordinal, proof.proof))
    assert_rejected(pump.receive(promoted, 0), Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)


def test_one_pumps_handshake_is_no_use_at_another() -> None:
    """A Prove meant for one pump opens no other, not even one with the same key and the same random numbers."""
    programmer = new_programmer()
    hello = programmer.hello()
    proof = programmer.prove(answer(new_pump().receive(hello, 0)))
    for other in (new_pump(key=bytes(32)), new_pump(serial="TC000043")):
        other.receive(hello, 0)
        assert_rejected(other.receive(proof, 0), Rejection.BAD_PROOF, ChannelReason.BAD_PROOF)


def test_a_programmer_that_wants_one_pump_refuses_another() -> None:
    """With the serial number given, a pump with another number is refused even if it has the key."""
    pump, programmer = new_pump(serial="TC000043"), new_programmer(serial=SERIAL)
    with pytest.raises(WrongProof, match="TC000043, not TC000042"):
        programmer.prove(answer(pump.receive(programmer.hello(), 0)))
    connect(new_pump(), programmer)
    assert programmer.serial == SERIAL


def test_steps_out_of_order_are_our_own_mistake() -> None:
    """Proving before the hello, a welcome before the proof, and sealing before the welcome are refused locally."""
    programmer = new_programmer()
    for step in (programmer.prove, programmer.welcome, programmer.open):
        with pytest.raises(LocalProtocolError):
            step(b"")
    with pytest.raises(LocalProtocolError, match="no session"):
        programmer.seal(Stop())


def test_a_serial_number_that_does_not_fit_is_refused_at_once() -> None:
    """A pump with an over-long serial number does not come up, instead of failing at the first hello."""
    with pytest.raises(LocalProtocolError, match="serial"):
        new_pump(serial="TC00000000042")


# --- one session at a time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("newcomer_role", Role)
def test_a_newly_proven_session_replaces_the_old_one(newcomer_role: Role) -> None:
    """A second proof ends the first session, says so, and the first one's records are dead."""
    pump, first = established()
    second = new_programmer(newcomer_role, seed=8)
    proof = second.prove(answer(pump.receive(second.hello(), 0)))
    assert first.session is not None
    closed, opened, _welcome = events = pump.receive(proof, 0)
    assert closed == SessionClosed(Role.CLINICIAN, first.session, CloseCause.REPLACED)
    assert opened == SessionOpened(newcomer_role, second.welcome(answer(events)).session)
    assert_rejected(pump.receive(first.seal(Stop()), 0), Rejection.BAD_SEAL, ChannelReason.BAD_SEAL)
    assert_works(pump, second)


def test_a_closed_session_is_dead() -> None:
    """After close, requests of the session are refused, and there is nothing left to close."""
    pump, programmer = established()
    session = programmer.session or b""
    pump.receive(programmer.seal(Stop()), 0)
    assert isinstance(programmer.open(pump.seal(Closed())), Closed)
    assert pump.close() == [SessionClosed(Role.CLINICIAN, session, CloseCause.ASKED)]
    assert (pump.session, pump.role, pump.deadline_ms, pump.close()) == (None, None, None, [])
    assert_rejected(pump.receive(programmer.seal(Stop()), 0), Rejection.NO_SESSION, ChannelReason.NO_SESSION)


@pytest.mark.verifies("COM-13")
def test_an_idle_session_ends_at_its_time() -> None:
    """A request one millisecond before the time-out is served and starts it anew; at the time-out all is over."""
    pump, programmer = established()
    assert pump.deadline_ms == SESSION_IDLE_MS
    assert pump.expire(SESSION_IDLE_MS - 1) == []
    assert_works(pump, programmer, SESSION_IDLE_MS - 1)
    assert pump.deadline_ms == 2 * SESSION_IDLE_MS - 1
    closed, *rest = pump.receive(programmer.seal(Stop()), 2 * SESSION_IDLE_MS - 1)
    assert closed == SessionClosed(Role.CLINICIAN, programmer.session or b"", CloseCause.IDLE)
    assert_rejected(rest, Rejection.NO_SESSION, ChannelReason.NO_SESSION)
    assert pump.expire(10 * SESSION_IDLE_MS) == []


@pytest.mark.verifies("COM-13")
def test_nothing_but_a_genuine_request_keeps_a_session_alive() -> None:
    """Hellos, replays, damaged records and noise do not postpone the idle time-out."""
    pump, programmer = established()
    used = programmer.seal(Stop())
    pump.receive(used, 1_000)
    damaged = each_bit_flipped(programmer.seal(Stop()))[200]
    for record in (used, damaged, b"", b"noise", encode(Hello(Role.CLINICIAN, bytes(16)))):
        pump.receive(record, 200_000)
    assert pump.deadline_ms == 1_000 + SESSION_IDLE_MS


# --- sealed messages ------------------------------------------------------------------------------------------


def test_a_request_arrives_whole_and_once_with_its_name() -> None:
    """The pump is told message, role, session and counter; the counter counts up from 1."""
    pump, programmer = established()
    for counter in range(1, 5):
        (event,) = pump.receive(programmer.seal(Stop()), 0)
        assert event == Request(Stop(), Role.CLINICIAN, programmer.session or b"", counter)
        assert programmer.counter == counter
        assert programmer.open(pump.seal(REPLY)) == REPLY


@pytest.mark.verifies("COM-05")
def test_a_replayed_request_is_reported_and_not_handed_up() -> None:
    """Every record of the session that comes again, at once or later, is refused as a replay."""
    pump, programmer = established()
    records = [programmer.seal(Stop()) for _ in range(5)]
    for count, record in enumerate(records, 1):
        assert only(Request, pump.receive(record, 0))
        for old in records[:count]:
            assert_rejected(pump.receive(old, 0), Rejection.REPLAYED, ChannelReason.BAD_SEAL)


@given(st.permutations(range(6)))
def test_reordered_requests_never_run_back(order: list[int]) -> None:
    """In whatever order records come, exactly those are handed up that are later than all before them."""
    pump, programmer = established()
    records = [programmer.seal(Stop()) for _ in range(6)]
    handed_up = []
    for index in order:
        handed_up += [event.counter - 1 for event in only(Request, pump.receive(records[index], 0))]
    assert handed_up == [index for at, index in enumerate(order) if index == max(order[: at + 1])]


@pytest.mark.verifies("COM-01", "COM-03")
def test_every_damaged_request_is_refused_and_the_session_stands() -> None:
    """A request with any single bit changed, in counter or box, changes nothing; the genuine one still arrives."""
    pump, programmer = established()
    genuine = programmer.seal(Interrogate(Section.ALARMS))
    for damaged in each_bit_flipped(genuine):
        assert not only(Request, pump.receive(damaged, 0))
    assert only(Request, pump.receive(genuine, 0))


def test_every_damaged_reply_is_refused() -> None:
    """A reply with any single bit changed is an error; the genuine one still opens."""
    pump, programmer = established()
    pump.receive(programmer.seal(Stop()), 0)
    genuine = pump.seal(REPLY)
    for damaged in each_bit_flipped(genuine):
        with pytest.raises(RemoteProtocolError):
            programmer.open(damaged)
    assert programmer.open(genuine) == REPLY


def test_a_cut_or_lengthened_seal_does_not_open() -> None:
    """Every proper beginning of a sealed record, and every longer one, is refused at both ends."""
    pump, programmer = established()
    request = programmer.seal(Stop())
    for changed in [request[:length] for length in range(len(request))] + [request + b"\0", request + request]:
        assert not only(Request, pump.receive(changed, 0))
    assert only(Request, pump.receive(request, 0))
    reply = pump.seal(REPLY)
    for changed in [reply[:length] for length in range(len(reply))] + [reply + b"\0"]:
        with pytest.raises(RemoteProtocolError):
            programmer.open(changed)


def test_a_record_sent_back_to_its_sender_does_not_open() -> None:
    """The pump refuses its own reply and the programmer its own request, whatever the counter."""
    pump, programmer = established()
    request = programmer.seal(Stop())
    pump.receive(request, 0)
    reply = pump.seal(REPLY)
    assert_rejected(pump.receive(reply, 0), Rejection.BAD_SEAL, ChannelReason.BAD_SEAL)
    later = reply[:1] + (99).to_bytes(8, "little") + reply[9:]
    assert_rejected(pump.receive(later, 0), Rejection.BAD_SEAL, ChannelReason.BAD_SEAL)
    with pytest.raises(RemoteProtocolError, match="seal"):
        programmer.open(request)


@pytest.mark.parametrize("change", ["session", "way", "key", "counter"])
def test_a_seal_is_of_one_session_way_key_and_counter(change: str) -> None:
    """Each of the four alone, changed, leaves a box that does not open."""
    key, session, way, counter = bytes(32), bytes(8), Way.TO_PUMP, 7
    record = Seal(key, session, way).close(counter, b"words")
    assert Seal(key, session, way).open(record) == (counter, b"words")
    match change:
        case "session":
            session = b"x" * 8
        case "way":
            way = Way.TO_PROGRAMMER
        case "key":
            key = b"x" * 32
        case _:
            record = record[:1] + (8).to_bytes(8, "little") + record[9:]
    with pytest.raises(RemoteProtocolError, match="does not open"):
        Seal(key, session, way).open(record)


def test_equal_messages_look_different_every_time() -> None:
    """The same request or reply never gives the same bytes again: every record has its own nonce."""
    pump, programmer = established()
    boxes = set()
    for _ in range(50):
        request = programmer.seal(Stop())
        pump.receive(request, 0)
        boxes |= {request[9:], pump.seal(REPLY)[9:]}
    assert len(boxes) == 100


def test_no_message_is_readable_on_the_wire() -> None:
    """The plain bytes of a request appear nowhere in its record."""
    _, programmer = established()
    message = LogPage(1, 2, ())
    assert encode(message)[1:] not in programmer.seal(message)


def test_a_request_is_answered_once() -> None:
    """Sealing a reply with no request, or a second reply to one, is refused: two under one counter give both away."""
    pump, programmer = established()
    with pytest.raises(LocalProtocolError, match="no request"):
        pump.seal(REPLY)
    pump.receive(programmer.seal(Stop()), 0)
    pump.seal(REPLY)
    with pytest.raises(LocalProtocolError, match="no request"):
        pump.seal(REPLY)


def test_a_reply_is_to_the_last_request_only() -> None:
    """The genuine reply to an earlier request, or the welcome again, is no reply to this one."""
    pump, programmer = new_pump(), new_programmer()
    proof = programmer.prove(answer(pump.receive(programmer.hello(), 0)))
    welcome = answer(pump.receive(proof, 0))
    programmer.welcome(welcome)
    pump.receive(programmer.seal(Stop()), 0)
    old = pump.seal(REPLY)
    programmer.open(old)
    programmer.seal(Stop())
    for wrong in (old, welcome):
        with pytest.raises(RemoteProtocolError, match="instead of 2"):
            programmer.open(wrong)


@pytest.mark.parametrize("reason", ChannelReason)
def test_a_refusal_instead_of_a_reply_is_only_advice(reason: ChannelReason) -> None:
    """A ChannelRefusal in place of a reply is an error that carries it, and the session goes on."""
    pump, programmer = established()
    request = programmer.seal(Stop())
    with pytest.raises(ChannelRefused) as refused:
        programmer.open(encode(ChannelRefusal(reason, Milliseconds(5))))
    assert refused.value.refusal.reason is reason
    pump.receive(request, 0)
    assert programmer.open(pump.seal(REPLY)) == REPLY


def test_a_genuine_seal_around_a_request_is_no_reply() -> None:
    """Even sealed by the pump, a message that is none of the pump's is refused."""
    pump, programmer = established()
    pump.receive(programmer.seal(Stop()), 0)
    with pytest.raises(RemoteProtocolError, match="not a reply"):
        programmer.open(pump.seal(Stop()))


@pytest.mark.parametrize("message", [REPLY, Welcome(bytes(8), Milliseconds(SESSION_IDLE_MS))])
def test_a_genuine_seal_around_anything_but_the_welcome_opens_no_session(message: Message) -> None:
    """The first sealed message must be a welcome to the very session that the programmer has derived."""
    pump, programmer = new_pump(), new_programmer()
    hello = decode(programmer.hello())
    reply = decode(answer(pump.receive(encode(hello), 0)))
    assert isinstance(hello, Hello)
    assert isinstance(reply, HelloReply)
    programmer.prove(encode(reply))
    transcript = Transcript(hello.role, hello.nonce, reply.nonce, reply.ordinal, reply.serial)
    keys = session_keys(role_key(PUMP_KEY, Role.CLINICIAN), transcript)
    with pytest.raises(RemoteProtocolError, match="welcome"):
        programmer.welcome(Seal(keys.to_programmer, keys.session, Way.TO_PROGRAMMER).close(0, encode(message)))
    assert not programmer.established


@pytest.mark.verifies("FLT-16")
def test_counters_end_before_they_repeat() -> None:
    """The last counter is usable once; after it nothing can be sealed and nothing is accepted."""
    pump, programmer = established()
    programmer.counter = COUNTER_LIMIT - 2
    last = programmer.seal(Stop())
    (event,) = pump.receive(last, 0)
    assert isinstance(event, Request)
    assert event.counter == COUNTER_LIMIT - 1
    assert programmer.open(pump.seal(REPLY)) == REPLY
    with pytest.raises(LocalProtocolError, match="used up"):
        programmer.seal(Stop())
    assert_rejected(pump.receive(last, 0), Rejection.REPLAYED, ChannelReason.BAD_SEAL)


@pytest.mark.verifies("COM-15", "SEC-03")
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("cls", [cls for cls in MESSAGES.values() if cls.ROLES], ids=lambda cls: cls.__name__)
def test_a_role_may_ask_exactly_what_its_messages_say(role: Role, cls: type[Message]) -> None:
    """For every request and every role: handed up if the message names the role, reported as not permitted if not."""
    pump, programmer = established(role)
    octets = next(size for size in range(MESSAGE_OCTETS_MAX) if decodes(bytes((cls.TYPE,)) + b"\1" * size))
    message = decode(bytes((cls.TYPE,)) + b"\1" * octets)
    (event,) = pump.receive(programmer.seal(message), 0)
    assert isinstance(event, Request if role in cls.ROLES else NotPermitted)
    assert (event.message, event.role, event.counter) == (message, role, 1)
    assert programmer.open(pump.seal(REPLY)) == REPLY


def decodes(data: bytes) -> bool:
    """Say whether the bytes are a message."""
    try:
        decode(data)
    except RemoteProtocolError:
        return False
    return True


@pytest.mark.parametrize(
    "inner",
    [b"", b"\0", b"\xff", bytes((Interrogate.TYPE,)), bytes((Interrogate.TYPE, 77)), bytes((Stop.TYPE, 0))]
    + [encode(item) for item in (Hello(Role.CLINICIAN, bytes(16)), Sealed(1, b""), Closed(), REPLY)],
)
def test_a_genuine_seal_around_no_request_is_malformed(inner: bytes) -> None:
    """Noise, a handshake record or a reply in a good seal is reported, can be answered, and uses its counter up."""
    pump, programmer = established()
    assert programmer.session is not None
    honest = programmer.seal(Stop())
    seal = programmer._to_pump
    assert seal is not None
    (event,) = pump.receive(seal.close(5, inner), 0)
    assert isinstance(event, Malformed)
    assert (event.role, event.session, event.counter) == (Role.CLINICIAN, programmer.session, 5)
    programmer.counter = 5
    assert programmer.open(pump.seal(REPLY)) == REPLY
    assert_rejected(pump.receive(honest, 0), Rejection.REPLAYED, ChannelReason.BAD_SEAL)


def test_a_message_too_long_for_a_frame_is_not_sealed() -> None:
    """An over-long message is our own mistake, refused before it takes a counter."""
    seal = Seal(bytes(32), bytes(8), Way.TO_PUMP)
    assert len(seal.close(1, bytes(MESSAGE_OCTETS_MAX))) == 252
    with pytest.raises(LocalProtocolError, match="227"):
        seal.close(2, bytes(MESSAGE_OCTETS_MAX + 1))


# --- anything at all ------------------------------------------------------------------------------------------


def records_of_type(number: int) -> st.SearchStrategy[bytes]:
    """Return noise that begins like a message."""
    return st.binary(max_size=80).map(lambda rest: bytes((number,)) + rest)


@pytest.mark.verifies("COM-03")
@given(st.lists(st.binary(max_size=80) | st.integers(0, 8).flatmap(records_of_type), max_size=10))
def test_noise_is_refused_and_harmless(records: list[bytes]) -> None:
    """Whatever bytes come as records, nothing is raised, every one is answered, and the session still works."""
    pump, programmer = established()
    for record in records:
        events = pump.receive(record, 0)
        assert isinstance(events[-1], Answer)
        assert not only(Request, events) + only(SessionOpened, events) + only(SessionClosed, events)
    assert_works(pump, programmer)


@pytest.mark.verifies("COM-03", "SEC-03")
@pytest.mark.parametrize("cls", MESSAGES.values(), ids=lambda cls: cls.__name__)
def test_only_two_messages_are_understood_without_a_seal(cls: type[Message]) -> None:
    """Every request, reply and pump's record that comes without a seal is refused, however well formed."""
    pump, programmer = established()
    size = next((size for size in range(MESSAGE_OCTETS_MAX) if decodes(bytes((cls.TYPE,)) + b"\1" * size)), 0)
    events = pump.receive(bytes((cls.TYPE,)) + b"\1" * size, 0)
    assert not only(Request, events)
    if cls not in (Hello, Prove, Sealed):
        assert_rejected(events, Rejection.UNKNOWN_RECORD, ChannelReason.UNKNOWN_RECORD)
    assert_works(pump, programmer)
