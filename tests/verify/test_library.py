"""The drug library's limits: the judge reads the library itself and takes nobody's word, where it can."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emulator.journal import Event, read_journal
from emulator.library import Library
from protocol.messages import ClinicianBolus, PatientBolusGrant
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import Role
from tests.verify.forging import forged
from thecal.verify import verify
from verify.judge import UnjudgeableError, judge, judge_lines
from verify.library import LibraryUnreadableError, read_library, shipped_library
from verify.story import DRUG, LIMIT_24H, Story
from verify.verdict import Claim, Finding, Verdict
from verify.world import World

DIGEST = shipped_library().digest
SHIPPED = {
    str(code): {"name": hard.name, "limit_1h": hard.limit_1h, "limit_24h": hard.limit_24h}
    for code, hard in shipped_library().drugs.items()
}
MORPHINE = shipped_library().drugs[1]
AT_MOST = {
    "code": 1,
    "concentration": MORPHINE.concentration,
    "limit_1h": MORPHINE.limit_1h,
    "limit_24h": MORPHINE.limit_24h,
}
NO_BOLUS = {"volume": 0, "duration": 0, "lockout": 0, "count_24h": 0}
FULL_BOLUS_NL = MORPHINE.bolus // MORPHINE.concentration


def found(verdict: Verdict) -> list[Finding]:
    """Return the findings about the library."""
    return [finding for finding in verdict.findings if finding.claim is Claim.LIBRARY]


def story(**start: Any) -> Story:
    """Return the beginning of a story whose header names the shipped library."""
    return Story(**{"library": DIGEST, "drugs": SHIPPED, **start})


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Return the journal of a real pump, with a bolus of each kind."""
    world = World(1)
    patient = PatientBolusGrant(Nanolitres(5_000), Milliseconds(5 * MINUTE_MS), Milliseconds(HOUR_MS), 4)
    world.program(world.prescription(100_000, patient_bolus=patient))
    world.talk(Role.CLINICIAN, ClinicianBolus(Nanolitres(5_000), Milliseconds(5 * MINUTE_MS), "an experiment"))
    world.bench.advance(HOUR_MS)
    assert world.verdict().holds
    return world.journal.lines


def test_the_judge_s_reading_of_the_shipped_library_is_the_pump_s() -> None:
    """Digest and hard limits, worked out twice from one file, agree to the byte and the picogram."""
    pumps, ours = Library.shipped(), shipped_library()
    assert ours.digest == pumps.digest.hex()
    assert {entry.code: (entry.name, entry.hard_1h.value, entry.hard_24h.value) for entry in pumps} == {
        code: (hard.name, hard.limit_1h, hard.limit_24h) for code, hard in ours.drugs.items()
    }
    assert {entry.code: (entry.concentration.hard.value, entry.bolus.hard.value) for entry in pumps} == {
        code: (hard.concentration, hard.bolus) for code, hard in ours.drugs.items()
    }


def test_a_right_journal_holds_and_names_its_limits(lines: list[str]) -> None:
    """A real pump's journal breaks nothing by the shipped library, and the verdict says whose limits they were."""
    verdict = judge_lines(lines)
    assert verdict.holds
    assert f"limits: those of the library “Thecal shipped library”, version 1, {DIGEST}" in verdict.lines()


def inflated(event: Event) -> Event:
    """Multiply every limit that the journal names by a thousand."""
    for drug in (*dict(event.data.get("drugs") or {}).values(),) if event.kind == "bench.start" else ():
        drug.update(limit_1h=1_000 * drug["limit_1h"], limit_24h=1_000 * drug["limit_24h"])
    for drug in event.data["drugs"] if event.kind == "pump.prescription" else ():
        drug.update(limit_1h=1_000 * drug["limit_1h"], limit_24h=1_000 * drug["limit_24h"])
    return event


def test_inflated_limits_are_found_out_however_well_they_are_chained(lines: list[str]) -> None:
    """Header and prescription are both held against the library, and the windows are judged by the library's."""
    verdict = judge_lines(forged(lines, inflated))
    words = [finding.words for finding in found(verdict)]
    assert any(each.startswith("the header limits morphine to ") for each in words)
    assert any(each.startswith("a limit of ") and "the library allows" in each for each in words)
    assert {window.limit_pg for window in verdict.figures.windows} == {MORPHINE.limit_1h, MORPHINE.limit_24h}


def without(code: str) -> Callable[[Event], Event]:
    """Return what takes a drug out of the header."""

    def change(event: Event) -> Event:
        if event.kind == "bench.start":
            del event.data["drugs"][code]
        return event

    return change


def test_a_header_names_every_drug_of_its_library_and_no_other(lines: list[str]) -> None:
    """A drug that is missing, and one that the library does not have, are each a finding."""
    (missing,) = found(judge_lines(forged(lines, without("3"))))
    assert missing.words == "the header lacks drug 3, fentanyl"
    foreign = story(drugs={**SHIPPED, "99": {"name": "water", "limit_1h": 1, "limit_24h": 1}}).verdict()
    assert [finding.words for finding in found(foreign)] == ["the library lacks drug 99, water"]


@pytest.mark.parametrize("key", ["limit_1h", "limit_24h", "concentration"])
def test_a_prescription_at_the_hard_limits_holds_and_one_above_does_not(key: str) -> None:
    """Hard limits are inclusive: one unit more is a finding, whether or not anything ever moved."""
    assert found(story().prescribe(drugs=[AT_MOST], patient_bolus=NO_BOLUS).verdict()) == []
    above = {**AT_MOST, key: int(AT_MOST[key]) + 1}
    (finding,) = found(story().prescribe(drugs=[above], patient_bolus=NO_BOLUS).verdict())
    assert finding.measured - finding.allowed == 1


def test_a_drug_that_the_library_does_not_have_is_found() -> None:
    """A prescription cannot bring a drug with it that nobody has set limits for."""
    (finding,) = found(story().prescribe(drugs=[{**AT_MOST, "code": 99}], patient_bolus=NO_BOLUS).verdict())
    assert "the library does not have it" in finding.words


@pytest.mark.parametrize(("more_nl", "count"), [(0, 0), (1, 1)])
def test_a_prescribed_patient_bolus_is_within_the_library(more_nl: int, count: int) -> None:
    """What the button gives holds no more than the library allows of one bolus."""
    grant = {"volume": FULL_BOLUS_NL + more_nl, "duration": HOUR_MS, "lockout": HOUR_MS, "count_24h": 1}
    assert len(found(story().prescribe(drugs=[AT_MOST], patient_bolus=grant).verdict())) == count


@pytest.mark.parametrize(("more_nl", "count"), [(0, 0), (1, 1)])
def test_a_clinician_s_bolus_is_within_the_library(more_nl: int, count: int) -> None:
    """A bolus that nobody prescribed is held against the library when it begins."""
    told = story().prescribe(drugs=[AT_MOST], patient_bolus=NO_BOLUS)
    volume_nl = FULL_BOLUS_NL + more_nl
    told.tell(HOUR_MS, "pump.bolus", what="started", kind="clinician", volume_nl=volume_nl, duration_ms=HOUR_MS)
    assert len(found(told.verdict())) == count


@pytest.mark.parametrize(("named", "words"), [({}, "no library"), ({"library": "00" * 16}, "the library 0000")])
def test_another_library_is_taken_on_the_journal_s_word_and_that_is_said(named: dict[str, str], words: str) -> None:
    """Without a library that the judge has read, the header's limits count; no verdict keeps that to itself."""
    verdict = Story(**named).prescribe().infuse(0, DAY_MS).verdict(DAY_MS)
    assert verdict.word == "holds"
    assert any("on its word" in line and words in line for line in verdict.lines())
    above = Story(**named).prescribe(drugs=[{**DRUG, "limit_24h": 10 * LIMIT_24H + 1}]).verdict(DAY_MS)
    assert len(found(above)) == 1


TOML = """
name = "Ward 7"
version = "3"
[[drug]]
code = 1
name = "morphine"
stability = "60 days"
stability_basis = "[I] pharmacy"
withdrawal = "moderate"
withdrawal_basis = "[I] pharmacy"
concentration = { soft = "1 mg/mL", soft_basis = "[I] a", hard = "2 mg/mL", hard_basis = "[I] a" }
daily = { soft = "10 ug/day", soft_basis = "[I] a", hard = "48 ug/day", hard_basis = "[I] a" }
bolus = { soft = "1 ug", soft_basis = "[I] a", hard = "2 ug", hard_basis = "[I] a" }
"""
WARD = {"1": {"name": "morphine", "limit_1h": 4_000_000, "limit_24h": 48_000_000}}


def test_a_library_of_one_s_own_has_the_digest_that_the_pump_would_give_it() -> None:
    """The two readings agree on any library, not only on the shipped one."""
    assert read_library(TOML).digest == Library.from_toml(TOML, "here").digest.hex()
    assert read_library(TOML).drugs[1].limit_1h == 4_000_000


def run(tmp_path: Path, told: Story, library: str) -> tuple[int, str]:
    """Judge a story with a library at the command line; return exit code and output."""
    told.tell(DAY_MS, "bench.end").journal.flush()
    (tmp_path / "j.jsonl").write_text("\n".join(told.journal.lines) + "\n", "utf-8")
    (tmp_path / "l.toml").write_text(library, "utf-8")
    result = CliRunner().invoke(
        verify, ["judge", str(tmp_path / "j.jsonl"), "--library", str(tmp_path / "l.toml")], env={"NO_COLOR": "1"}
    )
    return result.exit_code, result.output


def test_a_library_that_is_given_is_judged_by(tmp_path: Path) -> None:
    """``--library`` takes the journal's word away: what its header inflates is found out."""
    right = Story(library=read_library(TOML).digest, drugs=WARD).prescribe()
    code, output = run(tmp_path, right.infuse(0, DAY_MS), TOML)
    assert (code, "“Ward 7”, version 3" in output) == (0, True)
    wrong = Story(library=read_library(TOML).digest).prescribe().infuse(0, DAY_MS)
    code, output = run(tmp_path, wrong, TOML)
    assert (code, "drug library: the header limits morphine" in output) == (1, True)


@pytest.mark.parametrize("library", [TOML, "name = 1", "not toml", TOML.replace("2 ug", "2"), ""])
def test_a_library_that_is_another_or_none_is_wrong_usage(tmp_path: Path, library: str) -> None:
    """The journal of one library is not judged by another, and a file that is no library is named."""
    code, output = run(tmp_path, story().prescribe(), library)
    assert code == 2
    assert "library" in output


def test_what_is_no_library_cannot_be_read() -> None:
    """Anything but a table of drugs with their limits is refused."""
    for text in ("drug = 3", "drug = ['x']", '[[drug]]\ncode = "x"'):
        with pytest.raises(LibraryUnreadableError):
            read_library(text)


def test_the_judge_wants_the_library_that_the_journal_names() -> None:
    """A library that was given and is another gets no verdict, not a wrong one."""
    with pytest.raises(UnjudgeableError, match="names the library"):
        judge(read_journal(story().prescribe().journal.lines), library=read_library(TOML))


def test_the_limits_are_in_the_json(lines: list[str]) -> None:
    """A program that reads the verdict sees whose limits it was."""
    assert DIGEST in json.loads(json.dumps(judge_lines(lines).as_json()))["figures"]["limits"]
