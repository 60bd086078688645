"""``thecal demo``: the main job on real input, in a few seconds and with nothing to set up."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from emulator.bench import Bench
from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.journal import Journal, read_journal
from emulator.library import Library
from emulator.programmer.contact import Dial
from emulator.programmer.programmer import Programmer
from hw.descriptor import DescriptorPort
from hw.ports import open_port
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.units import Nanolitres, PicogramsPerNanolitre
from protocol.vocabulary import Role
from thecal.demo_visit import CONCENTRATION, DRUG, Visit
from thecal.demo_wire import DemoWire
from thecal.failures import FAILURE_FOUND, GOOD
from thecal.output import NOT_CLINICAL, bad, emit, good, say, tell
from thecal.recording import Recording, recorded, recording_options
from thecal.writing import FOLDER, write_text, writing
from verify.formula_verdict import summary
from verify.judge import judge_lines
from verify.plot import dose_plot_svg, dose_plot_text
from verify.properties import load_properties
from verify.timeline import timeline
from verify.verdict import Verdict, pump_time

VOLUME = "18 mL"
SEED = 20_26


@click.command()
@click.option(
    "--out",
    type=FOLDER,
    default=Path("demo-out"),
    show_default=True,
    help="Folder for the journal and the plot; made if it is not there.",
)
@click.option("--seed", type=int, default=SEED, show_default=True, help="Same seed, same demo, byte by byte.")
@recording_options
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON instead of the story.")
def demo(out: Path, seed: int, capture_path: Path | None, keylog_path: Path | None, as_json: bool) -> int:
    """Play three days with a pump: programming, boluses, a stall, a lost acknowledgement, a power cut.

    A scripted clinician and patient talk to an emulated pump over a real pseudo-terminal through pyserial. At the end
    an independent judge reads the journal and says whether every dose limit and alarm deadline was kept.
    """
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    tell(NOT_CLINICAL)
    journal = Journal()
    unexpected = _play(journal, seed, Recording(capture_path, keylog_path), quiet=as_json)
    journal_path, plot_path = out / "journal.jsonl", out / "doses.svg"
    write_text(journal_path, "\n".join(journal.lines) + "\n")
    verdict = judge_lines(journal.lines, properties=load_properties())
    course = timeline(read_journal(journal.lines))
    tell(f"drawing {plot_path} …")
    with writing(plot_path):
        dose_plot_svg(course, plot_path)
    passed = verdict.holds and not unexpected
    if as_json:
        emit({**verdict.as_json(), "unexpected": unexpected, "journal": str(journal_path), "plot": str(plot_path)})
    else:
        say("")
        say(dose_plot_text(course))
        _conclude(verdict, unexpected)
        say(f"journal: {journal_path}   plot: {plot_path}")
    return GOOD if passed else FAILURE_FOUND


def _play(journal: Journal, seed: int, recording: Recording, *, quiet: bool) -> list[str]:
    def narrate(at_ms: int, who: str, words: str) -> None:
        if not quiet:
            say(f"{pump_time(at_ms)[:-4]}  {who:>10}  {words}")

    rng = random.Random(seed)  # noqa: S311 - the demo repeats byte by byte; it guards no patient
    key = rng.randbytes(32)
    library = Library.shipped()
    device = _pump(library, key, rng, journal, seed)
    with _pty() as (pump_port, programmer_port), recorded(recording, key) as tap:
        wire = DemoWire(device, pump_port, tap(programmer_port))

        def dial(role: Role) -> Dial:
            return lambda: Conversation(wire, role_key(key, role), role, rng.randbytes)

        bench = Bench(device, library)
        clinician = Programmer(dial(Role.CLINICIAN), library)
        visit = Visit(clinician, Programmer(dial(Role.PATIENT), library), bench, wire, narrate)
        visit.play()
        bench.finish()
        narrate(bench.now_ms, "wire", f"{wire.sent} bytes to the pump and {wire.received} back, through a real pty")
    return visit.unexpected


def _pump(library: Library, key: bytes, rng: random.Random, journal: Journal, seed: int) -> PumpDevice:
    drug = library.by_name(DRUG)
    if drug is None:
        raise LookupError(f"the shipped library has no {DRUG}")
    fluid = ((drug.code, PicogramsPerNanolitre.parse(CONCENTRATION).value),)
    return PumpDevice(
        profile=load_profile("peristaltic"),
        library=library,
        key=key,
        serial="DEMO-0001",
        entropy=rng.randbytes,
        filling=Filling(Nanolitres.parse(VOLUME).value, fluid),
        journal=journal,
        seed=seed,
    )


@contextmanager
def _pty() -> Iterator[tuple[DescriptorPort, DescriptorPort]]:
    """Open a virtual port and, through pyserial, the link that a program would open."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "pump"
        with open_port(f"pty:{link}") as pump_port, open_port(str(link)) as programmer_port:
            yield pump_port, programmer_port


def _conclude(verdict: Verdict, unexpected: list[str]) -> None:
    for line in verdict.lines()[1:]:
        say(line)
    say(next(summary(verdict.formulas)))
    figures = verdict.figures
    if verdict.holds and not unexpected:
        judged = f", judged independently over {figures.strokes} strokes and {figures.events} events."
        say(good("VERDICT: no dose limit passed and no alarm missed") + judged)
    else:
        violations = len(verdict.findings) + verdict.violated_formulas
        say(bad(f"VERDICT: {violations} violations, {len(unexpected)} unexpected results."))
