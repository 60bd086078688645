"""The bench's local socket."""

import json
import selectors
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from thecal.control_server import ControlServer, ask
from thecal.failures import OutsideMissing

PATIENCE_S = 20


def echoing_desk(request: dict[str, Any]) -> dict[str, Any]:
    """Answer with the request."""
    return {"ok": True, "asked": request}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a path for a socket in a folder that does not exist yet."""
    return tmp_path / "private" / "bench"


@pytest.fixture
def server(place: Path) -> Iterator[ControlServer]:
    """Run a server in a thread of its own until the test is over."""
    selector = selectors.DefaultSelector()
    server = ControlServer(place, echoing_desk, selector)
    ended, end = socket.socketpair()
    selector.register(ended, selectors.EVENT_READ, None)

    def serve() -> None:
        while True:
            for key, _ in selector.select(PATIENCE_S):
                if key.data is None:
                    return
                key.data()

    thread = threading.Thread(target=serve)
    thread.start()
    yield server
    end.close()
    thread.join()
    server.close()
    ended.close()
    selector.close()


def connect(place: Path) -> socket.socket:
    """Return a connection with a generous time-out."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE_S)
    connection.connect(str(place))
    return connection


def test_a_request_is_answered(server: ControlServer) -> None:
    """One object in, one object out, as often as wanted."""
    for number in range(3):
        assert ask(server.path, {"command": number})["asked"] == {"command": number}


def test_several_requests_share_a_connection(server: ControlServer) -> None:
    """Lines are answered in order, however they were cut into packets, and two askers do not disturb each other."""
    with connect(server.path) as one, connect(server.path) as two, one.makefile("rb") as answers:
        one.sendall(b'{"a": 1}\n{"b"')
        assert json.loads(answers.readline())["asked"] == {"a": 1}
        two.sendall(b'{"c": 3}\n')
        assert json.loads(two.recv(4096))["asked"] == {"c": 3}
        one.sendall(b": 2}\n")
        assert json.loads(answers.readline())["asked"] == {"b": 2}


@pytest.mark.parametrize("line", [b"nonsense", b"[1]", b"\xff\xfe", b"[" * 50_000, b""])
def test_a_line_that_is_no_request_is_answered_with_an_error(server: ControlServer, line: bytes) -> None:
    """Nonsense gets an error, and the connection and the server live on."""
    with connect(server.path) as asker, asker.makefile("rb") as answers:
        asker.sendall(line + b"\n")
        assert json.loads(answers.readline())["ok"] is False
        asker.sendall(b"{}\n")
        assert json.loads(answers.readline())["ok"] is True


def test_who_never_ends_a_line_is_cut_off(server: ControlServer) -> None:
    """A request without end does not fill the memory."""
    with connect(server.path) as asker:
        with pytest.raises((ConnectionError, TimeoutError)):
            asker.sendall(b"x" * 50_000_000)
        assert ask(server.path, {})["ok"] is True


def test_only_the_owner_can_enter(server: ControlServer) -> None:
    """The folder is made for the owner alone."""
    assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700


def test_a_folder_open_to_others_is_refused(place: Path) -> None:
    """A socket is not made where another user could reach it, and the message says what to do."""
    place.parent.mkdir(mode=0o755)
    with selectors.DefaultSelector() as selector, pytest.raises(OutsideMissing, match="folder of its own"):
        ControlServer(place, echoing_desk, selector)


def test_a_socket_left_by_a_killed_pump_is_replaced(place: Path) -> None:
    """A dead socket does not stand in the way."""
    place.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(place))
    with selectors.DefaultSelector() as selector:
        ControlServer(place, echoing_desk, selector).close()
    assert not place.exists()


def test_a_socket_in_use_is_refused(server: ControlServer) -> None:
    """A second pump does not take the first one's socket."""
    with selectors.DefaultSelector() as selector, pytest.raises(OutsideMissing, match="another pump"):
        ControlServer(server.path, echoing_desk, selector)
    assert ask(server.path, {})["ok"] is True


def test_a_place_that_cannot_be_bound_is_refused(place: Path) -> None:
    """A path longer than the system allows, or one that is taken by a file, is an error with the path in it."""
    place.parent.mkdir(mode=0o700)
    place.write_text("precious")
    for path in (place, place.parent / ("x" * 200)):
        with selectors.DefaultSelector() as selector, pytest.raises(OutsideMissing, match="cannot make"):
            ControlServer(path, echoing_desk, selector)
    assert place.read_text() == "precious"


def test_asking_where_nobody_is_says_how_to_start_a_pump(place: Path) -> None:
    """The message names the option that makes a pump listen."""
    with pytest.raises(OutsideMissing, match="--control"):
        ask(place, {})


def test_nothing_leaks(place: Path) -> None:
    """Serving and closing leaves no descriptor behind."""
    count: Callable[[], int] = lambda: len(list(Path("/proc/self/fd").iterdir()))  # noqa: E731
    before = count()
    for _ in range(50):
        with selectors.DefaultSelector() as selector:
            server = ControlServer(place, echoing_desk, selector)
            asker = connect(place)
            for key, _ in selector.select(PATIENCE_S):
                key.data()
            server.close()
            asker.close()
    assert count() == before
