"""``thecal verify soak``: random scripts for as long as there is time; can be stopped and resumed."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.pool import AsyncResult, Pool
from pathlib import Path
from typing import Any

import click

from protocol.units import Milliseconds, QuantityError
from thecal.failures import FAILURE_FOUND
from thecal.output import bad, emit, good, say, tell
from thecal.stopping import StopRequest
from thecal.writing import FOLDER, writing
from verify.scripts.reading import read_script
from verify.scripts.shorten import shortened
from verify.scripts.told import replay
from verify.soak import Soak, SoakError, play_round, summary

SECONDS_BETWEEN_NEWS = 5.0
TICK_S = 0.05
SHORT_UNITS = {"s": "s", "m": "min", "h": "h", "d": "day"}


class Span(click.ParamType):  # type: ignore[type-arg] # no generic before click 8.5
    """A time such as ``10m`` or ``2 h``, in seconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        short = re.fullmatch(r"([0-9]+)\s*([smhd])", str(value))
        try:
            span = Milliseconds.parse(f"{short[1]} {SHORT_UNITS[short[2]]}" if short else str(value))
        except QuantityError as error:
            self.fail(f"{error}; such as 10m, 2h or 90 s", param, ctx)
        if span.value == 0:
            self.fail("no time at all", param, ctx)
        return span.value / 1_000


@click.command()
@click.option("--for", "for_s", type=Span(), help="Stop after this time, such as 10m. [default: until Ctrl-C]")
@click.option(
    "--out",
    type=FOLDER,
    default=Path("soak-out"),
    show_default=True,
    help="The folder that is resumed or begun.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Scripts at a time. [default: one for each core]")
@click.option("--seed", type=click.IntRange(min=0), help="Draw from this. [default: by chance, and noted]")
@click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")
@click.pass_context
def soak(
    ctx: click.Context, for_s: float | None, out: Path, jobs: int | None, seed: int | None, as_json: bool
) -> None:
    """Play random scripts until stopped: people, patients, strangers, weather, faults, power cuts, time.

    Every round is kept as soon as it is over. Ctrl-C loses nothing: the same command goes on where it stopped. What
    breaks is kept as a script, at once and then once more in a shorter form; see “thecal verify replay”.

    Exit code 0: nothing broke in this folder, now or earlier. 1: something did. 2: the folder is none to soak in.
    130: Ctrl-C before the time of --for was over, or before any round was.
    """
    with writing(out):
        try:
            folder = Soak(out, seed)
        except SoakError as error:
            raise click.UsageError(str(error)) from None
        interrupted = _soak(folder, for_s, jobs or os.cpu_count() or 1)
    if as_json:
        emit(summary(folder))
    else:
        _show(folder)
    if interrupted and not folder.broken and (for_s is not None or not folder.played):
        raise click.Abort
    ctx.exit(FAILURE_FOUND if folder.broken else 0)


def _soak(folder: Soak, for_s: float | None, jobs: int) -> bool:
    """Play rounds, one at the least, until the time is over; return whether somebody asked to stop before."""
    before = len(folder.played)
    ends = None if for_s is None else time.monotonic() + for_s
    with StopRequest() as stop, _workers(jobs) as pool:
        rounds: list[AsyncResult[Any]] = []
        shorter: dict[str, AsyncResult[str]] = {}
        told = time.monotonic()
        while not stop.requested and (ends is None or time.monotonic() < ends or len(folder.played) == before):
            while len(rounds) < jobs:
                number = folder.next_round()
                rounds.append(pool.apply_async(play_round, ((number, folder.seed_of(number)),)))
            for done in [each for each in rounds if each.ready()]:
                rounds.remove(done)
                played = folder.note(*done.get())
                if not played.holds:
                    tell(f"{bad('broken')} in round {played.round}: {played.story}")
                    text = (folder.folder / played.script).read_text(encoding="utf-8")
                    shorter[played.script] = pool.apply_async(shorter_text, (text,))
            _keep_ready(folder, shorter)
            if time.monotonic() - told > SECONDS_BETWEEN_NEWS:
                told = time.monotonic()
                folder.save_reached()
                tell(f"{len(folder.played)} rounds, {len(folder.broken)} broken")
            time.sleep(TICK_S)
        _keep_ready(folder, shorter)
        folder.save_reached()
        for name in shorter:
            tell(f"not yet shortened: thecal verify replay {folder.folder / name} --shorten shorter.json")
    return stop.requested


def _keep_ready(folder: Soak, shorter: dict[str, AsyncResult[str]]) -> None:
    for name in [name for name, each in shorter.items() if each.ready()]:
        folder.keep(name.replace("broken", "shorter"), shorter.pop(name).get())


def shorter_text(text: str) -> str:
    """Return the text of a shorter script that breaks the same, and says what; for a worker process."""
    short = shortened(read_script(text))
    return replace(short, story=replay(short).broken_words or short.story).text()


def _workers(jobs: int) -> Pool:
    """Return processes that leave Ctrl-C to this one from their first instant: what is blocked is inherited."""
    resource_tracker.ensure_running()  # it would unblock the signal if it were started with the others
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return multiprocessing.get_context("spawn").Pool(jobs)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _show(folder: Soak) -> None:
    faulty = sum(each.faulty for each in folder.played)
    say(f"{len(folder.played)} rounds from seed {folder.seed}, {faulty} of them with faults")
    for each in folder.broken:
        say(f"{bad('broken')}  round {each.round}, from “{each.start}”: {each.story}")
        say(f"        thecal verify replay {folder.folder / each.script}")
    if folder.played and not folder.broken:
        say(f"{good('nothing broke')}, which shows these rounds and no others")
