"""Turn an unpacked kernel package into what the machine boots: an uncompressed kernel and an initial ram disk."""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterator
from pathlib import Path

XZ_MAGIC = b"\xfd7zXZ\x00"
ELF_MAGIC = b"\x7fELF"

DEPENDS = re.compile(rb"\0depends=([^\0]*)\0")
"""Where a module names the modules that must be loaded before it."""

DIRECTORY, PROGRAM, FILE = 0o040755, 0o100755, 0o100644
ALIGNMENT = 4


class KernelError(Exception):
    """The kernel package does not hold what the machine needs. The message says what is missing."""


def uncompressed(image: bytes) -> bytes:
    """Return the kernel inside a compressed image: the machine can start it directly, without unpacking."""
    start = image.find(XZ_MAGIC)
    if start < 0:
        raise KernelError("the kernel image is not compressed with xz as Debian's kernels are")
    kernel = lzma.LZMADecompressor().decompress(image[start:])  # what follows the stream is not ours to read
    if not kernel.startswith(ELF_MAGIC):
        raise KernelError("what the kernel image unpacks to is no kernel")
    return kernel


def modules_in_order(folder: Path, wanted: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield name and contents of the wanted modules and of all they depend on, in an order in which they load."""
    found = {_name_of(path): path for path in folder.rglob("*.ko*")}
    done: set[str] = set()

    def visit(name: str) -> Iterator[tuple[str, bytes]]:
        if name in done:
            return
        done.add(name)
        if name not in found:
            raise KernelError(f"the kernel package has no module {name}")
        contents = _contents(found[name])
        for dependency in dependencies(contents):
            yield from visit(dependency)
        yield name, contents

    for name in wanted:
        yield from visit(name)


def dependencies(module: bytes) -> list[str]:
    """Return what a module says it depends on."""
    match = DEPENDS.search(module)
    if match is None:
        return []
    return [name.replace("-", "_") for name in match.group(1).decode().split(",") if name]


def _name_of(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def _contents(path: Path) -> bytes:
    """Read a module; newer Debian releases compress them."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def ram_disk(busybox: bytes, init: bytes, modules: list[tuple[str, bytes]]) -> bytes:
    """Return an initial ram disk (a cpio archive) with a shell, the modules, their order, and what runs first."""
    names = "".join(f"{name}\n" for name, _ in modules).encode()
    return b"".join(
        (
            *(_entry(name, DIRECTORY, b"") for name in ("bin", "modules", "proc", "sys", "dev", "host")),
            _entry("bin/busybox", PROGRAM, busybox),
            _entry("init", PROGRAM, init),
            _entry("modules/order", FILE, names),
            *(_entry(f"modules/{name}.ko", FILE, contents) for name, contents in modules),
            _entry("TRAILER!!!", 0, b""),
        )
    )


def _entry(name: str, mode: int, contents: bytes) -> bytes:
    """Return one member of a cpio archive in the "newc" format: thirteen fields of eight hexadecimal digits."""
    path = name.encode() + b"\0"
    #         inode, mode, user, group, links, time, size, device (2), special device (2), length of name, checksum
    fields = (0, mode, 0, 0, 1, 0, len(contents), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return _padded(header) + _padded(contents)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)
