"""The ledgers of several drugs at two places: all consent or nothing moves, and nothing counted is ever dropped."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from emulator.firmware import guard, ledgers
from emulator.firmware.guard import Sizes
from emulator.firmware.ledgers import DrugLedgers, Ledgers

TINY = Sizes(hour_bucket_ms=2, hour_buckets=3, day_bucket_ms=3, day_buckets=4)
NOWHERE: frozenset[int] = frozenset()


def of(*codes: int, limit: int = 10) -> Ledgers:
    """Return empty ledgers of some drugs, all limits the same."""
    return ledgers.with_drugs((), dict.fromkeys(codes, (limit, limit)), NOWHERE, TINY)


def totals(held: Ledgers) -> dict[int, tuple[int, int]]:
    """Return what each drug's day holds at the outlet and at the tip."""
    return {code: (outlet.day.total, tip.day.total) for code, outlet, tip in held}


@pytest.mark.verifies("DOSE-01")
def test_a_stroke_is_counted_for_every_drug_at_both_places() -> None:
    """A granted stroke counts each drug's mass where it left: out of the pump and out of the tip."""
    held, granted = ledgers.grant(of(1, 2), {1: 3}, {1: 2, 2: 5})
    assert granted
    assert totals(held) == {1: (3, 2), 2: (0, 5)}


@pytest.mark.verifies("DOSE-03")
@pytest.mark.parametrize(("outlet", "tip"), [({1: 11}, {}), ({2: 11}, {}), ({}, {1: 11}), ({1: 1}, {2: 11})])
def test_one_refusal_refuses_the_whole_stroke(outlet: dict[int, int], tip: dict[int, int]) -> None:
    """If one drug at one place has no room, nothing of the stroke is granted or counted."""
    assert ledgers.grant(of(1, 2), outlet, tip) == (of(1, 2), False)


def test_a_drug_without_a_ledger_is_never_granted() -> None:
    """Mass of a drug that nobody set a limit for is refused at either place; none of it is no objection."""
    assert not ledgers.grant(of(1), {9: 1}, {})[1]
    assert not ledgers.grant(of(1), {}, {9: 1})[1]
    assert ledgers.grant(of(1), {9: 0}, {})[1]


@pytest.mark.verifies("DOSE-01")
def test_every_short_sequence_of_strokes_keeps_every_ledger() -> None:
    """Whatever strokes are asked for, exact windows of each drug at each place stay within the limits."""
    masses = [({1: a}, {1: b, 2: a}) for a, b in itertools.product((0, 1, 2), repeat=2)]
    seen: Counter[bool] = Counter()
    for sequence in itertools.product([*masses, None], repeat=4):
        held, now = of(1, 2, limit=3), 0
        moved: list[tuple[int, int, int, int]] = []
        for step in sequence:
            if step is None:
                now += 3
                held = ledgers.advance_all(held, 3, TINY)
                continue
            held, granted = ledgers.grant(held, *step)
            seen[granted] += 1
            if granted:
                moved.append((now, step[0][1], step[1][1], step[1][2]))
            for column in (1, 2, 3):
                assert sum(entry[column] for entry in moved if entry[0] >= now - 4) <= 3
    assert min(seen[True], seen[False]) > 1_000


def test_a_lost_drug_has_its_limits_and_no_room() -> None:
    """Lost ledgers are those of the same drugs with the same limits, full at both places."""
    lost = ledgers.all_lost(of(1, 2), TINY)
    assert [entry.code for entry in lost] == [1, 2]
    assert not any(ledgers.grant(lost, {code: 1}, {})[1] or ledgers.grant(lost, {}, {code: 1})[1] for code in (1, 2))
    assert {ledger.limit_24h for _, *pair in lost for ledger in pair} == {10}


@pytest.mark.verifies("DOSE-14")
def test_an_observed_movement_is_counted_beyond_the_limit() -> None:
    """What moved without a grant is counted for its drug at both places and takes the room away."""
    held = ledgers.observe(of(1, 2), {1: 11}, {1: 12})
    assert totals(held) == {1: (11, 12), 2: (0, 0)}
    assert held[0].outlet.overrun
    assert not ledgers.grant(held, {1: 1}, {})[1]


@pytest.mark.verifies("BOL-04")
def test_a_new_prescription_keeps_what_was_counted() -> None:
    """A drug prescribed again has new limits and its old count; a new drug starts empty."""
    held = ledgers.grant(of(1), {1: 7}, {1: 6})[0]
    after = ledgers.with_drugs(held, {2: (4, 5), 1: (8, 9)}, NOWHERE, TINY)
    assert totals(after) == {2: (0, 0), 1: (7, 6)}
    limits = [
        (entry.outlet.limit_1h, entry.outlet.limit_24h, entry.tip.limit_1h, entry.tip.limit_24h) for entry in after
    ]
    assert limits == [(4, 5, 4, 5), (8, 9, 8, 9)]


def counted(place: str) -> DrugLedgers:
    """Return a drug that is counted at one place only."""
    empty, used = of(1)[0].outlet, guard.commit(of(1)[0].outlet, 1)[0]
    return DrugLedgers(1, used if place == "outlet" else empty, used if place == "tip" else empty)


@pytest.mark.parametrize(
    ("entry", "in_line", "kept"),
    [
        (of(1)[0], NOWHERE, False),
        (of(1)[0], frozenset({1}), True),
        (counted("outlet"), NOWHERE, True),
        (counted("tip"), NOWHERE, True),
    ],
    ids=["nowhere", "in the line", "counted at the outlet", "counted at the tip"],
)
def test_a_drug_no_longer_prescribed_goes_only_when_nothing_of_it_is_left(
    entry: DrugLedgers, in_line: frozenset[int], kept: bool
) -> None:
    """Its ledgers stay, with their limits, while it stands in the line or is counted in a window."""
    after = ledgers.with_drugs((entry,), {2: (4, 5)}, in_line, TINY)
    assert [each.code for each in after] == ([2, 1] if kept else [2])
    assert all(each == entry for each in after if each.code == 1)
