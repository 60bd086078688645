"""Of what and where evidence was made: the commit, and the versions of everything that is installed."""

from __future__ import annotations

import datetime
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple


class Commit(NamedTuple):
    """The state of a clone."""

    name: str
    """Hexadecimal; empty if it cannot be known."""
    dirty: bool
    """Whether files differ from the commit."""

    def __str__(self) -> str:
        """Return it in words."""
        if not self.name:
            return "unknown: not in a clone, or no git"
        return f"{self.name} with uncommitted changes" if self.dirty else self.name


def commit_of(folder: Path) -> Commit:
    """Return the commit of the clone that a folder is in."""
    name = _git(folder, "rev-parse", "HEAD")
    return Commit(name, bool(name) and bool(_git(folder, "status", "--porcelain")))


def made(folder: Path, **effort: int) -> dict[str, Any]:
    """Return of what, when and with which effort evidence is made; to be asked before it is, and ``ended`` after."""
    commit = commit_of(folder)
    return {"commit": commit.name, "dirty": commit.dirty, "started": now(), **effort, "versions": versions()}


def ended(begun: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same with the time at which it was done."""
    return {**begun, "ended": now()}


def now() -> str:
    """Return the time, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(sep=" ", timespec="seconds")


def versions() -> dict[str, str]:
    """Return the version of Python, of the machine's system and of every installed distribution."""
    found = {str(each.metadata["Name"]): each.version for each in distributions() if each.metadata["Name"]}
    machine = {"Python": platform.python_version(), "system": f"{platform.system()} {platform.release()}"}
    return {**machine, **dict(sorted(found.items(), key=lambda pair: pair[0].lower()))}


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", *words],  # noqa: S607 - whichever git is the user's
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
