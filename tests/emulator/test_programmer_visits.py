"""Visit after visit to a real pump: fluids change, schedules run, lines are primed, and the judge looks on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from emulator.drug import Verdict
from emulator.library import Library
from emulator.programmer.draft import Draft
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NotDone, ProgrammerRefusal
from protocol.units import HOUR_MS, Milliseconds
from protocol.vocabulary import Reason, TherapyState
from tests.emulator.test_programmer_bridge import clinic
from tests.emulator.worlds import MORPHINE, World
from verify.judge import judge_lines
from verify.properties import load_properties

LIBRARY = Library.shipped()
STRENGTHS = (2, 5, 10, 20, 25)
BY_HISTORY = {Reason.HOUR_LIMIT, Reason.DAY_LIMIT, Reason.BRIDGE_NEEDED, Reason.BRIDGE_IMPOSSIBLE}
"""What only the pump can know: what it delivered, and what an override left in the line."""

REACHED: Counter[str] = Counter()
"""What the visits came to: a property whose premise never happened has shown nothing."""
COUNTS: Counter[str] = Counter()
"""What all visits reached, as the judge counts it."""


class Visit(NamedTuple):
    """What is done at one visit, and how long the next one takes to come."""

    strength: int
    night: int
    day: int
    flex: bool
    bridge: bool
    bolus: bool
    hours: int


VISITS = st.builds(
    Visit,
    strength=st.sampled_from(STRENGTHS),
    night=st.sampled_from([500, 1_000, 2_000, 3_000]),
    day=st.sampled_from([1_000, 2_000, 4_000]),
    flex=st.booleans(),
    bridge=st.booleans(),
    bolus=st.booleans(),
    hours=st.sampled_from([1, 7, 48]),
)


def wanted(draft: Draft, visit: Visit, pump_time: Milliseconds) -> Draft:
    """Return what a visit prescribes."""
    draft = draft.fluid(("morphine", f"{visit.strength} mg/mL"))
    if visit.flex:
        draft = draft.flex(f"all 00:00 {visit.night} ug/day", f"all 08:00 {visit.day} ug/day")
        draft = draft.now("mon 07:00", pump_time)
    else:
        draft = draft.daily_dose(f"{visit.night} ug/day")
    return draft if visit.bridge else draft.no_bridge("by choice")


def pay(visit: Visit, world: World, programmer: Programmer) -> None:
    """Refill with the visit's fluid and prescribe; if that cannot be, put the old fluid back."""
    before = world.device.body.fluid
    world.bench.refill(18_000_000, ((MORPHINE, visit.strength * 1_000),))
    programmer.edit(wanted(programmer.draft, visit, programmer.interrogate().therapy.pump_time))
    review = programmer.review()
    if not review.approved:
        review = programmer.justify("a visit")
    if not review.approved:
        assert any(finding.verdict is Verdict.HARD for finding in review.findings)
        REACHED["hard"] += 1
        programmer.discard()
        world.bench.refill(18_000_000, before)
        return
    result = programmer.update(review)
    if isinstance(result, NotDone):
        assert result.refusal is not None
        assert result.refusal.reason in BY_HISTORY, result.words
        REACHED[result.refusal.reason.name] += 1
        programmer.discard()
        world.bench.refill(18_000_000, before)
        return
    assert isinstance(result, Done)
    view = programmer.verify().view
    REACHED[view.therapy.state.name] += 1
    if review.prescription.bridge.value:
        assert view.therapy.state is TherapyState.BRIDGE
        assert view.therapy.rate == review.prescription.bridge


@pytest.mark.verifies("DOSE-01", "DOSE-05", "PRM-06")
@pytest.mark.safety
def test_whatever_is_prescribed_in_which_order_the_judge_finds_nothing(
    record_property: Callable[[str, object], None],
) -> None:
    """What the programmer lets through keeps every limit at outlet and tip, and the pump takes what was worked out,
    except for what only its history can tell it.
    """
    REACHED.clear()
    COUNTS.clear()
    _visits()
    record_property("counts", dict(COUNTS))
    assert {what: REACHED[what] for what in ("BRIDGE", "FLEX", "SIMPLE_CONTINUOUS") if REACHED[what] < 3} == {}


# Two days of strokes a visit: a failing list is short enough as it is.
@settings(max_examples=40, phases=(Phase.explicit, Phase.generate))
@given(visits=st.lists(VISITS, min_size=2, max_size=4))
def _visits(visits: list[Visit]) -> None:
    world = World(fluid=((MORPHINE, visits[0].strength * 1_000),))
    programmer = clinic(world)
    for visit in visits:
        pay(visit, world, programmer)
        programmer.interrogate()
        if visit.bolus:
            with suppress(ProgrammerRefusal):
                programmer.bolus("0.1 mg", "30 min")
        programmer.close(stopped_acknowledged=True)
        world.advance(visit.hours * HOUR_MS)
        programmer.connect()
        programmer.interrogate()
    world.bench.finish()
    verdict = judge_lines(world.journal.lines, properties=load_properties())
    COUNTS.update(verdict.counts())
    assert verdict.holds, verdict.lines()
