"""The mutant bank and what runs it: whole, loud when it has drifted, and blind to nothing."""

from __future__ import annotations

import importlib
import sys
from collections import Counter

import pytest
from click.testing import CliRunner

import emulator.firmware
from thecal.mutants import mutants
from verify.mutants.bank import BankError, Mutant, check, chosen, load_bank, read, read_bank, source_of
from verify.mutants.matrix import as_json, rows, word
from verify.mutants.run import Effort, TrialError, baseline, needed, trials
from verify.mutants.seeding import SeedingFinder, seed
from verify.suites.registry import NAMES, suite

BANK = {mutant.id: mutant for mutant in read_bank()}
"""Not held against the code here: that is one test below, and the others are about how a bank is tried."""
GUARD = "emulator/firmware/guard.py"


def mutant(old: str, new: str, file: str = GUARD, expected: str = "guard.real windows") -> Mutant:
    """Return a mutant that is not in the bank."""
    return Mutant("X", "guard", file, old, new, "a story", "", (), expected, "killed", "")


UNNOTICEABLE = mutant("often which.", "often what.", "protocol/flips.py", "frame.flips")
"""In a file that one suite alone can reach: a survivor is tried with every property that might notice it."""


def test_every_mutant_fits_the_code_once_and_is_expected_by_a_property() -> None:
    """Each mutant's old text is in its file exactly once, and the property that should notice it exists."""
    bank = load_bank()
    properties = {each.name for name in NAMES for each in suite(name).properties}
    assert {each.expected for each in bank} <= properties
    assert len(bank) == len(BANK)


def test_a_bank_that_has_drifted_is_refused() -> None:
    """Old text that is not there, or there twice, is an error that names the mutant and the file."""
    for old, times in (("no such text", "0 times"), ("phase_ms", "times")):
        with pytest.raises(BankError, match=f"X: the old text is .*{times}.*guard.py"):
            mutant(old, "something").seeded()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (mutant("FULL_PG = 1 << 62", "FULL_PG = ("), "no Python"),
        (mutant("FULL_PG = 1 << 62", "FULL_PG = 1 << 62"), "changes nothing"),
        (mutant("x", "y", "verify/judge.py"), "none of the product's files"),
        (mutant("x", "y", "emulator/nothing.py"), "cannot be read"),
    ],
)
def test_a_mutant_that_is_none_is_refused(broken: Mutant, words: str) -> None:
    """What is no Python, changes nothing, or lies outside the product is an error of the bank."""
    with pytest.raises(BankError, match=words):
        check((broken,))


WHOLE = """[[mutant]]
id = "X-01"
file = "emulator/firmware/guard.py"
old = "a"
new = "b"
story = "a story"
requirements = []
expected = "guard.windows"
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not toml", "guard.toml"),
        ("[[mutants]]\n", "guard.toml"),
        (WHOLE.replace('story = "a story"\n', ""), "story is missing"),
        (WHOLE + 'colour = "blue"\n', "nobody knows the key colour"),
        (WHOLE + 'status = "unknown"\n', "killed or equivalent"),
        (WHOLE + 'status = "equivalent"\n', "needs a reason"),
        (WHOLE + 'reason = "because"\n', "no other has one"),
    ],
)
def test_a_table_that_is_not_whole_is_refused(text: str, words: str) -> None:
    """A mutant that lacks a key, has an unknown one, or an equivalent without a reason is named and refused."""
    assert len(read("guard", WHOLE)) == 1
    with pytest.raises(BankError, match=words):
        read("guard", text)


def test_two_mutants_of_one_name_are_refused() -> None:
    """An id belongs to one mutant."""
    one = BANK["GUARD-01"]
    with pytest.raises(BankError, match="GUARD-01"):
        check((one, one))


def test_a_mutant_is_chosen_by_id_layer_or_file() -> None:
    """Any of the three names chooses, and a name that is nobody's is an error."""
    bank = tuple(BANK.values())
    assert chosen(bank, ()) == bank
    assert [each.id for each in chosen(bank, ("GUARD-01",))] == ["GUARD-01"]
    assert {each.file for each in chosen(bank, (GUARD,))} == {GUARD}
    assert {each.layer for each in chosen(bank, ("guard",))} == {"guard"}
    with pytest.raises(BankError, match="nobody"):
        chosen(bank, ("nobody",))


def test_seeding_changes_memory_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeded module is the changed one in this process, and the file stays as it was."""
    before = source_of("emulator/firmware/metering.py")
    changed = mutant("max(1, ", "max(7, ", "emulator/firmware/metering.py")
    name = changed.module
    monkeypatch.setattr(sys, "meta_path", [SeedingFinder(name, changed.seeded()), *sys.meta_path])
    monkeypatch.setattr(emulator.firmware, "metering", sys.modules[name])  # so that it is put back
    monkeypatch.delitem(sys.modules, name)
    seeded = importlib.import_module(name)
    assert seeded.bolus_rate(1, 86_400_000) == 7
    assert source_of("emulator/firmware/metering.py") == before
    with pytest.raises(BankError, match="imported already"):
        seed(changed)


def test_a_kill_a_survivor_and_a_wrong_equivalent_are_told_apart() -> None:
    """What is noticed is killed, or noticed by another than expected; an equivalent that is noticed is none."""
    killed, survivor = BANK["GUARD-01"], UNNOTICEABLE._replace(id="S")
    effort = Effort()
    unmutated = baseline(effort, ("guard",))
    found = {each.mutant.id: each for each in trials((killed, survivor), effort, unmutated, 2)}
    for of, declared in ((killed, "W"), (survivor, "E")):  # the same outcomes, of mutants that are declared otherwise
        other = of._replace(id=declared, status="equivalent", reason="it is thought")
        found[declared] = found[of.id]._replace(mutant=other)
    by_another = killed._replace(id="A", expected="guard.lost is full")
    found["A"] = found["GUARD-01"]._replace(mutant=by_another)
    words = {name: word(verdict) for name, verdict in found.items()}
    assert words == {
        "GUARD-01": "killed",
        "W": "NOT EQUIVALENT",
        "S": "SURVIVED",
        "E": "equivalent",
        "A": "noticed by another",
    }
    assert rows([found["A"]])[0][2].endswith(", not guard.lost is full")
    assert as_json(unmutated, [found["A"]])["holds"]
    assert not as_json(unmutated, list(found.values()))["holds"]
    assert Counter(row[1] for row in rows(list(found.values()))) == Counter(words.values())


def test_only_the_suites_that_the_mutants_need_are_tried_as_it_is() -> None:
    """One mutant of the frames' layer needs no suite that never sees a flip; the whole bank needs every suite."""
    few = needed((UNNOTICEABLE,))
    assert "frame" in few
    assert "guard" not in few
    assert set(needed((UNNOTICEABLE, BANK["GUARD-01"]))) >= {*few, "guard"}
    assert needed(tuple(BANK.values())) == NAMES


def test_a_mutant_that_hangs_is_noticed() -> None:
    """A mutant for which a suite never ends is ended, and counts as noticed by time."""
    hanging = mutant(
        "    if elapsed_ms <= 0:\n", "    while elapsed_ms > 1_000_000:\n        pass\n    if elapsed_ms <= 0:\n"
    )
    (verdict,) = trials((hanging,), Effort(), (), 1, least_s=2)
    assert verdict.timed_out
    assert verdict.killed
    assert rows([verdict]) == [("X", "killed", "time-out", "", "")]


def test_a_mutant_that_cannot_be_imported_is_no_kill() -> None:
    """A change that breaks the import is the bank's mistake, and is said as one."""
    with pytest.raises(TrialError, match=r"X: .*NameError"):
        list(trials((mutant("FULL_PG = 1 << 62", "FULL_PG = nothing"),), Effort(), (), 1))


def test_the_command_tells_what_noticed_and_fails_for_a_name_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's table names mutant and property; an unknown name is wrong usage."""
    monkeypatch.setattr("thecal.mutants.load_bank", read_bank)
    told = CliRunner().invoke(mutants, ["--only", "METER-06", "--list"])
    assert told.exit_code == 0
    assert "METER-06" in told.stdout
    assert CliRunner().invoke(mutants, ["--only", "nobody"]).exit_code == 2
