"""The pause after failed proofs: it slows an intruder, spares the log, and never keeps a clinician out for long."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from protocol.channel import PumpChannel
from protocol.channel_backoff import (
    FAILURES_TO_PAUSE,
    FIRST_PAUSE_MS,
    LONGEST_PAUSE_MS,
    OPEN_MS,
    REPORT_AGAIN_MS,
    Backoff,
)
from protocol.channel_events import Answer, AuthenticationFailed, RecordRejected, Rejection, Request, SessionOpened
from protocol.channel_programmer import ProgrammerChannel
from protocol.keys import role_key
from protocol.messages import ChannelRefusal, Hello, Prove, Stop, decode, encode
from protocol.vocabulary import ChannelReason, Role

PUMP_KEY = bytes(range(32))
BAD_PROOF = encode(Prove(Role.CLINICIAN, bytes(16), 1 << 40, bytes(32)))
HELLO = encode(Hello(Role.CLINICIAN, bytes(16)))


def entropy(seed: int) -> Callable[[int], bytes]:
    """Return a reproducible source of bytes."""
    return random.Random(seed).randbytes


def new_pump() -> PumpChannel:
    """Return the pump's end after a power-up."""
    return PumpChannel(PUMP_KEY, "TC000042", entropy(1), 1)


def new_programmer(seed: int = 2) -> ProgrammerChannel:
    """Return a clinician's end."""
    return ProgrammerChannel(role_key(PUMP_KEY, Role.CLINICIAN), Role.CLINICIAN, entropy(seed))


def fail(pump: PumpChannel, now_ms: int) -> int | None:
    """Send a wrong proof; return the wait that the pump asks for, or None if it examined the proof."""
    refusal = last_refusal(pump, BAD_PROOF, now_ms)
    return refusal.wait.value if refusal.reason is ChannelReason.SLOW_DOWN else None


def last_refusal(pump: PumpChannel, record: bytes, now_ms: int) -> ChannelRefusal:
    """Return the pump's refusal of a record."""
    answer = pump.receive(record, now_ms)[-1]
    assert isinstance(answer, Answer)
    refusal = decode(answer.record)
    assert isinstance(refusal, ChannelRefusal)
    return refusal


def test_the_pauses_double_up_to_the_longest() -> None:
    """After three failures come pauses of 1, 2, 4, 8 and then always 8 seconds, each told in the refusal."""
    pump, now_ms = new_pump(), 0
    for _ in range(FAILURES_TO_PAUSE):
        assert fail(pump, now_ms) is None
    pauses = []
    for _ in range(8):
        pauses.append(fail(pump, now_ms))
        now_ms += pauses[-1] or 0
        assert fail(pump, now_ms - 1) == 1
        now_ms += OPEN_MS
        assert fail(pump, now_ms) is None
    assert pauses == [1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000]
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE_MS, LONGEST_PAUSE_MS)


def test_hellos_and_proofs_wait_and_sealed_requests_do_not() -> None:
    """During a pause every handshake record is refused unexamined, while the established session goes on."""
    pump, programmer = new_pump(), new_programmer()
    proof = programmer.prove(answered(pump, programmer.hello()))
    programmer.welcome(answered(pump, proof))
    for _ in range(FAILURES_TO_PAUSE):
        fail(pump, 0)
    for record in (HELLO, BAD_PROOF, proof):
        assert RecordRejected(Rejection.SLOWED_DOWN) in pump.receive(record, 999)
        assert last_refusal(pump, record, 999) == last_refusal(pump, HELLO, 999)
    (event,) = pump.receive(programmer.seal(Stop()), 999)
    assert isinstance(event, Request)


def answered(pump: PumpChannel, record: bytes, now_ms: int = 0) -> bytes:
    """Return the pump's answer to a record."""
    answer = pump.receive(record, now_ms)[-1]
    assert isinstance(answer, Answer)
    return answer.record


def test_failures_inside_the_open_time_start_no_pause() -> None:
    """For OPEN_MS after each pause, however many proofs fail, the next one is still examined."""
    pump = new_pump()
    for _ in range(FAILURES_TO_PAUSE):
        fail(pump, 0)
    for now_ms in range(FIRST_PAUSE_MS, FIRST_PAUSE_MS + OPEN_MS):
        assert fail(pump, now_ms) is None
    assert fail(pump, FIRST_PAUSE_MS + OPEN_MS) is None
    assert fail(pump, FIRST_PAUSE_MS + OPEN_MS) == 2 * FIRST_PAUSE_MS


def test_a_correct_proof_clears_the_record() -> None:
    """After a clinician got in, the next failures are forgiven again and the next pause is the shortest."""
    pump, programmer, now_ms = new_pump(), new_programmer(), 0
    for _ in range(20):
        now_ms += LONGEST_PAUSE_MS + OPEN_MS
        fail(pump, now_ms)
    now_ms += LONGEST_PAUSE_MS
    proof = programmer.prove(answered(pump, programmer.hello(), now_ms))
    assert SessionOpened(Role.CLINICIAN, pump.session or b"") not in pump.receive(HELLO, now_ms)
    programmer.welcome(answered(pump, proof, now_ms))
    assert [fail(pump, now_ms) for _ in range(FAILURES_TO_PAUSE + 1)] == [None] * FAILURES_TO_PAUSE + [FIRST_PAUSE_MS]


EXCHANGE_MS = 150
"""One exchange of the handshake at 9600 baud."""


def time_to_connect(pump: PumpChannel, now_ms: int, disturb: Callable[[int, bytes], None]) -> int:
    """Return how long a clinician takes who waits as told; ``disturb`` sees each record before it arrives."""
    programmer, start_ms = new_programmer(), now_ms
    record = programmer.hello()
    while True:
        disturb(now_ms, record)
        reply = answered(pump, record, now_ms)
        now_ms += EXCHANGE_MS
        refusal = decode(reply)
        if isinstance(refusal, ChannelRefusal):
            now_ms += refusal.wait.value
            record = programmer.hello()
        elif record[0] == Hello.TYPE:
            record = programmer.prove(reply)
        else:
            programmer.welcome(reply)
            return now_ms - start_ms


@pytest.mark.verifies("COM-12")
@pytest.mark.parametrize("arrival_ms", range(0, 32_000, 1_571))
def test_a_clinician_gets_in_past_a_flooder_within_the_bound(arrival_ms: int) -> None:
    """Whenever a clinician comes to a pump that is flooded with bad proofs, two handshakes and one pause suffice."""
    pump = new_pump()
    flood = itertools.count(0, 7)  # a Prove is 75 bytes on the wire: 6.5 ms at 115200 baud

    def disturb(now_ms: int, _record: bytes) -> None:
        for flood_ms in flood:
            pump.receive(BAD_PROOF, flood_ms)
            pump.receive(HELLO, flood_ms)
            if flood_ms + 7 > now_ms:
                return

    assert time_to_connect(pump, arrival_ms, disturb) <= LONGEST_PAUSE_MS + 4 * EXCHANGE_MS


@pytest.mark.verifies("COM-12")
def test_a_clinician_gets_in_past_an_intruder_who_waits_for_the_moment() -> None:
    """An intruder who strikes only between hello and proof, with the longest pause earned before, gains no more."""
    pump, now_ms = new_pump(), 0
    for _ in range(10):
        now_ms += LONGEST_PAUSE_MS + OPEN_MS
        fail(pump, now_ms)

    def disturb(at_ms: int, record: bytes) -> None:
        for _ in range(50 if record[0] == Prove.TYPE else 0):
            fail(pump, at_ms)

    taken_ms = time_to_connect(pump, now_ms + LONGEST_PAUSE_MS + OPEN_MS, disturb)
    assert LONGEST_PAUSE_MS < taken_ms <= LONGEST_PAUSE_MS + 4 * EXCHANGE_MS


def test_an_intruder_gets_a_fifth_of_the_time() -> None:
    """Of twenty minutes of wrong proofs, no more than the open share is examined at all."""
    pump = new_pump()
    examined = sum(fail(pump, now_ms) is None for now_ms in range(0, 1_200_000, 50))
    open_share = OPEN_MS / (OPEN_MS + LONGEST_PAUSE_MS)
    assert 0 < examined / (1_200_000 / 50) < 1.02 * open_share + 0.01


@pytest.mark.verifies("FLT-15")
def test_a_week_of_failures_costs_few_log_entries() -> None:
    """Two failures a second for a week are reported at first, at each doubling and once an hour: 200 times."""
    backoff, week_ms = Backoff(), 7 * 86_400_000
    reported = [backoff.failures for now_ms in range(0, week_ms, 500) if backoff.failed(now_ms)]
    assert reported[:4] == [1, 2, 4, 8]
    assert len(reported) <= week_ms // REPORT_AGAIN_MS + week_ms.bit_length()
    assert reported[-1] > 0.99 * week_ms / 500


def test_the_first_failure_is_reported_at_once_and_a_late_one_again() -> None:
    """The event tells how many in a row; a failure an hour after the last report is reported whatever the count."""
    pump = new_pump()
    counts: list[list[int]] = []
    for now_ms in (0, 1, 10_000, 20_000, 20_000 + REPORT_AGAIN_MS):
        events = pump.receive(BAD_PROOF, now_ms)
        counts.append([event.failures for event in events if isinstance(event, AuthenticationFailed)])
    assert counts == [[1], [2], [], [4], [5]]
