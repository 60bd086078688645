"""Pictures of a port's latencies: bars in the terminal, and an SVG for a report."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

BINS_A_DOUBLING = 4
"""Latencies differ by orders of magnitude, so both pictures count them by ratios."""
BAR = 40
"""Characters of the longest bar."""


def latency_text(times_us: list[int]) -> str:
    """Return a histogram of the latencies, one line for each doubling of the time."""
    doublings = [time_us.bit_length() for time_us in times_us]
    counts = {each: doublings.count(each) for each in range(min(doublings), max(doublings) + 1)}
    most = max(counts.values())
    return "\n".join(
        f"  under {(1 << doubling) / 1_000:>9.3f} ms  {'█' * -(-count * BAR // most):<{BAR}} {count}"
        for doubling, count in counts.items()
    )


def latency_svg(times_us: list[int], title: str, path: Path) -> None:
    """Draw the latencies' histogram into an SVG file."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    low, high = min(times_us).bit_length() - 1, max(times_us).bit_length()
    steps = range(BINS_A_DOUBLING * low, BINS_A_DOUBLING * high + 1)
    edges = [2 ** (step / BINS_A_DOUBLING) / 1_000 for step in steps]
    axes.hist([time_us / 1_000 for time_us in times_us], bins=edges)
    axes.set_xscale("log")
    axes.set_title(f"Latency of {title}: {len(times_us)} single bytes there and back")
    axes.set_xlabel("from writing a byte to reading it (ms)")
    axes.set_ylabel("bytes")
    figure.savefig(path, format="svg")
