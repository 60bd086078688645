"""A command group that imports a command's module when the command is asked for.

``thecal doctor`` must work when matplotlib does not, and ``thecal --help`` must not take a second.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from thecal.failures import OutsideMissing

OURS = {"protocol", "emulator", "verify", "hw", "thecal"}

Table = Mapping[str, tuple[str, str]]
"""Each command's module, in which it has its own name unless one is given after a colon, and one line of help."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are named."""

    def __init__(self, *arguments: Any, table: Table, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the alphabet."""
        return sorted(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return the command of that name, or None; ``OutsideMissing`` if a library it needs is not there."""
        if cmd_name not in self._table:
            return None
        module, _, name = self._table[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), name or cmd_name)
        except ModuleNotFoundError as error:
            if error.name and error.name.partition(".")[0] in OURS:
                raise
            raise OutsideMissing(f"“{error.name}” is not installed; see “thecal doctor”") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in sorted(self._table.items())])
