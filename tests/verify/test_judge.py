"""The judge as a whole: order, damage, figures and what it depends on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from emulator.firmware.guard import Sizes
from emulator.journal import Event, JournalDamagedError
from emulator.windows import Windows
from protocol.units import DAY_MS, HOUR_MS
from verify.judge import UnjudgeableError, judge, judge_file, judge_lines
from verify.occurrences import KINDS
from verify.properties import load_properties
from verify.scripts.kept import kept_scripts
from verify.scripts.told import replay
from verify.story import LIMIT_24H, MASS_PG, STROKE_NL, Story, healthy
from verify.verdict import Claim
from verify.world import World


def test_the_figures_say_what_moved() -> None:
    """A verdict carries strokes, volume and mass by drug, whether or not anything is wrong."""
    figures = healthy(2).verdict().figures
    assert (figures.strokes, figures.volume_nl) == (192, 192 * STROKE_NL)
    (drug,) = figures.drugs
    assert (drug.drug, drug.outlet_pg, drug.tip_pg) == ("morphine", 192 * MASS_PG, 192 * MASS_PG)


def test_the_figures_count_what_happened() -> None:
    """Occurrences name each kind of event with what it was about, so that a suite can ask for its premises."""
    story = healthy(1).tell(DAY_MS, "wire.command", role="clinician", message="Stop", outcome="accepted")
    occurrences = story.verdict().figures.occurrences
    assert occurrences["drive.strokes"] == 96
    assert occurrences["wire.command Stop accepted"] == 1
    assert occurrences["pump.state simple_continuous"] == 1


def test_a_verdict_is_plain_json_and_readable_lines() -> None:
    """The verdict goes through JSON unchanged, and its lines name limit, drug and place."""
    verdict = healthy(1).verdict(DAY_MS)
    table = json.loads(json.dumps(verdict.as_json()))
    assert table["verdict"] == "holds"
    assert table["figures"]["windows"][-1]["mass_pg"] == LIMIT_24H
    assert verdict.lines()[0].startswith("holds: 0 findings")
    assert any("morphine, tip, any 24 h: 48 ug of 48 ug (100 %)" in line for line in verdict.lines())


def test_findings_come_in_order_of_time() -> None:
    """A reader follows the findings as they happened, whichever claim they break."""
    story = Story().state(0, "stopped", 1).prescribe(HOUR_MS).strokes([HOUR_MS + at for at in range(9)])
    times = [finding.at_ms for finding in story.verdict().findings]
    assert len(times) > 3
    assert times == sorted(times)


def test_time_that_runs_back_is_found() -> None:
    """Events out of order are a finding of their own, and judged as if they happened at the latest instant."""
    story = healthy(1).tell(HOUR_MS, "bench.end")
    assert story.verdict().broken() == {Claim.ORDER}
    strokes = healthy(1).strokes([HOUR_MS])
    assert Claim.ORDER in strokes.verdict().broken()


def test_a_damaged_journal_is_not_judged() -> None:
    """A changed, missing or moved line is refused with its number instead of being judged."""
    lines = list(healthy(1).journal.lines)
    with pytest.raises(JournalDamagedError, match="line 2"):
        judge_lines([lines[0], lines[1].replace("48000", "48001"), *lines[2:]])
    with pytest.raises(JournalDamagedError, match="line 2"):
        judge_lines([lines[0], *lines[2:]])


def test_an_event_that_lacks_what_it_must_say_is_named() -> None:
    """A journal that cannot be judged is an error that names the event, never a verdict."""
    with pytest.raises(UnjudgeableError, match=r"event 7, pump\.state"):
        judge([Event(7, 0, "pump.state", {"state": "stopped"})])


def test_a_journal_file_is_judged(tmp_path: Path) -> None:
    """A journal on disk gives the same verdict as in memory."""
    story = healthy(1)
    verdict = story.verdict()
    path = tmp_path / "journal.jsonl"
    path.write_text("\n".join(story.journal.lines), encoding="utf-8")
    assert judge_file(path) == verdict


def test_the_judge_shares_no_code_with_the_pump() -> None:
    """Of all that the judge imports, only the journal's format and the units are not the suite's own."""
    code = (
        "import sys, verify.judge; "
        "ours = {'emulator', 'protocol', 'hw', 'thecal'}; "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ours))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    assert run.stdout.strip() == "['emulator', 'emulator.journal', 'protocol', 'protocol.units']"


def test_a_journal_without_its_end_says_so() -> None:
    """A journal that was cut short may hold so far, and the verdict says that the rest is not judged."""
    whole = healthy(1).tell(DAY_MS, "bench.end").verdict()
    cut = healthy(1).verdict()
    assert (whole.figures.complete, cut.figures.complete) == (True, False)
    assert (whole.word, cut.word) == ("holds", "incomplete")
    assert any("no end" in line for line in cut.lines())
    assert not any("no end" in line for line in whole.lines())


@pytest.mark.parametrize("kept", [1, 3])
def test_no_cut_at_a_line_s_end_passes_for_a_whole_journal(kept: int) -> None:
    """No chain can show that its last lines are gone, so only a journal that has its end can hold."""
    lines = healthy(1).tell(DAY_MS, "bench.end").journal.lines
    verdict = judge_lines(lines[:kept])
    assert (verdict.holds, verdict.word) == (True, "incomplete")
    assert judge_lines(lines).word == "holds"


def test_what_is_violated_is_so_without_an_end() -> None:
    """A violation that is there needs no end of the journal to be one."""
    assert Story().prescribe().state(0, "stopped", 0).strokes([1]).verdict().word == "violated"


def test_a_journal_that_begins_in_the_middle_is_not_judged() -> None:
    """A pump continued from an image has a past that the journal lacks: there is no verdict, not a false one."""
    with pytest.raises(UnjudgeableError, match="begins in the middle"):
        judge([Event(0, 5, "bench.thawed", {})])


def test_kinds_of_events_that_nobody_judges_are_named() -> None:
    """What the judge has never heard of is not passed over in silence; what it knows is not named."""
    verdict = healthy(1).tell(DAY_MS, "pump.martian").tell(DAY_MS, "pump.martian").tell(DAY_MS, "bench.end").verdict()
    assert verdict.figures.unknown == {"pump.martian": 2}
    assert any("pump.martian (2)" in line for line in verdict.lines())
    known = healthy(1).tell(DAY_MS, "bench.end").verdict()
    assert known.figures.unknown == {}
    assert not any("not known here" in line for line in known.lines())


def test_every_kind_of_event_that_the_emulator_records_is_known() -> None:
    """No event of ours is strange to the judge, and it knows of none that there is not."""
    areas = "|".join(sorted({kind.partition(".")[0] for kind in KINDS}))
    folder = resources.files("emulator")
    assert isinstance(folder, Path)
    code = "".join(path.read_text("utf-8") for path in sorted(folder.rglob("*.py")))
    assert set(re.findall(rf'"((?:{areas})\.[a-z_]+)"', code)) == KINDS


def test_two_journals_in_one_are_not_judged() -> None:
    """A second header would have other limits and windows: there is no verdict over both."""
    with pytest.raises(UnjudgeableError, match="a second time"):
        healthy(1).tell(DAY_MS, "bench.start", stroke_nl=STROKE_NL).verdict()


@pytest.mark.parametrize("name", sorted(kept_scripts()))
def test_replay_and_judge_agree(name: str) -> None:
    """The journal that a replay keeps is judged as the replay itself was, small windows or real ones."""
    told = replay(kept_scripts()[name])
    assert judge_lines(told.journal, properties=load_properties()) == told.verdict


def test_buckets_cover_the_windows_that_they_stand_for() -> None:
    """A pump is not built with buckets that forget before its hour or its day is over."""
    assert World(1).device.windows == Windows()
    with pytest.raises(ValueError, match="cover no"):
        World(1, windows=Windows(Sizes(), HOUR_MS + 60_001))
