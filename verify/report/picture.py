"""A grid of counts as an SVG: the more often a place was reached, the darker; never reached is hatched."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from verify.report.coverage import Grid

CELL = 16
LETTER = 6.5
"""A letter is no wider, in whatever font."""
SLOPE = math.radians(55)
"""Of the columns' names."""
SHADES = ("#d8ecf3", "#a9d3e3", "#71b3cd", "#3b8fb3", "#176a90", "#0b4a6b")
"""From once to very often, one step for each power of ten; told apart in grey, too."""


def grid_svg(grid: Grid) -> str:
    """Return the picture as one SVG element, with every count in a tooltip."""
    label, head = _margins(grid)
    longest = LETTER * max(map(len, grid.columns))
    width = math.ceil(label + CELL * len(grid.columns) + longest * math.cos(SLOPE))
    height = head + CELL * len(grid.rows) + 2
    name = f"hatch-{_word(grid.title)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-size="10" font-family="system-ui, DejaVu Sans, sans-serif" '
        f'role="img" aria-label="{escape(grid.title)}: {grid.reached} of {grid.places} places reached">',
        f'<defs><pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="5" height="5" fill="#fff"/>'
        '<line x1="0" y1="0" x2="0" y2="5" stroke="#c9a4a0" stroke-width="1.4"/></pattern></defs>',
        *_headings(grid),
        *_cells(grid, name),
        "</svg>",
    ]
    return "\n".join(parts)


def _margins(grid: Grid) -> tuple[int, int]:
    """Return the room that the longest names need, at the left and above."""
    row, column = (LETTER * max(map(len, names)) for names in (grid.rows, grid.columns))
    return math.ceil(row) + 12, math.ceil(column * math.sin(SLOPE)) + 16


def _headings(grid: Grid) -> Iterator[str]:
    label, head = _margins(grid)
    for number, column in enumerate(grid.columns):
        x, y = label + CELL * number + CELL * 0.7, head - 6
        yield f'<text x="{x:.1f}" y="{y}" transform="rotate(-55 {x:.1f} {y})">{escape(column)}</text>'
    for number, row in enumerate(grid.rows):
        yield f'<text x="{label - 6}" y="{head + CELL * number + 12}" text-anchor="end">{escape(row)}</text>'


def _cells(grid: Grid, hatch: str) -> Iterator[str]:
    label, head = _margins(grid)
    for down, row in enumerate(grid.rows):
        for across, column in enumerate(grid.columns):
            count = grid.counts.get((row, column), 0)
            fill = SHADES[min(len(str(count)) - 1, len(SHADES) - 1)] if count else f"url(#{hatch})"
            words = f"{row}, {column}: {count or 'not reached, which may be impossible'}"
            yield (
                f'<rect x="{label + CELL * across}" y="{head + CELL * down}" width="{CELL - 1}" height="{CELL - 1}" '
                f'fill="{fill}" stroke="#ddd" stroke-width=".5"><title>{escape(words)}</title></rect>'
            )


def _word(title: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in title)
