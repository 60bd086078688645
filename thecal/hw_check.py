"""``thecal hw check`` and ``thecal hw pair``: is this port, and the wire at it, fit for a pump's conversation?"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from hw.abilities import Ability, Kind, kind_of
from hw.check.report import Part, Report, Verdict
from hw.check.run import NAMES
from hw.check.run import check as check_ends
from hw.check.wire import Ends
from hw.impairments import Impairment
from hw.ports import BAUD, open_port
from hw.virtual import WIRINGS, virtual_wiring
from thecal.calling import refuse_virtual
from thecal.failures import FAILURE_FOUND, GOOD
from thecal.hw_plot import latency_svg, latency_text
from thecal.line_options import line_options, open_line
from thecal.output import NOT_CLINICAL, bad, doubtful, emit, good, say, tell
from thecal.writing import OutputFile, writing

MADE = "virtual:"
"""Before the name of a wiring that is made for the check."""

LOOKS: dict[Verdict, Callable[[str], str]] = {
    Verdict.GOOD: good,
    Verdict.BAD: bad,
    Verdict.DOUBTFUL: doubtful,
    Verdict.NOT_POSSIBLE: str,
}

BAUD_OPTION = click.option(
    "--baud", default=BAUD, show_default=True, type=click.IntRange(min=1), help="Rate for all but the sweep."
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
PLOT_OPTION = click.option("--plot", type=OutputFile(), help="Draw the latencies into this SVG file.")


@click.command()
@click.argument("port")
@BAUD_OPTION
@line_options
@JSON_OPTION
@PLOT_OPTION
def check(
    port: str, baud: int, pace: int | None, impairment: Impairment | None, as_json: bool, plot: Path | None
) -> int:
    """Check PORT, whose TX is joined to its RX; join RTS to CTS and DTR to DSR to have them checked, too.

    PORT is a device, an address such as loop:// or rfc2217://…, or “virtual:” and the name of a wiring that is then
    made: looped-pty, looped-socket, looped-rfc2217. Exit code 1 if something is bad.

    \b
    Examples:
      thecal hw check /dev/ttyUSB0 --plot latency.svg
      thecal hw check virtual:looped-pty --baud-pace 9600 --impair flip=1e-4,seed=7
    """
    refuse_virtual(port)
    with _wired((port,), pace, impairment, baud) as ends:
        return _report(ends, (port,), as_json, plot)


@click.command()
@click.argument("near")
@click.argument("far", default="")
@BAUD_OPTION
@line_options
@JSON_OPTION
@PLOT_OPTION
def pair(
    near: str,
    far: str,
    baud: int,
    pace: int | None,
    impairment: Impairment | None,
    as_json: bool,
    plot: Path | None,
) -> int:
    """Check the wire between the ports NEAR and FAR, and name what is wrong with it.

    The wire is a null modem: TX goes to RX both ways, and the grounds are joined. “virtual:joined-ptys” in place
    of both ports makes a pair. Exit code 1 if something is bad.

    \b
    Examples:
      thecal hw pair /dev/ttyUSB0 /dev/ttyUSB1
      thecal hw pair virtual:joined-rfc2217
    """
    names = (near, far) if far else (near,)
    if not far and not near.startswith(MADE):
        raise click.UsageError("a pair has two ports; name the second one, too")
    for name in names:
        refuse_virtual(name)
    with _wired(names, pace, impairment, baud) as ends:
        if ends.looped:
            raise click.UsageError(f"“{near}” is one port; check it with “thecal hw check”")
        return _report(ends, names, as_json, plot)


@contextmanager
def _wired(names: tuple[str, ...], pace: int | None, impairment: Impairment | None, baud: int) -> Iterator[Ends]:
    """Yield both ends of the wire, open, with pace and damage at the near one."""
    with contextlib.ExitStack() as stack:
        kind: Kind = kind_of(names[0]).joined_to(kind_of(names[-1]))
        if names[0].startswith(MADE):
            wiring = stack.enter_context(virtual_wiring(_wiring_name(names[0]), _folder(stack)))
            names, kind = (wiring.near, wiring.far), wiring.kind
        kind = kind.able(Ability.PACING) if pace else kind
        near = stack.enter_context(open_line(names[0], baud, pace, impairment))
        far = near if names[0] == names[-1] else stack.enter_context(open_port(names[-1], baud))
        yield Ends(near, far, kind, pace or baud)


def _folder(stack: contextlib.ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory()))


def _wiring_name(name: str) -> str:
    wanted = name.removeprefix(MADE)
    if wanted not in WIRINGS:
        raise click.UsageError(f"there is no virtual wiring “{wanted}”; there are {', '.join(WIRINGS)}")
    return wanted


def _report(ends: Ends, names: tuple[str, ...], as_json: bool, plot: Path | None) -> int:
    """Run the check, showing each part as it is done; return the exit code."""
    tell(NOT_CLINICAL)
    parts = []
    for part in check_ends(ends):
        parts.append(part)
        show = tell if as_json else say
        show(_shown(part))
    report = Report(names, ends.kind.name, tuple(parts))
    times_us: list[int] = next((part.figures["microseconds"] for part in parts if "microseconds" in part.figures), [])
    if plot is not None and times_us:
        with writing(plot):
            latency_svg(times_us, " and ".join(names), plot)
        tell(f"latencies drawn into {plot}")
    if as_json:
        emit(report.document())
    else:
        if times_us:
            say(latency_text(times_us))
        say((good if report.good else bad)(report.words))
    return GOOD if report.good else FAILURE_FOUND


def _shown(part: Part) -> str:
    width = max(map(len, NAMES))
    return f"{part.name:<{width}}  {LOOKS[part.verdict](part.verdict.value)}: {part.words}"
