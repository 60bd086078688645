"""What the machine is made of: fetched once from Debian's archive and kept in the user's cache folder.

Nothing is installed but QEMU itself, and that only where apt may do it. The kernel, busybox and udev are downloaded
as packages and unpacked into the cache; the host never boots or runs them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.usb.machine.kernel import modules_in_order, ram_disk, uncompressed
from tests.usb.machine.telling import tell

HERE = Path(__file__).parent
QEMU = "qemu-system-x86_64"
QEMU_PACKAGE = "qemu-system-x86"
KERNEL_PACKAGE = "linux-image-amd64"
"""Not the *cloud* kernel, which has no USB."""

UNPACKED_PACKAGES = ("busybox-static", "udev", "libudev1", "libkmod2")

MODULES = (
    # what the guest needs to see the host's files
    "virtio_pci", "9pnet_virtio", "9p", "overlay",
    # USB controllers: QEMU's, and the one that models plug into
    "xhci_pci", "vhci_hcd",
    # the drivers under test
    "ftdi_sio", "cp210x", "ch341", "pl2303", "cdc_acm",
)  # fmt: skip


class PartsMissingError(Exception):
    """The machine cannot be put together here. The message is the reason, for people."""


class Parts(NamedTuple):
    """Where everything is. The folder holds ``vmlinux``, ``initrd``, ``busybox`` and the ``unpacked`` packages."""

    qemu: str
    folder: Path


def gather() -> Parts:
    """Return everything that the machine needs, fetching what is not here; ``PartsMissingError`` says why not."""
    program = qemu()
    folder = cache_folder() / _recipe()
    if not folder.is_dir():
        _require_apt()
        _fetch(folder)
    return Parts(program, folder)


def cache_folder() -> Path:
    """Return the folder of this user's caches in which the parts are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "thecal" / "usb-machine"


def _recipe() -> str:
    """Return a name that changes when what is made of the packages changes."""
    ingredients = [*MODULES, *UNPACKED_PACKAGES, KERNEL_PACKAGE]
    digest = hashlib.sha256(" ".join(ingredients).encode())
    for name in ("init.sh", "kernel.py"):
        digest.update((HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def _require_apt() -> None:
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise PartsMissingError(f"the parts come from Debian's packages, and there is no {program} here")


def qemu() -> str:
    """Return where QEMU is, installing it where apt may; ``PartsMissingError`` says why it cannot be."""
    path = shutil.which(QEMU)
    if path is None:
        if os.geteuid() != 0:
            raise PartsMissingError(f"{QEMU} is missing and only root may install it: apt-get install {QEMU_PACKAGE}")
        _require_apt()
        tell(f"installing {QEMU_PACKAGE}")
        _apt(Path("/"), "install", "--yes", "--no-install-recommends", QEMU_PACKAGE)
        path = shutil.which(QEMU)
    if path is None:
        raise PartsMissingError(f"{QEMU_PACKAGE} holds no {QEMU}")
    return path


def _fetch(folder: Path) -> None:
    """Download, unpack and convert, aside from the cache, so that it never holds half of anything."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        work = Path(name)
        tell("downloading a kernel, busybox and udev from Debian's archive (about 75 MB, once)")
        _apt(work, "download", _kernel_package(), *UNPACKED_PACKAGES)
        unpacked, made = work / "unpacked", work / "made"
        for package in work.glob("*.deb"):
            _run(work, "dpkg-deb", "--extract", str(package), str(unpacked))
        tell("unpacking")
        _make(unpacked, made)
        if not folder.is_dir():  # another run may have been quicker
            made.rename(folder)


def _kernel_package() -> str:
    """Return the package that the kernel's name of convenience stands for."""
    for attempt in (False, True):
        if attempt:
            _refresh()
        for line in _run(Path("/"), "apt-cache", "depends", "--important", KERNEL_PACKAGE, check=False).splitlines():
            _, _, package = line.partition("Depends: ")
            if package.startswith("linux-image-"):
                return package
    raise PartsMissingError(
        f"apt knows no package {KERNEL_PACKAGE}: this needs Debian on x86-64, and package lists (apt-get update)"
    )


def _make(unpacked: Path, made: Path) -> None:
    made.mkdir()
    (image,) = (unpacked / "boot").glob("vmlinuz-*")
    (made / "vmlinux").write_bytes(uncompressed(image.read_bytes()))
    busybox = next(path for path in (unpacked / "bin/busybox", unpacked / "usr/bin/busybox") if path.exists())
    modules = next(path for path in (unpacked / "lib/modules", unpacked / "usr/lib/modules") if path.exists())
    loaded = list(modules_in_order(modules, MODULES))
    (made / "initrd").write_bytes(ram_disk(busybox.read_bytes(), (HERE / "init.sh").read_bytes(), loaded))
    shutil.copy(busybox, made / "busybox")
    shutil.rmtree(modules)  # 400 MB of drivers for things that are not here
    shutil.rmtree(unpacked / "boot")
    unpacked.rename(made / "unpacked")


def _apt(folder: Path, *arguments: str) -> None:
    """Run apt-get; if it fails, once more with fresh package lists."""
    command = ("apt-get", "--quiet", *arguments)
    try:
        _run(folder, *command)
    except PartsMissingError:
        _refresh()
        _run(folder, *command)


def _refresh() -> None:
    if os.geteuid() == 0:
        tell("refreshing apt's package lists")
        _run(Path("/"), "apt-get", "--quiet", "update", check=False)


def _run(folder: Path, *command: str, check: bool = True) -> str:
    """Run a program; ``PartsMissingError`` with its last words if it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    result = subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    if check and result.returncode != 0:
        words = (result.stderr.strip() or result.stdout.strip()).splitlines()[-3:]
        raise PartsMissingError(f"“{' '.join(command)}” failed: {' / '.join(words)}")
    return result.stdout
