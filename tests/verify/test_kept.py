"""Each kept script can still fail: with what once was mended undone, in a process of its own, it breaks again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import verify
from verify.scripts.kept import kept_scripts
from verify.scripts.reading import ScriptError, read_script
from verify.scripts.run import Run
from verify.suites.suite import Effort
from verify.suites.wire import once_broken

ROOT = Path(verify.__file__).parents[1]
PATIENCE_S = 120
PLAYED_UNDONE = """
import sys
from pathlib import Path
name, file, old, new = sys.argv[1:]
text = Path(file).read_text("utf-8")
if text.count(old) != 1:
    sys.exit(f"the mended text is {text.count(old)} times in {file}")
text = text.replace(old, new)
if file.endswith(".toml"):
    import verify.properties
    undone = verify.properties.read_properties(text)
    verify.properties.load_properties = lambda: undone
else:
    from verify.mutants.seeding import SeedingFinder
    sys.meta_path.insert(0, SeedingFinder(file.removesuffix(".py").replace("/", "."), text))
from verify.scripts.kept import kept_scripts
from verify.scripts.told import replay
told = replay(kept_scripts()[name])
print("holds" if told.holds else "broken")
"""


class Mend(NamedTuple):
    """What was mended in which file, and what stood there, or would have, before."""

    file: str
    mended: str
    before: str


MENDS = {
    "announced-and-forgotten": Mend("verify/alarms.py", 'if event.kind == "alarm.forgotten":', "if False:"),
    "bolus-end-said-again": Mend(
        "verify/bolus_accounts.py",
        "            known[0].ended_ms = at_ms\n            self._ended.append(known[0])\n",
        "",
    ),
    "clock-alarm-noted-in-time": Mend(
        "verify/recorder.py",
        'write.is_true("clock_mended") or write.is_true("clock_stands")',
        'write.is_true("clock_mended")',
    ),
    "clock-alarm-raised-anew": Mend(
        "verify/properties.toml", " or (within last 0 ms alarm_forgotten and once (clock_stands or clock_jumps))", ""
    ),
    "first-reset-untold": Mend("emulator/firmware/pump.py", " and self.record.memory_fault_at < 0", ""),
    "fluid-taken-back-untold": Mend(
        "verify/scripts/fluids.py",
        "if _prescribed_concentration(run) != concentration:",
        'if type(reply).__name__ != "Accepted":',
    ),
    "intrusion-kept-elsewhere": Mend(
        "verify/alarms.py",
        "                clock.cause.announced()\n\n    def _cleared",
        "                clock.cause.announced()\n                clock.raised = False\n\n    def _cleared",
    ),
    "intrusion-said-again": Mend(
        "verify/properties.toml", " or (within last 0 ms alarm_forgotten and once wrong_proofs >= 4)", ""
    ),
    "lost-line-after-bridge": Mend(
        "emulator/firmware/damage.py",
        "filled(pump.profile.line_nl, in_line)",
        "filled(pump.profile.line_nl, pump.fluid)",
    ),
    "lost-line-unprogrammed": Mend(
        "emulator/firmware/damage.py",
        "strongest(pump.fluid, _may_stand_in_line(pump, therapy_known))",
        "pump.fluid",
    ),
    "prescribed-and-cut-off": Mend(
        "verify/movement.py", 'event.kind in ("power.cut", "power.restored")', 'event.kind == "power.restored"'
    ),
    "refusal-told-too-early": Mend(
        "emulator/firmware/strokes.py",
        'pump.news.add("guard.refused")\n        pump.save()\n',
        'pump.tell("guard.refused")\n',
    ),
    "reset-alarm-untold": Mend(
        "emulator/firmware/pump.py",
        "        self.news.flush()\n        self.log.flush()\n",
        "        self.log.flush()\n        self.news.flush()\n",
    ),
    "schedule-during-bolus": Mend(
        "verify/properties.toml", "or state(flex) or (mode(flex) and bolus_running) or", "or state(flex) or"
    ),
    "stall-forgotten": Mend(
        "emulator/firmware/damage.py", "if pump.record.stalled_at < 0 and is_active", "if False and is_active"
    ),
}
"""By the name of the script that showed it."""


def test_every_kept_script_says_what_it_broke_and_what_mended_it() -> None:
    """Whoever opens one reads its story, and the mend is named here."""
    assert set(kept_scripts()) == set(MENDS)
    assert all(script.story and script.steps for script in kept_scripts().values())


@pytest.mark.parametrize("name", MENDS)
def test_a_kept_script_breaks_again_if_its_mend_is_undone(name: str) -> None:
    """It has not become blind with the years: what it was kept for, it still finds."""
    played = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PLAYED_UNDONE, name, *MENDS[name]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (played.returncode, played.stdout.strip()) == (0, "broken"), played.stderr


def test_a_kept_step_that_can_no_longer_happen_breaks_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that passes over what it was kept for shows nothing any more; its name is said."""
    script = kept_scripts()["intrusion-kept-elsewhere"]
    monkeypatch.setattr("verify.suites.wire.kept_scripts", lambda: {"an-old-one": script})
    once_broken(Effort(1, 1))
    monkeypatch.setattr(Run, "take", lambda run, step: run.passed_over.append(step.line()))
    with pytest.raises(Exception, match=r"strangers times=5, .* cannot happen any more") as broken:
        once_broken(Effort(1, 1))
    assert any("an-old-one" in note for note in broken.value.__notes__)


@pytest.mark.parametrize("damage", [b"{", b"\xff\xfe", b'{"thecal_script": 9}'])
def test_a_damaged_kept_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes) -> None:
    """Whoever has many files learns which one it is."""
    (tmp_path / "replays").mkdir()
    (tmp_path / "replays" / "zz.json").write_bytes(damage)
    monkeypatch.setattr("verify.scripts.kept.resources.files", lambda _: tmp_path)
    with pytest.raises(ScriptError, match=r"replays/zz\.json: "):
        kept_scripts()


def test_every_kept_text_is_read_whole() -> None:
    """Each step of the file is a step of the script, and reading it changes nothing."""
    for script in kept_scripts().values():
        assert read_script(script.text()) == script
