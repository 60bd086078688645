"""The dose plot: what reached the catheter tip in any hour and any day, against the limits, and what happened.

As SVG for a report, always the same bytes for the same journal, and as text for a terminal. The drawing libraries
are imported when something is drawn, so that judging needs neither of them. Floats are for the eye only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from protocol.units import DAY_MS, HOUR_MS, Milliseconds
from verify.timeline import Curve, Steps, Timeline, value_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOT_CLINICAL = "Emulated pump, not a medical device. Not for clinical use."
COLUMNS = 1_500
"""Points of one curve: more than the picture has pixels, so nothing that could be seen is lost."""

WINDOW_COLOURS = {1: "#0072B2", 24: "#009E73"}
LIMIT_COLOUR = "#B00020"
SPAN_COLOURS = {"critical": "#B00020", "non_critical": "#E69F00", "fault": "#7B5EA7", "power": "#444444"}
GRANTED_COLOUR, DENIED_COLOUR = "#009E73", "#D55E00"
"""Colours that the colour-blind can tell apart."""

MASS_UNITS = (("mg", 1e9), ("µg", 1e6), ("ng", 1e3), ("pg", 1.0))
FIXED = {"svg.hashsalt": "thecal", "svg.fonttype": "path", "font.size": 10.0}
"""Without a fixed salt the ids inside an SVG differ from run to run."""

TEXT_HEIGHT = 14


def dose_plot_svg(timeline: Timeline, path: str | Path) -> None:
    """Draw the timeline and write it to ``path``: SVG, or whatever the file's ending says. Raises ``OSError``."""
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only needed here
    from matplotlib.figure import Figure  # noqa: PLC0415

    looks: Any = {**mpl.rcParamsDefault, **FIXED}
    with mpl.rc_context(looks):
        metadata = {"Date": None} if Path(path).suffix == ".svg" else None
        figure = _drawn(Figure(figsize=(11, _height(timeline)), layout="constrained"), timeline)
        figure.savefig(path, metadata=metadata, dpi=110)


def dose_plot_text(timeline: Timeline, width: int = 100, *, colour: bool | None = None) -> str:
    """Return the timeline as text, one plot for each window of each drug, and a list of what happened.

    ``colour`` None means: unless ``NO_COLOR`` is set.
    """
    if colour is None:
        colour = not os.environ.get("NO_COLOR")
    plots = [_text_plot(curve, timeline, width, colour=colour) for curve in timeline.curves]
    return "\n".join([*plots, *_happenings(timeline), NOT_CLINICAL])


# --- the picture ---------------------------------------------------------------------------------------------


def _height(timeline: Timeline) -> float:
    return 1.6 + 2.5 * max(1, len(timeline.curves)) + 0.32 * len(_lanes(timeline))


def _drawn(figure: Figure, timeline: Timeline) -> Figure:
    curves, lanes = timeline.curves, _lanes(timeline)
    heights = [2.5] * len(curves) + [0.5 + 0.32 * len(lanes)]
    grid: Any = figure.subplots(len(heights), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights})
    unit, unit_ms = _time_unit(timeline)
    for axes, curve in zip(grid[:-1, 0], curves, strict=True):
        _draw_curve(axes, curve, timeline, unit_ms)
    _draw_lanes(grid[-1, 0], timeline, lanes, unit_ms)
    grid[-1, 0].set_xlabel(f"{unit} since the first power-up")
    grid[-1, 0].set_xlim(0, timeline.ends_at_ms / unit_ms)
    figure.suptitle(_title(timeline), fontsize=13, weight="bold")
    figure.supxlabel(NOT_CLINICAL, fontsize=8, color=LIMIT_COLOUR)
    return figure


def _title(timeline: Timeline) -> str:
    pump = f"pump {timeline.serial}" if timeline.serial else "one pump"
    return f"Drug at the catheter tip of {pump}"


def _draw_curve(axes: Axes, curve: Curve, timeline: Timeline, unit_ms: int) -> None:
    unit, unit_pg = _mass_unit(curve)
    colour = WINDOW_COLOURS.get(curve.hours, "#0072B2")
    at, mass = _columns(curve.thinned(COLUMNS, timeline.ends_at_ms), timeline.ends_at_ms, unit_ms, unit_pg)
    axes.fill_between(at, mass, step="post", color=colour, alpha=0.25, linewidth=0)
    axes.step(at, mass, where="post", color=colour, linewidth=1.2, label=f"in the last {_window(curve)}")
    if curve.limit_pg:
        at, limit = _columns(curve.limit_pg, timeline.ends_at_ms, unit_ms, unit_pg)
        axes.step(at, limit, where="post", color=LIMIT_COLOUR, linewidth=1.4, linestyle="--", label="limit in force")
        _draw_excess(axes, curve, timeline, unit_ms, unit_pg)
    axes.set_ylabel(f"{curve.drug}, {unit}")
    axes.set_ylim(0, 1.18 * _top_pg(curve) / unit_pg)
    axes.set_title(f"{curve.drug}: any {_window(curve)}", loc="left", fontsize=10)
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.99), ncols=3, fontsize=8, frameon=False)


def _draw_excess(axes: Axes, curve: Curve, timeline: Timeline, unit_ms: int, unit_pg: float) -> None:
    """Fill what is above the limit in force in the limit's colour, if anything is."""
    steps = curve.thinned(COLUMNS, timeline.ends_at_ms)
    instants = sorted({at for at, _ in (*steps, *curve.limit_pg)})
    limits = [(at, value_at(curve.limit_pg, at)) for at in instants]
    tops = [(at, max(limit, value_at(steps, at))) for at, limit in limits]
    if tops != limits:
        at, floor = _columns(limits, timeline.ends_at_ms, unit_ms, unit_pg)
        _, top = _columns(tops, timeline.ends_at_ms, unit_ms, unit_pg)
        axes.fill_between(at, floor, top, step="post", color=LIMIT_COLOUR, linewidth=0, label="above the limit")


def _draw_lanes(axes: Axes, timeline: Timeline, lanes: list[str], unit_ms: int) -> None:
    """Draw one lane for each thing that happened: ticks for moments, bars for what lasted."""
    for name, moments, colour in _moments(timeline):
        if moments:
            at = [moment / unit_ms for moment in moments]
            axes.plot(at, [lanes.index(name)] * len(at), "|", color=colour, markersize=9, markeredgewidth=1.4)
    for span in timeline.spans:
        length_ms = max(span.ends_ms - span.begins_ms, timeline.ends_at_ms // 400)
        axes.barh(
            lanes.index(span.words),
            length_ms / unit_ms,
            left=span.begins_ms / unit_ms,
            height=0.6,
            color=SPAN_COLOURS[span.kind],
        )
    axes.set_yticks(range(len(lanes)), lanes, fontsize=9)
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.25)


def _lanes(timeline: Timeline) -> list[str]:
    moments = [name for name, at, _ in _moments(timeline) if at]
    order = list(SPAN_COLOURS)
    spans = sorted(timeline.spans, key=lambda span: (order.index(span.kind), span.words))
    return list(dict.fromkeys([*moments, *(span.words for span in spans)]))


def _moments(timeline: Timeline) -> list[tuple[str, tuple[int, ...], str]]:
    return [
        ("bolus granted", timeline.granted_ms, GRANTED_COLOUR),
        ("bolus denied", timeline.denied_ms, DENIED_COLOUR),
    ]


def _columns(steps: Steps, ends_at_ms: int, unit_ms: int, unit_pg: float) -> tuple[list[float], list[float]]:
    """Return a staircase as two columns of floats, drawn on to the end."""
    steps = [*steps, (ends_at_ms, steps[-1][1])]
    return [at / unit_ms for at, _ in steps], [value / unit_pg for _, value in steps]


def _top_pg(curve: Curve) -> int:
    return max(curve.highest_pg, *(limit for _, limit in curve.limit_pg), 1) if curve.limit_pg else curve.highest_pg


def _mass_unit(curve: Curve) -> tuple[str, float]:
    return next(((unit, pg) for unit, pg in MASS_UNITS if _top_pg(curve) >= pg), MASS_UNITS[-1])


def _time_unit(timeline: Timeline) -> tuple[str, int]:
    return ("days", DAY_MS) if timeline.ends_at_ms > 3 * DAY_MS else ("hours", HOUR_MS)


def _window(curve: Curve) -> str:
    hours = "hour" if curve.hours == 1 else f"{curve.hours} hours"
    return hours if curve.width_ms == curve.hours * HOUR_MS else f"{Milliseconds(curve.width_ms)} (for {hours})"


# --- the terminal --------------------------------------------------------------------------------------------


def _text_plot(curve: Curve, timeline: Timeline, width: int, *, colour: bool) -> str:
    import plotext  # noqa: PLC0415 - only needed here

    unit, unit_pg = _mass_unit(curve)
    time_unit, unit_ms = _time_unit(timeline)
    figure = plotext.figure
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(width, TEXT_HEIGHT)
    if curve.limit_pg:
        at, limit = _columns(curve.limit_pg, timeline.ends_at_ms, unit_ms, unit_pg)
        figure.draw(figure.signal(*_corners(at, limit), marker=plotext.marker("-", "red+")).lines(True))
    at, mass = _columns(curve.thinned(width, timeline.ends_at_ms), timeline.ends_at_ms, unit_ms, unit_pg)
    figure.draw(figure.signal(*_corners(at, mass), marker=plotext.marker("hd", "green+")).lines(True))
    figure.title(f"{curve.drug} at the tip in any {_window(curve)}, {unit} (---- limit in force)")
    figure.label(time_unit)
    text = str(figure.build())
    return text if colour else str(plotext.uncolorize(text))


def _corners(at: list[float], values: list[float]) -> tuple[list[float], list[float]]:
    """Return both ends of every step, so that straight lines between them are the staircase."""
    xs = [x for x in at for _ in range(2)][1:]
    ys = [y for y in values for _ in range(2)][:-1]
    return xs, ys


def _happenings(timeline: Timeline) -> Iterator[str]:
    unit, unit_ms = _time_unit(timeline)
    for name, moments, _ in _moments(timeline):
        if moments:
            yield f"{name}: {len(moments)} times"
    for span in timeline.spans:
        yield f"{span.words}: {span.begins_ms / unit_ms:.2f} to {span.ends_ms / unit_ms:.2f} {unit}"
