"""Drawing the dose plot of a journal, into a file or on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emulator.journal import Event
from thecal.failures import OutsideMissing
from thecal.output import say
from verify.timeline import timeline


def draw(events: Sequence[Event], plot: Path | None, *, chart: bool) -> None:
    """Draw into the file ``plot``, if there is one, and on the terminal if asked. Raises ``OutsideMissing``."""
    from verify.plot import dose_plot_svg, dose_plot_text  # noqa: PLC0415 - judging needs no drawing library

    drawn = timeline(events)
    if plot:
        try:
            dose_plot_svg(drawn, plot)
        except (OSError, ValueError) as error:
            raise OutsideMissing(f"the plot cannot be written to {plot}: {error}") from None
    if chart:
        say(dose_plot_text(drawn))
