"""Every command that the pages name is one that there is, with the options that they give it."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from thecal.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands(page: Path) -> list[list[str]]:
    """Return the words of each ``thecal`` command in a page's blocks of shell."""
    found = []
    for block in BLOCK.findall(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removesuffix("&"), comments=True)
            if words[:1] == ["thecal"]:
                found.append(words[1:])
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_there_with_their_options(page: Path) -> None:
    """No page names a command or an option that has gone."""
    for words in commands(page):
        command: click.Command = cli
        context = click.Context(cli)
        options: set[str] = set()
        for word in words:
            if isinstance(command, click.Group) and (found := command.get_command(context, word)):
                command = found
            options |= {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        assert command is not cli, words
        for word in words:
            assert not word.startswith("--") or word.partition("=")[0] in options, (word, words)


def test_the_pages_name_commands() -> None:
    """The search finds what it is for."""
    assert len(commands(ROOT / "README.md")) >= 10
    assert len(commands(ROOT / "docs" / "verification.md")) >= 8


def test_the_mutant_of_the_page_is_one_of_the_bank() -> None:
    """Whoever writes one after this example writes one that is read."""
    page = (ROOT / "docs" / "verification.md").read_text("utf-8")
    blocks = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (shown,) = (mutant for block in blocks for mutant in tomllib.loads(block).get("mutant", ()))
    bank = tomllib.loads((ROOT / "verify" / "mutants" / "guard.toml").read_text("utf-8"))
    assert shown in bank["mutant"]
