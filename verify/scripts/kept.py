"""The scripts that once broke something, each kept for good: they must break nothing ever again."""

from __future__ import annotations

from importlib import resources

from verify.scripts.reading import read_script
from verify.scripts.script import Script

FOLDER = "replays"


def kept_scripts() -> dict[str, Script]:
    """Return every kept script by its name. Raises ``ScriptError`` for one that this version cannot play."""
    files = sorted((resources.files("verify") / FOLDER).iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".json"): read_script(file.read_text(encoding="utf-8"))
        for file in files
        if file.name.endswith(".json")
    }
