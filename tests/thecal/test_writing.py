"""Files that commands write: each refused alike, and none lost to a run that was interrupted."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.thecal.running import Run
from tests.verify.tables import TESTS
from thecal.failures import OutsideMissing
from thecal.writing import OutputFile, write_text
from verify.starts import full_rate
from verify.trace.collected import written

SCRIPT = next((Path(__file__).parents[2] / "verify" / "replays").glob("*.json"))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what the commands read, by what stands for it."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "journal").write_text("\n".join(full_rate(1).journal.lines) + "\n", "utf-8")
    (folder / "tests").write_text(written(TESTS), "utf-8")
    return {"JOURNAL": str(folder / "journal"), "TESTS": str(folder / "tests"), "SCRIPT": str(SCRIPT)}


@pytest.mark.parametrize(
    "command",
    [
        "demo --out FOLDER",
        "faults run MOTOR-STALL --out FILE",
        "hw check virtual:looped-pty --plot FILE",
        "pump --port pty:LINK --image FILE",
        "pump --port pty:LINK --keylog FILE",
        "verify judge JOURNAL --plot FILE",
        "verify matrix --tests TESTS --sdoc FILE",
        "verify mutants --only GUARD-02 --out FILE",
        "verify replay SCRIPT --journal FILE",
        "verify replay SCRIPT --plot FILE",
        "verify replay SCRIPT --shorten FILE",
        "verify report FOLDER --tests TESTS",
        "verify soak --for 1s --out FOLDER",
    ],
)
@pytest.mark.parametrize("why", ["no folder", "taken"])
def test_what_cannot_be_written_is_exit_code_3(
    command: str, why: str, tmp_path: Path, inputs: dict[str, str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file where a folder has to be, or a folder where a file: said by its name, before anything is done."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "file").write_text("dear", "utf-8")
    (tmp_path / "folder").mkdir()
    below = str(tmp_path / "file" / "x")
    paths = {"FILE": str(tmp_path / "folder"), "FOLDER": str(tmp_path / "file")} if why == "taken" else {}
    words = {"FILE": below, "FOLDER": below, **inputs, **paths}
    arguments = [words.get(word, word.replace("LINK", str(tmp_path / "link"))) for word in command.split()]
    answer = run(*arguments)
    assert answer.code == 3, answer
    assert str(tmp_path) in answer.err
    assert (tmp_path / "file").read_text("utf-8") == "dear"


def test_to_ask_for_a_file_changes_nothing(tmp_path: Path) -> None:
    """A run that is interrupted leaves the old file as it was, and no new one."""
    (tmp_path / "old").write_text("old", "utf-8")
    for name in ("old", "new"):
        assert OutputFile().convert(str(tmp_path / name), None, None) == tmp_path / name
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == {"old": "old"}


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fails in the middle leaves the old file, and nothing half-written beside it."""
    path = tmp_path / "file"
    (tmp_path / "link").symlink_to(path)
    write_text(tmp_path / "link", "first")
    assert (path.read_text("utf-8"), (tmp_path / "link").is_symlink()) == ("first", True)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutsideMissing, match="No space left"):
        write_text(path, "second")
    assert path.read_text("utf-8") == "first"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "link"]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """What is no plain file is written to and never replaced."""
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text("utf-8")))
    path = OutputFile().convert(str(pipe), None, None)
    reader.start()
    write_text(path, "words")
    reader.join()
    assert (read, pipe.is_fifo()) == (["words"], True)
