"""Reading a script from the text of a file, perhaps written by hand: what is wrong is named, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
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
    lines = list(_lines(text))
    if len(lines) != len(data["steps"]):
        raise ScriptError("“steps” stands there more than once")
    steps = [
        _step(f"line {line}, step {number}", each)
        for number, (line, each) in enumerate(zip(lines, data["steps"], strict=True), 1)
    ]
    return Script(data["start"], data["seed"], data["faulty"], steps, str(data["story"]))


def _lines(text: str) -> Iterator[int]:
    """Yield the line of the text on which each step begins. In a string the quotes of a key would be escaped."""
    beginning = re.search(r'(?<!\\)"steps"\s*:\s*\[', text)
    at, decoder = beginning.end() if beginning else 0, json.JSONDecoder()
    while (more := re.compile(r"[\s,]*").match(text, at)) and text[more.end()] != "]":
        yield 1 + text.count("\n", 0, more.end())
        _, at = decoder.raw_decode(text, more.end())


def _step(place: str, data: Any) -> Step:
    match data:
        case [str(name), dict(arguments)]:
            pass
        case _:
            raise ScriptError(f"{place} is not a list of an action's name and its arguments: {data!r}")
    known = ACTIONS.get(name)
    if known is None:
        raise ScriptError(f"{place}: no action is called “{name}”")
    if set(arguments) != set(known.domains):
        raise ScriptError(f"{place}: “{name}” takes {', '.join(known.domains) or 'no arguments'}")
    for argument, value in arguments.items():
        domain = known.domains[argument]
        if not domain.holds(value):
            raise ScriptError(f"{place}: {argument} of “{name}” cannot be {value!r}; it is one of: {domain.words()}")
    return Step(name, arguments)
