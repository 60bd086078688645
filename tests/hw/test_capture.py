"""Captures: what is written is read, whatever became of the writer."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pcapng import FileWriter
from pcapng.blocks import EnhancedPacket, InterfaceDescription, SectionHeader

from hw.capture import Capture, CaptureError, CaptureExistsError, Flow, Packet, read_capture

START_US = 1_800_000_000_000_000
PIECES = [(Flow.INBOUND, b"\0abc"), (Flow.OUTBOUND, b"d\0"), (Flow.INBOUND, bytes(range(256)) * 3)]


def written(path: Path, pieces: list[tuple[Flow, bytes]]) -> list[Packet]:
    """Write a capture and return the packets that it should hold."""
    complaints: list[str] = []
    packets = [Packet(START_US + 7 * number, *piece) for number, piece in enumerate(pieces)]
    times = iter([packet.at_us * 1_000 + 999 for packet in packets])
    capture = Capture(path, "a port", complain=complaints.append, clock_ns=lambda: next(times))
    for flow, data in pieces:
        capture.hear(flow, data)
    capture.close()
    capture.close()
    assert complaints == []
    return packets


@given(pieces=st.lists(st.tuples(st.sampled_from(Flow), st.binary(min_size=1, max_size=600)), max_size=8))
def test_a_capture_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[tuple[Flow, bytes]]
) -> None:
    """Every byte, with its direction, and its time to the microsecond."""
    path = tmp_path_factory.mktemp("capture") / "wire.pcapng"
    assert written(path, pieces) == list(read_capture(path))


def test_nothing_is_no_packet(tmp_path: Path) -> None:
    """A read that brought no bytes leaves no trace."""
    path = tmp_path / "wire.pcapng"
    written(path, [(Flow.INBOUND, b"")])
    assert list(read_capture(path)) == []


def test_a_packet_is_in_the_file_before_the_next_thing_happens(tmp_path: Path) -> None:
    """While the writer still lives, and if it never closes, everything heard so far can be read."""
    path = tmp_path / "wire.pcapng"
    capture = Capture(path, "a port", complain=pytest.fail)
    for number, (flow, data) in enumerate(PIECES, 1):
        capture.hear(flow, data)
        assert [packet.data for packet in read_capture(path)] == [data for _, data in PIECES[:number]]
    capture.close()


def test_a_file_cut_off_anywhere_gives_what_is_whole(tmp_path: Path) -> None:
    """Never a packet that was not written; what is lost is said, unless the cut is at the edge of a block."""
    path, cut = tmp_path / "wire.pcapng", tmp_path / "cut.pcapng"
    packets = written(path, PIECES)
    whole = path.read_bytes()
    said = 0
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        found: list[Packet] = []
        try:
            found.extend(read_capture(cut))
        except CaptureError as error:
            said += "cut off" in str(error)
        assert found == packets[: len(found)]
    assert said > len(whole) * 0.7


def test_a_capture_is_never_overwritten(tmp_path: Path) -> None:
    """A file that is there stays as it is."""
    path = tmp_path / "wire.pcapng"
    path.write_text("precious")
    with pytest.raises(CaptureExistsError, match="never overwritten"):
        Capture(path, "a port", complain=pytest.fail)
    assert path.read_text() == "precious"


def test_a_capture_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """No folder, no capture, and a sentence instead of a stack trace."""
    with pytest.raises(CaptureError, match="No such file"):
        Capture(tmp_path / "nowhere" / "wire.pcapng", "a port", complain=pytest.fail)


def test_a_pipe_is_fed_until_its_reader_has_gone(tmp_path: Path) -> None:
    """Wireshark can read a named pipe live; when it goes, the capture ends with one word and the wire goes on."""
    pipe, copy = tmp_path / "pipe", tmp_path / "copy.pcapng"
    os.mkfifo(pipe)
    complaints: list[str] = []

    def read_two() -> None:
        with pipe.open("rb", buffering=0) as reader:
            data = io.BytesIO()
            while data.tell() < len(expected):
                data.write(reader.read(len(expected) - data.tell()))
            copy.write_bytes(data.getvalue())

    written(tmp_path / "model.pcapng", PIECES[:2])
    expected = (tmp_path / "model.pcapng").read_bytes()
    reader = threading.Thread(target=read_two)
    reader.start()
    capture = Capture(pipe, "a port", complain=complaints.append)
    for flow, data in PIECES[:2]:
        capture.hear(flow, data)
    reader.join()
    assert [packet.data for packet in read_capture(copy)] == [data for _, data in PIECES[:2]]
    for _ in range(3):
        capture.hear(*PIECES[2])
    assert len(complaints) == 1
    assert "ends here" in complaints[0]


@pytest.mark.parametrize(
    "content", [b"not a capture, but long enough to be looked at", b"\x0a\x0d\x0d\x0a" + bytes(60)]
)
def test_what_is_no_capture_is_refused(tmp_path: Path, content: bytes) -> None:
    """With a sentence that names the file."""
    path = tmp_path / "odd"
    path.write_bytes(content)
    with pytest.raises(CaptureError, match="odd"):
        list(read_capture(path))


def foreign(path: Path, link_type: int, resolution: bytes | None) -> None:
    """Write a capture of one packet as another program would."""
    section = SectionHeader()
    options = {} if resolution is None else {9: resolution}
    section.new_member(InterfaceDescription, link_type=link_type, options=options)
    packet = section.new_member(
        EnhancedPacket, interface_id=0, timestamp_high=0, timestamp_low=2_000_000_000, packet_len=1, packet_data=b"x"
    )
    with path.open("wb") as file:
        FileWriter(file, section).write_block(packet)


@pytest.mark.filterwarnings("ignore:Field type should not be")
def test_another_resolution_is_understood(tmp_path: Path) -> None:
    """A program that saved the capture again may count nanoseconds, and may have dropped the direction."""
    path = tmp_path / "wire.pcapng"
    foreign(path, 147, b"\x09")
    assert list(read_capture(path)) == [Packet(2_000_000, None, b"x")]


def test_another_link_type_is_refused(tmp_path: Path) -> None:
    """A capture of Ethernet holds nothing of ours."""
    path = tmp_path / "wire.pcapng"
    foreign(path, 1, None)
    with pytest.raises(CaptureError, match="link type 1"):
        list(read_capture(path))
