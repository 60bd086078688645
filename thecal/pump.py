"""``thecal pump``: an emulated pump on a port, until Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from emulator.bedside import Bedside
from emulator.bench import Bench
from emulator.journal import Journal
from emulator.patient.patient import Patient
from emulator.patient.reading import shipped_patient_model
from hw.impairments import Impairment
from hw.lasting import LastingPort
from hw.ports import BAUD
from protocol.units import Nanolitres
from thecal.control_server import ControlServer
from thecal.desk import Desk
from thecal.driver import TimeDriver
from thecal.failures import OutsideMissing
from thecal.image import ImageFile
from thecal.join import Joint
from thecal.keeper import Keeper
from thecal.keys import KEY, keep_key, key_file, new_key, stored_key
from thecal.line_options import line_options, open_line
from thecal.making import DEFAULT_SERIAL, Wanted, checked_serial, filling_from, library_from, make_pump, profile_from
from thecal.output import NOT_CLINICAL, bad, doubtful, tell
from thecal.quantities import SPEED, VOLUME
from thecal.recording import Recording, recorded, recording_options
from thecal.stopping import StopRequest

PATH = click.Path(path_type=Path)


@click.command()
@click.option(
    "--port",
    required=True,
    help="pty:LINK, a device, serve:rfc2217://HOST:PORT, serve:socket://HOST:PORT, or a URL.",
)
@click.option("--baud", default=BAUD, show_default=True, type=click.IntRange(min=1), help="Rate of a real port.")
@line_options
@click.option("--image", "image_path", type=PATH, help="Keep the pump in this file; continue if it is there.")
@click.option("--profile", default="peristaltic", show_default=True, help="Kind of hardware: a name or a TOML file.")
@click.option("--library", "library_path", type=PATH, help="The pump's drug library; shipped one if not given.")
@click.option("--serial", default=DEFAULT_SERIAL, show_default=True, callback=checked_serial, help="Serial number.")
@click.option("--key", type=KEY, help="The pump's key; made and kept in a file if not given.")
@click.option("--contents", type=VOLUME, help="What a new pump is filled with; its capacity if not given.")
@click.option(
    "--fluid",
    nargs=2,
    multiple=True,
    metavar="DRUG CONCENTRATION",
    help="What fills a new pump; saline if not given.",
)
@click.option("--speed", type=SPEED, default="x1", show_default=True, help="Simulated time: freeze, x1, x60, …")
@click.option(
    "--speed-in-session", type=SPEED, help="Allow this speed also while a session is open, instead of x1 at most."
)
@click.option("--journal", "journal_path", type=PATH, help="Write everything that happens to this new file.")
@click.option("--control", "control_path", type=click.Path(path_type=Path), help="Offer the bench at this socket.")
@recording_options
@click.option(
    "--patient",
    "indication",
    type=click.Choice(sorted(shipped_patient_model().indications)),
    help="Put a patient under the pump, to be examined with “thecal control”; not kept in an image.",
)
@click.option(
    "--seed", type=int, help="Make session keys predictable: with --speed freeze, runs repeat byte by byte."
)
def pump(
    port: str,
    baud: int,
    pace: int | None,
    impairment: Impairment | None,
    image_path: Path | None,
    profile: str,
    library_path: Path | None,
    serial: str,
    key: bytes | None,
    contents: Nanolitres | None,
    fluid: tuple[tuple[str, str], ...],
    speed: int,
    speed_in_session: int | None,
    journal_path: Path | None,
    control_path: Path | None,
    capture_path: Path | None,
    keylog_path: Path | None,
    indication: str | None,
    seed: int | None,
) -> None:
    """Run an emulated pump on a port until Ctrl-C. Not for clinical use.

    While somebody talks to the pump, simulated time runs at x1 at most: at x60 a session would time out after five
    seconds of silence.

    \b
    Examples:
      thecal pump --port pty:/tmp/thecal-pump --fluid morphine "20 mg/mL"
      thecal pump --port pty:/tmp/thecal-pump --image my.pump --speed x60
      thecal pump --port /dev/ttyUSB0 --control /tmp/bench/pump --patient back-pain
      thecal pump --port serve:rfc2217://127.0.0.1:2217
      thecal pump --port pty:/tmp/thecal-pump --baud-pace 9600 --impair flip=1e-4,seed=7
    """
    image = ImageFile(image_path) if image_path else None
    if image_path and image_path.exists() and (fluid or contents):
        tell(doubtful(f"{image_path} already holds a pump: --fluid and --contents change nothing"))
    hardware, library = profile_from(profile), library_from(library_path)
    filling = filling_from(contents, fluid, library, hardware)
    known_key = key or stored_key(serial)
    pump_key = known_key or new_key()
    claim = image.claimed() if image else contextlib.nullcontext()
    with (
        claim,
        _journal(journal_path) as journal,
        recorded(Recording(capture_path, keylog_path), pump_key) as tap,
        LastingPort(port, lambda name: tap(open_line(name, baud, pace, impairment))) as line,
        selectors.DefaultSelector() as selector,
    ):
        wanted = Wanted(hardware, library, serial, filling, seed)
        device = make_pump(wanted, pump_key, journal, image)
        bench = Bench(device, library)
        bedside = Bedside(bench, Patient(indication), library, seed or 0) if indication else None
        driver = TimeDriver(
            device.now_ms, speed, speed_in_session=1 if speed_in_session is None else speed_in_session
        )
        keeper = Keeper(device, image)
        keeper.keep()
        joint = Joint(device, line, driver, selector, keeper)
        with StopRequest() as stop, _desk(control_path, Desk(bench, driver, bedside), selector):
            if known_key is None:
                keep_key(serial, pump_key)
            _banner(line.name, serial, "given" if key else str(key_file(serial)), image_path, control_path)
            joint.run(stop)
        bench.finish()
    tell("pump put away" if image else "pump ended; without --image nothing of it is kept")


@contextmanager
def _journal(path: Path | None) -> Iterator[Journal]:
    """Yield a journal that goes to a new file, if there is a path, and tells the alarms on stderr."""
    with contextlib.ExitStack() as stack:
        write: Callable[[str], object] = lambda _line: None  # noqa: E731
        if path is not None:
            try:
                file = stack.enter_context(path.open("x", encoding="utf-8", buffering=1))
            except FileExistsError:
                raise click.BadParameter(
                    f"{path} exists; a journal is never overwritten", param_hint="--journal"
                ) from None
            except OSError as error:
                raise OutsideMissing(f"cannot write the journal {path}: {error.strerror}") from error
            write = lambda line: file.write(line + "\n")  # noqa: E731

        def sink(line: str) -> None:
            write(line)
            if '"kind":"alarm.' in line:
                _announce(line)

        journal = Journal(sink, keep=False)
        yield journal
        journal.flush()


def _announce(line: str) -> None:
    """Tell an alarm event to the person at the terminal."""
    event = json.loads(line)
    data = event["data"]
    match event["kind"]:
        case "alarm.raised":
            tell(f"{bad('alarm raised:')} {data['alarm'].lower()} ({data['priority'].lower().replace('_', '-')})")
        case "alarm.sound":
            tell(f"{doubtful('the pump sounds:')} {data['pattern']}, for {data['alarm'].lower()}")
        case "alarm.cleared":
            tell(f"alarm cleared: {data['alarm'].lower()}")


@contextmanager
def _desk(path: Path | None, desk: Desk, selector: selectors.BaseSelector) -> Iterator[None]:
    """Offer the bench's desk at the path while the context is open, if there is a path."""
    if path is None:
        yield
        return
    server = ControlServer(path.absolute(), desk, selector)
    try:
        yield
    finally:
        server.close()


def _banner(port: str, serial: str, key_place: str, image: Path | None, control: Path | None) -> None:
    tell(NOT_CLINICAL)
    tell(f"pump {serial} on {port}")
    tell(f"key: {key_place}")
    if image is not None:
        tell(f"image: {image}")
    if control is not None:
        tell(f"bench: thecal control --control {control} …")
    tell("Ctrl-C ends it")
