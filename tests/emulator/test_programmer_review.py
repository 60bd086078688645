"""The review: whatever changes is shown, old against new, with what follows from it."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.library import Library, Verdict
from emulator.programmer.describe import ABSENT, derive, describe
from emulator.programmer.programmer import Programmer
from emulator.programmer.review import changes
from protocol.messages import NO_DIGEST, NO_GRANT, Drug, PatientBolusGrant, Prescription
from protocol.prescription_digest import digest_of
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, Picograms, PicogramsPerNanolitre
from protocol.vocabulary import Mode
from verify.suites.fakes import SERIAL, FakePump, infusing_pump, morphine_prescription

LIBRARY = Library.shipped()

NUMBERS = st.integers(0, 2**32 - 1)
MASSES = st.integers(0, 2**64 - 1)
DRUGS = st.builds(
    Drug,
    st.integers(0, 255),
    st.builds(PicogramsPerNanolitre, NUMBERS),
    st.builds(Picograms, MASSES),
    st.builds(Picograms, MASSES),
)
PRESCRIPTIONS = st.builds(
    Prescription,
    mode=st.sampled_from(Mode),
    rate=st.builds(NanolitresPerDay, NUMBERS),
    drugs=st.lists(DRUGS, max_size=5).map(tuple),
    patient_bolus=st.builds(
        PatientBolusGrant,
        st.builds(Nanolitres, NUMBERS),
        st.builds(Milliseconds, NUMBERS),
        st.builds(Milliseconds, NUMBERS),
        st.integers(0, 255),
    ),
    low_reservoir=st.builds(Nanolitres, NUMBERS),
    library=st.binary(min_size=16, max_size=16),
    override_reason=st.text(max_size=10),
    schedule=st.one_of(st.just(NO_DIGEST), st.binary(min_size=16, max_size=16)),
    bridge=st.builds(NanolitresPerDay, NUMBERS),
)


def ready(pump: FakePump) -> Programmer:
    """Return a programmer that has interrogated the pump."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


@pytest.mark.verifies("PRG-12")
@given(old=PRESCRIPTIONS, new=PRESCRIPTIONS)
def test_two_prescriptions_that_differ_differ_in_a_line(old: Prescription, new: Prescription) -> None:
    """Nothing can change without being shown."""
    shown = changes(describe(old, LIBRARY), describe(new, LIBRARY))
    assert bool(shown) is (old != new)


@pytest.mark.verifies("PRG-12")
@given(base=PRESCRIPTIONS, data=st.data())
def test_each_single_change_is_shown(base: Prescription, data: st.DataObject) -> None:
    """One field changed is at least one line, with its old and its new text."""
    other = data.draw(PRESCRIPTIONS)
    for name in (field.name for field in fields(Prescription)):
        changed = replace(base, **{name: getattr(other, name)})
        shown = changes(describe(base, LIBRARY), describe(changed, LIBRARY))
        assert bool(shown) is (changed != base)
        assert all(change.old != change.new for change in shown)


def test_a_reason_that_looks_like_none_is_told_from_none() -> None:
    """A dash typed as a reason is not an absent one."""
    base = morphine_prescription(LIBRARY)
    dashed = replace(base, override_reason=ABSENT)
    assert changes(describe(base, LIBRARY), describe(dashed, LIBRARY))


@pytest.mark.verifies("PRG-12")
def test_the_review_shows_old_new_and_what_follows() -> None:
    """Doubling the dose of a running pump shows the rate twice and the doses of the day."""
    programmer = ready(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft.daily_dose("2 mg/day").patient_bolus("0.1 mg", "10 min", "4 h", 3))
    review = programmer.review()
    assert [tuple(change) for change in review.changes] == [
        ("rate", "50 uL/day", "100 uL/day"),
        ("patient bolus volume", "0 mL", "5 uL"),
        ("patient bolus duration", "0 day", "10 min"),
        ("patient bolus lockout", "0 day", "4 h"),
        ("patient boluses in 24 h", "0", "3"),
    ]
    derived = {change.field: (change.old, change.new) for change in review.derived}
    assert derived["basal flow"] == ("50 uL/day", "100 uL/day")
    assert derived["flow with every patient bolus"] == ("50 uL/day", "115 uL/day")
    assert derived["morphine basal dose"] == ("1 mg/day", "2 mg/day")
    assert derived["morphine most in a day with every patient bolus"] == ("1 mg/day", "2.3 mg/day")
    assert derived["morphine in one patient bolus"] == (ABSENT, "100 ug")
    assert derived["patient bolus flow"] == (ABSENT, "720 uL/day")
    assert review.approved
    assert "rate: 50 uL/day -> 100 uL/day" in review.text()


def test_a_review_of_no_change_says_so() -> None:
    """Confirming what is there again, after a reset, is possible and shown as no change."""
    programmer = ready(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft)
    review = programmer.review()
    assert review.changes == ()
    assert "none" in review.text()
    assert review.approved


def test_soft_findings_are_in_the_review_and_its_text() -> None:
    """What needs a reason is on the same screen, and the reason becomes part of what is shown and sent."""
    programmer = ready(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft.fluid(("morphine", "25 mg/mL")).daily_dose("1.25 mg/day"))
    review = programmer.review()
    assert {finding.verdict for finding in review.findings} == {Verdict.SOFT}
    assert "needs a reason: morphine concentration is 25 mg/mL; the soft limit is 20 mg/mL" in review.text()
    assert not review.approved
    justified = programmer.justify("no weaker stock")
    assert justified.approved
    assert ("reason for passing a soft limit", ABSENT, "“no weaker stock”") in justified.changes


def test_the_mixtures_second_drug_is_named_and_derived() -> None:
    """Every drug of a mixture has its own lines, and its dose follows from the common rate."""
    base = morphine_prescription(LIBRARY)
    second = Drug(5, PicogramsPerNanolitre(10_000), Picograms(1), Picograms(2))
    mixture = replace(base, drugs=(*base.drugs, second))
    lines = describe(mixture, LIBRARY)
    assert (lines["primary drug"], lines["drug 2"], lines["drug 2 concentration"]) == (
        "morphine",
        "bupivacaine",
        "10 mg/mL",
    )
    assert (lines["drug 2 limit in 1 h"], lines["drug 2 limit in 24 h"]) == ("1 pg", "2 pg")
    view = ready(infusing_pump(LIBRARY)).view
    assert view is not None
    assert derive(mixture, LIBRARY, view.identity)["bupivacaine basal dose"] == "500 ug/day"


def test_the_digest_is_of_this_prescription_on_this_pump() -> None:
    """Another prescription or another pump has another digest."""
    base = morphine_prescription(LIBRARY)
    other = replace(base, rate=NanolitresPerDay(50_001))
    assert len({digest_of(base, SERIAL), digest_of(other, SERIAL), digest_of(base, "TH-0002")}) == 3


@pytest.mark.verifies("PRG-06")
@pytest.mark.parametrize("mode", Mode)
def test_every_mode_reads_differently(mode: Mode) -> None:
    """No two modes share their words."""
    base = replace(morphine_prescription(LIBRARY), patient_bolus=NO_GRANT)
    others = {describe(replace(base, mode=other), LIBRARY)["mode"] for other in Mode if other is not mode}
    assert describe(replace(base, mode=mode), LIBRARY)["mode"] not in others
