"""Writes the generated parts of the documentation: ``python docs/generate.py``, or ``--check`` to look for drift.

A generated section of a page stands between two markers::

    <!-- generated: NAME -->
    ...
    <!-- end of NAME -->

What is between them is written by the function that ``SECTIONS`` names for it; the rest of the page is written by
people. Files that are generated as a whole stand in ``FILES``. To add one, write a function that returns its text
and enter it in the list. A function must return the same text on every machine.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import decoder_tables
import protocol_tables
import protocol_vectors
import pump_tables

DOCS = Path(__file__).parent


class Section(NamedTuple):
    """A part of a page that a function writes."""

    file: str
    name: str
    text: Callable[[], str]


class WholeFile(NamedTuple):
    """A file that a function writes."""

    file: str
    text: Callable[[], str]


SECTIONS = [
    Section("protocol.md", "contents", protocol_tables.contents),
    Section("protocol.md", "frame types", protocol_tables.frame_types),
    Section("protocol.md", "frame faults", protocol_tables.frame_faults),
    Section("protocol.md", "refusals of the link", protocol_tables.link_refusals),
    Section("protocol.md", "constants", protocol_tables.constants),
    Section("protocol.md", "handshake messages", protocol_tables.handshake_messages),
    Section("protocol.md", "requests", protocol_tables.requests),
    Section("protocol.md", "replies", protocol_tables.replies),
    Section("protocol.md", "records", protocol_tables.records),
    Section("protocol.md", "enumerations", protocol_tables.enumerations),
    Section("protocol.md", "flip table", protocol_tables.flips),
    Section("protocol.md", "sample conversation", protocol_tables.sample_conversation),
    Section("protocol.md", "minimal client", protocol_tables.minimal_client),
    Section("design.md", "therapy machine", pump_tables.therapy_machine),
    Section("design.md", "programmer machine", pump_tables.programmer_machine),
    Section("design.md", "alarms", pump_tables.alarms),
]
FILES = [
    WholeFile("vectors/protocol-1.json", protocol_vectors.text),
    WholeFile("../hw/wireshark/thecal_tables.lua", decoder_tables.as_lua),
    WholeFile("../hw/sigrok/thecal/tables.json", decoder_tables.as_json),
]


class MarkerError(Exception):
    """A page does not have the markers of a section exactly once."""


def with_section(page: str, name: str, text: str) -> str:
    """Return the page with the text between the markers of this name."""
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end of {name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise MarkerError(f"the markers “{begin.strip()}” and “{end}” must stand on the page exactly once")
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    return re.sub(pattern, lambda _: f"{begin}\n{text.strip()}\n\n{end}", page, flags=re.DOTALL)


def rendered(docs: Path = DOCS) -> dict[Path, str]:
    """Return every file that has generated text, as it should be."""
    texts = {docs / whole.file: whole.text() for whole in FILES}
    for section in SECTIONS:
        path = docs / section.file
        page = texts.get(path) or path.read_text(encoding="utf-8")
        texts[path] = with_section(page, section.name, section.text())
    return texts


def drifted(docs: Path = DOCS) -> list[Path]:
    """Return the files that are not as they should be."""
    return [
        path for path, text in rendered(docs).items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> None:
    """Write what has changed; with ``--check``, name it and fail instead."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if anything would change")
    check = parser.parse_args().check
    changed = drifted()
    if check and changed:
        sys.exit("Run “python docs/generate.py”; out of date: " + ", ".join(path.name for path in changed))
    texts = rendered() if changed else {}
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], encoding="utf-8", newline="\n")
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
