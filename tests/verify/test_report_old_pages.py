"""A report that cannot be made as it should: an old page never stands for it, and what is known is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.verify.reports import command, list_of_tests
from tests.verify.tables import case, junit
from verify.report.folder import EVIDENCE, withdrawn, write_folder


def clone_of(folder: Path, test: str) -> Path:
    """Return a folder with one file of tests, as much of a clone as a collection needs."""
    (folder / "tests").mkdir(parents=True)
    (folder / "tests" / "test_a.py").write_text(test, "utf-8")
    return folder


def test_tests_that_cannot_be_collected_are_a_failed_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is made all the same, from what the results say of themselves, and says why."""
    junit_file = tmp_path / "junit.xml"
    said = '<properties><property name="verifies" value="DOSE-01 NEVER-01"/></properties>'
    broke = '<testcase classname="" name="tests.test_b" time="0"><error message="broken">x</error></testcase>'
    junit_file.write_text(junit(case("test_first[a/b]", said), broke), "utf-8")
    monkeypatch.chdir(clone_of(tmp_path / "clone", "raise ValueError('the lockout is gone')"))
    made = command(tmp_path / "out", "--junit", junit_file)
    assert (made.exit_code, made.stdout.startswith("failed: ")) == (1, True)
    text = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "the lockout is gone" in text
    matrix = json.loads((tmp_path / "out" / "matrix.json").read_text("utf-8"))
    rows = {row["id"]: row for row in matrix["requirements"]}
    assert [test["test"] for test in rows["DOSE-01"]["tests"]] == ["tests/test_a.py::test_first[a/b]"]
    assert rows["DOSE-01"]["tests"][0]["outcome"] == "passed"
    assert rows["DOSE-01"]["standing"] == "shown in part"
    assert rows["DOSE-02"]["standing"] == "not run"
    assert "shown in part (1 run, others unknown)" in text


def test_an_old_page_does_not_outlive_a_report_that_could_not_be_made(tmp_path: Path) -> None:
    """What stands in its place says so and why, and the manifest does not agree; the next report is whole again."""
    out, listed = tmp_path / "out", list_of_tests(tmp_path)
    assert command(out, "--tests", listed).exit_code == 0
    for wrong in ("--junit", tmp_path / "nowhere.xml"), ("--mutants", listed), ("--junit", out / EVIDENCE):
        assert command(out, "--tests", listed, *wrong).exit_code == 2
        text = (out / "report.html").read_text("utf-8")
        assert "There is no report" in text
        assert "could not be made" in text
        assert command("--check", out).exit_code == 1
    kept = out / EVIDENCE / "tests.json"
    assert command(out, "--tests", kept).exit_code == 0
    assert command("--check", out).exit_code == 0


def test_a_report_that_is_broken_off_leaves_no_page_either(tmp_path: Path) -> None:
    """Nothing can be told of whoever was killed, so the old page goes before anything else is done."""
    write_folder(tmp_path / "out", {"report.html": "good"}, [])
    with withdrawn(tmp_path / "out", "report.html"):
        assert "broken off" in (tmp_path / "out" / "report.html").read_text("utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "report.html").write_text("mine", "utf-8")
    with withdrawn(tmp_path / "mine", "report.html"):
        assert (tmp_path / "mine" / "report.html").read_text("utf-8") == "mine"
