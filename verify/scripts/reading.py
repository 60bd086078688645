"""Reading a script from the text of a file, perhaps written by hand: what is wrong is named, and where."""

from __future__ import annotations

import json
from typing import Any

from verify.scripts.catalogue import ACTIONS
from verify.scripts.script import FORMAT, Script, Step
from verify.starts import STARTS

KEYS = {"thecal_script", "story", "start", "seed", "faulty", "steps"}


class ScriptError(Exception):
    """A text is no script that this version can play; the message says what and where."""


def read_script(text: str) -> Script:
    """Return the script that a text says. Raises ``ScriptError``."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ScriptError(f"this is not JSON: {error}") from None
    if not isinstance(data, dict) or "thecal_script" not in data:
        raise ScriptError("this is no script: it has no “thecal_script”")
    if data["thecal_script"] != FORMAT:
        raise ScriptError(f"this version plays scripts of format {FORMAT}, not {data['thecal_script']!r}")
    if strange := set(data) ^ KEYS:
        raise ScriptError(f"a script has {', '.join(sorted(KEYS))}; this one differs in {', '.join(sorted(strange))}")
    if data["start"] not in STARTS:
        raise ScriptError(f"“start” is one of: {', '.join(STARTS)}; not {data['start']!r}")
    if type(data["seed"]) is not int or data["seed"] < 0 or type(data["faulty"]) is not bool:
        raise ScriptError("“seed” is a whole number from 0, “faulty” is true or false")
    if not isinstance(data["steps"], list):
        raise ScriptError("“steps” is a list")
    steps = [_step(number, each) for number, each in enumerate(data["steps"], 1)]
    return Script(data["start"], data["seed"], data["faulty"], steps, str(data["story"]))


def _step(number: int, data: Any) -> Step:
    match data:
        case [str(name), dict(arguments)]:
            pass
        case _:
            raise ScriptError(f"step {number} is not a list of an action's name and its arguments: {data!r}")
    known = ACTIONS.get(name)
    if known is None:
        raise ScriptError(f"step {number}: no action is called “{name}”")
    if set(arguments) != set(known.domains):
        raise ScriptError(f"step {number}: “{name}” takes {', '.join(known.domains) or 'no arguments'}")
    for argument, value in arguments.items():
        if not known.domains[argument].holds(value):
            raise ScriptError(f"step {number}: {argument} of “{name}” cannot be {value!r}")
    return Step(name, arguments)
