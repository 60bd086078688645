"""``thecal bench``: how fast thecal is, beside its neighbours, on this machine, in this run."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from importlib import metadata, util

import click

from thecal.benchmarks.codec import codec
from thecal.benchmarks.measure import Figure
from thecal.benchmarks.simulation import simulation
from thecal.benchmarks.wire import wire
from thecal.output import NOT_CLINICAL, doubtful, emit, say, table, tell

SECONDS, QUICK_SECONDS = 5.0, 0.5

PARTS: dict[str, Callable[[float], list[Figure]]] = {"codec": codec, "wire": wire, "simulation": simulation}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quick", is_flag=True, help="Measure for a tenth of the time: to see that it runs, not how fast.")
@click.option("--part", "parts", multiple=True, type=click.Choice(list(PARTS)), help="Only this part; repeatable.")
def bench(as_json: bool, quick: bool, parts: tuple[str, ...]) -> None:
    """Measure the codec, the sealed exchange over a pty, and simulated time.

    What is compared is measured in turns in the same run; each figure is the median of five rounds. The comparison
    with pymodbus is left out if it is not installed.
    """
    tell(NOT_CLINICAL)
    results: dict[str, list[Figure]] = {}
    for part in parts or PARTS:
        tell(f"measuring {part} …")
        results[part] = PARTS[part](QUICK_SECONDS if quick else SECONDS)
    if "wire" in results and util.find_spec("pymodbus") is None:
        tell(doubtful("pymodbus is not installed: no comparison with it"))
    if as_json:
        emit({"machine": _machine(), "quick": quick} | {part: _plain(figures) for part, figures in results.items()})
        return
    for part, figures in results.items():
        say(part.upper())
        say(table([("", figure.name, _number(figure.value), figure.unit, figure.detail) for figure in figures]))


def _machine() -> dict[str, str]:
    return {
        "thecal": metadata.version("thecal"),
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
    }


def _plain(figures: list[Figure]) -> list[dict[str, object]]:
    return [figure._asdict() for figure in figures]


def _number(value: float) -> str:
    """Return three significant digits, with the thousands apart."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"
