"""What a command needs beyond what every installation has: said in one line, before anything is begun."""

from __future__ import annotations

from importlib.util import find_spec

from thecal.failures import OutsideMissing

EXTRA = {"hypothesis": "'.[verify]'", "pytest": "pytest"}
"""By which words pip knows them. No dependency group is named, because a pip from before 2025 knows none."""


def need(*libraries: str) -> None:
    """Raise ``OutsideMissing`` with the line that installs them if one of these libraries is not there."""
    missing = [name for name in libraries if find_spec(name) is None]
    if missing:
        how = " ".join(EXTRA[name] for name in missing)
        raise OutsideMissing(f"{' and '.join(missing)}: not installed; in a clone, “pip install {how}”")
