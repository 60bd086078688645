"""What not every installation has is asked for in one line that can be typed as it stands."""

from __future__ import annotations

import pytest

from thecal import cli, needed


@pytest.mark.parametrize(
    ("missing", "command", "words"),
    [
        ("hypothesis", ("suites",), "hypothesis: not installed; in a clone, “pip install '.[verify]'”"),
        ("hypothesis", ("mutants", "--only", "GUARD-02"), "pip install '.[verify]'"),
        ("pytest", ("matrix",), "pytest: not installed; in a clone, “pip install pytest”"),
        ("pytest hypothesis", ("matrix",), "pip install pytest '.[verify]'"),
        ("pytest hypothesis", ("report", "OUT"), "pip install pytest '.[verify]'"),
    ],
)
def test_a_command_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    missing: str,
    command: tuple[str, ...],
    words: str,
) -> None:
    """Exit code 3, one line, and nothing was begun."""
    monkeypatch.setattr(needed, "find_spec", lambda name: None if name in missing.split() else object())
    assert cli.run(["verify", *command]) == 3
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert words in said[0]
