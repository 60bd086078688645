"""The trace matrix: what counts as shown, what is a gap, and that no link can lie or rot unseen."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from tests.tracing import requirements_of, trace
from tests.verify.tables import (
    FIRST,
    HAZARDS,
    OTHER,
    PROPERTIES,
    REQUIREMENTS,
    SECOND,
    TESTS,
    accepted,
    case,
    junit,
    matrix,
    sources,
)
from thecal.verify import verify
from verify.trace.collected import VARIABLE, CollectedTest, CollectionError, junit_key, read, written
from verify.trace.links import accept, load_accepted, read_accepted
from verify.trace.matrix import Standing, build
from verify.trace.results import ResultsError, Run, read_run
from verify.trace.sdoc import as_sdoc
from verify.trace.sources import SourceError, load_sources, read_sources
from verify.trace.tables import as_csv, as_json


def run_of(text: str, folder: Path) -> Run:
    """Return the run that a JUnit text holds."""
    path = folder / "junit.xml"
    path.write_text(text, "utf-8")
    return read_run(path)


def standing(*runs: Run) -> Standing:
    """Return what the small matrix says of A-01."""
    return matrix(*runs).rows[0].standing


def test_the_shipped_tables_fit_each_other() -> None:
    """Every hazard, origin and requirement that a table names is there, and each requirement has a control to be."""
    known = load_sources()
    assert len(known.requirements) == 173
    assert known.hazards
    assert known.formulas
    assert all(each.hazards for each in known.requirements.values())


def test_no_device_hazard_is_without_a_requirement() -> None:
    """Whatever a claim is made about has something that controls it."""
    assert build(load_sources(), (), {}).gaps.uncontrolled == ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('hazards = ["FLOOD"]', 'hazards = ["FIRE"]', "A-01 names hazard “FIRE”"),
        ('"F07"', '"X:1"', "A-01 names origin “X:1”"),
        ('method = "test"', 'method = "hope"', "method “hope”"),
        ('because = "There is no display."', "", "A-03: “because” belongs to what is not tested"),
    ],
)
def test_a_link_to_nothing_is_an_error(old: str, new: str, words: str) -> None:
    """A requirement that names what is not there is refused by its id, and so is one without its reason."""
    with pytest.raises(SourceError, match=words):
        read_sources(HAZARDS, REQUIREMENTS.replace(old, new, 1), PROPERTIES)


def test_a_property_may_only_name_what_there_is() -> None:
    """A misspelt requirement or hazard of a property is refused; what a patient suffers may be named."""
    for name, words in (("A-01", "requirement “A-99”"), ("FLOOD", "hazard “A-99”")):
        with pytest.raises(SourceError, match=words):
            read_sources(HAZARDS, REQUIREMENTS, PROPERTIES.replace(name, "A-99"))


def test_no_result_is_not_run(tmp_path: Path) -> None:
    """A requirement whose tests have no result, or only skipped ones, is not shown."""
    assert standing() is Standing.NOT_RUN
    skipped = junit(case("test_first[1]", '<skipped message="no cable"/>'), case("test_first[2]"))
    assert standing(run_of(skipped, tmp_path)) is Standing.NOT_RUN


def test_one_case_that_was_not_run_is_not_shown(tmp_path: Path) -> None:
    """A test with many parameters shows something only if all its cases passed."""
    assert standing(run_of(junit(case("test_first[1]")), tmp_path)) is Standing.NOT_RUN


def test_all_passed_is_shown_and_one_failure_is_failed(tmp_path: Path) -> None:
    """Failure outweighs whatever else passed, in this run or another."""
    good = run_of(junit(case("test_first[1]"), case("test_first[2]")), tmp_path)
    bad = run_of(junit(case("test_first[2]", '<failure message="no">story</failure>')), tmp_path)
    assert standing(good) is Standing.SHOWN
    more = CollectedTest("tests/test_a.py::test_more", "It never is.", ("A-01",))
    row = matrix(good, tests=(*TESTS, more)).rows[0]
    assert (row.standing, row.words) == (Standing.PART, "shown in part (1 of 2 run)")
    assert standing(good, bad) is Standing.FAILED
    assert standing(bad, good) is Standing.FAILED


def test_a_changed_text_makes_its_links_suspect(tmp_path: Path) -> None:
    """Until somebody accepts the new sentence, a passed test shows nothing of it; line breaks are no change."""
    good = run_of(junit(case("test_first[1]"), case("test_first[2]")), tmp_path)
    old = accepted(sources())
    changed = sources(REQUIREMENTS.replace("Never too much.", "Hardly ever too much."))
    suspect = build(changed, TESTS, old, [good])
    assert suspect.rows[0].standing is Standing.SUSPECT
    assert suspect.gaps.suspect == ("A-01",)
    again = read_accepted(accept(old, [changed.requirements["A-01"]]))
    assert build(changed, TESTS, again, [good]).rows[0].standing is Standing.SHOWN
    broken = sources(REQUIREMENTS.replace("Never too much.", "Never  too much."))
    assert build(broken, TESTS, old, [good]).rows[0].standing is Standing.SHOWN


def test_the_gaps_are_named(tmp_path: Path) -> None:
    """A hazard without control, a requirement without test, what cannot be tested and why, tests for nothing."""
    gaps = matrix(tests=(OTHER,)).gaps
    assert gaps.uncontrolled == ("DROUGHT",)
    assert gaps.unclaimed == ("RUST",)
    assert gaps.untested == ("A-01",)
    assert gaps.analysed == {"A-02": "There is no way back."}
    assert gaps.not_testable == {"A-03": "There is no display."}
    assert gaps.unlinked == (OTHER.id,)


@pytest.mark.parametrize(
    ("node", "key"),
    [
        ("tests/a/test_b.py::test_c", "tests.a.test_b.test_c"),
        ("tests/a/test_b.py::TestD::test_c", "tests.a.test_b.TestD.test_c"),
        ("tests/a/test_b.py::test_c[x::y/z.py]", "tests.a.test_b.test_c[x::y/z.py]"),
    ],
)
def test_a_test_has_one_name_in_both_worlds(node: str, key: str) -> None:
    """Pytest's node and the JUnit file's case are matched, whatever a parameter looks like."""
    assert junit_key(node) == key


def test_a_list_of_tests_reads_back() -> None:
    """What a collection wrote is what the matrix reads; anything else is refused."""
    assert read(written(TESTS)) == TESTS
    for text in ("{}x", "[1]", '[{"id": 1}]'):
        with pytest.raises(CollectionError, match="no list of collected tests"):
            read(text)


def test_junit_keeps_what_a_test_said_of_itself(tmp_path: Path) -> None:
    """Requirements, counts, messages and what the run says of itself; a text that is no count counts nothing."""
    said = (
        '<properties><property name="verifies" value="A-01 A-02"/>'
        '<property name="reached" value="{\'x\': 3, \'y\': 0}"/><property name="counts" value="__import__(\'os\')"/>'
        "</properties>"
    )
    own = '<property name="profile" value="ci"/>'
    run = run_of(junit(case("test_first[1]", said), properties=own), tmp_path)
    assert run.properties == {"profile": "ci"}
    assert (run.started, run.seconds) == ("2026-01-02T03:04:05", 3.5)
    (result,) = run.results
    assert result.requirements == ("A-01", "A-02")
    assert result.counts("reached") == {"x": 3, "y": 0}
    assert not result.counts("counts")


@pytest.mark.parametrize("text", ["", "<html/>", "<testsuites><testsuite time='x'/></testsuites>"])
def test_what_is_no_junit_file_is_refused(text: str, tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ResultsError, match="junit"):
        run_of(text, tmp_path)


class Item(SimpleNamespace):
    """As much of a collected test as its marks need."""

    def iter_markers(self, name: str) -> list[Any]:
        """Return its marks."""
        return [SimpleNamespace(args=args) for args in self.marks] if name == "verifies" else []


def item(*marks: tuple[str, ...]) -> pytest.Item:
    """Return a test with marks."""
    return cast("pytest.Item", Item(nodeid="tests/test_x.py::test_x", marks=marks, user_properties=[], function=None))


def test_marks_of_function_and_module_add_up() -> None:
    """Each requirement is named once, in order."""
    assert requirements_of(item(("DOSE-02", "DOSE-01"), ("DOSE-01",))) == ("DOSE-01", "DOSE-02")


def test_an_unknown_requirement_fails_the_collection() -> None:
    """A misspelt id is an error that names the test, not a link to nothing."""
    with pytest.raises(pytest.UsageError, match="test_x verifies “DOSE-99”"):
        trace([item(("DOSE-99",))])


def test_a_collection_writes_its_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list holds every test, and each test's results carry its requirements."""
    place = tmp_path / "tests.json"
    monkeypatch.setenv(VARIABLE, str(place))
    marked, plain = item(("DOSE-01",)), item()
    trace([marked, plain])
    assert [test.requirements for test in read(place.read_text("utf-8"))] == [("DOSE-01",), ()]
    assert marked.user_properties == [("verifies", "DOSE-01")]
    assert plain.user_properties == []


def test_json_and_csv_hold_the_matrix_both_ways() -> None:
    """From a hazard to its requirements, from a requirement to its tests, and hazards without any are there."""
    value = json.loads(json.dumps(as_json(matrix())))
    assert value["hazards"][0]["requirements"] == ["A-01", "A-02", "A-03"]
    assert value["hazards"][0]["properties"] == ["no-flood"]
    assert value["requirements"][0]["tests"][0] == {
        "test": "tests/test_a.py::test_first",
        "sentence": "It is never too much.",
        "outcome": "not run",
        "cases": 2,
        "parameters": [["1", "not run"], ["2", "not run"]],
    }
    assert [test["id"] for test in value["tests"]] == [FIRST.id, SECOND.id]
    lines = list(csv.DictReader(io.StringIO(as_csv(matrix()))))
    assert {line["hazard"] for line in lines} == {"FLOOD", "DROUGHT", "RUST"}
    assert lines[0]["requirement"] == "A-01"
    assert lines[0]["test"] == "tests/test_a.py::test_first"


def test_the_strictdoc_document_has_every_link() -> None:
    """Each requirement is a node with its hazards as parents; a text that could be read as a link is none."""
    text = as_sdoc(matrix())
    assert text.startswith("[DOCUMENT]\nTITLE: ")
    assert text.count("\n[HAZARD]\n") == 3
    assert text.count("\n[REQUIREMENT]\n") == 3
    assert text.count("  VALUE: FLOOD\n  ROLE: Controls\n") == 3
    assert "RATIONALE: There is no display.\n" in text
    assert "TESTS: >>>\ntests/test_a.py::test_first: not run\n<<<\n" in text


@pytest.mark.skipif(
    not shutil.which("strictdoc"), reason="strictdoc is not installed; it is large, so no test needs it"
)
def test_strictdoc_reads_the_shipped_document(tmp_path: Path) -> None:
    """The real tool exports all hazards and requirements without a complaint."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "thecal.sdoc").write_text(as_sdoc(build(load_sources(), (), {})), "utf-8")
    done = subprocess.run(
        ["strictdoc", "export", "in", "--formats=json", "--output-dir", "out"],  # noqa: S607
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def command(*arguments: object, tests: Path) -> Any:
    """Run ``thecal verify matrix`` on a list of tests."""
    return CliRunner().invoke(verify, ["matrix", "--tests", str(tests), *map(str, arguments)])


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """Return a list with one test of every requirement that needs one."""
    names = tuple(each.id for each in load_sources().requirements.values() if each.method == "test")
    path = tmp_path / "tests.json"
    path.write_text(written([FIRST._replace(requirements=names)]), "utf-8")
    return path


def test_the_command_traces_a_list(listed: Path, tmp_path: Path) -> None:
    """Without gaps the exit code is 0, and every form is written."""
    assert "159 not run" in command("--gaps", tests=listed).stdout
    assert command(tests=listed).exit_code == 0
    assert json.loads(command("--json", tests=listed).stdout)["gaps"]["untested"] == []
    assert command("--csv", tests=listed).stdout.startswith("hazard,class,requirement")
    sdoc = tmp_path / "out.sdoc"
    assert command("--sdoc", sdoc, tests=listed).exit_code == 0
    assert sdoc.read_text("utf-8").startswith("[DOCUMENT]")


def test_results_may_be_a_folder(listed: Path, tmp_path: Path) -> None:
    """All results in it count; a folder without any is wrong usage and not a run in which nothing failed."""
    folder = tmp_path / "results"
    folder.mkdir()
    assert command("--junit", folder, tests=listed).exit_code == 2
    (folder / "py311.xml").write_text(junit(case("test_first[1]")), "utf-8")
    assert "159 shown" in command("--gaps", "--junit", folder, tests=listed).stdout
    (folder / "py312.xml").write_text(junit(case("test_first[1]", '<failure message="no"/>')), "utf-8")
    failed = command("--gaps", "--junit", folder, tests=listed)
    assert (failed.exit_code, "159 failed" in failed.stdout) == (1, True)


def test_a_gap_is_exit_code_1(listed: Path) -> None:
    """A requirement without a test fails the command, and is named."""
    listed.write_text(written([OTHER]), "utf-8")
    result = command("--gaps", tests=listed)
    assert result.exit_code == 1
    assert "requirements without a test (159)" in result.stdout


def test_wrong_usage_says_what_to_do(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two formats at once, an unknown requirement, a file that is no JUnit file, no clone: a sentence each."""
    assert command("--json", "--csv", tests=listed).exit_code == 2
    unknown = command("--accept", "DOSE-99", tests=listed)
    assert (unknown.exit_code, "“DOSE-99” is no requirement" in unknown.stderr) == (2, True)
    assert command("--junit", listed, tests=listed).exit_code == 2
    monkeypatch.chdir(tmp_path)
    nowhere = CliRunner().invoke(verify, ["matrix"])
    assert (nowhere.exit_code, "go into a clone" in nowhere.stderr) == (3, True)


def test_accepting_notes_the_present_text(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the named requirement changes in the clone's file; outside a clone nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert command("--accept", "DOSE-01", tests=listed).exit_code == 3
    file = tmp_path / "verify" / "links.toml"
    file.parent.mkdir()
    file.write_text(accept({"DOSE-01": "old", "DOSE-02": "kept"}, ()), "utf-8")
    assert command("--accept", "DOSE-01", tests=listed).exit_code == 0
    now = load_sources().requirements["DOSE-01"].fingerprint
    assert read_accepted(file.read_text("utf-8")) == {"DOSE-01": now, "DOSE-02": "kept"}


def test_every_link_of_the_suite_was_looked_at() -> None:
    """No requirement's text has changed since its tests were linked: accept it after reading them again."""
    known, looked_at = load_sources().requirements, load_accepted()
    assert {name for name, text in looked_at.items() if name not in known or known[name].fingerprint != text} == set()
    assert {each.id for each in known.values() if each.method == "test"} <= set(looked_at)
