"""The page: one HTML file that needs nothing else, opens from a memory stick and prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import resources
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup

from verify.report.counterexamples import counterexamples
from verify.report.evidence import Evidence, examples_of, formula_rows, number_of
from verify.report.missing import missing
from verify.report.parts import Grade, parts, whole
from verify.report.picture import grid_svg
from verify.report.shown import PROPERTY, shown
from verify.report.words import instant, slug, span, tone
from verify.trace.matrix import Standing
from verify.trace.results import FAILED, REACHED, SKIPPED, Result

MOST = 15
"""As many of the slowest and deepest examples are shown."""
GRADE_CLASS = {Grade.GOOD: "good", Grade.FAILED: "bad", Grade.INCOMPLETE: "doubt", Grade.NOT_RUN: "doubt"}


def page(evidence: Evidence) -> str:
    """Return the report as one HTML document."""
    environment = Environment(
        loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["tone"] = tone
    environment.filters["span"] = span
    environment.filters["slug"] = slug
    environment.filters["instant"] = instant
    template = environment.from_string((resources.files("verify.report") / "page.html").read_text("utf-8"))
    every = parts(evidence)
    return template.render(
        evidence=evidence,
        parts=every,
        whole=whole(every),
        grade_class=GRADE_CLASS,
        formulas=formula_rows(evidence),
        shown=shown(evidence),
        missing=missing(evidence),
        requirements=evidence.matrix.sources.requirements,
        coverage=evidence.coverage,
        pictures=[(grid, Markup(grid_svg(grid))) for grid in evidence.coverage.grids],  # noqa: S704 - escaped there
        plots={name: Markup(svg) for name, svg in evidence.plots.items()},  # noqa: S704 - drawn by verify.plot
        counterexamples=counterexamples(evidence.results),
        premises=[(result, result.counts(REACHED)) for result in evidence.results if _counts_alone(result)],
        failures=[result for result in evidence.results if result.outcome == FAILED],
        skipped=[result for result in evidence.results if result.outcome == SKIPPED],
        slowest=sorted(evidence.results, key=lambda result: -result.seconds)[:MOST],
        most=[pair for pair in _most(evidence) if pair[0]][:MOST],
        deepest=list(_deepest(evidence))[:MOST],
        layers=list(_layers(evidence)),
        hazards=list(_hazards(evidence)),
        standings=[(standing, evidence.matrix.count(standing)) for standing in Standing],
        unlinked=Counter(test.partition("::")[0] for test in evidence.matrix.gaps.unlinked),
    )


def _counts_alone(result: Result) -> bool:
    """Whether a test counts premises and is no property of a suite, which stands with them in a table of its own."""
    return PROPERTY not in result.properties and bool(result.counts(REACHED))


def _deepest(evidence: Evidence) -> Iterator[tuple[int, int, Result]]:
    ran = [(number_of(each, "steps"), number_of(each, "simulated_ms"), each) for each in evidence.results]
    yield from sorted((each for each in ran if each[0]), key=lambda each: (-each[0], -each[1]))


def _most(evidence: Evidence) -> Iterator[tuple[int, Result]]:
    pairs = [(examples_of(result), result) for result in evidence.results]
    yield from sorted(pairs, key=lambda pair: -pair[0])


def _layers(evidence: Evidence) -> Iterator[tuple[str, Counter[str]]]:
    mutants = (evidence.mutants or {}).get("mutants", ())
    for layer in sorted({str(mutant.get("layer", "")) for mutant in mutants}):
        yield layer, Counter(str(mutant.get("result")) for mutant in mutants if mutant.get("layer", "") == layer)


def _hazards(evidence: Evidence) -> Iterator[dict[str, Any]]:
    matrix = evidence.matrix
    for hazard in matrix.sources.hazards.values():
        caused = [row for row in evidence.fault_rows if row["failure"] == hazard.id]
        yield {
            "hazard": hazard,
            "controls": matrix.controls(hazard.id),
            "formulas": matrix.formulas_of(hazard.id),
            "caused": caused,
            "holds": bool(caused) and all(row.get("holds") for row in caused),
        }
