"""What people and programs read: results on stdout, everything else on stderr.

Colours come from click, which drops them when the output is no terminal; ``NO_COLOR`` and ``TERM=dumb`` drop them
everywhere.
"""

from __future__ import annotations

import json
import os
from typing import Any

import click

NOT_CLINICAL = "Emulator, not a medical device. Not for clinical use."


def emit(value: Any) -> None:
    """Write one JSON document on stdout."""
    click.echo(as_text(value))


def as_text(value: Any) -> str:
    """Return a value as a JSON document for people and programs."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def say(text: str = "") -> None:
    """Write a line of result on stdout."""
    click.echo(text, color=_colour())


def tell(text: str = "") -> None:
    """Write a message for the person at the terminal on stderr."""
    click.echo(text, err=True, color=_colour())


def good(text: str) -> str:
    """Return the text in the colour of what went well."""
    return click.style(text, fg="green")


def bad(text: str) -> str:
    """Return the text in the colour of what did not."""
    return click.style(text, fg="red")


def doubtful(text: str) -> str:
    """Return the text in the colour of what needs a look."""
    return click.style(text, fg="yellow")


def table(rows: list[tuple[str, ...]]) -> str:
    """Return rows of text in columns as wide as their widest cell."""
    widths = [max(len(click.unstyle(row[column])) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - len(click.unstyle(cell)))


def _colour() -> bool | None:
    """Return False to drop colours, None to let click decide by the terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
