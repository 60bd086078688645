"""The patient as others use it: what it takes, what it refuses, what it says."""

from __future__ import annotations

import dataclasses

import pytest

from emulator.library import Library
from emulator.patient.experiments import bolus, hours_until, infuse, infused
from emulator.patient.parameters import Route
from emulator.patient.patient import Patient, PatientError, drawn
from emulator.patient.reading import shipped_patient_model
from emulator.patient.signs import Alertness, Breathing, Outcome
from protocol.units import DAY_MS, HOUR_MS

MG = 1_000_000_000
UG = 1_000_000


def test_every_drug_of_the_shipped_library_is_modelled_under_its_code() -> None:
    """Whatever the emulated pump may deliver, the patient knows by the same number and name."""
    codes = {drug.code: drug.name for drug in shipped_patient_model().drugs.values()}
    assert codes == {entry.code: entry.name for entry in Library.shipped()}


def test_a_code_and_a_name_are_the_same_drug() -> None:
    """Drug received under its code is found under its name."""
    patient = Patient("cancer-pain")
    patient.receive(0, 1, MG)
    patient.receive(0, "morphine", MG)
    assert patient.balance("morphine").received_pg == patient.balance(1).received_pg == 2 * MG
    assert patient.levels(1) == patient.levels("morphine")
    assert patient.knows(1)
    assert patient.knows("morphine")
    assert not patient.knows(99)


@pytest.mark.parametrize("mass", [-1, 1.0, True, "1", None])
def test_only_whole_picograms_arrive(mass: object) -> None:
    """A mass that is not a whole number from 0 is refused and changes nothing."""
    patient = Patient("volunteer")
    with pytest.raises(PatientError, match="whole number"):
        patient.receive(5, "morphine", mass)  # type: ignore[arg-type]
    assert patient.now_ms == 0


def test_what_the_patient_cannot_know_is_refused_with_the_choices() -> None:
    """An unknown drug or indication is named, with what there is instead."""
    with pytest.raises(PatientError, match=r"“gout”; there are: volunteer, cancer-pain"):
        Patient("gout")
    patient = Patient("volunteer")
    for ask in (lambda: patient.receive(0, "water", 1), lambda: patient.levels(99), lambda: patient.balance("water")):
        with pytest.raises(PatientError, match="it has: morphine"):
            ask()


def test_time_does_not_go_back() -> None:
    """Neither drug nor time may come from the past, and a refused arrival leaves no trace."""
    patient = bolus("volunteer", "morphine", MG)
    patient.advance(HOUR_MS)
    before = patient.signs()
    with pytest.raises(PatientError, match="3600000 ms"):
        patient.advance(HOUR_MS - 1)
    with pytest.raises(PatientError, match="3600000 ms"):
        patient.receive(HOUR_MS - 1, "morphine", MG)
    with pytest.raises(PatientError, match="not a whole number of ms"):
        patient.advance(HOUR_MS + 0.5)  # type: ignore[arg-type]
    with pytest.raises(PatientError):
        patient.receive(0, "baclofen", MG)
    assert patient.signs() == before
    assert patient.balance("morphine").received_pg == MG


def test_an_untreated_patient_is_as_the_indication_says() -> None:
    """Without drug there is the pain, tone, breath and pressure of the starting point, for ever."""
    for name, indication in shipped_patient_model().indications.items():
        patient = Patient(name)
        patient.advance(365 * DAY_MS)
        signs = patient.signs()
        assert (signs.pain, signs.spasticity) == (indication.pain, indication.spasticity)
        assert (signs.breaths_per_min, signs.systolic_mmhg) == (indication.breaths_per_min, indication.systolic_mmhg)
        assert signs.withdrawals == ()
        assert signs.alertness is Alertness.AWAKE


def test_same_life_same_signs() -> None:
    """Two patients with the same life are equal to the last digit, and so are two drawn from one seed."""
    lives = []
    for _ in range(2):
        patient = Patient("back-pain", individual=drawn(42))
        infuse(patient, "morphine", 3 * MG, 3 * DAY_MS)
        patient.receive(patient.now_ms, "clonidine", 20 * UG)
        patient.advance(patient.now_ms + HOUR_MS)
        lives.append((patient.signs(), patient.levels("morphine"), patient.balance("clonidine")))
    assert lives[0] == lives[1]


def test_subjects_feel_the_same_dose_differently() -> None:
    """Over fifty subjects the same dose leaves pain that spreads by points."""
    pains = []
    for seed in range(50):
        patient = Patient("back-pain", individual=drawn(seed))
        infuse(patient, "morphine", MG // 3, 10 * DAY_MS, every_ms=6 * HOUR_MS)
        pains.append(patient.signs().pain)
    assert max(pains) - min(pains) > 1.5


def test_results_are_frozen() -> None:
    """What was seen cannot be changed afterwards."""
    signs = bolus("volunteer", "morphine", MG).signs()
    with pytest.raises(dataclasses.FrozenInstanceError):
        signs.pain = 0.0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        signs.withdrawals[0].stage = 3  # type: ignore[misc]


def test_asking_changes_nothing() -> None:
    """Signs, levels and balance may be asked for at will, also for a drug that never came."""
    patient = bolus("volunteer", "morphine", MG)
    patient.advance(HOUR_MS)
    before = patient.signs()
    assert patient.balance("baclofen").received_pg == 0
    assert patient.levels("fentanyl").spinal_ug_ml == 0.0
    assert patient.signs() == before


def test_it_is_told_which_drugs_are_modelled_by_analogy() -> None:
    """Of the drugs received, those with borrowed figures are named."""
    patient = bolus("back-pain", "morphine", MG)
    own = patient.by_analogy
    patient.receive(0, "fentanyl", UG)
    patient.receive(0, "ziconotide", UG)
    assert (own, patient.by_analogy) == ((), ("fentanyl", "ziconotide"))


# --- words ---


def test_a_patient_well_treated_has_no_named_harm() -> None:
    """On a fitting dose the words are of a patient who is awake, breathes and has little pain."""
    signs = infused("cancer-pain", "morphine", 2 * MG, 20 * DAY_MS).signs()
    assert signs.outcomes == ()
    assert signs.words() == ("pain 1 of 10", "breathing normally, 14 a minute", "awake")


def test_the_words_of_an_overdose() -> None:
    """An overdose of morphine in a volunteer is put into words, and is the hazard OVERDOSE."""
    patient = bolus("volunteer", "morphine", 10 * MG)
    patient.advance(6 * HOUR_MS)
    signs = patient.signs()
    assert signs.outcomes == (Outcome.OVERDOSE,)
    assert signs.breathing is Breathing.APNOEA
    assert signs.words() == ("pain 0 of 10", "breathing with pauses: apnoea, 3 a minute", "hard to rouse")


def test_the_words_of_withdrawal() -> None:
    """A stopped baclofen pump is put into words, stage by stage, and is the hazard WITHDRAWAL."""
    patient = infused("spinal-spasticity", "baclofen", 300 * UG, 30 * DAY_MS)
    patient.advance(patient.now_ms + 30 * HOUR_MS)
    signs = patient.signs()
    assert Outcome.WITHDRAWAL in signs.outcomes
    words = "\n".join(signs.words())
    assert "spasticity 4 of 4 (Ashworth)" in words
    assert "severe withdrawal of baclofen: itching, spasticity returns" in words
    assert "seizures" in words


def test_weakness_confusion_and_pressure_have_their_words() -> None:
    """A spinal dose of bupivacaine, too much ziconotide and clonidine stopped or overdosed are each named."""
    numb = bolus("back-pain", "bupivacaine", 15 * MG)
    numb.advance(HOUR_MS // 2)
    assert "weak legs" in numb.signs().words()
    assert any(word.startswith("systolic blood pressure 8") for word in numb.signs().words())
    confused = infused("back-pain", "ziconotide", 40 * UG, 5 * DAY_MS)
    assert "confused" in confused.signs().words()
    stopped = infused("back-pain", "clonidine", 300 * UG, 30 * DAY_MS)
    stopped.advance(stopped.now_ms + 36 * HOUR_MS)
    assert any(word.startswith("systolic blood pressure 2") for word in stopped.signs().words())


def test_the_steps_of_sedation() -> None:
    """With growing doses of baclofen a patient is awake, drowsy, hard to rouse and unresponsive, in this order."""
    seen = []
    for dose_ug in (50, 200, 400, 5000):
        patient = bolus("spinal-spasticity", "baclofen", dose_ug * UG)
        patient.advance(5 * HOUR_MS)
        seen.append(patient.signs().alertness)
    assert seen == list(Alertness)


def test_outcomes_carry_the_names_of_the_hazard_analysis() -> None:
    """The values are the identifiers under which the harms are traced."""
    assert [outcome.value for outcome in Outcome] == ["OVERDOSE", "WITHDRAWAL", "PAIN"]


# --- experiments ---


def test_an_infusion_gives_exactly_its_dose() -> None:
    """The shares of an infusion add up to the whole dose, whatever does not divide, at the right end of the time."""
    patient = Patient("volunteer")
    infuse(patient, "morphine", 1_000_000_007, 3 * DAY_MS, every_ms=7 * 60_000, route=Route.POCKET)
    balance = patient.balance("morphine")
    assert balance.received_pg == 1_000_000_007 * (3 * DAY_MS // (7 * 60_000) * 7 * 60_000) // DAY_MS
    assert patient.now_ms == 3 * DAY_MS


def test_waiting_for_what_never_comes_ends() -> None:
    """Something that is not seen in time is answered with None, after the time."""
    patient = Patient("volunteer")
    assert hours_until(patient, lambda now: now.signs().pain == 0, DAY_MS) is None
    assert patient.now_ms == DAY_MS
