"""``thecal verify judge``: the verdict at the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from protocol.units import DAY_MS
from thecal.verify import verify
from verify.story import PERIOD_MS, Story, healthy


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the path of a healthy journal."""
    return written(healthy(1).tell(DAY_MS, "bench.end"), tmp_path)


def written(story: Story, folder: Path) -> Path:
    """Write a story's journal."""
    story.journal.flush()
    path = folder / "journal.jsonl"
    path.write_text("\n".join(story.journal.lines) + "\n", encoding="utf-8")
    return path


def run(*arguments: object) -> Result:
    """Run ``thecal verify judge``."""
    return CliRunner().invoke(verify, ["judge", *map(str, arguments)])


def test_a_good_journal_holds(journal: Path) -> None:
    """Exit code 0 and a first line that says so."""
    result = run(journal)
    assert result.exit_code == 0
    assert result.stdout.startswith("holds: 0 findings")


def test_a_journal_without_its_end_is_exit_code_3(journal: Path) -> None:
    """A journal that was cut off at the end of a line is incomplete and never good: no hash shows what is gone."""
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    for kept in (1, len(lines) - 1):
        journal.write_text("".join(lines[:kept]), encoding="utf-8")
        result = run(journal)
        assert result.exit_code == 3
        assert result.stdout.startswith("incomplete: 0 findings")
        assert "the journal has no end" in result.stdout
        assert json.loads(run(journal, "--json").stdout)["verdict"] == "incomplete"


def test_a_violated_journal_is_exit_code_1(tmp_path: Path) -> None:
    """Every finding is one line, and the exit code tells a script."""
    result = run(written(Story().prescribe().state(0, "stopped", 0).strokes([PERIOD_MS]), tmp_path))
    assert result.exit_code == 1
    assert "movement: 1 strokes moved in state stopped" in result.stdout


def test_the_verdict_as_json(journal: Path) -> None:
    """With --json the whole standard output is one JSON document."""
    table = json.loads(run(journal, "--json").stdout)
    assert (table["verdict"], table["findings"]) == ("holds", [])
    assert table["figures"]["strokes"] == 96


def test_the_formulas_are_reported(journal: Path) -> None:
    """The summary says how many hold, and names those whose premise never came true."""
    lines = run(journal).stdout.splitlines()
    counts = next(line for line in lines if line.startswith("formulas: "))
    assert " 0 violated" in counts
    held, idle = (int(re.search(rf"(\d+) {words}", counts)[1]) for words in ("hold", "with no premise"))  # type: ignore[index]
    assert held < 10 < idle
    assert any(line.startswith("premise never true") and "clock-alarm" in line for line in lines)


def test_a_violated_formula_alone_is_exit_code_1(tmp_path: Path) -> None:
    """What no watcher finds and a formula does is a violation, with its premise's count in the JSON."""
    denied = healthy(1).tell(DAY_MS, "pump.bolus", what="denied", kind="patient")
    path = written(denied, tmp_path)
    assert "formula denied-is-refused: a request that the pump denies is answered" in run(path).stdout
    result = run(path, "--json")
    assert result.exit_code == 1
    table = json.loads(result.stdout)
    assert (table["verdict"], table["findings"]) == ("violated", [])
    (violated,) = [each for each in table["formulas"] if each["outcome"] == "violated"]
    assert (violated["id"], violated["premises"], violated["violations"]) == ("denied-is-refused", 1, 1)
    assert violated["episodes"][0]["at_ms"] == DAY_MS


@pytest.mark.parametrize("damage", [b"", b"not a journal\n", b"\xff\xfe\n", b"{}\n"])
def test_what_is_no_journal_is_exit_code_2(tmp_path: Path, damage: bytes) -> None:
    """A file that is no intact journal is named and not judged."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(damage)
    result = run(path)
    assert result.exit_code == 2
    assert "journal" in result.stderr


def test_a_changed_line_is_exit_code_2(journal: Path) -> None:
    """A journal that was edited is not judged: the line is named."""
    journal.write_text(journal.read_text("utf-8").replace('"rate":48000', '"rate":48001'), encoding="utf-8")
    result = run(journal)
    assert result.exit_code == 2
    assert "line 2" in result.stderr


def test_a_missing_file_is_exit_code_2(tmp_path: Path) -> None:
    """A file that is not there is wrong usage."""
    assert run(tmp_path / "nothing").exit_code == 2


def test_the_plot_is_written(journal: Path, tmp_path: Path) -> None:
    """--plot writes the picture beside the verdict; a folder that is not there is exit code 3."""
    assert run(journal, "--plot", tmp_path / "dose.svg").exit_code == 0
    assert b"<svg" in (tmp_path / "dose.svg").read_bytes()
    assert run(journal, "--plot", tmp_path / "nowhere" / "dose.svg").exit_code == 3


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_colours_can_be_had_and_refused(
    journal: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A terminal that knows none gets none, neither in words nor in the chart."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    command = ["judge", str(journal), "--chart"]
    assert "\x1b[" in CliRunner().invoke(verify, command, color=True).output
    monkeypatch.setenv(name, value)
    assert "\x1b[" not in CliRunner().invoke(verify, command, color=True).output


def test_the_chart_is_drawn_in_the_terminal(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--chart draws the windows as text above the verdict."""
    monkeypatch.setenv("NO_COLOR", "1")
    result = run(journal, "--chart")
    assert "morphine at the tip in any 24 hours" in result.stdout
