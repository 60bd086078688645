"""The published figures: the model meets them, and the documentation shows what it really computes."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from emulator.patient.anchors import Anchor, Origin, anchors, render_anchor_table

DOCUMENT = Path(__file__).parents[3] / "docs" / "patient.md"
ANCHORS = list(anchors())


@pytest.fixture(scope="module")
def table() -> str:
    """Return the table as computed now."""
    return render_anchor_table()


@pytest.mark.parametrize("anchor", ANCHORS, ids=lambda anchor: anchor.what)
def test_the_model_meets_the_published_figure(anchor: Anchor) -> None:
    """Each published figure comes out of the model within its stated range."""
    assert anchor.low <= anchor.measure() <= anchor.high


def test_the_document_shows_the_computed_table(table: str) -> None:
    """The table in docs/patient.md is the one the model gives now, so it cannot drift."""
    assert table in DOCUMENT.read_text(encoding="utf-8")


def test_every_anchor_is_one_row_with_its_reason(table: str) -> None:
    """No anchor is named twice, each has source and reason, and each kind of origin occurs."""
    assert len({anchor.what for anchor in ANCHORS}) == len(ANCHORS) >= 25
    assert all(anchor.source and anchor.reason and anchor.published for anchor in ANCHORS)
    assert {anchor.origin for anchor in ANCHORS} == set(Origin)
    rows = table.splitlines()
    assert len(rows) == len(ANCHORS) + 2
    assert {row.count(" | ") for row in rows[2:]} == {6}


def test_the_examples_in_the_document_run() -> None:
    """What the document shows as a session is what Python answers."""
    outcome = doctest.testfile(str(DOCUMENT), module_relative=False, encoding="utf-8")
    assert outcome.attempted >= 10
    assert outcome.failed == 0
