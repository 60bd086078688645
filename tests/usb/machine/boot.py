"""Start the machine with a command, and wait for its result."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.usb.machine.parts import HERE, Parts
from tests.usb.machine.telling import tell
from tests.usb.machine.wires import Wires

TIMED_OUT, NO_RESULT = 124, 125
LAST_LINES = 30
END_PATIENCE_S = 10

KERNEL_ARGUMENTS = "console=ttyS0 panic=-1 loglevel=3 mitigations=off nokaslr"
"""``panic=-1``: a machine that cannot go on ends at once. What drivers say goes to the result ``kernel.log``."""


def run(parts: Parts, command: Sequence[str], environment: Mapping[str, str], results: Path, timeout_s: float) -> int:
    """Run the command in the machine and return its exit code, or 124 after the time-out, or 125 without a result.

    The command sees this host's files. What it leaves in ``/run/machine/results`` comes out in ``results``; what it
    prints is printed here while it runs.
    """
    with tempfile.TemporaryDirectory(prefix="usb-machine-") as name:
        share = Path(name) / "share"
        _write_share(share, parts, command, environment)
        wires = Wires(Path(name))
        arguments = _arguments(parts, share, wires)
        with wires, _qemu(arguments) as qemu:
            last = deque[str](maxlen=LAST_LINES)
            printer = threading.Thread(target=_print_console, args=(qemu.stdout, last), daemon=True)
            printer.start()
            try:
                qemu.wait(timeout_s)
            except subprocess.TimeoutExpired:
                tell(f"no end after {timeout_s:.0f} s: the machine was switched off")
                return TIMED_OUT
            finally:
                _switch_off(qemu)
                printer.join(END_PATIENCE_S)
        shutil.copytree(share / "results", results, dirs_exist_ok=True)
        return _exit_code(share / "code", last)


def _write_share(share: Path, parts: Parts, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Make the folder that carries the command in and the results out."""
    (share / "results").mkdir(parents=True)
    shutil.copy(HERE / "start.sh", share / "start")
    exports = {**environment, "THECAL_USB_MACHINE": "1", "PARTS": str(parts.folder)}
    (share / "environment").write_text(
        "".join(f"export {key}={shlex.quote(text)}\n" for key, text in exports.items())
    )
    (share / "command").write_text(f"cd {shlex.quote(str(Path.cwd()))} && exec {shlex.join(command)}\n")


def _arguments(parts: Parts, share: Path, wires: Wires) -> list[str]:
    """Return the command that starts the machine, with its plugs in the wires."""
    left, right = wires.pair("left", "right")
    control, monitor = wires.pair("control", "monitor")
    sockets = {"left": left, "right": right, "control": control, "monitor": monitor}
    return [
        *(parts.qemu, "-machine", "q35", "-cpu", "max", "-m", "768", *_accelerator()),
        *("-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"),
        *("-kernel", str(parts.folder / "vmlinux"), "-initrd", str(parts.folder / "initrd")),
        *("-append", KERNEL_ARGUMENTS),
        *_folder("host", Path("/"), "readonly=on,multidevs=remap"),
        *_folder("share", share, "multidevs=remap"),
        *("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
        *(word for name, path in sockets.items() for word in ("-chardev", f"socket,id={name},path={path}")),
        *("-serial", "chardev:control", "-mon", "chardev=monitor,mode=control"),
        *("-device", "qemu-xhci,id=xhci"),
        *(word for name in ("left", "right") for word in ("-device", adapter(name))),
    ]


def adapter(name: str) -> str:
    """Return what QEMU calls its own FTDI adapter, on the wire of that name."""
    return f"usb-serial,id={name},chardev={name},serial=QEMU-{name},bus=xhci.0"


def _accelerator() -> tuple[str, ...]:
    """Use the processor's virtualisation if it says that it has it; that ``/dev/kvm`` is there proves nothing."""
    flags = Path("/proc/cpuinfo").read_text().split()
    if ("vmx" in flags or "svm" in flags) and Path("/dev/kvm").exists():
        return ("-accel", "kvm", "-accel", "tcg", "-smp", "2")
    return ("-accel", "tcg,thread=multi", "-smp", "1")  # a second virtual processor makes an emulated machine slower


def _folder(tag: str, path: Path, options: str) -> tuple[str, ...]:
    """Return the arguments that show a folder of the host to the machine."""
    source = f"local,id={tag},path={path},security_model=none,{options}"
    return ("-fsdev", source, "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}")


@contextlib.contextmanager
def _qemu(arguments: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start QEMU; it never outlives the context."""
    qemu = subprocess.Popen(
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        yield qemu
    finally:
        _switch_off(qemu)
        if qemu.stdout is not None:
            qemu.stdout.close()


def _switch_off(qemu: subprocess.Popen[bytes]) -> None:
    if qemu.poll() is None:
        qemu.kill()
        qemu.wait()


def _print_console(console: IO[bytes] | None, last: deque[str]) -> None:
    """Print what the machine prints, and remember its last lines."""
    for line in console or ():
        text = line.decode(errors="replace").rstrip("\r\n")
        last.append(text)
        print(text, flush=True)


def _exit_code(path: Path, last: deque[str]) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        tell("the machine ended without a result; its last lines:")
        for line in last:
            tell(line)
        return NO_RESULT
