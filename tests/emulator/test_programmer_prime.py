"""Priming from the programmer: proposed, shown, sent as confirmed; nothing reaches the tip of a real pump."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.library import Library
from emulator.machine import NotAllowedError
from emulator.programmer.draft import DraftError
from emulator.programmer.priming import GUARD_HOUR_MS, STROKES_ALLOWED_FOR
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, ProgrammerRefusal, StaleReviewError
from protocol.messages import DrugTotal, Prime
from protocol.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    QuantityError,
)
from protocol.vocabulary import TherapyState
from tests.emulator.test_programmer_bridge import LINE_NL, clinic, updated
from tests.emulator.worlds import MORPHINE, PROFILE, World
from verify.suites.fakes import FakePump, infusing_pump

LIBRARY = Library.shipped()
WEAK = (("morphine", "1 mg/mL"),)


def ready(pump: FakePump) -> Programmer:
    """Return a programmer that has interrogated the pump."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


def empty_line(strength: int = 20_000, drug_free: int = LINE_NL) -> FakePump:
    """Return a pump that infuses 50 uL/day into a line that holds no drug."""
    pump = infusing_pump(LIBRARY)
    drug = replace(pump.prescription.drugs[0], concentration=type(pump.prescription.drugs[0].concentration)(strength))
    pump.prescription, pump.drug_free = replace(pump.prescription, drugs=(drug,)), Nanolitres(drug_free)
    return pump


def test_a_weak_fluid_is_primed_as_fast_as_the_pump_can() -> None:
    """327 uL at 1 mL/h are twenty minutes, rounded up to a whole one, and it is shown."""
    proposal = ready(empty_line(1_000)).propose_prime()
    assert proposal.prime == Prime(Nanolitres(LINE_NL), Milliseconds(20 * MINUTE_MS), False)
    for words in ("327 uL of the line's 327 uL", "20 min", "327 ug", "no drug, if the line is as stated"):
        assert words in proposal.text()


def test_a_strong_fluid_is_primed_as_fast_as_the_limit_of_the_hour_allows() -> None:
    """6.54 mg within 1.83 mg an hour, in whole minutes; the guard's longer hour and a few strokes are allowed for."""
    duration = ready(empty_line()).propose_prime().prime.duration.value
    assert duration % MINUTE_MS == 0
    hour_pg = LINE_NL * 20_000 * GUARD_HOUR_MS // duration + STROKES_ALLOWED_FOR * 500 * 20_000
    limit = 1_833_333_334
    assert hour_pg <= limit < LINE_NL * 20_000 * GUARD_HOUR_MS // (duration - MINUTE_MS) + 30_000_000


@given(strength=st.integers(1, 25_000), volume=st.integers(1, LINE_NL // 500), counted=st.integers(0, 1_900_000_000))
def test_what_is_proposed_fits_or_is_refused_in_words(strength: int, volume: int, counted: int) -> None:
    """Whatever the fluid, the volume and what the hour holds: never more than the hour's limit, never over a day."""
    pump = empty_line(strength)
    pump.totals = (DrugTotal(MORPHINE, *map(Picograms, (0, counted, counted, 0, 0))),)
    programmer = ready(pump)
    limit = pump.prescription.drugs[0].limit_1h.value
    try:
        prime = programmer.propose_prime(volume=f"{volume * 500} nL").prime
    except ProgrammerRefusal as refusal:
        said = [words for words in ("limit of", "its limit in", "no flow for this pump") if words in str(refusal)]
        assert said, refusal  # noqa: PT017 - either outcome is right, each in its own way
        return
    span = min(prime.duration.value, HOUR_MS)
    flow = prime.volume.value * DAY_MS // prime.duration.value
    assert counted + prime.volume.value * strength * span // prime.duration.value <= limit
    assert 48_000 <= flow <= 24_000_000
    assert prime.duration.value <= 24 * HOUR_MS


def test_the_hour_and_the_day_that_are_full_are_named() -> None:
    """Drug, what is counted and the limit; nothing is sent."""
    pump = empty_line()
    pump.totals = (DrugTotal(MORPHINE, *map(Picograms, (0, 1_830_000_000, 1_830_000_000, 0, 0))),)
    with pytest.raises(ProgrammerRefusal, match=r"morphine: 1\.83 mg left the pump in the last hour"):
        ready(pump).propose_prime()
    pump.totals = (DrugTotal(MORPHINE, *map(Picograms, (0, 0, 14 * 10**9, 0, 0))),)
    with pytest.raises(ProgrammerRefusal, match=r"6\.54 mg, and 14 mg beside it in 24 h, pass its limit of 20 mg"):
        ready(pump).propose_prime()


def test_only_what_holds_no_drug_is_primed_in_whole_strokes() -> None:
    """More than the empty part is refused; a rest smaller than a stroke stays."""
    programmer = ready(empty_line(1_000, drug_free=100_300))
    assert programmer.propose_prime().prime.volume == Nanolitres(100_000)
    with pytest.raises(DraftError, match="100 uL of the line hold no drug"):
        programmer.propose_prime(volume="100.001 uL")
    with pytest.raises(DraftError, match="cannot be primed"):
        programmer.propose_prime(volume="0 uL")
    for bare in ({"volume": "100"}, {"duration": "20"}):
        with pytest.raises(QuantityError):
            programmer.propose_prime(**bare)  # type: ignore[arg-type] # names of options
    with pytest.raises(DraftError, match="no flow for this pump"):
        programmer.propose_prime(duration="1 min")
    with pytest.raises(DraftError, match="no flow for this pump"):
        programmer.propose_prime(duration="0 min")


@pytest.mark.verifies("PRM-05")
def test_a_line_full_of_drug_is_primed_only_if_it_was_emptied() -> None:
    """The declaration is explicit, shown in capitals, and part of what is sent."""
    programmer = ready(infusing_pump(LIBRARY))
    with pytest.raises(ProgrammerRefusal, match="whole line holds drug"):
        programmer.propose_prime()
    proposal = programmer.propose_prime(line_emptied=True)
    assert proposal.prime.line_emptied
    assert "TUBING AND CATHETER EMPTIED, as you declare" in proposal.text()


def test_behind_an_emptied_catheter_only_the_catheter_is_primed() -> None:
    """The tubing still holds drug, which the volume of the whole line would push out at the tip."""
    programmer = ready(infusing_pump(LIBRARY))
    proposal = programmer.propose_prime(catheter_emptied=True)
    assert proposal.prime.catheter_emptied
    assert not proposal.prime.line_emptied
    assert proposal.prime.volume == PROFILE.catheter
    assert "CATHETER EMPTIED, as you declare" in proposal.text()
    with pytest.raises(DraftError, match="not both"):
        programmer.propose_prime(line_emptied=True, catheter_emptied=True)


def test_a_pump_without_a_prescription_is_not_primed() -> None:
    """Nobody knows what would be primed with."""
    with pytest.raises(ProgrammerRefusal, match="confirmed"):
        ready(FakePump(LIBRARY)).propose_prime(line_emptied=True)


@pytest.mark.parametrize("state", [TherapyState.BRIDGE, TherapyState.PRIMING])
def test_a_pump_that_bridges_or_primes_is_not_primed(state: TherapyState) -> None:
    """It is said before anything is shown or sent."""
    pump = empty_line(1_000)
    pump.state = state
    with pytest.raises(ProgrammerRefusal, match="nothing can be primed now"):
        ready(pump).propose_prime()


def test_exactly_what_was_shown_is_sent_once() -> None:
    """An older proposal, a second press, or one from before another interrogation is refused; nothing is sent."""
    pump = empty_line(1_000)
    programmer = ready(pump)
    first, second = programmer.propose_prime(), programmer.propose_prime(volume="200 uL")
    with pytest.raises(StaleReviewError):
        programmer.prime(first)
    assert programmer.prime(second) == Done(pump.answer(second.prime, 99))
    with pytest.raises(StaleReviewError):
        programmer.prime(second)
    third = programmer.propose_prime()
    programmer.interrogate()
    with pytest.raises(StaleReviewError):
        programmer.prime(third)
    assert [message for message in pump.requests if isinstance(message, Prime)] == [second.prime] * 2


def test_priming_waits_for_its_place_in_the_workflow() -> None:
    """Not before an interrogation, not with a draft under way, not with another drug library."""
    pump = empty_line(1_000)
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    with pytest.raises(NotAllowedError):
        programmer.propose_prime()
    programmer.interrogate()
    programmer.edit(programmer.draft.daily_dose("0.06 mg/day"))
    with pytest.raises(NotAllowedError):
        programmer.propose_prime()
    programmer.discard()
    pump.library = bytes(16)
    programmer.interrogate()
    with pytest.raises(ProgrammerRefusal, match="librar"):
        programmer.propose_prime()


# --- a real pump ---------------------------------------------------------------------------------------------


def implanted() -> tuple[World, Programmer]:
    """Return a pump with a new catheter: the line holds no drug, and 100 uL/day of 20 mg/mL are prescribed."""
    world = World(fluid=((MORPHINE, 20_000),))
    programmer = clinic(world)
    updated(programmer, programmer.blank().fluid(("morphine", "20 mg/mL")).daily_dose("2 mg/day"))
    world.device.body.fill_line(())
    programmer.interrogate()
    return world, programmer


@pytest.mark.verifies("PRM-03")
def test_the_proposed_prime_is_accepted_and_ends_with_drug_at_the_tip_and_none_beyond() -> None:
    """The real pump takes what is proposed; nothing reaches the patient by it, and then the basal dose does."""
    world, programmer = implanted()
    programmer.stop()
    programmer.interrogate()
    proposal = programmer.propose_prime(line_emptied=True)
    assert isinstance(programmer.prime(proposal), Done)
    assert programmer.interrogate().therapy.state is TherapyState.PRIMING
    notes = programmer.close().notes
    assert "THE PUMP IS PRIMING AND WILL BE STOPPED AFTERWARDS, NO DRUG IS DELIVERED." in notes
    programmer.close(stopped_acknowledged=True)
    world.advance(proposal.prime.duration.value + MINUTE_MS)
    programmer.connect()
    view = programmer.interrogate()
    assert view.therapy.state is TherapyState.STOPPED
    assert view.therapy.drug_free.value == 0
    assert world.bench.truth()["tip_pg"].get("morphine", 0) == 0
    programmer.close(stopped_acknowledged=True)
    world.advance(5 * HOUR_MS)  # until the hour at the outlet has room again
    programmer.connect()
    programmer.interrogate()
    assert isinstance(programmer.start(), Done)
    programmer.close()
    world.advance(DAY_MS)
    assert abs(world.bench.truth()["tip_pg"]["morphine"] - 2 * 10**9) <= 2 * 500 * 20_000


def test_priming_while_infusing_goes_back_to_the_therapy() -> None:
    """A pump that infused infuses again; the close says nothing of a stop."""
    world, programmer = implanted()
    proposal = programmer.propose_prime(line_emptied=True)
    result = programmer.prime(proposal)
    assert isinstance(result, Done), result
    assert programmer.close().notes == ()
    world.advance(proposal.prime.duration.value + MINUTE_MS)
    programmer.connect()
    view = programmer.interrogate()
    assert (view.therapy.state, view.therapy.rate) == (TherapyState.SIMPLE_CONTINUOUS, NanolitresPerDay(100_000))
