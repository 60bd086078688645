"""The check finds what is wrong with a wire, and calls it by its name."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import comb
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.abilities import PTY, RFC2217, Kind
from hw.check.confidence import clopper_pearson
from hw.check.content import byte_values, frames
from hw.check.damage import bit_errors
from hw.check.levels import quiet
from hw.check.report import Report, Verdict
from hw.check.run import NAMES, check
from hw.check.timing import latency, throughput
from hw.check.wire import Ends
from hw.check.wiring import wiring
from hw.impaired import ImpairedPort
from hw.impairments import Impairer, Impairment
from hw.modelled import null_modem
from hw.ports import open_port
from hw.pty import VirtualPort
from hw.virtual import VirtualWiring, virtual_wiring
from tests.hw.direct import DirectPort, Sink, modelled

Change = Callable[[bytes], bytes]


@contextmanager
def ends_of(made: VirtualWiring, baud: int = 115_200) -> Iterator[Ends]:
    """Yield the wiring's ends, open."""
    with made, open_port(made.near, baud) as near:
        if made.near == made.far:
            yield Ends(near, near, made.kind, baud)
        else:
            with open_port(made.far, baud) as far:
                yield Ends(near, far, made.kind, baud)


@contextmanager
def wired(there: str, back: str, change: Change = bytes) -> Iterator[Ends]:
    """Yield two ports whose bytes go where they are told: to the other, to itself, or nowhere."""
    with DirectPort("near") as near, DirectPort("far") as far:
        sinks: dict[str, Sink] = {
            "near": lambda data: near.hear(change(data)),
            "far": lambda data: far.hear(change(data)),
            "nowhere": lambda data: None,
        }
        near.sends_to, far.sends_to = sinks[there], sinks[back]
        yield Ends(near, far, PTY, 115_200)


@contextmanager
def looped(change: Change = bytes) -> Iterator[Ends]:
    """Yield a port whose bytes come back to it."""
    with DirectPort("looped") as port:
        port.sends_to = lambda data: port.hear(change(data))
        yield Ends(port, port, PTY, 115_200)


@contextmanager
def impaired(words: str) -> Iterator[tuple[Ends, Impairer]]:
    """Yield a looped port whose bytes are damaged on their way, and what damages them."""
    impairer = Impairer(Impairment.parse(words), "there and back")
    with looped(lambda data: b"".join(step.octets for step in impairer.feed(data))) as ends:
        yield ends, impairer


@pytest.fixture
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: on a direct wire everything that comes has come."""
    monkeypatch.setattr("hw.check.wire.QUIET_MS", 1)
    monkeypatch.setattr("hw.check.wire.SLACK_MS", 1)


@pytest.mark.parametrize(
    ("there", "back", "words"),
    [
        ("nowhere", "nowhere", "not joined"),
        ("near", "far", "each port hears only itself"),
        ("far", "nowhere", "one way only: the wire from TX of {far} to RX of {near}"),
        ("nowhere", "near", "one way only: the wire from TX of {near} to RX of {far}"),
    ],
)
@pytest.mark.usefixtures("without_waiting")
def test_wrong_wiring_is_named(there: str, back: str, words: str) -> None:
    """Each way to join two ports wrongly has its own words, and the ends are called by their names."""
    with wired(there, back) as ends:
        part = wiring(ends)
        assert part.verdict is Verdict.BAD
        assert words.format(near=ends.near.name, far=ends.far.name) in part.words


@pytest.mark.usefixtures("without_waiting")
def test_right_wiring_is_good() -> None:
    """Two ports joined crosswise, and one that is looped, are what they should be."""
    with wired("far", "near") as ends:
        assert wiring(ends).verdict is Verdict.GOOD
    with looped() as ends:
        assert wiring(ends).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: bytes(len(data)), "missing common ground"),
        (lambda data: bytes(octet ^ 0x21 for octet in data), "not explained by a wrong rate"),
    ],
)
@pytest.mark.usefixtures("without_waiting")
def test_garbage_is_explained_as_far_as_it_can_be(change: Change, words: str) -> None:
    """Zeros only, and damage of no pattern, point to the ground and the levels."""
    with wired("far", "near", change) as ends:
        part = wiring(ends)
        assert part.verdict is Verdict.BAD
        assert words in part.words


@pytest.mark.usefixtures("without_waiting")
def test_two_rates_are_found_from_the_garbage() -> None:
    """With one end at another rate than asked, the words name two rates of the right ratio."""
    near, far = modelled(*null_modem(9_600))
    with near, far:
        assert far.line is not None
        far.line.baudrate = 19_200
        part = wiring(Ends(near, far, RFC2217, 9_600))
        assert part.verdict is Verdict.BAD
        rates = [int(word) for word in part.words.split() if word.isdecimal()]
        assert rates[1] == 2 * rates[0], part.words


def test_a_port_that_is_not_looped_is_named(tmp_path: Path) -> None:
    """Nothing comes back: TX and RX are not joined; and the check goes no further."""
    with VirtualPort(tmp_path / "open"), open_port(str(tmp_path / "open")) as near:
        parts = list(check(Ends(near, near, PTY, 115_200)))
    assert [part.name for part in parts] == ["quiet", "wiring"]
    assert "TX and RX are not joined" in parts[-1].words


def test_a_line_that_is_not_quiet_is_named(tmp_path: Path) -> None:
    """Bytes that nobody sent mean that RX hangs in the air, or that somebody else is there."""
    with VirtualPort(tmp_path / "noisy") as pump, open_port(str(tmp_path / "noisy")) as near:
        pump.write(b"\xff\x00")
        part = quiet(Ends(near, near, PTY, 115_200))
    assert part.verdict is Verdict.BAD
    assert "common ground" in part.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: bytes(octet & 0x7F for octet in data), "eighth bit is lost"),
        (lambda data: data.replace(b"\x11", b"").replace(b"\x13", b""), "11 13; something on the way takes them"),
        (lambda data: b"", "nothing arrives"),
        (lambda data: bytes(octet ^ 1 for octet in data), "256 of them with another value"),
    ],
)
@pytest.mark.usefixtures("without_waiting")
def test_what_happens_to_bytes_is_recognised(change: Change, words: str) -> None:
    """Seven data bits and flow control in software leave their own marks."""
    with wired("far", "near", change) as ends:
        part = byte_values(ends)
        assert part.verdict is Verdict.BAD
        assert words in part.words


@pytest.mark.usefixtures("without_waiting")
def test_the_bit_error_test_counts_what_was_injected() -> None:
    """Turned bits are counted exactly as the log has them, and the interval holds their rate."""
    with impaired("flip=4e-3,seed=5") as (ends, impairer):
        part = bit_errors(ends, octets=5_000)
        injected = sum(each.bits for each in impairer.log)
    assert part.verdict is Verdict.BAD
    assert part.figures["turned"] == injected > 0
    assert part.figures["low"] < injected / part.figures["bits"] < part.figures["high"]


@pytest.mark.parametrize("slip", ["drop", "insert"])
@pytest.mark.usefixtures("without_waiting")
def test_lost_and_added_bytes_are_counted_apart(slip: str) -> None:
    """A byte that is lost or added is no turned bit: the rest of its block is not counted as damage."""
    with impaired(f"{slip}=2e-3,seed=5") as (ends, impairer):
        part = bit_errors(ends, octets=2_500)
    assert part.verdict is Verdict.BAD
    assert part.figures["turned"] == 0
    assert 0 < part.figures["blocks_with_lost_or_added_bytes"] <= len(impairer.log)


@pytest.mark.usefixtures("without_waiting")
def test_damaged_frames_are_counted() -> None:
    """Frames that did not arrive are bad, and it is said how many were damaged."""
    with impaired("flip=1e-2,seed=6") as (ends, _):
        part = frames(ends)
    assert part.verdict is Verdict.BAD
    assert part.figures["arrived"] < 20


def test_a_paced_wire_is_as_fast_as_its_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 57600 baud a stream arrives no faster than the rate allows; how much slower is the machine's affair."""
    monkeypatch.setattr("hw.check.timing.MOST_STREAM", 2_048)
    kind: Kind = PTY._replace(cannot={})
    with virtual_wiring("looped-pty", tmp_path) as made, ImpairedPort(open_port(made.near), 57_600) as port:
        part = throughput(Ends(port, port, kind, 57_600))
    assert 0 < part.figures["octets_per_s"] <= 5_760


def test_latencies_are_all_there(tmp_path: Path) -> None:
    """Every single byte is timed, and none takes less than nothing."""
    with ends_of(virtual_wiring("looped-pty", tmp_path)) as ends:
        part = latency(ends)
    assert len(part.figures["microseconds"]) == 200
    assert min(part.figures["microseconds"]) >= 0


@pytest.mark.parametrize("name", ["loop", "joined-rfc2217"])
def test_a_good_wire_passes_the_whole_check(tmp_path: Path, name: str) -> None:
    """All parts run; none is bad; what is not possible says why; the verdict is in words."""
    made = virtual_wiring(name, tmp_path)
    with ends_of(made) as ends:
        report = Report(("x",), made.kind.name, tuple(check(ends)))
    assert [part.name for part in report.parts] == list(NAMES)
    assert report.good, report.words
    assert all(part.words for part in report.parts)
    assert report.words.startswith("fit to carry")
    untried = {part.name for part in report.parts if part.verdict is Verdict.NOT_POSSIBLE}
    assert untried == ({"break", "parity", "baud rates"} if name == "loop" else set())


@pytest.mark.usefixtures("without_waiting")
def test_a_bad_part_makes_a_bad_report() -> None:
    """The verdict names what is bad."""
    with wired("nowhere", "nowhere") as ends:
        report = Report(("a", "b"), "pty", tuple(check(ends)))
    assert not report.good
    assert report.words == "not fit to carry a pump's conversation: wiring"
    assert report.document()["parts"][-1]["verdict"] == "bad"


def test_no_error_in_n_bits_is_three_over_n() -> None:
    """At 95 % the bound is 1 - 0.05^(1/n), which for many bits is 3/n."""
    interval = clopper_pearson(0, 1_000_000)
    assert interval.low == 0
    assert 2.99e-6 < interval.high < 3e-6


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [(1, 10, 0.002529, 0.445016), (5, 10, 0.187086, 0.812914), (9, 10, 0.554984, 0.997471), (10, 10, 0.741134, 1.0)],
)
def test_the_interval_is_the_published_one(errors: int, trials: int, low: float, high: float) -> None:
    """Clopper's and Pearson's limits as in the tables of statistics books; all errors are bounded on one side."""
    interval = clopper_pearson(errors, trials)
    assert interval.low == pytest.approx(low, abs=1e-6)
    assert interval.high == pytest.approx(high, abs=1e-6)


@given(trials=st.integers(2, 60), data=st.data())
def test_the_limits_leave_exactly_the_doubt(trials: int, data: st.DataObject) -> None:
    """At each limit the chance of so few, or so many, errors is 2.5 %, by exact fractions."""
    errors = data.draw(st.integers(1, trials - 1))
    interval = clopper_pearson(errors, trials)
    few = _exactly(range(errors + 1), trials, Fraction(interval.high))
    many = _exactly(range(errors, trials + 1), trials, Fraction(interval.low))
    assert float(few) == pytest.approx(0.025, rel=1e-6)
    assert float(many) == pytest.approx(0.025, rel=1e-6)


def _exactly(counts: range, trials: int, rate: Fraction) -> Fraction:
    return sum((comb(trials, count) * rate**count * (1 - rate) ** (trials - count) for count in counts), Fraction(0))


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Of a thousand seeded experiments at least 950 have the true rate inside: the method never promises too much."""
    rng, rate = random.Random(8), 0.03
    inside = 0
    for _ in range(1_000):
        errors = sum(rng.random() < rate for _ in range(200))
        interval = clopper_pearson(errors, 200)
        inside += interval.low <= rate <= interval.high
    assert inside >= 950


@pytest.mark.parametrize(("errors", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_counts_that_cannot_be_are_refused(errors: int, trials: int) -> None:
    """More errors than trials, or no trial at all, is no experiment."""
    with pytest.raises(ValueError, match="cannot be"):
        clopper_pearson(errors, trials)
