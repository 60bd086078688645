"""Ports by name: devices and pyserial's addresses."""

import errno
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hw.errors import PortError
from hw.ports import _why_not, open_port
from hw.pty import VirtualPort
from protocol.carrier import Carrier, CarrierLost

Receive = Callable[[Carrier, int], bytes]


@pytest.fixture
def echo_server() -> Iterator[str]:
    """Serve one TCP client at a time: echo until it sends a zero byte, then hang up."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                while (data := client.recv(4096)) and b"\0" not in data:
                    client.sendall(data)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_a_port_belongs_to_one_program(tmp_path: Path) -> None:
    """A second open is refused, because two programs on one line would steal each other's bytes."""
    link = tmp_path / "pump"
    with VirtualPort(link), open_port(str(link)), pytest.raises(PortError, match="in use by another program"):
        open_port(str(link))


def test_a_missing_port_says_what_to_check(tmp_path: Path) -> None:
    """The message asks for the adapter and the pump, and names the command that lists ports."""
    with pytest.raises(PortError, match="thecal hw list"):
        open_port(str(tmp_path / "nothing"))


def test_a_file_is_no_port(tmp_path: Path) -> None:
    """Opening an ordinary file fails with a message, not with a terminal error."""
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(PortError, match="cannot open"):
        open_port(str(path))


def test_no_permission_names_the_remedy() -> None:
    """The message tells how to join the group that owns adapters."""
    assert "dialout" in _why_not("/dev/ttyUSB0", OSError(errno.EACCES, "Permission denied"))


@pytest.mark.parametrize("name", ["pty:", "nonsense://x", "socket://127.0.0.1:1", "loop://?bad=1"])
def test_an_unusable_name_is_a_port_error(name: str) -> None:
    """Whatever pyserial raises for a name, the caller sees one kind of error."""
    with pytest.raises(PortError):
        open_port(name)


def test_a_pump_that_ends_is_a_lost_carrier(tmp_path: Path) -> None:
    """When the other side of a pty is gone, reading and writing raise CarrierLost with the port's name."""
    link = tmp_path / "pump"
    pump = VirtualPort(link)
    with open_port(str(link)) as programmer:
        pump.close()
        with pytest.raises(CarrierLost, match="pump is gone"):
            programmer.read(1000)
        with pytest.raises(CarrierLost, match="pump is gone"):
            programmer.write(b"x")


def test_a_line_that_takes_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write to a pump that never reads ends with CarrierLost, not in an endless wait."""
    monkeypatch.setattr("hw.descriptor.WRITE_PATIENCE_MS", 10)
    link = tmp_path / "pump"
    with VirtualPort(link), open_port(str(link)) as programmer, pytest.raises(CarrierLost, match="no more bytes"):
        programmer.write(bytes(1_000_000))


@pytest.mark.parametrize("frame", [b"x", bytes(range(1, 256)) * 20])
def test_loop_returns_what_was_written(frame: bytes, receive: Receive) -> None:
    """``loop://`` has no descriptor of its own and still can be read like any port."""
    with open_port("loop://") as port:
        port.write(frame)
        assert receive(port, len(frame)) == frame
        assert port.read(0) == b""


def test_loop_closes_with_bytes_unread() -> None:
    """Closing does not wait for a reader, however much is on its way."""
    port = open_port("loop://")
    port.write(bytes(4000))
    port.close()
    with pytest.raises(CarrierLost, match="is closed"):
        port.write(b"x")


def test_a_socket_carries_bytes_and_reports_the_hang_up(echo_server: str, receive: Receive) -> None:
    """``socket://`` is read without a thread; the peer's hang-up is a lost carrier."""
    with open_port(echo_server) as port:
        port.write(b"hello")
        assert receive(port, 5) == b"hello"
        port.write(b"\0")
        with pytest.raises(CarrierLost, match="is gone"):
            port.read(10_000)


def test_reading_waits_no_longer_than_asked(tmp_path: Path) -> None:
    """With nothing on the line, a read of zero milliseconds comes back empty."""
    link = tmp_path / "pump"
    with VirtualPort(link) as pump, open_port(str(link)) as programmer:
        assert pump.read(0) == b""
        assert programmer.read(1) == b""
        assert programmer.now_ms() <= programmer.now_ms()


def test_addresses_leak_nothing(open_descriptors: Callable[[], int]) -> None:
    """Opening and closing a bridged port leaves neither descriptors nor threads behind."""
    descriptors, threads = open_descriptors(), threading.active_count()
    for _ in range(5):
        with open_port("loop://"):
            pass
    assert (open_descriptors(), threading.active_count()) == (descriptors, threads)
