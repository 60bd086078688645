"""What the profiles promise: the same again, new every time, or a little of everything."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests import drawn
from verify.suites.suite import Effort

ROOT = Path(__file__).parents[2]


def begin(monkeypatch: pytest.MonkeyPatch, profile: str, seed: str = "") -> list[int]:
    """Return what a run of a profile draws, begun with this seed in its environment."""
    monkeypatch.setenv(drawn.PROFILE_VARIABLE, profile)
    monkeypatch.setenv(drawn.SEED_VARIABLE, seed)
    found: list[int] = []

    def check(number: int) -> None:
        found.append(number)

    Effort(drawn.seed(), 20).search(check, number=st.integers(0, 1 << 64))
    return found


def test_a_fixed_profile_draws_the_same_and_another_draws_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs of ci are one; two of dev or of night are not; a seed that is given repeats any of them."""
    for profile in ("ci", "smoke"):
        assert begin(monkeypatch, profile) == begin(monkeypatch, profile)
    for profile in ("dev", "night"):
        first = begin(monkeypatch, profile)
        told = str(drawn.seed())
        assert begin(monkeypatch, profile) != first
        assert begin(monkeypatch, profile, told) == first


def test_only_a_smoke_test_leaves_something_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leaves out is there, so that no name stands for nothing; ci and night insist on what they reach."""
    assert {file for file in drawn.LONG if not list((ROOT / "tests").rglob(file))} == set()
    for profile in ("ci", "dev", "night", "smoke"):
        monkeypatch.setenv(drawn.PROFILE_VARIABLE, profile)
        assert {drawn.leaves_out(file) for file in drawn.LONG} == {profile == "smoke"}
        assert not drawn.leaves_out("test_suites.py")
        assert drawn.must_reach() is (profile in ("ci", "night"))


def run(folder: Path, name: str, **variables: str) -> tuple[str, str]:
    """Run a few properties in a process of their own; return the seed that is noted, and what they reached."""
    others = {key: value for key, value in os.environ.items() if key != drawn.SEED_VARIABLE and "XDIST" not in key}
    results = folder / name
    words = ("-p", "no:cacheprovider", "-k", "histories", "--junit-xml", str(results), "tests/verify/test_suites.py")
    subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pytest", "-q", *words], cwd=ROOT, env=others | variables, check=True
    )
    noted = {each.get("name"): each.get("value") or "" for each in ET.parse(results).iter("property")}  # noqa: S314
    return noted["seed"], noted["reached"]


def test_a_run_notes_the_seed_that_repeats_it(tmp_path: Path) -> None:
    """The seed in the results of a dev run, given to another, brings the same examples."""
    first = run(tmp_path, "first.xml", THECAL_PROFILE="dev")
    again = run(tmp_path, "again.xml", THECAL_PROFILE="dev", THECAL_SEED=first[0])
    assert again == first
