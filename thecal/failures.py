"""How a command ends when it does not end well, and with which exit code."""

from __future__ import annotations

from typing import Any

import click

GOOD = 0
FAILURE_FOUND = 1
WRONG_USAGE = 2
OUTSIDE_MISSING = 3
OUR_BUG = 4
INTERRUPTED = 130
"""128 + SIGINT, as shells expect: Ctrl-C before a command had done what it was asked for."""


class Failure(click.ClickException):
    """The command worked and what it found is not good: a refusal, an unknown result, a failed self-test.

    ``document`` is what a program should read about it.
    """

    exit_code = FAILURE_FOUND

    def __init__(self, message: str, document: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.document = document


class OutsideMissing(click.ClickException):
    """Something that is not ours is missing or unusable: a port, a file, a permission, a pump that answers."""

    exit_code = OUTSIDE_MISSING


def document_of(error: click.ClickException) -> dict[str, Any]:
    """Return what a program should read about an error."""
    document = getattr(error, "document", None)
    return document or {"result": "failed", "words": error.format_message(), "exit_code": error.exit_code}
