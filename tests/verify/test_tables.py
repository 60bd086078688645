"""The shipped tables: one that is wrong is told by its name, as a finding and never as a bug of ours."""

from __future__ import annotations

import importlib.resources
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import verify
from tests.verify.tables import TESTS
from thecal import cli
from verify.deadlines import load_deadlines
from verify.faults.catalogue import failures
from verify.properties import load_properties
from verify.starts import full_rate
from verify.tables import TableError
from verify.trace.collected import CollectionError, read, written
from verify.trace.links import load_accepted, read_accepted
from verify.trace.sources import load_sources

TABLES = Path(verify.__file__).parent
CACHED = (load_deadlines, failures, load_properties, load_sources)


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder with a copy of the tables, which is read instead of theirs."""
    for path in TABLES.glob("*.toml"):
        shutil.copy(path, tmp_path)
    files = importlib.resources.files

    def ours(package: Any) -> Any:
        return tmp_path if package == "verify" else files(package)

    monkeypatch.setattr(importlib.resources, "files", ours)
    for each in CACHED:
        each.cache_clear()
    yield tmp_path
    for each in CACHED:
        each.cache_clear()


@pytest.fixture
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return a journal and a list of tests, by what stands for them in a command."""
    folder = tmp_path_factory.mktemp("inputs")
    world = full_rate(1)
    (folder / "journal").write_text("\n".join(world.journal.lines) + "\n", "utf-8")
    (folder / "tests").write_text(written(TESTS), "utf-8")
    return {"JOURNAL": str(folder / "journal"), "TESTS": str(folder / "tests"), "OUT": str(folder / "out")}


JUDGE = ("judge", "JOURNAL")
MATRIX = ("matrix", "--tests", "TESTS")
REPORT = ("report", "OUT", "--tests", "TESTS")


@pytest.mark.parametrize(
    ("name", "old", "new", "commands"),
    [
        ("properties.toml", "[[property]]", "[[property]", (JUDGE, MATRIX, REPORT)),
        ("properties.toml", 'formula = "', 'formula = "whenever ', (JUDGE,)),
        ("properties.toml", "hazards = [", "danger = [", (JUDGE, MATRIX)),
        ("links.toml", "[accepted]", "[accepted", (MATRIX, REPORT)),
        ("links.toml", ' = "', ' = 7 # "', (MATRIX,)),
        ("requirements.toml", "[[requirement]]", "[[requirement]", (MATRIX, REPORT)),
        ("requirements.toml", "text = ", "words = ", (MATRIX,)),
        ("requirements.toml", "hazards = [", "hazards = 3 #", (MATRIX,)),
        ("hazards.toml", "class = ", "sort = ", (MATRIX,)),
        ("deadlines.toml", 'within = "', 'within = "about ', (JUDGE,)),
    ],
)
def test_a_wrong_table_is_named(
    tables: Path,
    inputs: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    name: str,
    old: str,
    new: str,
    commands: tuple[tuple[str, ...], ...],
) -> None:
    """No TOML, a wrong formula, an entry that lacks something: exit code 1 and one line with the file's name."""
    text = (tables / name).read_text("utf-8")
    assert old in text
    (tables / name).write_text(text.replace(old, new, 1), "utf-8")
    for command in commands:
        assert cli.run(["verify", *(inputs.get(word, word) for word in command)]) == 1
        said = capsys.readouterr().err
        assert f"table of thecal's own cannot be used: {name}" in said


def test_a_wrong_table_of_failures_is_named(tables: Path) -> None:
    """Also for who reads the whole row."""
    (tables / "hazards.toml").write_text('[[failure]]\nid = "FLOOD"\nclass = "wet"\n', "utf-8")
    with pytest.raises(TableError, match=r"hazards\.toml: FLOOD: class “wet” is none of"):
        failures()


def test_links_are_fingerprints_by_their_requirement() -> None:
    """Anything else is refused with the name of the file."""
    assert load_accepted()
    for text in ("accepted = 3", "[accepted]\nA-01 = 3", "[accepted"):
        with pytest.raises(TableError, match=r"links\.toml"):
            read_accepted(text)


DEEP = "[" * 100_000
"""More than Python's reader of JSON can follow."""


@pytest.mark.parametrize(
    "command",
    [("replay", "DEEP"), *((*REPORT, f"--{name}", "DEEP") for name in ("mutants", "faults", "verdict", "journal"))],
)
def test_a_file_that_is_nested_without_end_is_refused(
    command: tuple[str, ...], inputs: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is wrong usage like any other file that is none, and is named."""
    (tmp_path / "deep").write_text(DEEP, "utf-8")
    words = {**inputs, "DEEP": str(tmp_path / "deep")}
    assert cli.run(["verify", *(words.get(word, word) for word in command)]) == 2
    assert "deep" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{}", "3", "[3]", '[{"id": 3, "sentence": "", "requirements": []}]', DEEP])
def test_a_list_of_tests_that_is_none_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says which file it was, and that it is wrong usage."""
    with pytest.raises(CollectionError, match="no list of collected tests"):
        read(text)
    path = tmp_path / "list.json"
    path.write_text(text, "utf-8")
    assert cli.run(["verify", "matrix", "--tests", str(path)]) == 2
    assert "list.json" in capsys.readouterr().err
