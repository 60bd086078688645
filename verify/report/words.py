"""Words of the page: the colour that a word has, and spans of time for a person."""

from __future__ import annotations

import datetime
import re

from emulator.programmer.words import clock

GOOD_WORDS = ("passed", "shown", "holds", "killed", "equivalent", "good")
BAD_WORDS = ("failed", "violated", "survived", "not equivalent", "suspect", "no test")


def tone(word: object) -> str:
    """Return the class of colour of a word."""
    text = str(word).lower()
    return "good" if text in GOOD_WORDS else "bad" if text in BAD_WORDS else "doubt"


def instant(text: str) -> str:
    """Return an instant for a person, to the second; in UTC, if it says its own zone."""
    if not text:
        return "not said"
    at = datetime.datetime.fromisoformat(text)
    return (at.astimezone(datetime.UTC) if at.tzinfo else at).isoformat(sep=" ", timespec="seconds")


def slug(name: str) -> str:
    """Return a name as a link's target may be called."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name)


def span(span_ms: int | None) -> str:
    """Return a span of time for a person; one that lies before what it counts from says so."""
    if span_ms is None:
        return ""
    if span_ms == 0:
        return "at once"
    return f"{clock(-span_ms)} before" if span_ms < 0 else clock(span_ms)
