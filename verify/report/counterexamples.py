"""The counterexamples among what was run: each is played once more, told as a story and drawn."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from emulator.journal import Event
from verify.scripts.reading import ScriptError, read_script
from verify.scripts.told import Replayed, replay
from verify.trace.results import Result

PROPERTY = "counterexample"
"""Name under which a test records the script that breaks it."""


class Counterexample(NamedTuple):
    """A script that broke a test."""

    test: str
    file: str
    """Name of its file in the folder of the report."""
    told: Replayed
    plot: Markup


def counterexamples(results: Iterable[Result]) -> tuple[Counterexample, ...]:
    """Return the counterexamples that tests have recorded; what is no script of this version is left out."""
    return tuple(
        found
        for result in results
        if (text := result.properties.get(PROPERTY)) and (found := _read(result.key, text))
    )


def _read(test: str, text: str) -> Counterexample | None:
    try:
        script = read_script(text)
    except ScriptError:
        return None
    told = replay(script)
    name = re.sub(r"[^A-Za-z0-9]+", "-", test[test.rfind(".test_") + 1 :]).strip("-")
    return Counterexample(test, f"counterexample-{name}.json", told, Markup(dose_svg(told.events)))  # noqa: S704 - ours


def dose_svg(events: Iterable[Event]) -> str:
    """Return the dose plot of a journal as SVG, to be put into a page."""
    from verify.plot import dose_plot_svg  # noqa: PLC0415 - a report without a counterexample draws nothing
    from verify.timeline import timeline  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as place:
        picture = Path(place) / "doses.svg"
        dose_plot_svg(timeline(events), picture)
        text = picture.read_text("utf-8")
    return text[text.index("<svg") :]
