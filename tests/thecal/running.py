"""A pump in a process of its own, and the command line called in this one."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

PATIENCE_S = 60
"""Long enough for the slowest machine; every wait ends as soon as what it waits for is there."""


class RunningPump:
    """``thecal pump`` in a process of its own, in a folder of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.link = folder / "pump"
        self.control = folder / "bench" / "socket"
        self.errors = folder / "errors"
        environment = {**os.environ, "XDG_DATA_HOME": str(folder / "data"), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "thecal", "pump", "--port", f"pty:{self.link}"]
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [*command, "--control", str(self.control), *options], stderr=errors, env=environment
            )
        self._wait_for("Ctrl-C")

    def _wait_for(self, text: str) -> None:
        give_up = time.monotonic() + PATIENCE_S
        while text not in self.said():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise AssertionError(f"the pump did not start: {self.said()}")
            time.sleep(0.01)

    def said(self) -> str:
        """Return what the pump has written on stderr so far."""
        return self.errors.read_text()

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


class Answer(NamedTuple):
    """What a command ended with and wrote."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return the document on stdout."""
        return json.loads(self.out)


def wait_long(patch: pytest.MonkeyPatch) -> None:
    """Let programmers of this process ask again only when nothing else can have happened than a loss."""
    for name in ("INITIAL_MS", "MINIMUM_MS", "MAXIMUM_MS"):
        patch.setattr(f"protocol.link_timeout.{name}", 1_000 * PATIENCE_S)


Run = Callable[..., Answer]
StartPump = Callable[..., RunningPump]
