"""Files that a command writes: refused in one way, with one exit code, before the work that would be lost.

What is written replaces an older file whole or not at all, so that a run that is interrupted destroys no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from thecal.failures import OutsideMissing

FOLDER = click.Path(path_type=Path)
"""A folder to be made or used. What stands in its way is found out, and told, by who makes it."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make an ``OutsideMissing`` of whatever keeps the file or folder from being written."""
    try:
        yield
    except OSError as error:
        raise OutsideMissing(f"{path} cannot be written: {error.strerror or error}") from None


class OutputFile(click.Path):
    """The path of a file that will be written: one that cannot be is refused at once, and left as it was."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:  # noqa: ARG002
        """Return the path. Raises ``OutsideMissing``."""
        path = Path(value)
        with writing(path):
            _try(path)
        return path


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises ``OutsideMissing``."""
    with writing(path):
        if path.exists() and not path.is_file():  # a device or a pipe, which nothing may replace
            path.write_text(text, encoding="utf-8")
            return
        path = path.resolve()
        waiting = path.with_name(path.name + ".new")
        try:
            waiting.write_text(text, encoding="utf-8")
            waiting.replace(path)
        finally:
            waiting.unlink(missing_ok=True)


def _try(path: Path) -> None:
    there = path.exists()
    if there and not (path.is_file() or path.is_dir()):
        return  # to open a pipe would be to wait for its reader
    path.open("ab").close()
    if not there:
        path.unlink()
