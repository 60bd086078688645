"""``thecal program`` against a pump in another process, over a real pty."""

import io
import json
from pathlib import Path

import pytest

from tests.thecal.running import Run, RunningPump

SET = ("program", "--json", "set", "--fluid", "morphine", "20 mg/mL")
GRANT = ("--patient-bolus", "0.05 mg", "--bolus-duration", "10 min", "--bolus-lockout", "4 h", "--bolus-count", "4")


def test_an_interrogation_shows_every_section(pump: RunningPump, run: Run) -> None:
    """Text for people, one document for programs, and only the sections asked for."""
    everything = run("program", "interrogate")
    assert everything.code == 0
    for section in ("IDENTITY", "PRESCRIPTION", "THERAPY", "RESERVOIR", "BATTERY", "ALARMS", "TOTALS"):
        assert section in everything.out
    document = run("program", "--json", "interrogate", "--section", "identity").json()
    assert document["identity"]["serial"] == "THECAL-0001"
    assert list(document) == ["identity"]


def test_messages_stay_off_stdout(pump: RunningPump, run: Run) -> None:
    """Results are on stdout; the warning and the concerns are on stderr."""
    answer = run("program", "--json", "interrogate")
    json.loads(answer.out)
    assert "Not for clinical use" in answer.err


def test_setting_shows_old_against_new_and_verifies(pump: RunningPump, run: Run) -> None:
    """The review is shown before anything is sent, and what the pump holds afterwards is compared with it."""
    answer = run(*SET, "--daily-dose", "1 mg/day", *GRANT, "--low-reservoir", "4 mL", "--yes")
    assert answer.code == 0
    assert "->" in answer.err
    assert answer.json()["differences"] == []
    report = run("program", "--json", "interrogate", "--section", "prescription").json()["prescription"]
    assert report["confirmed"] is True
    assert report["prescription"]["rate"]["value"] == 50_000
    assert report["prescription"]["low_reservoir"]["text"] == "4 mL"
    assert report["prescription"]["patient_bolus"]["count_24h"] == 4


def test_what_is_not_given_stays(programmed: RunningPump, run: Run) -> None:
    """Changing one thing changes only that."""
    run("program", "set", "--low-reservoir", "3 mL", "--yes")
    assert run("program", "set", "--limit-24h", "morphine", "5 mg", "--yes").code == 0
    held = run("program", "--json", "interrogate", "--section", "prescription").json()["prescription"]["prescription"]
    assert held["rate"]["value"] == 50_000
    assert held["low_reservoir"]["text"] == "3 mL"
    assert held["drugs"][0]["limit_24h"]["text"] == "5 mg"


@pytest.mark.verifies("PRG-11")
@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_is_sent(
    programmed: RunningPump, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """A no, or nobody to ask, leaves the pump as it is and ends with 1."""
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    refused = run("program", "set", "--daily-dose", "2 mg/day")
    assert refused.code == 1
    assert "nothing was sent" in refused.err
    held = run("program", "--json", "interrogate", "--section", "prescription").json()["prescription"]["prescription"]
    assert held["rate"]["value"] == 50_000


def test_a_soft_limit_needs_a_reason(programmed: RunningPump, run: Run) -> None:
    """Without one nothing is sent; with one it is passed and kept in the prescription."""
    refused = run("program", "set", "--daily-dose", "16 mg/day", "--yes")
    assert refused.code == 1
    assert "--reason" in refused.err
    assert run("program", "set", "--daily-dose", "16 mg/day", "--reason", "tolerance", "--yes").code == 0


def test_a_hard_limit_is_refused_whatever_the_reason(programmed: RunningPump, run: Run) -> None:
    """Nothing is sent, and the document says why."""
    refused = run(*SET, "--daily-dose", "25 mg/day", "--reason", "more", "--yes")
    assert refused.code == 1
    assert refused.json()["result"] == "not_done"
    assert "hard limit" in refused.json()["words"]


@pytest.mark.parametrize(
    "entries",
    [
        (),
        ("--rate", "5"),
        ("--rate", "5 mL"),
        ("--daily-dose", "1 mg/day", "--rate", "1 mL/day"),
        ("--patient-bolus", "0.05 mg"),
        (*GRANT, "--no-patient-bolus"),
        ("--bolus-count", "256"),
        ("--daily-dose", "1.00001 mg/day"),
        ("--limit-1h", "aspirin", "1 mg"),
        ("--fluid", "aspirin", "1 mg/mL"),
        ("--fluid", "morphine", "20"),
    ],
)
def test_entries_that_make_no_sense_are_wrong_usage(
    programmed: RunningPump, run: Run, entries: tuple[str, ...]
) -> None:
    """Bare numbers, wrong units, contradictions and unknown drugs end with 2, and the pump is untouched."""
    assert run("program", "set", *entries, "--yes").code == 2
    held = run("program", "--json", "interrogate", "--section", "prescription").json()["prescription"]["prescription"]
    assert held["rate"]["value"] == 50_000


def test_a_bolus_runs_and_is_cancelled(programmed: RunningPump, run: Run) -> None:
    """A bolus is given once, a second one is refused while it runs, and it can be ended."""
    assert run("program", "bolus", "0.1 mg", "--over", "10 min").code == 0
    second = run("program", "--json", "bolus", "0.1 mg", "--over", "10 min")
    assert (second.code, second.json()["result"]) == (1, "not_done")
    assert "running" in second.err
    assert run("program", "cancel-bolus").code == 0
    assert run("program", "cancel-bolus").code == 1


@pytest.mark.verifies("COM-15")
def test_a_patient_may_press_the_button_and_nothing_else(programmed: RunningPump, run: Run) -> None:
    """The patient's role gets the bolus that is granted, and no stop."""
    assert run("program", "set", *GRANT, "--yes").code == 0
    early = run("program", "--role", "patient", "patient-bolus")
    assert early.code == 1
    assert "lockout" in early.err
    assert run("control", "advance", "4 h").code == 0
    assert run("program", "--role", "patient", "patient-bolus").code == 0
    assert run("program", "--role", "patient", "stop").code == 1


@pytest.mark.verifies("PRG-18")
def test_a_stopped_pump_is_never_left_without_a_word(programmed: RunningPump, run: Run) -> None:
    """Stopping works, and the end of the session says in capitals that no drug is delivered."""
    stopped = run("program", "stop")
    assert stopped.code == 0
    assert "THE PUMP IS STOPPED" in stopped.err
    assert run("program", "start").code == 0


def test_an_alarm_is_shown_silenced_and_acknowledged(programmed: RunningPump, run: Run) -> None:
    """A stall raises its alarm; it can be silenced, and acknowledged once its cause is gone."""
    assert run("control", "inject", "motor_stall").code == 0
    assert run("control", "advance", "1 h").code == 0
    assert "motor_stall" in run("program", "watch", "--count", "1").out
    assert run("program", "silence").code == 0
    assert run("program", "acknowledge", "motor_stall").code == 1
    assert run("control", "clear", "motor_stall").code == 0
    assert run("control", "advance", "1 h").code == 0
    assert run("program", "acknowledge", "motor_stall").code == 0
    assert run("program", "--json", "interrogate", "--section", "alarms").json()["alarms"]["alarms"] == []


def test_a_refill_compares_the_residual(programmed: RunningPump, run: Run) -> None:
    """A residual far from the reckoning is a failure found, and the refill is entered all the same."""
    run("program", "refill", "--residual", "19 mL", "--contents", "20 mL")  # whatever other tests have used up
    good = run("program", "refill", "--residual", "19.9 mL", "--contents", "20 mL")
    assert (good.code, "as expected" in good.out) == (0, True)
    bad = run("program", "--json", "refill", "--residual", "10 mL", "--contents", "20 mL")
    assert bad.code == 1
    assert bad.json()["result"] == "done"
    assert bad.json()["residual"]["flagged"] is True


def test_the_log_is_read(programmed: RunningPump, run: Run) -> None:
    """Entries come in order; a later beginning leaves the earlier ones out."""
    entries = run("program", "--json", "log").json()
    assert [entry["sequence"] for entry in entries] == list(range(entries[0]["sequence"], len(entries)))
    later = run("program", "--json", "log", "--first", str(len(entries) - 2)).json()
    assert later[0]["sequence"] == len(entries) - 2
    assert "power up" in run("program", "log").out


def test_watching_gives_a_line_a_look(programmed: RunningPump, run: Run) -> None:
    """With --json each line is a document of its own."""
    lines = run("program", "--json", "watch", "--every", "1 ms", "--count", "3").out.splitlines()
    assert [json.loads(line)["therapy"]["state"] for line in lines] == ["simple_continuous"] * 3


def test_watching_ends_with_ctrl_c(programmed: RunningPump, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a count that is how it is meant to end; with one it is an interrupt like any other."""

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thecal.program.time.sleep", interrupt)
    assert run("program", "watch").code == 0
    assert run("program", "watch", "--count", "3").code == 130


def test_ctrl_c_at_a_question_is_an_interrupt(
    programmed: RunningPump, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent, and it says so; nobody there to ask is a plain no."""
    for answer, code in ((KeyboardInterrupt, 130), (EOFError, 1)):

        def ask(*_: object, answer: type[BaseException] = answer) -> str:
            raise answer

        monkeypatch.setattr("click.termui.visible_prompt_func", ask)
        asked = run("program", "set", "--daily-dose", "2 mg/day")
        assert (asked.code, "nothing was sent" in asked.err) == (code, True)


def test_the_self_test_passes(programmed: RunningPump, run: Run) -> None:
    """A healthy pump finds nothing."""
    assert run("program", "--json", "self-test").json()["reply"] == {"failed": 0}


def test_the_clock_is_set(programmed: RunningPump, run: Run) -> None:
    """To an instant with its time zone, or to now."""
    assert run("program", "clock", "2026-01-31T12:00Z").code == 0
    assert "2026-01-31 12:00:0" in run("program", "interrogate", "--section", "therapy").out
    assert run("program", "clock").code == 0


@pytest.mark.parametrize("instant", ["2026-01-31T12:00", "yesterday", "1969-12-31T23:59Z"])
def test_an_instant_that_could_be_misread_is_refused(programmed: RunningPump, run: Run, instant: str) -> None:
    """Without a time zone, or before 1970, is wrong usage."""
    assert run("program", "clock", instant).code == 2


@pytest.mark.verifies("SEC-01")
def test_the_wrong_key_opens_nothing(pump: RunningPump, run: Run) -> None:
    """Another key ends with 3 and says so; the pump does not mind."""
    refused = run("program", "--key", "00" * 32, "interrogate")
    assert refused.code == 3
    assert "key" in refused.err
    assert run("program", "interrogate").code == 0


def test_without_a_key_the_place_is_named(pump: RunningPump, run: Run) -> None:
    """The message says where a key was looked for."""
    missing = run("program", "--serial", "NONE", "interrogate")
    assert missing.code == 3
    assert "NONE.key" in missing.err


def test_another_pump_than_the_one_asked_for_is_refused(pump: RunningPump, run: Run) -> None:
    """A serial number given is a serial number meant."""
    key = (pump.folder / "data" / "thecal" / "keys" / "THECAL-0001.key").read_text().strip()
    assert run("program", "--serial", "OTHER", "--key", key, "interrogate").code == 3


def test_help_needs_neither_port_nor_key(run: Run) -> None:
    """Every subcommand explains itself before anything is set up."""
    assert run("program", "set", "--help").code == 0
    assert run("program", "interrogate").code == 2


def test_a_port_that_is_not_there_ends_with_three(run: Run, tmp_path: Path) -> None:
    """With --json the error is a document, too."""
    answer = run("program", "--port", str(tmp_path / "none"), "--key", "00" * 32, "--json", "interrogate")
    assert answer.code == 3


@pytest.mark.parametrize(
    "command", [("program", "--key", "00" * 32, "--port", "pty:/nowhere", "stop"), ("loop", "--port", "pty:/nowhere")]
)
def test_a_caller_makes_no_port_of_its_own(run: Run, command: tuple[str, ...]) -> None:
    """``pty:`` is for the pump's side; asking somebody through a new port would only wait for nobody."""
    refused = run(*command)
    assert refused.code == 2
    assert "nobody on it" in refused.err


def test_a_draft_that_comes_to_nothing_leaves_no_session_open(programmed: RunningPump, run: Run) -> None:
    """After a refused prescription the session is closed, not left to the pump's idle time-out."""
    refused = run("program", "set", "--daily-dose", "19 mg/day", "--yes")
    assert refused.code == 1
    log = run("program", "--json", "log").json()
    kinds = [entry["kind"] for entry in (log["entries"] if isinstance(log, dict) else log)]
    opened = sum("opened" in str(kind) for kind in kinds)
    closed = sum("closed" in str(kind) for kind in kinds)
    assert opened == closed + 1
