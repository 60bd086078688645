"""Ports on the network, for clients that know nothing of us; and pace and damage before a port."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from hw.errors import PortError
from hw.exchange import Exchange, Route
from hw.impaired import ImpairedPort
from hw.impairments import Damage, Impairment
from hw.ports import open_port
from hw.served import ServedPort, ServedRfc2217
from hw.virtual import virtual_wiring
from protocol.carrier import Carrier, CarrierLost

Receive = Callable[[Carrier, int], bytes]

EVERY_BYTE = bytes(range(256))


@pytest.fixture(params=["serve:socket://127.0.0.1:0", "serve:rfc2217://127.0.0.1:0"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedPort]:
    """Yield a pump's side of a served port."""
    with open_port(request.param) as port:
        assert isinstance(port, ServedPort)
        yield port


def _stock(name: str) -> serial.SerialBase:
    return serial.serial_for_url(name, 115_200, timeout=10)


def test_a_stock_pyserial_client_talks_to_a_served_port(served: ServedPort) -> None:
    """Every byte value passes both ways to and from pyserial as it comes, 0xFF included."""
    name = served.name
    echo = Exchange([Route(served, served.write)])
    try:
        client = _stock(name)
        client.write(EVERY_BYTE)
        assert client.read(256) == EVERY_BYTE
        client.close()
    finally:
        echo.close()


def test_only_this_computer_is_served_unless_asked(served: ServedPort) -> None:
    """There is no password on a serial port, so the address is the loopback's."""
    assert "127.0.0.1" in served.name


def test_a_second_client_is_turned_away(receive: Receive) -> None:
    """A wire has one other end: the second connection is closed, the first goes on."""
    with ServedPort() as served, open_port(served.name) as first:
        first.write(b"a")
        assert receive(served, 1) == b"a"
        with open_port(served.name) as second:
            assert served.read(0) == b""
            with pytest.raises(CarrierLost):
                second.read(10_000)
        first.write(b"b")
        assert receive(served, 1) == b"b"


def test_the_next_client_is_welcome_and_the_last_words_are_heard(receive: Receive) -> None:
    """What a client sent before it left is not lost, and its place is free at once."""
    with ServedPort() as served:
        for turn in range(20):
            with open_port(served.name) as client:
                client.write(bytes([turn]))
        heard = b""
        while len(heard) < 20 and (data := served.read(10_000)):
            heard += data
        assert heard == bytes(range(20))
        with open_port(served.name) as client:
            served.write(b"welcome")
            assert receive(client, 7) == b"welcome"


def test_without_a_client_bytes_go_nowhere(served: ServedPort) -> None:
    """As on a wire that ends in the air; nothing is kept for later."""
    served.write(EVERY_BYTE)
    assert served.read(0) == b""


@pytest.mark.parametrize(
    "name",
    [
        "serve:",
        "serve:socket://127.0.0.1",
        "serve:http://127.0.0.1:1",
        "serve:socket://127.0.0.1:x",
        "serve:socket://no.such.host.invalid:1",
    ],
)
def test_an_address_that_cannot_be_served_is_refused(name: str) -> None:
    """The message says what to write instead, or what the system says."""
    with pytest.raises(PortError):
        open_port(name)


def test_a_served_line_garbles_at_a_wrong_rate() -> None:
    """The client's rate is that of its end of the wire; ours stays what it was."""
    with ServedRfc2217(baud=115_200) as served:
        echo = Exchange([Route(served, served.write)])
        try:
            with open_port(served.name, 9_600) as client:
                client.write(b"hello")
                assert client.read(500) != b"hello"
        finally:
            echo.close()


def test_damage_before_a_port_is_all_in_its_log(tmp_path: Path) -> None:
    """What arrives differs from what was sent in exactly the bits that the two logs tell of."""
    data = bytes(index * 31 % 256 for index in range(5_000))
    flips = Impairment.parse("flip=1e-2,seed=3")
    with virtual_wiring("looped-pty", tmp_path) as wiring:
        with ImpairedPort(open_port(wiring.near), impairment=flips) as port:
            got = b""
            for start in range(0, len(data), 500):
                port.write(data[start : start + 500])
                while len(got) < start + 500:
                    got += port.read(10_000)
            wrong = {index: a ^ b for index, (a, b) in enumerate(zip(got, data, strict=True)) if a != b}
            told: dict[int, int] = {}
            for injected in port.sending.log + port.receiving.log:
                assert injected.damage is Damage.FLIP
                told[injected.at] = told.get(injected.at, 0) ^ injected.before[0] ^ injected.after[0]
        assert {index: bits for index, bits in told.items() if bits} == wrong
        assert wrong


def test_pace_lets_no_byte_come_early(tmp_path: Path, receive: Receive) -> None:
    """At 9600 baud a hundred bytes there and back take at least the time that a wire would."""
    with virtual_wiring("looped-pty", tmp_path) as wiring, ImpairedPort(open_port(wiring.near), 9_600) as port:
        began = time.monotonic_ns()
        port.write(bytes(100))
        assert receive(port, 100) == bytes(100)
        assert time.monotonic_ns() - began >= 100 * 10 * 1_000_000_000 // 9_600


def test_a_paced_writer_has_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow line takes no more than its buffers hold: whoever writes on and on is told."""
    monkeypatch.setattr("hw.descriptor.WRITE_PATIENCE_MS", 300)
    with (
        virtual_wiring("looped-pty", tmp_path) as wiring,
        ImpairedPort(open_port(wiring.near), 1_200) as port,
        pytest.raises(CarrierLost, match="takes no more bytes"),
    ):
        port.write(bytes(2_000_000))


def test_an_unplugged_port_under_damage_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason that the real port gave is the one that its user hears."""

    def gone(timeout_ms: int) -> bytes:
        raise CarrierLost("the driver's own words")

    with virtual_wiring("looped-pty", tmp_path) as wiring, open_port(wiring.near) as inner:
        monkeypatch.setattr(inner, "read", gone)
        with ImpairedPort(inner, 9_600) as port:
            wiring.unplug()
            with pytest.raises(CarrierLost, match="the driver's own words"):
                port.read(10_000)


def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, receive: Receive) -> None:
    """Somebody who connects and never reads cannot stop the pump: he is hung up on, and the next is welcome."""
    monkeypatch.setattr("hw.served.SEND_PATIENCE_MS", 10)
    with ServedPort() as served:
        with open_port(served.name) as client:
            client.write(b"x")
            assert receive(served, 1) == b"x"
            served.write(bytes(20_000_000))
            with pytest.raises(CarrierLost):
                receive(client, 20_000_000)
        with open_port(served.name) as client:
            served.write(b"next")
            assert receive(client, 4) == b"next"
