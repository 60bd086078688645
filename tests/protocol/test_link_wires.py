"""The link over wires that lose, repeat, damage, delay, cut and echo: whatever they do, nothing happens twice."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from protocol.link import LinkFailed, LinkFailure, ReplyReceived
from verify.suites.link import HARMLESS, WIRES, converse
from verify.suites.wires import (
    LATENCY_MS,
    LinkPair,
    Trick,
    answer_to,
    corrupt,
    cut,
    delay,
    duplicate,
    lose,
)

REQUESTS = 60
SEEDS = range(8)


def number(count: int) -> bytes:
    """Return a record that no other request of a run has."""
    return b"request %05d" % count


@pytest.mark.parametrize("echo", [False, True], ids=["two wires", "one echoing wire"])
@pytest.mark.parametrize("name", WIRES)
def test_promises_hold(name: str, echo: bool) -> None:
    """Over every wire nothing is executed twice or late, each reply is to its request, and most requests succeed."""
    played: Counter[str] = Counter()
    results: Counter[str] = Counter()
    for seed in SEEDS:
        pair = LinkPair(1_000 * seed, *WIRES[name], echo=echo)
        results += converse(pair, REQUESTS)
        played += pair.up.played + pair.down.played
    assert all(played[trick.__name__] >= 100 for trick in WIRES[name]), played
    if name in HARMLESS:
        assert results.keys() == {"answered"}
    assert results["answered"] > (0.1 if name == "very lossy" else 0.9) * results.total(), results
    assert results.total() == REQUESTS * len(SEEDS)


@pytest.mark.parametrize("loss", [0.0, 0.3, 0.6, 0.8, 0.9])
def test_success_in_the_end(loss: float) -> None:
    """As long as not everything is lost, who keeps asking is answered, however often that failed before."""
    for seed in SEEDS:
        pair = LinkPair(seed, lose(loss))
        asked = 1
        while not isinstance(pair.ask(number(asked)), ReplyReceived):
            asked += 1
        assert asked < 5_000


@pytest.mark.parametrize("trick", [lose(1.0), corrupt(1.0), cut(1.0)], ids=["lost", "corrupted", "cut"])
def test_dead_wire_fails_cleanly(trick: Trick) -> None:
    """On a wire that brings nothing through, a request fails in bounded time and is said to be unsent."""
    pair = LinkPair(1, trick)
    assert pair.ask(b"record") == LinkFailed(LinkFailure.NO_ANSWER, sent=False)
    assert pair.now_ms <= 40_000
    assert not pair.executed


def test_deaf_programmer_is_told_unknown() -> None:
    """When replies stop coming, the request is executed once, repeated, and reported as sent."""
    pair = LinkPair(1)
    assert pair.ask(b"first") == ReplyReceived(answer_to(b"first"))
    pair.down = LinkPair(1, lose(1.0)).down
    assert pair.ask(b"second") == LinkFailed(LinkFailure.NO_ANSWER, sent=True)
    assert pair.executed == [b"first", b"second"]


@pytest.mark.parametrize("name", ["perfect", "lossy", "reordering and duplicating"])
def test_sequence_numbers_wrap(name: str) -> None:
    """Requests go on across the end of the sequence numbers as if nothing were there."""
    for seed in SEEDS:
        pair = LinkPair(seed, *WIRES[name], first_sequence=65_526)
        results = converse(pair, 30)
        assert results["answered"] >= 20


def test_whole_turn_of_the_sequence_numbers() -> None:
    """Seventy thousand requests in a row over one epoch are each executed once and answered."""
    pair = LinkPair(1)
    requests = [b"%d" % count for count in range(70_000)]
    for record in requests:
        assert pair.ask(record) == ReplyReceived(answer_to(record))
    assert pair.executed == requests


def test_round_trip_is_one_exchange() -> None:
    """Over a good wire a request costs one frame each way and one round trip, and the first a reset before it."""
    pair = LinkPair(1)
    for count in range(10):
        pair.ask(number(count))
    assert (pair.up.sent, pair.down.sent) == (11, 11)
    assert pair.now_ms == 11 * 2 * LATENCY_MS


def test_damage_is_repaired_before_the_timeout() -> None:
    """A request that arrives damaged is repeated on the pump's word, sooner than the timer would."""
    pair = LinkPair(1)
    pair.ask(b"first")
    pair.up = LinkPair(5, corrupt(0.5)).up
    for count in range(40):
        before_ms = pair.now_ms
        assert isinstance(pair.ask(number(count)), ReplyReceived)
        if pair.up.played["corrupted"] == 1:
            assert pair.now_ms - before_ms == 4 * LATENCY_MS
            return
    pytest.fail("nothing was corrupted")


@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0, 0.5),
    copies=st.floats(0, 0.9),
    damage=st.floats(0, 0.5),
    late=st.floats(0, 0.9),
    echo=st.booleans(),
    first_sequence=st.integers(0, 0xFFFF),
)
def test_promises_hold_anywhere(
    seed: int, loss: float, copies: float, damage: float, late: float, echo: bool, first_sequence: int
) -> None:
    """For any mixture of loss, duplication, damage and delay the link keeps its promises."""
    tricks = (duplicate(copies, 9_000), delay(late, 9_000), lose(loss), corrupt(damage))
    results = converse(LinkPair(seed, *tricks, echo=echo, first_sequence=first_sequence), 8)
    for result in results:
        event(result)
