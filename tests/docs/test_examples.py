"""The examples in the documentation are run, not trusted."""

from __future__ import annotations

import doctest
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PATIENCE_S = 60


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_print_what_the_page_says(page: Path) -> None:
    """Every Python session on a page runs and answers as printed."""
    failed, _ = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert failed == 0


def test_the_readme_has_python_examples() -> None:
    """The README's session is found by the runner above."""
    _, attempted = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert attempted > 10


def test_the_pump_on_the_desk_of_the_readme(tmp_path: Path) -> None:
    """The README's shell session works line by line, its pump in the background, and ends with the stall's alarm."""
    text = (ROOT / "README.md").read_text("utf-8")
    block = re.search(r"```sh\n(thecal pump.*?)```", text, re.DOTALL)
    assert block
    first, *others = block[1].replace("/tmp/", f"{tmp_path}/").strip().splitlines()  # noqa: S108 - the page's own
    assert first.endswith("&")
    with _running(first.removesuffix("&"), tmp_path) as pump:
        _wait_for(tmp_path / "errors", "Ctrl-C", pump)  # its link is there a little sooner than its key
        printed = [_printed(line, tmp_path) for line in others]
    assert "motor stall" in printed[-1]


def _command(line: str) -> str:
    return line.replace("thecal ", f"{sys.executable} -m thecal ", 1)


def _surroundings(home: Path) -> dict[str, str]:
    return {**os.environ, "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}


def _running(line: str, home: Path) -> subprocess.Popen[str]:
    words = ["bash", "-c", f"exec {_command(line)}"]
    with (home / "errors").open("w") as errors:
        return _Ended(words, env=_surroundings(home), stdout=subprocess.DEVNULL, stderr=errors, text=True)


class _Ended(subprocess.Popen[str]):
    """A process that is ended, as by Ctrl-C, when its block is left."""

    def __exit__(self, *_: object) -> None:
        self.send_signal(signal.SIGINT)
        self.wait(PATIENCE_S)


def _wait_for(errors: Path, text: str, pump: subprocess.Popen[str]) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while text not in errors.read_text():
        assert pump.poll() is None, f"the pump did not start: {errors.read_text()}"
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def _printed(line: str, home: Path) -> str:
    done = subprocess.run(  # noqa: S603 - a line of our own page
        ["bash", "-c", _command(line)],  # noqa: S607
        env=_surroundings(home),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout
