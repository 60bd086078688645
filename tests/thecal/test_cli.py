"""The command line as a whole: help, exit codes, and how it ends when something goes wrong."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from hw.errors import PortError
from protocol.carrier import CarrierLost
from thecal import cli, failures
from thecal.lazy import LazyGroup
from verify.tables import TableError

Fail = Callable[..., int]
ENVIRONMENT = {**os.environ, "NO_COLOR": "1"}


def command_that(error: BaseException) -> click.Command:
    """Return a command that raises the error."""

    @click.command()
    def failing() -> None:
        raise error

    return failing


@pytest.fixture
def run_failing(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Return a function that runs a command which raises, and gives the exit code."""

    def run(error: BaseException, *arguments: str) -> int:
        monkeypatch.setattr(LazyGroup, "get_command", lambda *_: command_that(error))
        return cli.run([*arguments, "doctor"])

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (failures.Failure("refused"), 1),
        (click.UsageError("wrong"), 2),
        (click.BadParameter("wrong"), 2),
        (failures.OutsideMissing("no file"), 3),
        (PortError("no port"), 3),
        (CarrierLost("unplugged"), 3),
        (FileNotFoundError(2, "No such file", "here"), 3),
        (TableError("properties.toml: no"), 1),
        (RuntimeError("ours"), 4),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_end_has_its_exit_code(run_failing: Fail, error: BaseException, code: int) -> None:
    """A failure is 1, wrong usage 2, something missing outside 3, a bug of ours 4, an interrupt 130."""
    assert run_failing(error) == code


def test_a_bug_of_ours_shows_no_stack_trace(run_failing: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    """The user reads what happened and how to report it."""
    run_failing(RuntimeError("the guard is confused"))
    text = capsys.readouterr().err
    assert "the guard is confused" in text
    assert "THECAL_TRACEBACK" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("way", ["option", "environment"])
def test_a_stack_trace_can_be_asked_for(
    run_failing: Fail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Both --debug and THECAL_TRACEBACK=1 show where it happened."""
    if way == "environment":
        monkeypatch.setenv("THECAL_TRACEBACK", "1")
    run_failing(RuntimeError("confused"), *(["--debug"] if way == "option" else []))
    assert "Traceback" in capsys.readouterr().err


def test_help_says_what_it_is_not_and_what_the_exit_codes_mean(capsys: pytest.CaptureFixture[str]) -> None:
    """The first page has the warning, examples, exit codes and every command, without importing any of them."""
    assert cli.run(["--help"]) == 0
    text = capsys.readouterr().out
    assert "NOT FOR CLINICAL USE" in text
    codes = [line.split()[0] for line in text.partition("Exit codes:")[2].splitlines() if line.strip()]
    assert codes == ["0", "1", "2", "3", "4", "130"]
    for name in cli.COMMANDS:
        assert name in text


def test_version_names_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """--version says which version this is and that it is not for clinical use."""
    assert cli.run(["--version"]) == 0
    assert "Not for clinical use" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["pump", "--nonsense"]])
def test_what_does_not_exist_is_wrong_usage(arguments: list[str]) -> None:
    """Unknown commands and options end with 2."""
    assert cli.run(arguments) == 2


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A command whose library is not installed ends with 3 and points to the doctor."""
    monkeypatch.setitem(sys.modules, "serial", None)
    monkeypatch.delitem(sys.modules, "hw.ports", raising=False)
    monkeypatch.delitem(sys.modules, "hw.bridge", raising=False)
    monkeypatch.delitem(sys.modules, "thecal.loop", raising=False)
    assert cli.run(["loop", "--help"]) == 3
    assert "serial" in capsys.readouterr().err


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    """Like ``head``, a reader may close the pipe; nothing is complained about."""
    script = "import sys; from thecal.cli import main; sys.argv[1:] = ['--help']; main()"
    reading, writing = os.pipe()
    os.close(reading)
    process = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        check=False,
        timeout=60,
    )
    os.close(writing)
    assert (process.returncode, process.stderr) == (0, b"")
