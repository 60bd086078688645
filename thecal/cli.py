"""The command ``thecal``: one group, and the one place where exit codes are decided."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from hw.errors import PortError
from protocol.carrier import CarrierLost
from thecal import failures
from thecal.lazy import LazyGroup
from thecal.output import NOT_CLINICAL, bad, tell
from verify.tables import TableError

COMMANDS = {
    "bench": ("thecal.benchmarks.command", "Measure thecal beside its neighbours."),
    "control": ("thecal.control", "Work the bench of a running pump: time, faults, power."),
    "demo": ("thecal.demo", "See what thecal does, with nothing to set up."),
    "doctor": ("thecal.doctor", "Check the installation, ports and permissions."),
    "faults": ("thecal.faults", "List every failure, cause it, and see what notices it."),
    "hw": ("thecal.hw", "Serial ports, their wires, and what goes over them."),
    "loop": ("thecal.loop", "Pump and programmer through one echoing port."),
    "program": ("thecal.program", "Program a pump, as a clinician would."),
    "pump": ("thecal.pump", "Run an emulated pump on a port."),
    "verify": ("thecal.verify", "Check what an emulated pump did against what is claimed for it."),
}
"""Each command's module and one line of help. A module is imported when its command is asked for: ``thecal doctor``
must work when matplotlib does not."""

EPILOG = """
\b
Examples:
  thecal demo                                      a first look, nothing to set up
  thecal pump --port pty:/tmp/thecal-pump          a pump on a virtual port, until Ctrl-C
  thecal program --port /tmp/thecal-pump interrogate
  thecal doctor                                    is everything here that is needed?

\b
Exit codes:
  0    good
  1    a failure was found: a command was refused, its result is unknown, a check does not hold
  2    wrong usage: an option, or a file that is not what it ought to be
  3    something outside is missing: a port, a pump that answers, a library, a place to write to
  4    a bug in thecal itself
  130  Ctrl-C before it was done; what runs until Ctrl-C is done then, and ends with 0 or 1
"""


@click.group(cls=LazyGroup, table=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="thecal", prog_name="thecal", message="%(prog)s %(version)s. " + NOT_CLINICAL)
@click.option("--debug", is_flag=True, expose_value=False, help="Show the stack trace of a bug in thecal.")
def cli() -> None:
    """An emulated intrathecal drug pump and its clinician programmer.

    NOT A MEDICAL DEVICE. NOT FOR CLINICAL USE.
    """


COMPLETION = "_THECAL_COMPLETE"
"""Set by the shell when it asks what could come next on the command line; click answers it."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    if COMPLETION in os.environ:
        cli.main(prog_name="thecal")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code and let no exception out."""
    try:
        with cli.make_context("thecal", list(arguments)) as context:
            result = cli.invoke(context)
        if sys.stdout is not None:  # closed by whoever started us
            sys.stdout.flush()
    except BrokenPipeError:
        return _reader_gone()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last resort: the user gets a sentence
        return _explained(error, arguments)
    return result if isinstance(result, int) else failures.GOOD


def _explained(error: BaseException, arguments: Sequence[str]) -> int:
    """Say what went wrong and return the exit code that it deserves."""
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            error.show()
            return error.exit_code
        case click.Abort() | KeyboardInterrupt():
            words, code = "interrupted", failures.INTERRUPTED
        case TableError():
            words, code = f"Error: a table of thecal's own cannot be used: {error}", failures.FAILURE_FOUND
        case PortError() | CarrierLost():
            words, code = f"Error: {error}", failures.OUTSIDE_MISSING
        case OSError(filename=None, errno=errno.ENOSPC | errno.EIO | errno.EBADF):
            words, code = f"Error: cannot write the result: {error.strerror}", failures.OUTSIDE_MISSING
        case OSError(filename=str() | Path() as path):
            words, code = f"Error: {path} cannot be used: {error.strerror}", failures.OUTSIDE_MISSING
        case _:
            return _our_bug(error, arguments)
    tell(words)
    return code


def _reader_gone() -> int:
    """End quietly when whoever read our output has had enough, as ``head`` does."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())  # so that the interpreter's last flush does not complain
    os.close(nowhere)
    return failures.GOOD


def _our_bug(error: BaseException, arguments: Sequence[str]) -> int:
    debug = "--debug" in arguments or os.environ.get("THECAL_TRACEBACK", "0") not in {"", "0"}
    if debug:
        traceback.print_exception(error)
    tell(f"{bad('bug in thecal:')} {type(error).__name__}: {error}")
    if not debug:
        tell("Please report it with what “THECAL_TRACEBACK=1 thecal …” prints and what “thecal doctor --json” says.")
    return failures.OUR_BUG
