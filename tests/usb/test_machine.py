"""The parts of the machine that can be tried without starting it."""

from __future__ import annotations

import lzma
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.usb.machine import __main__ as command
from tests.usb.machine import parts
from tests.usb.machine.kernel import ELF_MAGIC, KernelError, modules_in_order, ram_disk, uncompressed
from tests.usb.machine.parts import PartsMissingError
from tests.usb.machine.wires import Wires


def test_the_kernel_inside_an_image_is_found() -> None:
    """Whatever stands before and after the compressed stream plays no part."""
    kernel = ELF_MAGIC + bytes(1_000)
    assert uncompressed(b"MZ" + bytes(500) + lzma.compress(kernel) + b"what follows") == kernel


@pytest.mark.parametrize("image", [b"MZ" + bytes(500), b"MZ" + lzma.compress(b"no kernel")])
def test_an_image_without_a_kernel_says_so(image: bytes) -> None:
    """A kernel that is packed in another way is named as the reason, not met with a stack trace."""
    with pytest.raises(KernelError, match="kernel image"):
        uncompressed(image)


def test_modules_come_after_what_they_depend_on(tmp_path: Path) -> None:
    """Dashes and underscores are the same, each module comes once, and compressed ones are unpacked."""
    for name, depends in {"top-one": "middle,low", "middle": "low", "low": "", "other": ""}.items():
        (tmp_path / f"{name}.ko").write_bytes(b"\x7fELF\0depends=" + depends.encode() + b"\0name=x\0")
    packed = tmp_path / "packed.ko.xz"
    packed.write_bytes(lzma.compress(b"\0depends=top_one\0"))
    loaded = list(modules_in_order(tmp_path, ("packed", "middle")))
    assert [name for name, _ in loaded] == ["low", "middle", "top_one", "packed"]
    assert loaded[-1][1] == b"\0depends=top_one\0"


def test_a_module_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The message says which."""
    with pytest.raises(KernelError, match="ftdi_sio"):
        list(modules_in_order(tmp_path, ("ftdi_sio",)))


def _members(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Read an archive of the kind that the kernel unpacks: name, permissions and contents of each member."""
    members, place = {}, 0
    while place < len(archive):
        assert archive[place : place + 6] == b"070701"
        fields = [int(archive[place + 6 + 8 * number : place + 14 + 8 * number], 16) for number in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[place + 110 : place + 110 + name_size - 1].decode()
        start = -(-(place + 110 + name_size) // 4) * 4
        members[name] = (mode, archive[start : start + size])
        place = -(-(start + size) // 4) * 4
    return members


def test_the_ram_disk_is_an_archive_that_the_kernel_reads() -> None:
    """Names, contents and permissions come out as they went in, and the end is marked."""
    members = _members(ram_disk(b"busy", b"#!/bin/sh\n", [("first", b"1"), ("second", b"22")]))
    assert members["modules/order"] == (0o100644, b"first\nsecond\n")
    assert members["modules/second.ko"][1] == b"22"
    assert members["init"] == (0o100755, b"#!/bin/sh\n")
    assert members["bin/busybox"] == (0o100755, b"busy")
    assert list(members)[-1] == "TRAILER!!!"


@pytest.fixture
def joined(tmp_path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Yield two sockets that are joined by a wire."""
    wires = Wires(tmp_path)
    paths = wires.pair("one", "other")
    with wires, ExitStack() as stack:
        ends = []
        for path in paths:
            end = stack.enter_context(socket.socket(socket.AF_UNIX))
            end.settimeout(30)
            end.connect(str(path))
            ends.append(end)
        yield ends[0], ends[1]


def _say_until_heard(speaker: socket.socket, listener: socket.socket) -> None:
    """A wire loses what is sent before its other end is there, so say something until it is."""
    listener.settimeout(0.1)
    heard = b""
    while not heard:
        speaker.sendall(b".")
        try:
            heard = listener.recv(100)
        except TimeoutError:
            continue
    listener.settimeout(30)


def test_a_wire_never_blocks_who_does_not_read(joined: tuple[socket.socket, socket.socket]) -> None:
    """Both ends may send megabytes before either reads, and all of it arrives in order."""
    one, other = joined
    _say_until_heard(one, other)
    _say_until_heard(other, one)
    data = bytes(range(256)) * 8_192
    one.sendall(data)
    other.sendall(data)
    for end in joined:
        heard = bytearray()
        while len(heard.lstrip(b".")) < len(data):
            heard += end.recv(65_536)
        assert heard.lstrip(b".") == data


def test_where_the_machine_cannot_be_it_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its parts the command ends with code 3, or with 0 where it is optional, and names the reason."""

    def missing() -> parts.Parts:
        raise PartsMissingError("there is no apt-get here")

    monkeypatch.setattr(command, "gather", missing)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert command.main(["--", "true"]) == 3
    assert "there is no apt-get here" in capsys.readouterr().err
    monkeypatch.delenv("THECAL_USB", raising=False)
    assert command.main(["--optional", "--", "true"]) == 0
    assert "SKIPPED" in (said := capsys.readouterr().err)
    assert "there is no apt-get here" in said
    monkeypatch.setenv("THECAL_USB", "required")
    assert command.main(["--optional", "--", "true"]) == 3


def test_another_system_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine has this host's files and another kernel, so the host must be a Linux of the same kind."""
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert command.main(["--", "true"]) == 3
    assert "Darwin" in capsys.readouterr().err


def test_without_root_a_missing_qemu_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only root may install it; the message says what to run."""
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr("os.geteuid", lambda: 1_000)
    with pytest.raises(PartsMissingError, match="apt-get install qemu-system-x86"):
        parts.qemu()
