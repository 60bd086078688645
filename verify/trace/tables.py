"""The matrix as JSON and as CSV, for other programs."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from typing import Any

from verify.trace.matrix import Matrix, Row, Standing

COLUMNS = ("hazard", "class", "requirement", "text", "origin", "method", "standing", "properties", "test", "outcome")


def as_json(matrix: Matrix) -> dict[str, Any]:
    """Return everything as plain values, both ways."""
    return {
        "counts": {standing.value: matrix.count(standing) for standing in Standing},
        "hazards": [
            {
                **asdict(hazard),
                "requirements": [row.requirement.id for row in matrix.controls(hazard.id)],
                "properties": [each.id for each in matrix.formulas_of(hazard.id)],
            }
            for hazard in matrix.sources.hazards.values()
        ],
        "requirements": [_row_as_json(row) for row in matrix.rows],
        "tests": [
            {**test._asdict(), "outcome": matrix.outcomes.get(test.id, "not run")}
            for test in matrix.tests
            if test.requirements
        ],
        "gaps": asdict(matrix.gaps),
    }


def as_csv(matrix: Matrix) -> str:
    """Return one line for each hazard, requirement and test that belong together."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in matrix.rows:
        requirement = row.requirement
        about = (requirement.id, requirement.text, "; ".join(requirement.origin), requirement.method, row.standing)
        formulas = "; ".join(each.id for each in row.formulas)
        for name in requirement.hazards or ("",):
            hazard = matrix.sources.hazards.get(name)
            claim = hazard.claim if hazard else ""
            for test, outcome in [(each.test, each.outcome) for each in row.evidence] or [("", "")]:
                writer.writerow((name, claim, *about, formulas, test, outcome))
    for hazard_id in (*matrix.gaps.uncontrolled, *matrix.gaps.unclaimed):
        writer.writerow((hazard_id, matrix.sources.hazards[hazard_id].claim, *[""] * (len(COLUMNS) - 2)))
    return out.getvalue()


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        **asdict(row.requirement),
        "fingerprint": row.requirement.fingerprint,
        "standing": row.standing.value,
        "properties": [each.id for each in row.formulas],
        "tests": [asdict(each) for each in row.evidence],
    }
