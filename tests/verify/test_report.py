"""The report: what was not run is never good, what failed is never hidden, and no change to it goes unseen."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest
from click.testing import CliRunner

from protocol.units import DAY_MS
from tests.verify.reports import (
    BANK,
    CAUSED,
    COMMIT,
    FAULTS,
    MADE,
    MET,
    MUTANT,
    MUTANTS,
    bad_run,
    command,
    evidence,
    grades,
    list_of_tests,
)
from tests.verify.tables import case, junit, sources
from thecal.verify import verify
from verify.encounters import SEPARATOR
from verify.judge import judge_lines
from verify.mutants.bank import load_bank
from verify.report.coverage import ALARMS, OUT_OF_REACH, STATES, coverage
from verify.report.evidence import (
    EvidenceError,
    bank_entries,
    examples_of,
    formula_rows,
    read_faults,
    read_mutants,
    read_verdict,
)
from verify.report.folder import MANIFEST, FolderError, differences, write_folder
from verify.report.missing import missing
from verify.report.origin import Commit, commit_of, versions
from verify.report.page import page
from verify.report.parts import Grade, parts, whole
from verify.report.picture import grid_svg
from verify.report.words import instant, span
from verify.scripts.reading import read_script
from verify.scripts.script import Script, Step
from verify.story import healthy
from verify.trace.matrix import build
from verify.trace.results import Run, read_run
from verify.verdict import FORMULA


@pytest.fixture
def good(tmp_path: Path) -> Run:
    """Return a run in which everything passed, at the report's commit."""
    counts = {MET: 4, f"{FORMULA}no-flood": 7}
    said = (
        f'<properties><property name="counts" value="{counts}"/>'
        '<property name="reached" value="{\'a flood\': 2}"/></properties>'
    )
    path = tmp_path / "good.xml"
    own = f'<property name="commit" value="{COMMIT}"/>'
    path.write_text(junit(case("test_first[1]", said), case("test_first[2]"), properties=own), "utf-8")
    return read_run(path)


def test_nothing_given_is_not_run_and_not_good() -> None:
    """Without any file no part is good, and the whole is incomplete."""
    seen = evidence()
    assert Grade.GOOD not in grades(seen).values()
    assert grades(seen)["tests"] is grades(seen)["mutants"] is grades(seen)["faults"] is Grade.NOT_RUN
    assert whole(parts(seen)) is Grade.INCOMPLETE


def test_each_part_is_good_only_by_its_own_file(good: Run) -> None:
    """Tests, properties, premises, mutants and faults each become good by what was given for them."""
    seen = grades(evidence(good, mutants=MUTANTS, faults=FAULTS))
    for name in ("tests", "one clean commit", "properties over time", "premises of the suites", "mutants", "faults"):
        assert seen[name] is Grade.GOOD, name


@pytest.mark.parametrize(("word", "grade"), [("holds", Grade.GOOD), ("incomplete", Grade.INCOMPLETE)])
def test_a_journal_without_its_end_leaves_its_part_incomplete(good: Run, word: str, grade: Grade) -> None:
    """A journal that was cut short is named, and no good evidence beside any that is whole."""
    given = {"whole.jsonl": {"verdict": "holds"}, "cut.jsonl": {"verdict": word}}
    (part,) = [part for part in parts(evidence(good, verdicts=given)) if part.name == "journals"]
    assert part.grade is grade
    assert ("cut.jsonl" in part.words) == (grade is Grade.INCOMPLETE)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"mutants": {"mutants": [{**MUTANT, "result": "survived"}]}}, "mutants"),
        ({"mutants": {"mutants": [{**MUTANT, "result": "a word nobody knows"}]}}, "mutants"),
        ({"faults": {"outcomes": [{"failure": "FLOOD", "holds": False}]}}, "faults"),
        ({"verdicts": {"j": {"verdict": "violated"}}}, "journals"),
        ({"verdicts": {"j": {"verdict": "nonsense"}}}, "journals"),
        ({"verdicts": {"j": {"verdict": "violated", "formulas": [{"id": "no-flood", "outcome": "violated"}]}}},
         "properties over time"),
    ],
)  # fmt: skip
def test_one_bad_thing_fails_its_part_and_the_whole(good: Run, given: dict[str, Any], name: str) -> None:
    """A surviving mutant, a failure that nobody noticed, a violated property: failed, whatever else is good."""
    seen = evidence(good, **given)
    assert grades(seen)[name] is Grade.FAILED
    assert whole(parts(seen)) is Grade.FAILED


def test_a_failed_test_is_told_and_a_skipped_one_is_not_good(tmp_path: Path) -> None:
    """The message is on the page; what was skipped leaves the tests incomplete."""
    failed = evidence(bad_run(tmp_path))
    assert grades(failed)["tests"] is grades(failed)["requirements"] is Grade.FAILED
    assert "it rained" in page(failed)
    skipped = evidence(bad_run(tmp_path, '<skipped message="no cable here"/>'))
    assert grades(skipped)["tests"] is Grade.INCOMPLETE
    assert "no cable here" in page(skipped)


@pytest.mark.parametrize(
    "commit", [Commit("1" * 40, dirty=False), Commit(COMMIT, dirty=True), Commit("", dirty=False)]
)
def test_a_report_of_another_state_of_the_code_says_so(good: Run, commit: Commit) -> None:
    """Another commit, uncommitted changes or no clone at all are not one clean commit."""
    assert grades(replace(evidence(good), commit=commit))["one clean commit"] is Grade.INCOMPLETE


def test_a_premise_that_never_happened_is_incomplete(good: Run) -> None:
    """Never reached is told, not passed over: of suites and of properties."""
    silent = {"verdict": "holds", "formulas": [{"id": "no-flood", "outcome": "holds", "premises": 0}]}
    (row,) = formula_rows(evidence(verdicts={"j": silent}))
    assert (row.outcome, row.premises) == ("nothing shown", 0)
    assert grades(evidence(verdicts={"j": silent}))["properties over time"] is Grade.INCOMPLETE
    (row,) = formula_rows(evidence(good, verdicts={"j": silent}))
    assert (row.outcome, row.premises) == ("holds", 7)
    (row,) = formula_rows(evidence())
    assert (row.outcome, row.premises) == ("not run", None)


def test_a_violation_outweighs_what_held(good: Run) -> None:
    """A property that one journal violates is violated, in whatever order the journals come."""
    held = {"verdict": "holds", "formulas": [{"id": "no-flood", "outcome": "holds", "premises": 1}]}
    broke = {"verdict": "violated", "formulas": [{"id": "no-flood", "outcome": "violated", "premises": 1}]}
    for verdicts in ({"a": held, "b": broke}, {"a": broke, "b": held}):
        (row,) = formula_rows(evidence(good, verdicts=verdicts))
        assert row.outcome == "violated"


def test_a_mutant_without_a_result_and_faults_that_were_left_out_are_incomplete(good: Run) -> None:
    """An empty bank shows nothing, and every hazard that was not caused is counted."""
    assert grades(evidence(good, mutants={"mutants": []}))["mutants"] is Grade.NOT_RUN
    assert grades(evidence(good, faults={"outcomes": CAUSED[:1]}))["faults"] is Grade.INCOMPLETE


def test_fewer_mutants_than_the_bank_has_are_incomplete(good: Run) -> None:
    """All that were tried were noticed, and still it is said how many were not tried, or are not of this version."""
    more = BANK | {("m2", "a.py", "3", "4")}
    part = next(each for each in parts(evidence(good, mutants=MUTANTS, bank=more)) if each.name == "mutants")
    assert (part.grade, part.words.partition(":")[0]) == (Grade.INCOMPLETE, "1 of 2 tried")
    strange = {"mutants": [*MUTANTS["mutants"], {**MUTANT, "new": "5", "result": "killed"}]}
    part = next(each for each in parts(evidence(good, mutants=strange)) if each.name == "mutants")
    assert part.grade is Grade.INCOMPLETE
    assert "1 of those tried are not, or not so, in this version" in part.words
    assert {entry[0] for entry in bank_entries()} == {mutant.id for mutant in load_bank()}


@pytest.mark.parametrize("made", [{**MADE, "commit": "1" * 40}, {**MADE, "dirty": True}, {}])
@pytest.mark.parametrize("name", ["mutants", "faults"])
def test_evidence_of_another_commit_is_not_mixed_in_unseen(good: Run, name: str, made: dict[str, Any]) -> None:
    """Mutants and faults say of which commit they are, like the tests; one that differs or says nothing is named."""
    given = {"mutants": MUTANTS, "faults": FAULTS}
    assert grades(evidence(good, **given))["one clean commit"] is Grade.GOOD
    seen = evidence(good, **{**given, name: {**given[name], "made": made}})
    part = next(each for each in parts(seen) if each.name == "one clean commit")
    assert part.grade is Grade.INCOMPLETE
    assert f"{name}: {seen.commits()[name]}" in part.words


class Page(HTMLParser):
    """Finds what a page would fetch from elsewhere, its links and their targets, and tags that are not closed."""

    VOID = ("meta", "br", "rect", "line")

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: set[str] = set()
        self.ids: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag refers to."""
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if name == "href" and value:
                self.links.add(value)
            if name in ("src", "srcset", "data") or tag in ("link", "script", "iframe"):
                self.fetched.append(f"{tag} {name}={value}")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note what is closed."""
        while self.open and self.open.pop() != tag:
            pass


def test_the_page_stands_alone(good: Run) -> None:
    """It fetches nothing, every link leads into it, it can be printed, and says what it is not for."""
    text = page(evidence(good, mutants=MUTANTS, faults=FAULTS))
    seen = Page()
    seen.feed(text)
    assert seen.fetched == []
    assert seen.links
    assert {link.removeprefix("#") for link in seen.links} <= seen.ids
    assert not seen.open
    assert not re.search(r"url\((?!#)", text)
    assert "@media print" in text
    assert "Not for clinical use" in text


def test_what_comes_from_a_test_cannot_change_the_page(tmp_path: Path) -> None:
    """A message that looks like HTML is shown as it is."""
    run = bad_run(tmp_path, '<failure message="no">&lt;script&gt;alert(1)&lt;/script&gt;</failure>')
    text = page(evidence(run))
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_span_before_its_beginning_says_so() -> None:
    """An alarm that came before the failure it is counted from has no negative time."""
    assert (span(None), span(0), span(90_000)) == ("", "at once", "1 min 30 s")
    assert span(-227_685) == "3 min 48 s before"


def test_a_judged_journal_counts_what_met_what() -> None:
    """Every state, transition and command of a story is there; a command stands in the state that it found."""
    counted = judge_lines(healthy(1).journal.lines).figures.encounters
    assert counted
    assert all(name.count(SEPARATOR) == 2 for name in counted)
    assert {name.split(SEPARATOR)[0] for name in counted} <= set(STATES)


def test_coverage_tells_reached_from_never_reached() -> None:
    """One encounter is one place in each grid, all others are never reached, and other counts are no encounters."""
    covered = coverage({MET: 4, "drive.strokes": 9})
    by_state, by_alarm, under_alarm = covered.grids
    assert by_state.counts["stopped", "Start accepted"] == 4
    assert by_alarm.counts["stopped", "no alarm"] == 4
    assert under_alarm.counts["no alarm", "Start accepted"] == 4
    assert [grid.reached for grid in covered.grids] == [1, 1, 1]
    states, _, alarms, reasons = covered.lists
    assert states.never == [state for state in STATES if state != "stopped"]
    assert alarms.never == list(ALARMS)
    assert "lockout" in reasons.never
    seen = evidence(verdicts={"j": {"verdict": "holds", "figures": {"encounters": {MET: 4}}}})
    words = next(part.words for part in parts(seen) if part.name == "states, events and alarms")
    reached, excused, missing = map(int, re.findall(r"(\d+) (?:reached|excused|missing)", words)[:3])
    assert (reached, excused) == (1, len(OUT_OF_REACH))
    assert reached + excused + missing == sum(len(each.counts) for each in covered.lists)


def test_refusals_alarms_and_transitions_are_counted_by_name() -> None:
    """Each under its own heading; a transition that the pump's table does not have is strange."""
    covered = coverage(
        {
            SEPARATOR.join(("stopped", "PatientBolus refused lockout", "reset")): 2,
            SEPARATOR.join(("stopped", "alarm reset", "no alarm")): 3,
            SEPARATOR.join(("stopped", "to priming", "no alarm")): 1,
            SEPARATOR.join(("stopped", "to patient_bolus", "no alarm")): 1,
        }
    )
    _, transitions, alarms, reasons = covered.lists
    assert (reasons.counts["lockout"], alarms.counts["reset"], transitions.counts["stopped → priming"]) == (2, 3, 1)
    assert covered.strange == ("stopped → patient_bolus",)


def test_the_picture_has_a_place_for_everything() -> None:
    """One square for each place, hatched where nothing was reached, with the count in words."""
    grid = coverage({MET: 4}).grids[0]
    svg = grid_svg(grid)
    assert svg.count("<title>") == grid.places
    assert svg.count("not reached, which may be impossible</title>") == grid.places - 1
    assert "<title>stopped, Start accepted: 4</title>" in svg


@pytest.mark.parametrize(
    "words", ["- 60 passing, 0 failing, and 9 invalid test cases", "- 60 passing examples, 0 failing examples"]
)
def test_the_examples_that_a_test_tried_are_counted(words: str, tmp_path: Path) -> None:
    """Every phase of Hypothesis's statistics counts, in the words of its versions."""
    said = f'<properties><property name="hypothesis" value="reuse: - 40 passing, 0 failing {words}"/></properties>'
    run = bad_run(tmp_path, said)
    assert examples_of(run.results[0]) == 100
    assert ">100</td><td><code>tests.test_a.test_first[1]" in page(evidence(run))


def test_what_is_missing_is_named_before_everything_else(good: Run) -> None:
    """The verdict first, then what failed and what is missing, by name; the rest of a long list is counted."""
    many = BANK | {(f"x{number:02}", "a.py", "3", "4") for number in range(50)}
    seen = evidence(good, mutants=MUTANTS, bank=many, faults={"outcomes": CAUSED[:1]})
    named = {each.words: each for each in missing(seen)}
    assert named["failures that were not caused"].names == ("DROUGHT", "RUST")
    assert (named["mutants that were not tried"].told[0], named["mutants that were not tried"].more) == ("x00", 10)
    assert "requirements whose tests were not run" not in named
    text = page(seen)
    order = [text.index(f'id="{name}"') for name in ("failures", "gaps", "runs", "properties")]
    assert order == sorted(order)
    assert "x39 and 10 more" in text


def test_a_run_says_when_it_began_and_ended(good: Run) -> None:
    """The end is the start and what it took; a file that says no start has no end either."""
    assert (good.started, good.ended) == ("2026-01-02T03:04:05", "2026-01-02T03:04:08.500000")
    text = page(evidence(good, mutants=MUTANTS))
    assert "<td>2026-01-02 03:04:05</td><td>2026-01-02 03:04:08</td>" in text
    assert "started then, ended later, seed 7" in text
    assert instant("2026-01-02T03:04:05.6+02:00") == "2026-01-02 01:04:05+00:00"
    assert "<td>not said</td><td>not said</td>" in page(evidence(replace(good, started="", ended="")))


def test_what_was_shown_is_on_the_page_in_its_own_words(good: Run, tmp_path: Path) -> None:
    """A formula stands under its demand, with what its words stand for; a case of a test has its name."""
    text = page(evidence(good))
    assert '<code class="faint">rain implies within 1 s not flood</code>' in text
    assert "<code>level &gt; 1 m</code>" in text
    assert '<span class="good">passed</span> 2</div>' in text
    said = {
        "property": "1",
        "sentence": "No flood comes.",
        "examples": "12",
        "reached": "{'rain': 0}",
        "verifies": "A-01",
    }
    properties = "".join(f'<property name="{name}" value="{value}"/>' for name, value in said.items())
    text = page(evidence(bad_run(tmp_path, f"<properties>{properties}</properties>")))
    assert '<tr id="property-1"><td>1</td><td class="name good">passed</td>' in text
    assert '<td class="number">12</td><td>No flood comes.</td>' in text
    assert "never × rain" in text
    assert '<a href="#property-1">1</a>: No flood comes.' in text


def test_hazards_requirements_and_properties_lead_to_each_other(good: Run) -> None:
    """Both ways: from a hazard to what controls it and what watches it, and back."""
    text = page(evidence(good))
    for name in ("hazard-FLOOD", "A-01", "formula-no-flood"):
        assert f'<tr id="{name}">' in text
        assert f'<a href="#{name}"' in text


def test_a_property_of_a_suite_counts_its_own_examples_and_how_deep_it_went(tmp_path: Path) -> None:
    """What no decorator of Hypothesis tells is recorded by the test itself: examples, steps and simulated time."""
    said = {"examples": "58824", "steps": "50", "simulated_ms": str(3 * DAY_MS)}
    properties = "".join(f'<property name="{name}" value="{value}"/>' for name, value in said.items())
    run = bad_run(tmp_path, f"<properties>{properties}</properties>")
    assert examples_of(run.results[0]) == 58_824
    text = page(evidence(run))
    assert ">58824</td><td><code>tests.test_a.test_first[1]" in text
    assert '>50</td><td class="number">3 days</td><td><code>tests.test_a.test_first[1]' in text


def test_a_folder_is_as_its_manifest_says_until_it_is_changed(tmp_path: Path) -> None:
    """A changed byte, a missing file, an added file and a line that is none are each found and named."""
    out, source = tmp_path / "out", tmp_path / "junit.xml"
    source.write_text("results", "utf-8")
    write_folder(out, {"report.html": "page"}, [source, source])
    assert differences(out) == []
    assert (out / "evidence" / "junit-2.xml").read_text("utf-8") == "results"
    (out / "report.html").write_text("pagf", "utf-8")
    (out / "evidence" / "junit.xml").unlink()
    (out / "evidence" / "more.txt").write_text("", "utf-8")
    with (out / MANIFEST).open("a", encoding="utf-8") as lines:
        lines.write("nonsense\n")
    assert differences(out) == [
        f"{MANIFEST}, line 4, is no entry",
        "evidence/junit.xml is missing",
        "evidence/more.txt has been added",
        "report.html has been changed",
    ]


def test_a_new_report_replaces_the_old_and_nothing_else(tmp_path: Path) -> None:
    """A folder that holds something else is refused; an old report's files go, and what was added stays."""
    out = tmp_path / "out"
    write_folder(out, {"old.txt": "old"}, [])
    (out / "mine.txt").write_text("mine", "utf-8")
    write_folder(out, {"new.txt": "new"}, [])
    assert {path.name for path in out.iterdir()} == {"new.txt", "mine.txt", "evidence", MANIFEST}
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(FolderError, match="no report"):
        write_folder(other, {}, [])


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (read_mutants, "[]"),
        (read_mutants, '{"mutants": 3}'),
        (read_faults, '{"outcomes": [1]}'),
        (read_faults, "[1]"),
        (read_verdict, "[]"),
        (read_verdict, "{"),
    ],
)
def test_a_file_of_another_kind_is_refused(reader: Any, text: str, tmp_path: Path) -> None:
    """Each file is told from what it is not, by its name."""
    path = tmp_path / "given.json"
    path.write_text(text, "utf-8")
    with pytest.raises(EvidenceError, match=r"given\.json"):
        reader(path)


def test_a_folder_that_is_no_clone_has_no_commit(tmp_path: Path) -> None:
    """The report can be made anywhere; it then says that the commit is unknown."""
    assert str(commit_of(tmp_path)) == "unknown: not in a clone, or no git"
    assert "pytest" in versions()


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Return a list of one test that verifies nothing."""
    return list_of_tests(tmp_path)


def test_the_command_makes_a_report_and_checks_it(tmp_path: Path, listed: Path) -> None:
    """Incomplete is exit code 0 and said first; the check is 0 as long as nothing was touched, then 1."""
    out = tmp_path / "out"
    made = command(out, "--tests", listed)
    assert (made.exit_code, made.stdout.startswith("incomplete: ")) == (0, True)
    assert {path.name for path in out.iterdir()} == {
        "report.html", "matrix.csv", "matrix.json", "requirements.sdoc", "evidence", MANIFEST,
    }  # fmt: skip
    assert (out / "evidence" / "tests.json").exists()
    assert command("--check", out).exit_code == 0
    (out / "matrix.csv").write_text("", "utf-8")
    changed = command("--check", out)
    assert (changed.exit_code, changed.stdout) == (1, "matrix.csv has been changed\n")


def test_a_failed_part_is_exit_code_1(tmp_path: Path, listed: Path) -> None:
    """The report is made all the same."""
    faults = tmp_path / "faults.json"
    rows = [{"failure": "MRI", "holds": False, "profile": "valve", "claim": "device", "noticed_by": ""}]
    faults.write_text(json.dumps({"outcomes": rows}), "utf-8")
    made = command(tmp_path / "out", "--tests", listed, "--faults", faults)
    assert (made.exit_code, made.stdout.startswith("failed: ")) == (1, True)
    assert (tmp_path / "out" / "report.html").exists()


def test_a_journal_is_judged_and_drawn_if_it_breaks_a_claim(tmp_path: Path, listed: Path) -> None:
    """A counterexample has its dose plot on the page; a good journal has none."""
    paths = []
    for name, story in (
        ("fine", healthy(1).tell(DAY_MS, "bench.end")),
        ("bad", healthy(1).state(DAY_MS, "stopped", 0).strokes([DAY_MS + 1])),
    ):
        story.journal.flush()
        paths.append(tmp_path / f"{name}.jsonl")
        paths[-1].write_text("\n".join(story.journal.lines) + "\n", "utf-8")
    fine, bad = paths
    made = command(tmp_path / "out", "--tests", listed, "--journal", fine, "--journal", bad)
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert 'bad.jsonl</code>: <span class="bad">violated' in text
    assert 'fine.jsonl</code>: <span class="good">holds' in text
    assert text.count('xmlns:xlink="http://www.w3.org/1999/xlink"') == 1
    assert made.exit_code == 1
    seen = Page()
    seen.feed(text)
    assert [each for each in seen.fetched if "data:image" not in each] == []


def test_what_cannot_be_used_is_said(tmp_path: Path, listed: Path) -> None:
    """Another kind of file is wrong usage; without a manifest nothing is checked; a file holds no folder."""
    assert command(tmp_path / "out", "--tests", listed, "--mutants", listed).exit_code == 2
    assert command(tmp_path / "out", "--tests", listed, "--journal", listed).exit_code == 2
    assert command("--check", tmp_path).exit_code == 3
    assert command(listed / "out", "--tests", listed).exit_code == 3


def test_the_shipped_matrix_goes_into_a_page() -> None:
    """Every requirement and hazard of this project has its row."""
    from verify.trace.sources import load_sources  # noqa: PLC0415

    known = load_sources()
    text = page(replace(evidence(), matrix=build(known, (), {})))
    assert all(f'id="{name}"' in text for name in known.requirements)
    assert all(name in text for name in known.hazards)
    assert sources().hazards


def test_a_counterexample_is_told_again_drawn_and_kept(tmp_path: Path, listed: Path) -> None:
    """The script that a test recorded is played once more; its story stands in the page, its file in the folder."""
    script = Script("unprogrammed", 1, False, [Step("visit", {}), Step("pass_time", {"for_ms": 60_000})])
    junit = tmp_path / "junit.xml"
    recorded = quoteattr(script.text()).replace("\n", "&#10;")
    junit.write_text(
        '<testsuites><testsuite name="pytest" timestamp="2026-01-01T00:00:00" time="1" hostname="h">'
        '<testcase classname="tests.verify.test_suites" name="test_every[wire.faulty]" time="1"><properties>'
        f'<property name="counterexample" value={recorded}/></properties><failure message="broken">x</failure>'
        "</testcase></testsuite></testsuites>",
        encoding="utf-8",
    )
    out = tmp_path / "out"
    result = CliRunner().invoke(verify, ["report", str(out), "--junit", str(junit), "--tests", str(listed)])
    assert result.exit_code == 1, result.output
    kept = out / "counterexample-test-every-wire-faulty.json"
    assert read_script(kept.read_text(encoding="utf-8")) == script
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "clinician  visit" in text
    assert "breaks nothing now" in text
    assert kept.name in (out / "SHA256SUMS").read_text(encoding="utf-8")
