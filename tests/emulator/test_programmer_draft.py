"""Writing a prescription in the clinician's words: exact, with units, and nothing filled in unseen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.library import Library
from emulator.programmer.draft import Draft, DraftError
from protocol.messages import NO_GRANT, PatientBolusGrant, Prescription
from protocol.units import (
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerNanolitre,
    QuantityError,
)
from protocol.vocabulary import Mode
from verify.suites.fakes import morphine_prescription

LIBRARY = Library.shipped()
EMPTY = Draft(LIBRARY)
MORPHINE = EMPTY.fluid(("morphine", "20 mg/mL"))


def test_an_ordinary_prescription_is_exact() -> None:
    """1 mg/day of morphine at 20 mg/mL with boluses of 0.05 mg becomes whole numbers of base units."""
    draft = MORPHINE.daily_dose("1 mg/day").patient_bolus("0.05 mg", "10 min", "4 h", 4)
    made = draft.prescription()
    assert made.mode is Mode.SIMPLE_CONTINUOUS
    assert made.rate == NanolitresPerDay(50_000)
    assert [(drug.code, drug.concentration) for drug in made.drugs] == [(1, PicogramsPerNanolitre(20_000))]
    assert made.patient_bolus == PatientBolusGrant(
        Nanolitres(2_500), Milliseconds(10 * MINUTE_MS), Milliseconds(4 * HOUR_MS), 4
    )
    assert made.library == LIBRARY.digest
    assert made.override_reason == ""


def test_the_limits_are_the_librarys_hard_ones_until_others_are_given() -> None:
    """A new drug carries its hard limits; given ones replace them one at a time."""
    morphine = LIBRARY.by_name("morphine")
    assert morphine is not None
    first = MORPHINE.drugs[0]
    assert (first.limit_1h, first.limit_24h) == (morphine.hard_1h, morphine.hard_24h)
    changed = MORPHINE.limits("morphine", day="4 mg").drugs[0]
    assert (changed.limit_1h, changed.limit_24h) == (morphine.hard_1h, Picograms(4 * 10**9))
    zero = MORPHINE.limits("morphine", hour="0 mg").drugs[0]
    assert (zero.limit_1h, zero.limit_24h) == (Picograms(0), morphine.hard_24h)
    with pytest.raises(DraftError, match="not in the fluid"):
        MORPHINE.limits("baclofen", day="1 mg")


@pytest.mark.verifies("PRG-01", "PRG-08")
@pytest.mark.parametrize(
    "entry",
    [
        lambda: MORPHINE.daily_dose("1"),
        lambda: MORPHINE.daily_dose("1 mg"),
        lambda: MORPHINE.daily_dose("1 mL/day"),
        lambda: MORPHINE.daily_dose(".5 mg/day"),
        lambda: MORPHINE.daily_dose("0,5 mg/day"),
        lambda: MORPHINE.daily_dose("05 mg/day"),
        lambda: MORPHINE.daily_dose("5. mg/day"),
        lambda: MORPHINE.daily_dose("1e3 ug/day"),
        lambda: MORPHINE.daily_dose("-1 mg/day"),
        lambda: MORPHINE.rate("0.1"),
        lambda: MORPHINE.rate("0.1 mg/day"),
        lambda: EMPTY.fluid(("morphine", "20")),
        lambda: EMPTY.fluid(("morphine", "20 mg")),
        lambda: MORPHINE.patient_bolus("0.05", "10 min", "4 h", 4),
        lambda: MORPHINE.patient_bolus("0.05 mg/day", "10 min", "4 h", 4),
        lambda: MORPHINE.patient_bolus("0.05 mg", "10", "4 h", 4),
        lambda: MORPHINE.patient_bolus("0.05 mg", "10 min", "4", 4),
        lambda: MORPHINE.limits("morphine", hour="1"),
        lambda: MORPHINE.low_reservoir_at("2"),
    ],
)
def test_bare_numbers_wrong_units_and_deadly_spellings_are_refused(entry: Callable[[], Draft]) -> None:
    """Every entry needs its own kind of unit and a plain decimal number."""
    with pytest.raises(QuantityError):
        entry()


@pytest.mark.verifies("PRG-07")
@pytest.mark.parametrize("count", [0, -1, 256, 4.0, True, "4"])
def test_the_number_of_boluses_is_a_small_whole_number(count: int) -> None:
    """Nothing but 1 to 255 is a number of boluses."""
    with pytest.raises(DraftError, match="whole number"):
        MORPHINE.patient_bolus("0.05 mg", "10 min", "4 h", count)


@pytest.mark.verifies("PRG-08")
def test_milligrams_and_micrograms_are_a_thousand_apart() -> None:
    """The unit that was typed is the unit that is meant."""
    in_mg = MORPHINE.daily_dose("1 mg/day").prescription().rate
    in_ug = MORPHINE.daily_dose("1000 µg/day").prescription().rate
    assert in_mg == in_ug == NanolitresPerDay(50_000)
    assert MORPHINE.rate("0.05 mL/day").prescription().rate == in_mg
    assert MORPHINE.rate("0.05 mL/h").prescription().rate == NanolitresPerDay(24 * 50_000)


@pytest.mark.verifies("PRG-20")
def test_a_dose_that_does_not_divide_is_refused_with_the_nearest_below() -> None:
    """No dose is rounded; the message names one that works."""
    draft = EMPTY.fluid(("morphine", "30 mg/mL")).daily_dose("1 mg/day")
    with pytest.raises(QuantityError, match=r"nearest dose below is 999\.99 ug/day"):
        draft.prescription()
    with pytest.raises(QuantityError, match="nearest dose below"):
        MORPHINE.daily_dose("1 mg/day").patient_bolus("0.05001 mg", "10 min", "4 h", 4).prescription()


def test_a_bolus_may_be_a_volume() -> None:
    """A unit of volume makes it a volume, exactly."""
    draft = MORPHINE.daily_dose("1 mg/day").patient_bolus("2.5 µL", "10 min", "4 h", 4)
    assert draft.prescription().patient_bolus.volume == Nanolitres(2_500)


@pytest.mark.verifies("PRG-09")
def test_what_is_missing_is_named_all_at_once() -> None:
    """An empty draft has no concentration, no mode and no dose to overlook."""
    with pytest.raises(DraftError, match="the fluid, the mode"):
        EMPTY.prescription()
    with pytest.raises(DraftError, match="the mode"):
        MORPHINE.prescription()
    with pytest.raises(DraftError, match="the daily dose or the rate"):
        replace(MORPHINE, mode=Mode.SIMPLE_CONTINUOUS).prescription()


@pytest.mark.parametrize(
    ("fluid", "says"),
    [
        ((), "one to 5"),
        ((("morphine", "20 mg/mL"),) * 6, "one to 5"),
        ((("morphine", "20 mg/mL"), ("Morphine", "10 mg/mL")), "twice"),
        ((("morfine", "20 mg/mL"),), "no “morfine”; it has morphine, hydromorphone"),
        ((("morphine", "0 mg/mL"),), "zero"),
    ],
)
def test_a_fluid_that_makes_no_sense_is_refused(fluid: tuple[tuple[str, str], ...], says: str) -> None:
    """None, too many, twice, unknown and empty drugs are told apart."""
    with pytest.raises(DraftError, match=says):
        EMPTY.fluid(*fluid)


def test_a_dose_stays_the_dose_when_the_concentration_changes() -> None:
    """What was meant is kept, and rate and bolus volume follow."""
    draft = MORPHINE.daily_dose("1 mg/day").patient_bolus("0.05 mg", "10 min", "4 h", 4)
    weaker = draft.fluid(("morphine", "10 mg/mL")).prescription()
    assert weaker.rate == NanolitresPerDay(100_000)
    assert weaker.patient_bolus.volume == Nanolitres(5_000)


def test_a_flow_or_a_volume_does_not_survive_a_change_of_the_fluid() -> None:
    """At another concentration the same flow would be another dose, so it must be entered again."""
    draft = MORPHINE.rate("0.05 mL/day").patient_bolus("2.5 uL", "10 min", "4 h", 4)
    changed = draft.fluid(("morphine", "10 mg/mL"))
    assert changed.basal is None
    assert changed.bolus is None
    assert draft.fluid(("morphine", "20 mg/mL")) == draft


def test_a_dose_does_not_survive_a_change_of_the_drug() -> None:
    """Nobody means the same milligrams of another drug."""
    draft = MORPHINE.daily_dose("1 mg/day").patient_bolus("0.05 mg", "10 min", "4 h", 4)
    changed = draft.fluid(("hydromorphone", "20 mg/mL"))
    assert changed.basal is None
    assert changed.bolus is None
    swapped = draft.fluid(("bupivacaine", "10 mg/mL"), ("morphine", "20 mg/mL"))
    assert swapped.basal is None


def test_limits_stay_with_their_drug() -> None:
    """Adding a drug or changing a concentration does not loosen a limit that was given."""
    draft = MORPHINE.limits("morphine", day="4 mg").fluid(("bupivacaine", "10 mg/mL"), ("morphine", "10 mg/mL"))
    assert {drug.code: drug.limit_24h for drug in draft.drugs}[1] == Picograms(4 * 10**9)


def test_the_daily_dose_is_the_primary_drugs() -> None:
    """Naming the drug catches a dose meant for the other one."""
    mixture = EMPTY.fluid(("morphine", "20 mg/mL"), ("bupivacaine", "10 mg/mL"))
    assert mixture.daily_dose("1 mg/day", of="MORPHINE").prescription().rate == NanolitresPerDay(50_000)
    with pytest.raises(DraftError, match="not the primary drug"):
        mixture.daily_dose("1 mg/day", of="bupivacaine")
    with pytest.raises(DraftError, match="not the primary drug"):
        EMPTY.daily_dose("1 mg/day", of="morphine")


def test_stopping_by_prescription_grants_nothing() -> None:
    """A prescription without flow has no patient bolus either."""
    draft = MORPHINE.daily_dose("1 mg/day").patient_bolus("0.05 mg", "10 min", "4 h", 4)
    stopped = draft.stopped().prescription()
    assert (stopped.mode, stopped.rate, stopped.patient_bolus) == (Mode.STOPPED, NanolitresPerDay(0), NO_GRANT)
    slow = draft.minimum_rate().prescription()
    assert (slow.mode, slow.rate) == (Mode.MINIMUM_RATE, NanolitresPerDay(0))


def test_a_bolus_of_nothing_is_an_error_and_none_is_a_choice() -> None:
    """Zero is not how a bolus is taken away."""
    with pytest.raises(DraftError, match="no_patient_bolus"):
        MORPHINE.patient_bolus("0 mg", "10 min", "4 h", 4)
    draft = MORPHINE.daily_dose("1 mg/day").patient_bolus("0.05 mg", "10 min", "4 h", 4).no_patient_bolus()
    assert draft.prescription().patient_bolus == NO_GRANT


@pytest.mark.verifies("FLT-16", "PRG-02", "PRG-07")
@pytest.mark.parametrize(
    "draft",
    [
        MORPHINE.rate("5000 mL/day"),
        MORPHINE.rate("1 mL/day").patient_bolus("5000 mL", "10 min", "4 h", 4),
        MORPHINE.rate("1 mL/day").patient_bolus("1 mL", "50 days", "4 h", 4),
    ],
)
def test_what_the_wire_cannot_carry_is_refused_in_words(draft: Draft) -> None:
    """A number too large for its field never wraps."""
    with pytest.raises(DraftError, match="too large"):
        draft.prescription()


def test_a_reason_that_does_not_fit_is_refused() -> None:
    """Forty bytes is the longest reason; it is not cut."""
    draft = MORPHINE.daily_dose("1 mg/day")
    assert draft.prescription("x" * 40).override_reason == "x" * 40
    with pytest.raises(DraftError, match="override_reason"):
        draft.prescription("x" * 41)


@given(
    rate=st.integers(1, 10**7),
    strength=st.integers(1, 30_000),
    volume=st.integers(0, 10**6),
    mode=st.sampled_from(sorted(set(Mode) - {Mode.FLEX})),
    low=st.integers(0, 10**7),
)
def test_a_draft_from_the_pump_gives_the_same_prescription_back(
    rate: int, strength: int, volume: int, mode: Mode, low: int
) -> None:
    """Taking over and not changing anything changes nothing, except that an old reason is not reused."""
    base = morphine_prescription(LIBRARY)
    held = replace(
        base,
        mode=mode,
        rate=NanolitresPerDay(rate if mode is Mode.SIMPLE_CONTINUOUS else 0),
        drugs=(replace(base.drugs[0], concentration=PicogramsPerNanolitre(strength)),),
        patient_bolus=PatientBolusGrant(Nanolitres(volume), Milliseconds(60_000), Milliseconds(0), 3)
        if volume
        else NO_GRANT,
        low_reservoir=Nanolitres(low),
        override_reason="a reason of last year",
    )
    assert Draft.from_prescription(held, LIBRARY).prescription() == replace(held, override_reason="")


@pytest.mark.verifies("PRG-09")
def test_a_draft_from_an_empty_pump_is_empty() -> None:
    """A pump without a prescription lends no fluid, mode or dose."""
    held = Prescription(Mode.STOPPED, NanolitresPerDay(0), (), NO_GRANT, Nanolitres(5), LIBRARY.digest, "")
    draft = Draft.from_prescription(held, LIBRARY)
    assert (draft.drugs, draft.mode, draft.basal, draft.bolus) == ((), None, None, None)
