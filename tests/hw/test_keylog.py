"""The key log: sessions are heard on the wire, written, read again, and open what was sealed in them."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.capture import Flow, Packet
from hw.keylog import (
    REPLIES_REMEMBERED,
    KeyListener,
    KeyLogError,
    KeyRing,
    SessionSecret,
    line_of,
    read_keylog,
)
from hw.listening import listen
from hw.tap import Listener
from protocol.carrier import DirectCarrier
from protocol.channel import PumpChannel
from protocol.channel_events import Request
from protocol.conversation import Conversation
from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame
from protocol.keys import SessionKeys, role_key
from protocol.link import PumpLink
from protocol.link_payloads import data_payload
from protocol.messages import BatteryReport, Closed, HelloReply, Interrogate, Message, Sealed, encode
from protocol.pump_end import PumpEnd
from protocol.units import Milliseconds
from protocol.vocabulary import Role, Section

KEY = bytes(range(32))
SECRETS = st.builds(
    SessionSecret,
    st.sampled_from(Role),
    st.builds(SessionKeys, *(st.binary(min_size=size, max_size=size) for size in (32, 32, 8))),
)


class Wire(DirectCarrier):
    """A wire to a small pump that tells a listener everything."""

    def __init__(self, hear: Listener) -> None:
        entropy = random.Random(1).randbytes
        end = PumpEnd(PumpLink(), PumpChannel(KEY, "TH-1", entropy, 1), self._execute)
        super().__init__(lambda data: end.receive(data, 0))
        self._hear = hear

    def write(self, data: bytes) -> None:
        """Send bytes to the pump."""
        self._hear(Flow.OUTBOUND, data)
        super().write(data)

    def read(self, timeout_ms: int) -> bytes:
        """Return what the pump answered."""
        data = super().read(timeout_ms)
        self._hear(Flow.INBOUND, data)
        return data

    def _execute(self, request: Request) -> Message:
        return BatteryReport(900, 1, False, Milliseconds(0)) if isinstance(request.message, Interrogate) else Closed()


def recorded(key: bytes = KEY, visits: int = 2) -> tuple[list[Packet], list[SessionSecret]]:
    """Return what goes over the wire in so many visits, and the sessions that a listener with the key reports."""
    packets: list[Packet] = []
    secrets: list[SessionSecret] = []
    listener = KeyListener(key, secrets.append)

    def hear(flow: Flow, data: bytes) -> None:
        packets.append(Packet(0, flow, data))
        listener.hear(flow, data)

    wire = Wire(hear)
    entropy = random.Random(2).randbytes
    for _ in range(visits):
        talk = Conversation(wire, role_key(KEY, Role.CLINICIAN), Role.CLINICIAN, entropy)
        talk.connect()
        assert talk.request(Interrogate(Section.BATTERY)) == BatteryReport(900, 1, False, Milliseconds(0))
    return packets, secrets


def test_every_sealed_record_is_opened() -> None:
    """Whoever hears the handshakes and has the pump key reports each session once, with the keys that fit."""
    packets, secrets = recorded()
    assert [secret.role for secret in secrets] == [Role.CLINICIAN] * 2
    assert secrets[0] != secrets[1]
    heard = [each for each in listen(packets, KeyRing(secrets)) if isinstance(each.record, Sealed)]
    assert [type(each.inner).__name__ for each in heard] == ["Welcome", "Interrogate", "BatteryReport"] * 2
    assert [each.session for each in heard] == [secrets[0].keys.session] * 3 + [secrets[1].keys.session] * 3


def test_another_pumps_key_finds_no_session() -> None:
    """Without the key of this pump nothing is reported, and nothing is opened with the keys of another session."""
    assert recorded(key=bytes(32))[1] == []
    packets, (first, _) = recorded()
    other = KeyRing([first])
    heard = [each for each in listen(packets, other) if isinstance(each.record, Sealed)]
    assert [each.inner is not None for each in heard] == [True] * 3 + [False] * 3


def test_a_repeated_proof_is_no_second_session() -> None:
    """Frames that the link sends again change nothing."""
    packets, _ = recorded(visits=1)
    secrets: list[SessionSecret] = []
    listener = KeyListener(KEY, secrets.append)
    for flow, data in [(packet.flow, packet.data) for packet in packets for _ in range(3)]:
        assert flow is not None
        listener.hear(flow, data)
    assert len(secrets) == 1


def test_a_wrong_proof_is_no_session() -> None:
    """Keys are derived only for a proof that the pump would accept."""
    secrets: list[SessionSecret] = []
    listener = KeyListener(KEY, secrets.append)
    for packet in recorded(visits=1)[0]:
        for frame in FrameDecoder().feed(packet.data):
            assert isinstance(frame, Frame)
            prove = len(frame.payload) > 4 and frame.payload[4] == 3
            payload = frame.payload[:-1] + bytes([frame.payload[-1] ^ 1]) if prove else frame.payload
            assert packet.flow is not None
            listener.hear(packet.flow, encode_frame(frame._replace(payload=payload)))
    assert secrets == []


def test_a_flood_of_hellos_fills_no_memory() -> None:
    """Only the last replies are remembered, and the session after them is still heard."""
    secrets: list[SessionSecret] = []
    listener = KeyListener(KEY, secrets.append)
    for ordinal in range(10 * REPLIES_REMEMBERED):
        record = encode(HelloReply("TH-1", bytes(16), ordinal, bytes(32)))
        frame = Frame(Direction.FROM_PUMP, Kind.DATA, 1, data_payload(1, record))
        listener.hear(Flow.INBOUND, encode_frame(frame))
    assert len(listener._replies) == REPLIES_REMEMBERED
    for packet in recorded(visits=1)[0]:
        assert packet.flow is not None
        listener.hear(packet.flow, packet.data)
    assert len(secrets) == 1


@given(data=st.binary(max_size=400))
def test_a_listener_never_raises(data: bytes) -> None:
    """It stands on the wire of a pump: whatever comes, it is silent."""
    secrets: list[SessionSecret] = []
    listener = KeyListener(KEY, secrets.append)
    listener.hear(Flow.INBOUND, data)
    listener.hear(Flow.OUTBOUND, encode_frame(Frame(Direction.FROM_PUMP, Kind.DATA, 1, data[:256])))
    assert secrets == []


@given(secrets=st.lists(SECRETS, max_size=4))
def test_a_key_log_is_read_as_it_was_written(secrets: list[SessionSecret]) -> None:
    """Comments, empty lines and the lines of other programs stand between the sessions."""
    lines = ["# a comment", "", "CLIENT_RANDOM 00 11"]
    for secret in secrets:
        lines += [line_of(secret), "# another"]
    assert read_keylog(lines) == secrets


GOOD = line_of(SessionSecret(Role.CLINICIAN, SessionKeys(bytes(32), bytes(32), bytes(8))))


@pytest.mark.parametrize(
    "line",
    [
        GOOD.replace("clinician", "surgeon"),
        GOOD.rpartition(" ")[0],
        GOOD + " more",
        GOOD[:-1],
        GOOD[:-2],
        GOOD.replace("clinician", "clinician x"),
        GOOD[:-1] + "g",
    ],
)
def test_a_line_that_is_none_is_named(line: str) -> None:
    """The error says which line, and no key is taken from it."""
    with pytest.raises(KeyLogError, match="line 2 of the key log"):
        read_keylog(["# a comment", line])


@given(line=st.text(string.printable))
def test_any_line_is_read_or_refused(line: str) -> None:
    """Nothing but ``KeyLogError`` comes of a line."""
    for text in (line, f"THECAL_SESSION {line}"):
        try:
            read_keylog([text])
        except KeyLogError:
            continue
