"""The hostile wire: each kind of weather does what its name says, repeatably."""

from __future__ import annotations

from random import Random

import pytest

from protocol.carrier import CarrierLost
from protocol.messages import PatientBolus, Stop
from protocol.units import HOUR_MS
from protocol.vocabulary import Role
from verify.hostile import FAIR, LONGEST_DELAY_MS, STORM, HostileCarrier, Weather
from verify.world import World

ALWAYS = 1_000
DATA = b"\x00seven bytes\x00"


class Peer:
    """Echoes what arrives and remembers it; lets time pass when told to."""

    def __init__(self, weather: Weather, seed: int = 1) -> None:
        self.arrived: list[bytes] = []
        self.now_ms = 0
        random = Random(seed)
        self.carrier = HostileCarrier(self.answer, self.wait, lambda: self.now_ms, random, weather)

    def answer(self, data: bytes) -> bytes:
        """Take bytes from the wire and send them back."""
        self.arrived.append(data)
        return data

    def wait(self, for_ms: int) -> None:
        """Let time pass."""
        self.now_ms += for_ms


def test_fair_weather_changes_nothing() -> None:
    """What is written arrives once and as it was, and so does the answer; time stands still meanwhile."""
    peer = Peer(FAIR)
    peer.carrier.write(DATA)
    assert (peer.arrived, peer.carrier.read(1_000), peer.carrier.now_ms()) == ([DATA], DATA, 0)


def test_time_passes_only_while_waiting_in_vain() -> None:
    """A read with nothing to read lets exactly its time-out pass for the pump, and none for a time-out of zero."""
    peer = Peer(FAIR)
    assert (peer.carrier.read(0), peer.carrier.now_ms()) == (b"", 0)
    assert (peer.carrier.read(700), peer.carrier.now_ms()) == (b"", 700)


def test_lost_bytes_do_not_arrive() -> None:
    """Nothing reaches the peer, so nothing comes back."""
    peer = Peer(Weather(lose=ALWAYS))
    peer.carrier.write(DATA)
    assert (peer.arrived, peer.carrier.read(0)) == ([], b"")


def test_repeated_bytes_arrive_twice_each_way() -> None:
    """Every chunk is doubled on the way there and every answer on the way back."""
    peer = Peer(Weather(repeat=ALWAYS))
    peer.carrier.write(DATA)
    assert (peer.arrived, peer.carrier.read(0)) == ([DATA, DATA], 4 * DATA)


def test_damaged_bytes_keep_their_length_and_differ() -> None:
    """Some bits are flipped; the number of bytes stays."""
    differing = 0
    for seed in range(20):
        peer = Peer(Weather(damage=ALWAYS), seed)
        peer.carrier.write(DATA)
        assert len(peer.arrived[0]) == len(DATA)
        differing += peer.arrived[0] != DATA
    assert differing >= 18, "an even number of flips of one bit may cancel out, rarely"


def test_noise_comes_beside_the_bytes() -> None:
    """Random bytes arrive first, as a chunk of their own."""
    peer = Peer(Weather(noise=ALWAYS))
    peer.carrier.write(DATA)
    assert len(peer.arrived) == 2
    assert peer.arrived[1] == DATA


def test_replayed_bytes_are_older_traffic() -> None:
    """After each chunk some earlier one arrives once more; and all of them when asked for."""
    peer = Peer(Weather(replay=ALWAYS))
    peer.carrier.write(b"one")
    peer.carrier.weather = FAIR
    peer.carrier.write(b"two")
    peer.carrier.replay_all()
    assert peer.arrived == [b"one", b"one", b"two", b"one", b"two"]


def test_a_cut_line_stays_cut() -> None:
    """Less than everything arrives, and from then on every use of the line says that it is gone."""
    peer = Peer(Weather(cut=ALWAYS))
    peer.carrier.write(DATA)
    assert all(len(arrived) < len(DATA) for arrived in peer.arrived)
    for use in (lambda: peer.carrier.write(DATA), lambda: peer.carrier.read(0)):
        with pytest.raises(CarrierLost):
            use()


def test_the_same_seed_has_the_same_weather() -> None:
    """A run can be repeated: what arrives depends on the seed and on nothing else."""

    def run(seed: int) -> list[bytes]:
        peer = Peer(STORM._replace(cut=0), seed)
        for number in range(50):
            peer.carrier.write(bytes([number]) * 9)
        return peer.arrived

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_what_struck_is_counted() -> None:
    """A suite can tell whether the weather it asked for ever happened."""
    peer = Peer(Weather(lose=ALWAYS))
    peer.carrier.write(DATA)
    assert peer.carrier.suffered == {"lose": 1}


def test_delayed_bytes_come_later_and_are_overtaken() -> None:
    """Nothing is there at once; a chunk sent later may come first, and each comes exactly once."""
    peer = Peer(Weather(delay=ALWAYS))
    sent = [bytes([number]) for number in range(1, 30)]
    for chunk in sent:
        peer.carrier.write(chunk)
    assert peer.arrived == []
    peer.carrier.weather = FAIR
    came = b"".join(peer.carrier.read(1_000) for _ in range(50))
    assert sorted(peer.arrived) == sent != peer.arrived
    assert came == b"".join(peer.arrived)
    assert 0 < peer.carrier.now_ms() <= 50_000


def test_a_read_waits_until_a_delayed_answer_comes_and_no_longer_than_its_timeout() -> None:
    """The clock stands where the answer came, or at the end of the wait."""
    peer = Peer(FAIR)
    peer.carrier.weather = Weather(delay=ALWAYS)
    peer.carrier.write(DATA)
    peer.carrier.weather = FAIR
    waits = [peer.carrier.read(10) for _ in range(LONGEST_DELAY_MS // 10 + 1)]
    (came,) = [number for number, wait in enumerate(waits) if wait]
    assert waits[came] == DATA
    assert 10 * (len(waits) - 1) < peer.carrier.now_ms() < 10 * len(waits)


def test_an_echo_is_heard_by_whoever_sent_it() -> None:
    """The programmer hears what it writes before the answer to it, and the pump hears its own answer."""
    peer = Peer(Weather(echo=ALWAYS))
    peer.carrier.write(DATA)
    assert peer.arrived == [DATA, DATA]
    assert peer.carrier.read(0) == DATA + DATA + DATA


def test_an_echoing_wire_changes_nothing() -> None:
    """Frames say which way they go: with every chunk echoed both ways, the journal is the same to the byte."""

    def lived(weather: Weather) -> list[str]:
        world = World(3, weather=weather)
        world.program(world.prescription(960_000))
        world.talk(Role.PATIENT, PatientBolus())
        world.bench.advance(HOUR_MS)
        world.talk(Role.CLINICIAN, Stop())
        assert world.verdict().holds
        return world.journal.lines

    assert lived(Weather(echo=ALWAYS)) == lived(FAIR)
