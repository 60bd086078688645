"""The scripts that once broke something, each kept for good: they must break nothing ever again."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable

from verify.scripts.reading import ScriptError, read_script
from verify.scripts.script import Script

FOLDER = "replays"


def kept_scripts() -> dict[str, Script]:
    """Return every kept script by its name. Raises ``ScriptError``, with its name, for one that cannot be played."""
    files = sorted((resources.files("verify") / FOLDER).iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".json"): _read(file) for file in files if file.name.endswith(".json")}


def _read(file: Traversable) -> Script:
    try:
        return read_script(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ScriptError) as error:
        raise ScriptError(f"{FOLDER}/{file.name}: {error}") from None
