"""Small tables of hazards, requirements and properties for the tests of the matrix and the report."""

from __future__ import annotations

from verify.trace.collected import CollectedTest
from verify.trace.matrix import Matrix, build
from verify.trace.results import Run
from verify.trace.sources import Sources, read_sources

HAZARDS = """
[[failure]]
id = "FLOOD"
name = "too much comes"
class = "device"
[[failure]]
id = "DROUGHT"
name = "nothing comes"
class = "session"
[[failure]]
id = "RUST"
name = "it rusts"
class = "clinical"
"""
REQUIREMENTS = """
[origins]
OWN = "a rule of this project"
F = "a failure that really happened"
[[requirement]]
id = "A-01"
text = "Never too much."
origin = ["OWN:first", "F07"]
hazards = ["FLOOD"]
method = "test"
[[requirement]]
id = "A-02"
text = "Never backwards."
origin = ["OWN:second"]
hazards = ["FLOOD"]
method = "analysis"
because = "There is no way back."
[[requirement]]
id = "A-03"
text = "The display shows it."
origin = ["OWN:third"]
hazards = ["FLOOD"]
method = "none"
because = "There is no display."
"""
PROPERTIES = """
[define]
flood = "level > 1 m"
[[property]]
id = "no-flood"
formula = "rain implies within 1 s not flood"
words = "nothing floods"
hazards = ["FLOOD", "OVERDOSE"]
requirements = ["A-01"]
"""
FIRST = CollectedTest("tests/test_a.py::test_first[1]", "It is never too much.", ("A-01",))
SECOND = CollectedTest("tests/test_a.py::test_first[2]", "It is never too much.", ("A-01",))
OTHER = CollectedTest("tests/test_a.py::test_other", "Something else.", ())
TESTS = (FIRST, SECOND, OTHER)


def sources(requirements: str = REQUIREMENTS) -> Sources:
    """Return the small tables."""
    return read_sources(HAZARDS, requirements, PROPERTIES)


def accepted(known: Sources) -> dict[str, str]:
    """Return every present text as accepted."""
    return {name: each.fingerprint for name, each in known.requirements.items()}


def matrix(*runs: Run, tests: tuple[CollectedTest, ...] = TESTS) -> Matrix:
    """Return the matrix of the small tables with some results."""
    known = sources()
    return build(known, tests, accepted(known), runs)


def junit(*cases: str, properties: str = "") -> str:
    """Return a JUnit file's text; each case is what stands inside its suite."""
    return (
        '<?xml version="1.0"?><testsuites><testsuite name="pytest" time="3.5" timestamp="2026-01-02T03:04:05">'
        f"<properties>{properties}</properties>{''.join(cases)}</testsuite></testsuites>"
    )


def case(name: str, inside: str = "") -> str:
    """Return one test case."""
    return f'<testcase classname="tests.test_a" name="{name}" time="1.25">{inside}</testcase>'
