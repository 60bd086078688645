"""Damage and pace: repeatable, independent of chunks, and logged."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.impairments import SPANS, Chance, Damage, Impairer, Impairment, ImpairmentError, Injected
from hw.passage import SECOND_NS, Passage

ALL = Impairment.parse("flip=1e-2,drop=1e-2,duplicate=1e-2,insert=1e-2,burst=5e-3:4,cut=2e-3:10,delay=1e-2:3,seed=9")
LONG = bytes(index % 251 for index in range(20_000))


def _out(impairer: Impairer, data: bytes) -> bytes:
    return b"".join(step.octets for step in impairer.feed(data))


@given(cuts=st.lists(st.integers(0, 1_000), max_size=8))
def test_damage_does_not_depend_on_chunks(cuts: list[int]) -> None:
    """However the bytes are cut, the same bytes come out and the same errors are logged."""
    whole, pieces = Impairer(ALL, "there"), Impairer(ALL, "there")
    data = LONG[:1_000]
    edges = [0, *sorted(cuts), len(data)]
    assert _out(whole, data) == b"".join(_out(pieces, data[a:b]) for a, b in itertools.pairwise(edges))
    assert whole.log == pieces.log


def test_every_kind_of_damage_occurs() -> None:
    """In twenty thousand bytes each kind strikes about as often as it was asked to."""
    impairer = Impairer(ALL, "there")
    _out(impairer, LONG)
    for damage, chance in ALL.chances.items():
        hits = sum(injected.damage is damage for injected in impairer.log)
        spans = chance.span if damage in {Damage.BURST, Damage.CUT} else 1
        expected = len(LONG) * chance.per_million * spans // 1_000_000
        assert expected // 2 < hits < expected * 2, damage


def test_the_log_explains_what_came_out() -> None:
    """Applying the log to what went in gives what came out: no error is hidden, none is invented."""
    impairer = Impairer(ALL, "there")
    out = _out(impairer, LONG)
    rebuilt = bytearray()
    by_index: dict[int, list[Injected]] = {}
    for injected in impairer.log:
        by_index.setdefault(injected.at, []).append(injected)
    for index, octet in enumerate(LONG):
        now = bytes([octet])
        for injected in by_index.get(index, []):
            now = injected.after + now if injected.damage is Damage.INSERT else injected.after
        rebuilt += now
    assert bytes(rebuilt) == out


def test_directions_and_seeds_differ() -> None:
    """Two directions, or two seeds, do not have the same damage."""
    outs = {
        _out(Impairer(impairment, direction), LONG)
        for impairment in (ALL, ALL._replace(seed=10))
        for direction in ("there", "back")
    }
    assert len(outs) == 4


def test_one_more_kind_changes_nothing_about_the_others() -> None:
    """The flips stay where they are when delays are added."""
    flips = Impairment.parse("flip=1e-3,seed=4")
    both = Impairment.parse("flip=1e-3,delay=1e-2,seed=4")
    one, two = Impairer(flips, "there"), Impairer(both, "there")
    assert _out(one, LONG) == _out(two, LONG)
    assert one.log == [injected for injected in two.log if injected.damage is Damage.FLIP]
    assert one.log


def test_an_impairment_is_read_exactly() -> None:
    """Rates become whole errors in a million; spans have defaults."""
    read = Impairment.parse("flip=1e-4, burst=0.001:16,cut=2e-6,seed=7")
    assert read.seed == 7
    assert read.chances == {
        Damage.FLIP: Chance(100),
        Damage.BURST: Chance(1_000, 16),
        Damage.CUT: Chance(2, SPANS[Damage.CUT]),
    }


@pytest.mark.parametrize(
    "text",
    [
        "flip",
        "flop=1e-3",
        "flip=x",
        "flip=1e-7",
        "flip=2",
        "flip=-1e-3",
        "flip=1e-3:4",
        "burst=1e-3:x",
        "seed=x",
        "",
        "flip=1/0",
    ],
)
def test_what_is_no_impairment_is_refused(text: str) -> None:
    """A slip is an error that says what to write, never an impairment that does something else."""
    with pytest.raises(ImpairmentError, match=r"“|rate"):
        Impairment.parse(text)


@pytest.mark.parametrize("baud", [1_200, 9_600, 115_200])
def test_bytes_take_the_time_of_the_rate(baud: int) -> None:
    """The n-th byte of a busy line has come through after n byte times, to the nanosecond, and not before."""
    passage = Passage(baud)
    passage.feed(b"abc", 1_000)
    passage.feed(b"d", 1_500)
    for count in range(1, 5):
        due = 1_000 + count * 10 * SECOND_NS // baud
        assert passage.due_ns == due
        assert passage.take(due - 1) == b""
        assert passage.take(due) == b"abcd"[count - 1 : count]
    assert passage.due_ns is None


def test_an_idle_line_begins_anew() -> None:
    """A byte after a pause waits for nothing but its own bits."""
    passage = Passage(1_000)
    passage.feed(b"a", 0)
    assert passage.take(SECOND_NS) == b"a"
    passage.feed(b"b", SECOND_NS)
    assert passage.due_ns == SECOND_NS + 10 * SECOND_NS // 1_000


def test_a_byte_keeps_its_time_after_the_line_was_read_late() -> None:
    """Reading late does not move what comes after: rounding and scheduling never add up."""
    passage = Passage(1_000)
    passage.feed(b"ab", 0)
    assert passage.take(10 * SECOND_NS // 1_000) == b"a"
    passage.feed(b"c", 15_000_000)
    assert passage.take(30_000_000 - 1) == b"b"
    assert passage.take(30_000_000) == b"c"


def test_a_delay_is_counted_in_byte_times() -> None:
    """With every byte delayed by three byte times, each takes four."""
    passage = Passage(1_000, Impairer(Impairment.parse("delay=1:3"), "there"))
    passage.feed(b"ab", 0)
    assert passage.take(39_999_999) == b""
    assert passage.take(40_000_000) == b"a"
    assert passage.take(80_000_000) == b"b"


def test_a_lost_byte_takes_its_time() -> None:
    """A byte that is dropped was on the wire all the same."""
    passage = Passage(1_000, Impairer(Impairment.parse("drop=0.5,seed=1"), "there"))
    data = bytes(range(1, 41))
    passage.feed(data, 0)
    arrived = {}
    while (due_ns := passage.due_ns) is not None:
        arrived[passage.take(due_ns)] = due_ns
    assert 0 < len(arrived) < len(data)
    assert arrived == {octet: octet[0] * 10 * SECOND_NS // 1_000 for octet in arrived}


def test_without_a_rate_nothing_waits() -> None:
    """Bytes have come through at once, and delays need a rate to be any."""
    passage = Passage(None, Impairer(Impairment.parse("delay=1:100"), "there"))
    passage.feed(b"abc", 5)
    assert passage.take(5) == b"abc"
