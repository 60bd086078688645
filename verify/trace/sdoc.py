"""The hazards and requirements as a StrictDoc document, with their links and the tests that verify them.

The document carries its own grammar, so it can be opened, exported and checked by StrictDoc without anything of ours:
a requirement has the hazards that it controls as parents.
"""

from __future__ import annotations

from collections.abc import Iterator

from verify.trace.matrix import Matrix, Row
from verify.trace.sources import Hazard

GRAMMAR = """[GRAMMAR]
ELEMENTS:
- TAG: HAZARD
  FIELDS:
  - TITLE: UID
    TYPE: String
    REQUIRED: True
  - TITLE: CLASS
    TYPE: SingleChoice(device, computed, session, clinical)
    REQUIRED: True
  - TITLE: TITLE
    TYPE: String
    REQUIRED: True
  - TITLE: STATEMENT
    TYPE: String
    REQUIRED: True
- TAG: REQUIREMENT
  FIELDS:
  - TITLE: UID
    TYPE: String
    REQUIRED: True
  - TITLE: METHOD
    TYPE: SingleChoice(test, analysis, none)
    REQUIRED: True
  - TITLE: STANDING
    TYPE: String
    REQUIRED: True
  - TITLE: ORIGIN
    TYPE: String
    REQUIRED: True
  - TITLE: STATEMENT
    TYPE: String
    REQUIRED: True
  - TITLE: RATIONALE
    TYPE: String
    REQUIRED: False
  - TITLE: PROPERTIES
    TYPE: String
    REQUIRED: False
  - TITLE: TESTS
    TYPE: String
    REQUIRED: False
  RELATIONS:
  - TYPE: Parent
    ROLE: Controls
"""


def as_sdoc(matrix: Matrix) -> str:
    """Return the document's text."""
    parts = ["[DOCUMENT]\nTITLE: Thecal: hazards and requirements\nOPTIONS:\n  MARKUP: Text\n", GRAMMAR]
    parts += [_hazard(each) for each in matrix.sources.hazards.values()]
    parts += [_requirement(row) for row in matrix.rows]
    return "\n".join(parts)


def _hazard(hazard: Hazard) -> str:
    return (
        f"[HAZARD]\nUID: {hazard.id}\nCLASS: {hazard.claim}\nTITLE: {hazard.id}\n"
        f"STATEMENT: {_sentence(hazard.name)}\n"
    )


def _requirement(row: Row) -> str:
    return "".join(f"{line}\n" for line in _lines(row))


def _lines(row: Row) -> Iterator[str]:
    requirement = row.requirement
    yield "[REQUIREMENT]"
    yield f"UID: {requirement.id}"
    yield f"METHOD: {requirement.method}"
    yield f"STANDING: {row.words}"
    yield f"ORIGIN: {'; '.join(requirement.origin)}"
    yield f"STATEMENT: {requirement.text}"
    if requirement.because:
        yield f"RATIONALE: {requirement.because}"
    if row.formulas:
        yield f"PROPERTIES: {', '.join(each.id for each in row.formulas)}"
    if row.evidence:
        yield "TESTS: >>>"
        for each in row.evidence:
            yield f"{_plain(each.test)}: {each.outcome}"
        yield "<<<"
    if requirement.hazards:
        yield "RELATIONS:"
        for name in requirement.hazards:
            yield "- TYPE: Parent"
            yield f"  VALUE: {name}"
            yield "  ROLE: Controls"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."


def _plain(name: str) -> str:
    """Return a test's name with what the format would read as a link or an anchor taken apart."""
    return name.replace("[LINK: ", "[ LINK: ").replace("[ANCHOR: ", "[ ANCHOR: ")
