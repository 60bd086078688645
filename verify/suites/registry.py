"""The suites by name. One is imported when it is asked for, so that what it tries is imported no earlier."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verify.suites.suite import Suite

NAMES = (
    "guard",
    "ledgers",
    "ahead",
    "metering",
    "planner",
    "quantity",
    "panel",
    "detectors",
    "log",
    "schedule",
    "plans",
    "power",
    "frame",
    "messages",
    "link",
    "link_ends",
    "edges",
    "handshake",
    "channel",
    "conversation",
    "limits",
    "bridge",
    "priming",
    "week",
    "dates",
    "entry",
    "memory",
    "pump",
    "programming",
    "flex",
    "crossing",
    "filling",
    "line",
    "watching",
    "contact",
    "mixtures",
    "overlapping",
    "losing",
    "keeping",
    "escaping",
    "leaping",
    "wire",
)
"""In the order in which they are tried: the quick ones first."""


def suite(name: str) -> Suite:
    """Return the suite of that name."""
    found: Suite = import_module(f"verify.suites.{name}").SUITE
    return found


def suite_of(claimed: str) -> str:
    """Return the name of the suite that a property belongs to."""
    return claimed.partition(".")[0]
