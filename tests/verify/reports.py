"""Small pieces of evidence, and the report that is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tests.verify.tables import OTHER, case, junit, matrix
from thecal.verify import verify
from verify.encounters import SEPARATOR
from verify.report.evidence import Evidence
from verify.report.origin import Commit
from verify.report.parts import Grade, parts
from verify.trace.collected import written
from verify.trace.results import Run, read_run

COMMIT = "0" * 40
MET = SEPARATOR.join(("stopped", "Start accepted", "no alarm"))


def evidence(*runs: Run, **given: Any) -> Evidence:
    """Return evidence over the small tables."""
    clean = Commit(COMMIT, dirty=False)
    made_at, versions = "2026-01-02 03:04:05+00:00", {"Python": "3.11"}
    return Evidence(matrix(*runs), clean, made_at, versions, runs, **{"bank": BANK, **given})


def bad_run(folder: Path, inside: str = '<failure message="no">it rained</failure>') -> Run:
    """Return a run with one test that did not pass."""
    path = folder / "bad.xml"
    path.write_text(junit(case("test_first[1]", inside)), "utf-8")
    return read_run(path)


def grades(seen: Evidence) -> dict[str, Grade]:
    """Return each part's grade."""
    return {part.name: part.grade for part in parts(seen)}


MADE = {"commit": COMMIT, "dirty": False, "started": "then", "ended": "later", "seed": 7, "versions": {"Python": "3"}}
CAUSED = [
    {"failure": name, "holds": True, "profile": "valve", "claim": "device", "noticed_by": "alarm"}
    for name in ("FLOOD", "DROUGHT", "RUST")
]
FAULTS = {"made": MADE, "outcomes": CAUSED}
MUTANT = {
    "id": "m1",
    "file": "a.py",
    "old": "1",
    "new": "2",
    "layer": "guard",
    "requirements": ["A-01"],
    "story": "wet",
}
MUTANTS = {"made": MADE, "mutants": [{**MUTANT, "result": "killed"}]}
BANK = frozenset({("m1", "a.py", "1", "2")})


def command(*arguments: object) -> Any:
    """Run ``thecal verify report``."""
    return CliRunner().invoke(verify, ["report", *map(str, arguments)])


def list_of_tests(folder: Path) -> Path:
    """Return a list of one test that verifies nothing."""
    path = folder / "tests.json"
    path.write_text(written([OTHER]), "utf-8")
    return path
