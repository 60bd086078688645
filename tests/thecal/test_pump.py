"""``thecal pump`` as a process: starting, ending, keeping itself, refusing."""

import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.journal import read_journal
from tests.thecal.running import PATIENCE_S, Run, RunningPump, StartPump
from thecal.making import entropy_from

SET = ("program", "set", "--fluid", "morphine", "20 mg/mL", "--daily-dose", "1 mg/day", "--yes")


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """Let this process's commands find a pump that lives in the test's folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("THECAL_PORT", str(tmp_path / "pump"))
    return tmp_path


def test_it_says_where_it_is_and_that_it_is_no_device(pump: RunningPump) -> None:
    """Port, serial number, place of the key and bench are on stderr; the key itself is not."""
    said = pump.said()
    assert "Not for clinical use" in said
    assert str(pump.link) in said
    assert "THECAL-0001" in said
    key_file = pump.folder / "data" / "thecal" / "keys" / "THECAL-0001.key"
    assert str(key_file) in said
    assert key_file.read_text().strip() not in said
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_it_cleanly(start_pump: StartPump, number: signal.Signals) -> None:
    """Ctrl-C is how a pump is put away: exit code 0, and port and socket are gone."""
    running = start_pump()
    assert running.end(number) == 0
    assert not running.link.is_symlink()
    assert not running.control.exists()


def test_an_image_goes_on_where_it_was_put_away(start_pump: StartPump, at_home: Path, run: Run) -> None:
    """Prescription and pump time are what they were; no power was lost."""
    running = start_pump("--image", str(at_home / "image"))
    assert run(*SET).code == 0
    assert run("control", "--control", str(running.control), "advance", "2 h").code == 0
    running.end()
    start_pump("--image", str(at_home / "image"))
    therapy = run("program", "--json", "interrogate", "--section", "therapy").json()["therapy"]
    assert therapy["state"] == "simple_continuous"
    assert therapy["pump_time"]["value"] >= 7_200_000


@pytest.mark.verifies("PWR-08")
def test_what_was_answered_survives_a_kill(start_pump: StartPump, at_home: Path, run: Run) -> None:
    """A command is on the disk before its answer leaves: killed right after it, the pump still knows."""
    running = start_pump("--image", str(at_home / "image"))
    assert run(*SET).code == 0
    running.end(signal.SIGKILL)
    (at_home / "pump").unlink()  # or another test's terminal may have got the dead one's number, and keep the name
    start_pump("--image", str(at_home / "image"))
    report = run("program", "--json", "interrogate", "--section", "prescription").json()["prescription"]
    assert report["confirmed"] is True
    assert report["prescription"]["rate"]["value"] == 50_000


def test_the_journal_is_complete_and_holds_no_key(start_pump: StartPump, at_home: Path, run: Run) -> None:
    """Its hash chain is whole after the end, a second run does not overwrite it, and no key is in it."""
    path = at_home / "journal"
    running = start_pump("--journal", str(path))
    assert run(*SET).code == 0
    running.end()
    kinds = [event.kind for event in read_journal(path.read_text().splitlines())]
    assert kinds[0] == "bench.start"
    assert kinds[-1] == "bench.end"
    assert (at_home / "data" / "thecal" / "keys" / "THECAL-0001.key").read_text().strip() not in path.read_text()
    again = run("pump", "--port", f"pty:{at_home / 'pump'}", "--journal", str(path))
    assert again.code == 2
    assert "never overwritten" in again.err


def test_an_alarm_is_told_at_the_terminal(start_pump: StartPump, at_home: Path, run: Run) -> None:
    """Who looks at the pump's terminal sees what a patient would hear."""
    running = start_pump()
    assert run(*SET).code == 0
    control = ("control", "--control", str(running.control))
    assert run(*control, "inject", "motor_stall").code == 0
    assert run(*control, "advance", "1 h").code == 0
    assert "alarm raised: motor_stall" in running.said()


def test_fast_time_slows_down_while_somebody_talks(start_pump: StartPump, at_home: Path, run: Run) -> None:
    """At x100000 a handshake would time out before it is over; it does not, and afterwards time races on."""
    running = start_pump("--speed", "x100000")
    assert run("program", "interrogate").code == 0
    give_up = time.monotonic() + PATIENCE_S
    while run("control", "--control", str(running.control), "--json", "time").json()["now_ms"] < 10**7:
        assert time.monotonic() < give_up
    assert run("program", "interrogate").code == 0


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: raw[:100], "damaged"),
        (lambda raw: raw[:500] + bytes([raw[500] ^ 1]) + raw[501:], "damaged"),
        (lambda raw: b"", "damaged"),
    ],
)
def test_a_damaged_image_is_refused_and_kept(
    start_pump: StartPump, at_home: Path, run: Run, damage: Callable[[bytes], bytes], words: str
) -> None:
    """The message says what to do, and the file is left as it is."""
    path = at_home / "image"
    start_pump("--image", str(path)).end()
    path.write_bytes(damage(path.read_bytes()))
    before = path.read_bytes()
    refused = run("pump", "--port", f"pty:{at_home / 'pump'}", "--image", str(path))
    assert refused.code == 3
    assert words in refused.err
    assert path.read_bytes() == before
    assert not (at_home / "pump").is_symlink()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--key", "12"), 2, "64 hexadecimal"),
        (("--serial", "far/too/long/and/strange"), 2, "serial number"),
        (("--profile", "nope"), 2, "no profile"),
        (("--library", "nope.toml"), 2, "cannot be read"),
        (("--contents", "30 mL"), 2, "holds 20 mL"),
        (("--contents", "5"), 2, "no unit"),
        (("--fluid", "aspirin", "1 mg/mL"), 2, "no “aspirin”"),
        (("--speed", "fast"), 2, "x60"),
        (("--image", "/no/such/folder/image"), 3, "cannot save"),
        (("--journal", "/no/such/folder/journal"), 3, "cannot write"),
        (("--control", "/tmp/socket"), 3, "folder of its own"),  # noqa: S108 - that it is refused is the point
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    at_home: Path, run: Run, options: tuple[str, ...], code: int, words: str
) -> None:
    """Wrong options end with 2, what is missing outside with 3, and no port or key is left behind."""
    refused = run("pump", "--port", f"pty:{at_home / 'pump'}", *options)
    assert refused.code == code
    assert words in refused.err
    assert not (at_home / "pump").is_symlink()
    assert not (at_home / "data").exists()


def test_an_image_of_another_pump_is_refused(start_pump: StartPump, at_home: Path, run: Run) -> None:
    """A serial number that is not the image's is a mistake, not a wish."""
    start_pump("--image", str(at_home / "image")).end()
    refused = run("pump", "--port", f"pty:{at_home / 'pump'}", "--image", str(at_home / "image"), "--serial", "OTHER")
    assert refused.code == 2
    assert "THECAL-0001" in refused.err


def test_a_second_pump_does_not_take_the_port(pump: RunningPump, run: Run) -> None:
    """The message names the link."""
    refused = run("pump", "--port", f"pty:{pump.link}")
    assert refused.code == 3
    assert str(pump.link) in refused.err
    assert pump.link.exists()


def test_seeded_entropy_repeats_for_the_same_image_only() -> None:
    """Same seed and image, same bytes; a pump that has lived on draws others, and without a seed nothing repeats."""
    assert entropy_from(1)(16) == entropy_from(1)(16)
    assert entropy_from(1, b"image")(16) == entropy_from(1, b"image")(16)
    assert len({entropy_from(seed, image)(16) for seed in (1, 2, None) for image in (None, b"a", b"b")}) == 9


def test_a_filling_is_for_a_new_pump_only(start_pump: StartPump, at_home: Path) -> None:
    """With an image that holds a pump, the terminal says that --fluid changes nothing."""
    image = ("--image", str(at_home / "image"), "--fluid", "morphine", "20 mg/mL")
    first = start_pump(*image)
    assert "change nothing" not in first.said()
    first.end()
    again = start_pump(*image)
    assert "change nothing" in again.said()
