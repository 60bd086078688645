"""Soaking and replaying at the command line: resumable, and whatever broke can be played again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from thecal.soak import shorter_text
from thecal.verify import verify
from verify.scripts.random_script import Round, play_random
from verify.scripts.reading import read_script
from verify.scripts.script import Script, Step
from verify.soak import REACHED, ROUNDS, Soak, SoakError, play_round

PATIENCE_S = 120
SCRIPT = Script("unprogrammed", 1, faulty=False, steps=[Step("visit", {}), Step("pass_time", {"for_ms": 60_000})])


def run(*arguments: object) -> Result:
    """Run ``thecal verify``."""
    return CliRunner().invoke(verify, [*map(str, arguments)])


def broken_round(soak: Soak, number: int) -> Round:
    """Return a round in which something broke, though nothing did."""
    played = play_random(soak.seed_of(number), steps=2)
    return played._replace(broken="the judge: it is late\nand more")


# --- the folder ---


def test_a_folder_remembers_its_rounds_and_its_seed(tmp_path: Path) -> None:
    """Opened again, it knows what was played, and goes on with the next round of the same seed."""
    soak = Soak(tmp_path / "soak", seed=5)
    first = soak.next_round()
    soak.note(*play_round((first, soak.seed_of(first))))
    soak.save_reached()
    again = Soak(tmp_path / "soak")
    assert (again.seed, again.played, again.reached) == (5, soak.played, soak.reached)
    assert again.next_round() == soak.next_round() == 1
    assert again.seed_of(1) == soak.seed_of(1) != soak.seed_of(0)


def test_rounds_that_ended_out_of_order_are_not_played_twice(tmp_path: Path) -> None:
    """A round that was interrupted comes again, one that was over does not."""
    soak = Soak(tmp_path / "soak", seed=5)
    assert [soak.next_round() for _ in range(3)] == [0, 1, 2]
    soak.note(1, play_random(1, steps=1))
    again = Soak(tmp_path / "soak")
    assert [again.next_round() for _ in range(3)] == [0, 2, 3]


def test_what_broke_is_kept_as_a_script_of_its_own(tmp_path: Path) -> None:
    """The record names the file and its first line of words, and the file can be played."""
    soak = Soak(tmp_path / "soak", seed=5)
    line = soak.note(0, broken_round(soak, 0))
    assert (line.holds, line.story, line.script) == (False, "the judge: it is late", "broken-0.json")
    assert Soak(tmp_path / "soak").broken == [line]
    assert run("replay", tmp_path / "soak" / line.script).exit_code == 0
    kept = (tmp_path / "soak" / line.script).read_text(encoding="utf-8")
    assert read_script(kept).story == read_script(shorter_text(kept)).story == "the judge: it is late"


def test_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    """After a crash in the middle of a line everything before it is there, and its round is played again."""
    soak = Soak(tmp_path / "soak", seed=5)
    soak.note(0, play_random(1, steps=1))
    record = tmp_path / "soak" / ROUNDS
    record.write_text(record.read_text() + '{"round": 1, "start": "unpro', encoding="utf-8")
    again = Soak(tmp_path / "soak")
    assert [each.round for each in again.played] == [0]
    assert again.next_round() == 1
    again.note(1, play_random(2, steps=1))
    assert [each.round for each in Soak(tmp_path / "soak").played] == [0, 1]


def test_a_folder_that_is_none_of_ours_is_left_alone(tmp_path: Path) -> None:
    """Other files, another seed, another record: each is refused in words, and nothing is written."""
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(SoakError, match="holds other files"):
        Soak(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    Soak(tmp_path / "soak", seed=5)
    with pytest.raises(SoakError, match="begun with seed 5"):
        Soak(tmp_path / "soak", seed=6)
    (tmp_path / "soak" / ROUNDS).write_text('{"thecal_soak": 9, "seed": 1}\n')
    with pytest.raises(SoakError, match="not a record of this version"):
        Soak(tmp_path / "soak")


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff", b"[1]", b'{"alarm.raised reset": "often"}', b"[" * 100_000])
@pytest.mark.parametrize("name", [ROUNDS, REACHED])
def test_a_damaged_folder_is_refused_by_the_file(tmp_path: Path, name: str, damage: bytes) -> None:
    """Whichever of its files is damaged is named with what to do, and nothing in the folder changes."""
    out = tmp_path / "soak"
    soak = Soak(out, seed=5)
    soak.note(0, play_random(1, steps=1))
    soak.save_reached()
    (out / name).write_bytes(damage)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    result = run("soak", "--for", "1s", "--out", out)
    assert (result.exit_code, str(out / name) in result.stderr) == (2, True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_exit_code_3(tmp_path: Path) -> None:
    """A file stands where the folder ought to be, or where its parent ought to."""
    (tmp_path / "letter.txt").write_text("dear")
    for out in (tmp_path / "letter.txt", tmp_path / "letter.txt" / "soak"):
        result = run("soak", "--for", "1s", "--out", out)
        assert (result.exit_code, "cannot be written" in result.stderr) == (3, True)


# --- soak at the command line ---


class RoundClock:
    """A clock on which a second is a round that is over, however long the machine takes for one."""

    def __init__(self, record: Path) -> None:
        self._record, self._give_up = record, time.monotonic() + PATIENCE_S

    def monotonic(self) -> float:
        """Return the rounds in the record."""
        assert time.monotonic() < self._give_up
        return self._record.read_text().count("\n")

    sleep = staticmethod(time.sleep)


def test_a_soak_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two short soaks of one folder add up, and a JSON result says what they come to."""
    out = tmp_path / "soak"
    monkeypatch.setattr("thecal.soak.time", RoundClock(out / ROUNDS))
    first = run("soak", "--for", "2s", "--out", out, "--jobs", 1, "--seed", 5)
    assert first.exit_code == 0, first.output
    assert "from seed 5" in first.stdout
    played = len(Soak(out).played)
    second = json.loads(run("soak", "--for", "2 s", "--out", out, "--jobs", 1, "--json").stdout)
    assert second["rounds"] > played > 0
    assert second["broken"] == []
    assert json.loads((out / "reached.json").read_text())["alarm.raised reset"] > 0


def test_what_broke_earlier_makes_the_exit_code(tmp_path: Path) -> None:
    """A folder with a broken round is no success, however well the rounds after it go; the script is named."""
    soak = Soak(tmp_path / "soak", seed=5)
    soak.note(0, broken_round(soak, 0))
    result = run("soak", "--for", "1s", "--out", tmp_path / "soak", "--jobs", 1)
    assert result.exit_code == 1
    assert f"thecal verify replay {tmp_path / 'soak' / 'broken-0.json'}" in result.stdout


@pytest.mark.parametrize("wrong", [["--for", "soon"], ["--for", "0s"], ["--jobs", "0"], ["--seed", "-1"]])
def test_a_wrong_option_is_exit_code_2(tmp_path: Path, wrong: list[str]) -> None:
    """Nothing is begun."""
    assert run("soak", *wrong, "--out", tmp_path / "soak").exit_code == 2
    assert not (tmp_path / "soak").exists()


@pytest.mark.parametrize(
    ("options", "breaks", "code"),
    [((), False, 0), ((), True, 1), (("--for", "1 h"), False, 130), (("--for", "1 h"), True, 1)],
)
def test_ctrl_c_ends_a_soak_in_good_order(tmp_path: Path, options: tuple[str, ...], breaks: bool, code: int) -> None:
    """The result is shown, every round that was over is in the record, and the exit code is that of what was found.

    Nothing broke and no time was given: good. A time that was given and is not over: interrupted.
    """
    out = tmp_path / "soak"
    if breaks:
        soak = Soak(out, seed=5)
        soak.note(0, broken_round(soak, 0))
    command = [sys.executable, "-m", "thecal", "verify", "soak", "--out", str(out), "--jobs", "1", *options]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    record, give_up = out / ROUNDS, time.monotonic() + PATIENCE_S
    while not (record.exists() and record.read_text().count("\n") > 2 + breaks):
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert f"{len(Soak(out).played)} rounds from seed" in said


# --- replay at the command line ---


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Return the path of a script that breaks nothing."""
    path = tmp_path / "script.json"
    path.write_text(SCRIPT.text(), encoding="utf-8")
    return path


def test_a_replay_tells_its_story_and_keeps_journal_and_plot(script: Path, tmp_path: Path) -> None:
    """The journal that it keeps is one that the judge takes, and the plot is a picture."""
    journal, plot = tmp_path / "journal.jsonl", tmp_path / "plot.svg"
    result = run("replay", script, "--journal", journal, "--plot", plot)
    assert result.exit_code == 0, result.output
    assert "clinician  visit" in result.stdout
    assert result.stdout.endswith("nothing is broken\n")
    assert run("judge", journal).exit_code == 0
    assert "<svg" in plot.read_text()


def test_a_replay_as_json(script: Path) -> None:
    """With --json the whole standard output is one document."""
    table = json.loads(run("replay", script, "--json").stdout)
    assert (table["holds"], [step["line"] for step in table["steps"]]) == (True, ["visit", "pass_time for_ms=60000"])


def test_a_file_that_is_no_script_is_exit_code_2(tmp_path: Path) -> None:
    """The file is named, and what is wrong with it; bytes that are no text are refused alike."""
    for content in (b'{"thecal_script": 1}', b"\xff\xfe\x00"):
        (tmp_path / "no.json").write_bytes(content)
        result = run("replay", tmp_path / "no.json")
        assert result.exit_code == 2
        assert "no.json" in result.stderr


def test_the_actions_are_listed_with_their_arguments() -> None:
    """Whoever writes a script by hand finds every action, who does it and what it takes."""
    table = json.loads(run("actions", "--json").stdout)
    assert {"action": "pass_days", "who": "time"}.items() <= next(
        row for row in table if row["action"] == "pass_days"
    ).items()
    assert "clinician_bolus  (clinician)" in run("actions").stdout
