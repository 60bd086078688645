"""pyserial's own test suite, as it is published, against our virtual ports: ``tox -e pyserial``.

The suite is fetched from the package index when this runs; none of its code is in this repository. Every test that
fails must be in ``DIFFERENCES`` with its reason, and every test in there must fail: the list is what
docs/hardware.md says, and it is to be true. Without a network this skips, and says so.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from hw.virtual import virtual_wiring

VERSION = "3.5"
MODULES = (
    "test",
    "test_advanced",
    "test_cancel",
    "test_context",
    "test_exclusive",
    "test_high_load",
    "test_iolib",
    "test_readline",
    "test_rs485",
    "test_settings_dict",
    "test_threaded",
)
"""Those that open a port. The others test pyserial's own classes, for which ours make no difference."""
WIRINGS = ("loop", "looped-pty", "looped-socket", "looped-rfc2217")
PATIENCE_S = 300

NO_LINES = "this kind of port has no modem lines"
NO_WAIT = "the port takes all the bytes at once, so no write waits that could be cancelled"
IN_WAITING = "pyserial's socket:// says only whether something is waiting, not how much"
SOCKET_CLIENT = "pyserial's socket:// has no such thing"
RFC2217_CLIENT = "pyserial's rfc2217:// has no such thing"
ONE_OCTET = "pyserial's rfc2217:// returns one byte from a read with a time-out of zero"

DIFFERENCES: dict[str, dict[str, str]] = {
    "loop": {},
    "looped-pty": {
        "test.Test0_DataWires.test1_RTS": NO_LINES,
        "test.Test0_DataWires.test2_DTR": NO_LINES,
        "test.Test0_DataWires.test3_RI": NO_LINES,
        "test_rs485.Test_RS485_class.test_RS485_class": NO_LINES,
        "test_cancel.TestCancelWrite.test_cancel_once": NO_WAIT,
    },
    "looped-socket": {
        "test.Test0_DataWires.test1_RTS": NO_LINES,
        "test.Test0_DataWires.test2_DTR": NO_LINES,
        "test.Test2_Forever.test2_Loopback": IN_WAITING,
        "test.Test3_Timeout.test2_Loopback": IN_WAITING,
        "test.Test4_Nonblocking.test2_Loopback": IN_WAITING,
        "test.Test_MoreTimeouts.test_WriteTimeout": SOCKET_CLIENT,
        "test_cancel.TestCancelRead.test_cancel_once": SOCKET_CLIENT,
        "test_cancel.TestCancelWrite.test_cancel_once": SOCKET_CLIENT,
    },
    "looped-rfc2217": {
        "test.Test4_Nonblocking.test2_Loopback": ONE_OCTET,
        "test.Test4_Nonblocking.test2_LoopbackTimeout": ONE_OCTET,
        "test.Test_MoreTimeouts.test_WriteTimeout": RFC2217_CLIENT,
        "test_cancel.TestCancelRead.test_cancel_once": RFC2217_CLIENT,
        "test_cancel.TestCancelWrite.test_cancel_once": RFC2217_CLIENT,
    },
}
"""Tests of pyserial's that fail on a wiring, each with the reason."""


def main() -> int:
    """Run every module on every wiring; return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        suite = _fetched(folder)
        if suite is None:
            print("SKIPPED: pyserial's sources cannot be fetched here (no network, or no package index)")
            return 0
        wrong = [words for wiring in WIRINGS for words in _compared(wiring, suite, folder)]
    print("\n".join(wrong) or "all as documented")
    return 1 if wrong else 0


def _fetched(folder: Path) -> Path | None:
    """Download and unpack the source distribution; return its folder of tests, or None."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-binary", ":all:", "--no-deps"]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*command, "--dest", str(folder), f"pyserial=={VERSION}"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pip failed", file=sys.stderr)
        return None
    with tarfile.open(next(folder.glob("pyserial-*.tar.gz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"pyserial-{VERSION}" / "test"


def _compared(wiring: str, suite: Path, folder: Path) -> list[str]:
    """Run the suite on one wiring; return what is not as ``DIFFERENCES`` says."""
    failed: set[str] = set()
    for module in MODULES:
        failed |= _failures(wiring, module, suite, folder)
    known = DIFFERENCES[wiring]
    print(f"{wiring}: {len(failed)} tests fail")
    for test in sorted(failed & known.keys()):
        print(f"  {test}: {known[test]}")
    surprises = [f"{wiring}: {test} fails and is not in the list" for test in sorted(failed - known.keys())]
    return surprises + [f"{wiring}: {test} is in the list and passes" for test in sorted(known.keys() - failed)]


def _failures(wiring: str, module: str, suite: Path, folder: Path) -> set[str]:
    """Run one module on a wiring of its own: some tests leave their port open. Return the names that failed."""
    place = folder / f"{wiring} {module}"
    place.mkdir()
    with virtual_wiring(wiring, place) as made:
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter
                [sys.executable, "-W", "ignore", f"{module}.py", made.near],
                cwd=suite,
                check=False,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
            )
        except subprocess.TimeoutExpired:
            return {f"{module}: no end"}
    found = set(re.findall(r"^(?:FAIL|ERROR): (\w+) \(__main__\.(\w+)", done.stderr, re.MULTILINE))
    if done.returncode and not found:
        return {f"{module}: {done.stderr.strip().splitlines()[-1]}"}
    return {f"{module}.{case}.{test}" for test, case in found}


if __name__ == "__main__":
    sys.exit(main())
