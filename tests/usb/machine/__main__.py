"""Run a command in the machine: ``python -m tests.usb.machine -- COMMAND...``."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.usb.machine.boot import run
from tests.usb.machine.kernel import KernelError
from tests.usb.machine.parts import Parts, PartsMissingError, gather
from tests.usb.machine.telling import tell

SKIPPED, OUTSIDE_MISSING = 0, 3
REQUIRED = ("THECAL_USB", "required")
"""An environment variable and its value, for whoever wants a failure where the machine cannot be."""

PASSED_ON = ("PATH", "HOME", "VIRTUAL_ENV", "THECAL_PROFILE", "PYTHONPATH", "PY_COLORS", "NO_COLOR", "LANG")


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the command's exit code; 3 if the machine cannot be put together here, or 0 if it is optional."""
    parser = argparse.ArgumentParser(prog="python -m tests.usb.machine", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("usb-results"), help="folder in which results come out")
    parser.add_argument("--timeout", type=float, default=900, help="seconds after which the machine is switched off")
    parser.add_argument("--optional", action="store_true", help="where the machine cannot be, say why and succeed")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(arguments)
    try:
        parts = _parts()
    except (PartsMissingError, KernelError) as reason:
        name, value = REQUIRED
        optional = given.optional and os.environ.get(name) != value
        tell(f"{'SKIPPED' if optional else 'cannot run here'}: {reason}")
        return SKIPPED if optional else OUTSIDE_MISSING
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that the machine ends, too
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return run(parts, given.command, environment, given.results, given.timeout)


def _parts() -> Parts:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise PartsMissingError(f"it needs Linux on x86_64, and this is {platform.system()} on {platform.machine()}")
    return gather()


if __name__ == "__main__":
    sys.exit(main())
