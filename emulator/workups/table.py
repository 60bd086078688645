"""The examinations as the tables of ``docs/workups.md``."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.workups.catalogue import Catalogue, Figure, Plan
from emulator.workups.clinic import FLIPPED
from emulator.workups.reading import shipped_catalogue
from emulator.workups.situation import FAILURES


def render_workup_table(catalogue: Catalogue | None = None) -> str:
    """Return every examination, in the usual order, with what it costs, as a Markdown table."""
    lines = [
        "| | examination | takes | cost | risk | specificity | repeated, it shows |",
        "|---|---|---|---|---|---|---|",
    ]
    for number, plan in enumerate((catalogue or shipped_catalogue()).plans.values(), 1):
        lines.append(
            f"| {number} | {plan.name} | {plan.takes} | {plan.cost} | {plan.risk} "
            f"| {_figure(plan.specificity)} | {plan.repeat.value} |"
        )
    return "\n".join(lines) + "\n"


def render_sight_table(catalogue: Catalogue | None = None) -> str:
    """Return everything that can be seen, how often and why one thinks so, as a Markdown table."""
    lines = [
        "| examination | condition | failure | sensitivity | from | source |",
        "|---|---|---|---|---|---|",
    ]
    for plan in (catalogue or shipped_catalogue()).plans.values():
        lines += [f"| {plan.name} | {row} |" for row in _rows(plan)]
    return "\n".join(lines) + "\n"


def _rows(plan: Plan) -> Iterator[str]:
    if plan.needs_port:
        yield f"flipped | {FLIPPED} | always | | the port faces away from the needle"
    for sight in plan.sights:
        for condition, shows in sight.shows.items():
            extent = f"{shows.from_permille / 10:g} %" if shows.from_permille > 1 else ""
            name = condition.value.replace("_", " ")
            figure, source = _figure(shows.sensitivity), shows.sensitivity.source
            yield f"{name} | {FAILURES[condition]} | {figure} | {extent} | {source}"
        if sight.speaks_for:
            seen = sight.outcome.value if sight.outcome else f"volume {sight.name}"
            yield f"{seen} | {', '.join(sorted(sight.speaks_for))} | as it is | | {sight.words}"
    for alarm, failure in plan.alarms.items():
        yield f"alarm {alarm} | {failure} | as it is | | the pump's own report"


def _figure(figure: Figure) -> str:
    value = figure.value
    percent = f"{float(100 * value):.3g} %"
    if value.denominator > 1 and figure.confidence in ("public", "D") and 1000 % value.denominator:
        percent += f" ({value})"
    return f"{percent}, {figure.confidence}"
