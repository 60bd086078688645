"""The bridge after a change of fluid: worked out, shown, sent, and right at the tip of a real pump."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.drug import Verdict
from emulator.firmware.meters import bridge_remaining_nl
from emulator.library import Library
from emulator.programmer.draft import Draft, DraftError
from emulator.programmer.findings import LimitPassedError
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NotDone
from emulator.programmer.review import Review
from protocol.carrier import DirectCarrier
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.messages import NO_BRIDGE
from protocol.units import (
    DAY_MS,
    HOUR_MS,
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    PicogramsPerDay,
    PicogramsPerNanolitre,
)
from protocol.vocabulary import Mode, Reason, Role, TherapyState
from tests.emulator.worlds import KEY, MORPHINE, World
from verify.suites.fakes import FakePump, infusing_pump

LIBRARY = Library.shipped()
LINE_NL = 327_000


def clinic(world: World) -> Programmer:
    """Return a programmer that has interrogated a real pump over its wire."""

    def dial() -> Conversation:
        carrier = DirectCarrier(world.device.receive)
        return Conversation(carrier, role_key(KEY, Role.CLINICIAN), Role.CLINICIAN, world.random.randbytes)

    programmer = Programmer(dial, LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


def updated(programmer: Programmer, draft: Draft, reason: str = "a test") -> Review:
    """Review, justify what is soft, update and verify; return what was reviewed."""
    programmer.edit(draft)
    review = programmer.review()
    if not review.approved:
        review = programmer.justify(reason)
    result = programmer.update(review)
    assert isinstance(result, Done), result
    assert programmer.verify().agrees
    return review


def changed(old: str, dose: str, new: str) -> tuple[World, Programmer]:
    """Return a pump that has infused a dose at the old strength for a day and was refilled with the new one."""
    world = World(fluid=((MORPHINE, LIBRARY_STRENGTHS[old]),))
    programmer = clinic(world)
    updated(programmer, programmer.blank().fluid(("morphine", old)).daily_dose(dose))
    programmer.close()
    world.advance(DAY_MS)
    world.bench.refill(18_000_000, ((MORPHINE, LIBRARY_STRENGTHS[new]),))
    programmer.connect()
    programmer.interrogate()
    return world, programmer


LIBRARY_STRENGTHS = {"25 mg/mL": 25_000, "20 mg/mL": 20_000, "10 mg/mL": 10_000, "5 mg/mL": 5_000}


def lines(review: Review) -> dict[str, str]:
    """Return what follows from the new prescription."""
    return {change.field: change.new for change in review.derived}


@pytest.mark.verifies("PRM-06")
def test_the_published_case_is_bridged_and_the_dose_at_the_tip_stays() -> None:
    """From 25 to 5 mg/mL at 5 mg a day: 200 uL/day for 39 hours, and 5 mg a day reach the patient all along."""
    world, programmer = changed("25 mg/mL", "5 mg/day", "5 mg/mL")
    review = updated(programmer, programmer.draft.fluid(("morphine", "5 mg/mL")))
    assert review.prescription.bridge == NanolitresPerDay(200_000)
    assert lines(review)["what the bridge does"] == (
        "200 uL/day for 1 day 15 h, until the old fluid (327 uL) has left the line"
    )
    assert lines(review)["morphine at the tip during the bridge"] == "5 mg/day"
    assert ("bridge", "-", "200 uL/day") in review.changes
    before = world.bench.truth()["tip_pg"]["morphine"]
    for _ in range(4):
        assert programmer.interrogate().therapy.state in (TherapyState.BRIDGE, TherapyState.SIMPLE_CONTINUOUS)
        programmer.close()
        world.advance(DAY_MS)
        given = world.bench.truth()["tip_pg"]["morphine"] - before
        assert abs(given - 5 * 10**9) <= 2 * 500 * 25_000, "within two strokes"
        before += given
        programmer.connect()
    assert programmer.interrogate().therapy.state is TherapyState.SIMPLE_CONTINUOUS


def test_an_update_during_the_bridge_keeps_it() -> None:
    """Another dose of the same fluid goes on with the same bridge, and the review says for how long."""
    world, programmer = changed("25 mg/mL", "5 mg/day", "5 mg/mL")
    updated(programmer, programmer.draft.fluid(("morphine", "5 mg/mL")))
    programmer.close()
    world.advance(10 * HOUR_MS)
    programmer.connect()
    programmer.interrogate()
    review = updated(programmer, programmer.draft.daily_dose("6 mg/day"))
    assert review.prescription.bridge == NanolitresPerDay(200_000)
    assert lines(review)["what the bridge does"].startswith("goes on at 200 uL/day for another 1 day 5 h")
    assert programmer.interrogate().therapy.state is TherapyState.BRIDGE


def test_after_the_bridge_none_is_prescribed_again() -> None:
    """The same prescription confirmed later needs no bridge, and has none."""
    world, programmer = changed("25 mg/mL", "5 mg/day", "5 mg/mL")
    updated(programmer, programmer.draft.fluid(("morphine", "5 mg/mL")))
    programmer.close()
    world.advance(2 * DAY_MS)
    programmer.connect()
    programmer.interrogate()
    assert updated(programmer, programmer.draft.daily_dose("6 mg/day")).prescription.bridge == NO_BRIDGE


def test_a_change_soon_after_a_change_has_no_bridge_and_says_so() -> None:
    """With two fluids in the line only an override with a reason goes on, its consequences in words."""
    _, programmer = changed("20 mg/mL", "2 mg/day", "10 mg/mL")
    updated(programmer, programmer.draft.fluid(("morphine", "10 mg/mL")))
    programmer.interrogate()
    programmer.edit(programmer.draft.fluid(("morphine", "5 mg/mL")))
    review = programmer.review()
    assert review.prescription.bridge == NO_BRIDGE
    assert not review.approved
    words = " ".join(finding.words for finding in review.findings)
    assert "no bridge is possible: the fluid from before the last change is still in the line" in words
    assert "the bridge under way is broken off: 327 uL" in words
    assert "the patient receives 4 mg/day instead of 2 mg/day" in words
    with pytest.raises(LimitPassedError):
        programmer.update(review)
    assert isinstance(programmer.update(programmer.justify("wrong syringe")), Done)


def test_from_a_stop_the_new_dose_comes_in_the_old_fluid() -> None:
    """Stopped with 20 mg/mL in the line, 1 mg/day is 50 uL/day of it, whatever is in the reservoir."""
    _, programmer = changed("20 mg/mL", "2 mg/day", "10 mg/mL")
    programmer.stop()
    programmer.interrogate()
    review = updated(programmer, programmer.draft.fluid(("morphine", "10 mg/mL")).daily_dose("1 mg/day"))
    assert review.prescription.bridge == NanolitresPerDay(50_000)
    assert lines(review)["morphine at the tip during the bridge"] == "1 mg/day"


def test_no_bridge_needs_a_reason_and_shows_what_reaches_the_patient() -> None:
    """Going without one on purpose is possible, is said, and the reason is sent; other findings stay open."""
    world, programmer = changed("20 mg/mL", "2 mg/day", "10 mg/mL")
    draft = programmer.draft.fluid(("morphine", "10 mg/mL"))
    programmer.edit(draft.no_bridge("line flushed by hand"))
    review = programmer.review()
    assert review.approved
    assert review.prescription.override_reason == "line flushed by hand"
    assert "meant (“line flushed by hand”): morphine: until the old fluid has left the line" in review.text()
    programmer.edit(draft.no_bridge("line flushed").daily_dose("5 mg/day"))
    open_still = programmer.review()
    assert not open_still.approved, "a reason for one thing answers no other"
    both = programmer.justify("tolerance")
    assert both.prescription.override_reason == "line flushed; tolerance"
    assert isinstance(programmer.update(both), Done)
    assert programmer.verify().view.therapy.state is TherapyState.SIMPLE_CONTINUOUS
    assert bridge_remaining_nl(world.pump) == 0


@pytest.mark.verifies("DOSE-06", "PRM-06")
def test_no_reason_lets_the_line_pass_a_hard_limit() -> None:
    """What would reach the patient above a hard limit without a bridge is refused, however it is meant."""
    programmer = ready(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft.fluid(("morphine", "2 mg/mL")).daily_dose("5 mg/day").no_bridge("I insist"))
    review = programmer.review()
    assert "50 mg/day instead of 5 mg/day" in hard(review)
    assert not review.approved
    assert not programmer.justify("I do insist").approved


def test_a_bridge_may_not_pass_the_new_limits_at_the_tip() -> None:
    """The old dose, above a limit that the new prescription sets, is not bridged at."""
    programmer = ready(infusing_pump(LIBRARY))
    draft = programmer.draft.fluid(("morphine", "10 mg/mL")).daily_dose("0.8 mg/day")
    programmer.edit(draft.limits("morphine", day="1 mg"))
    assert programmer.review().prescription.bridge == NanolitresPerDay(50_000)
    programmer.edit(draft.limits("morphine", day="0.999 mg"))
    review = programmer.review()
    assert review.prescription.bridge == NO_BRIDGE
    assert "morphine at the tip would reach 1 mg in a day; its limit is 999 ug" in review.text()


@pytest.mark.verifies("PRM-06")
@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_no_bridge_without_a_reason_is_refused(reason: str) -> None:
    """Blanks are no reason."""
    with pytest.raises(DraftError, match="no bridge"):
        Draft(LIBRARY).no_bridge(reason)


def test_the_pump_refuses_what_the_programmer_cannot_know() -> None:
    """After a change without a bridge the line is mixed: the pump asks, in words, and a reason lets it go on."""
    _, programmer = changed("20 mg/mL", "2 mg/day", "10 mg/mL")
    updated(programmer, programmer.draft.fluid(("morphine", "10 mg/mL")).no_bridge("urgent"))
    programmer.interrogate()
    programmer.edit(programmer.draft.daily_dose("2.2 mg/day"))
    refused = programmer.update(programmer.review())
    assert isinstance(refused, NotDone)
    assert refused.refusal is not None
    assert refused.refusal.reason is Reason.BRIDGE_NEEDED
    assert "reason" in refused.words
    programmer.interrogate()
    updated(programmer, programmer.draft.no_bridge("urgent"))


def test_a_drug_that_comes_into_the_mixture_needs_a_bridge_too() -> None:
    """With the same morphine, bupivacaine arrives only behind the old fluid; until then there is none of it."""
    world = World(fluid=((MORPHINE, 20_000),))
    programmer = clinic(world)
    updated(programmer, programmer.blank().fluid(("morphine", "20 mg/mL")).daily_dose("2 mg/day"))
    programmer.interrogate()
    review = updated(programmer, programmer.draft.fluid(("morphine", "20 mg/mL"), ("bupivacaine", "20 mg/mL")))
    assert review.prescription.bridge == NanolitresPerDay(100_000)
    assert lines(review)["bupivacaine at the tip during the bridge"] == "none"
    assert lines(review)["morphine at the tip during the bridge"] == "2 mg/day"


def test_from_a_stop_no_drug_of_both_fluids_passes_its_larger_dose() -> None:
    """1 mg/day of morphine out of 5 mg/mL would bring four times the bupivacaine that is prescribed: no bridge."""
    world = World(fluid=((MORPHINE, 5_000), (5, 20_000)))
    programmer = clinic(world)
    old = programmer.blank().fluid(("morphine", "5 mg/mL"), ("bupivacaine", "20 mg/mL"))
    updated(programmer, old.daily_dose("0.25 mg/day"))
    programmer.stop()
    programmer.interrogate()
    for strength, bridge, words in (
        (
            "20 mg/mL",
            NO_BRIDGE,
            "bupivacaine at the tip would be 4 mg/day, above the old and the new dose",
        ),
        ("4 mg/mL", NanolitresPerDay(200_000), "bridge"),
    ):
        new = programmer.draft.fluid(("morphine", strength), ("bupivacaine", "20 mg/mL"))
        programmer.edit(new.daily_dose("1 mg/day"))
        review = programmer.review()
        assert review.prescription.bridge == bridge
        assert words in review.text()


def test_the_same_fluid_in_another_order_is_no_change() -> None:
    """Which drug is called primary does not change what stands in the line."""
    world = World(fluid=((MORPHINE, 20_000), (5, 20_000)))
    programmer = clinic(world)
    mixture = (("morphine", "20 mg/mL"), ("bupivacaine", "20 mg/mL"))
    updated(programmer, programmer.blank().fluid(*mixture).daily_dose("2 mg/day"))
    programmer.interrogate()
    swapped = updated(programmer, programmer.draft.fluid(*reversed(mixture)).daily_dose("2 mg/day"))
    assert swapped.prescription.bridge == NO_BRIDGE


# --- without a real pump: what the pump would rarely be found with ---------------------------------------------


def ready(pump: FakePump) -> Programmer:
    """Return a programmer that has interrogated the pump."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


def reviewed(pump: FakePump, draft_of: str = "10 mg/mL", dose: str = "1 mg/day", bridge: str | None = None) -> Review:
    """Return the review of a change of concentration."""
    programmer = ready(pump)
    draft = programmer.draft.fluid(("morphine", draft_of)).daily_dose(dose)
    programmer.edit(draft.bridge(bridge) if bridge else draft)
    return programmer.review()


def hard(review: Review) -> str:
    """Return the words of everything that is refused."""
    return " ".join(finding.words for finding in review.findings if finding.verdict is Verdict.HARD)


def test_an_entered_bridge_must_keep_the_dose_between_old_and_new() -> None:
    """From 1 to 2 mg/day with 20 mg/mL in the line, 50 to 100 uL/day are possible and nothing else."""
    for flow, says in (
        ("50 uL/day", ""),
        ("100 uL/day", ""),
        ("49.999 uL/day", "not between the old and the new dose (1 mg/day and 2 mg/day)"),
        ("100.001 uL/day", "not between"),
        ("500 uL/day", "morphine at the tip would be 10 mg/day"),
        ("40 uL/day", "is no flow for this pump"),
    ):
        words = hard(reviewed(infusing_pump(LIBRARY), dose="2 mg/day", bridge=flow))
        assert bool(words) is bool(says)
        assert says in words


def test_a_bridge_for_a_fluid_that_only_the_clinician_knows_of_needs_a_reason() -> None:
    """After a fluid was changed at a stop the programmer no longer knows the line; an entered bridge still works."""
    _, programmer = changed("20 mg/mL", "2 mg/day", "10 mg/mL")
    updated(programmer, programmer.draft.fluid(("morphine", "10 mg/mL")).stopped())
    programmer.interrogate()
    programmer.edit(programmer.draft.daily_dose("2 mg/day"))
    refused = programmer.update(programmer.review())
    assert isinstance(refused, NotDone)
    assert "give a bridge, or a reason" in refused.words
    programmer.interrogate()
    programmer.edit(programmer.draft.daily_dose("2 mg/day").bridge("100 uL/day"))
    review = programmer.review()
    assert not review.approved
    assert "only you know what dose the bridge brings" in review.text()
    assert isinstance(programmer.update(programmer.justify("20 mg/mL in line")), Done)
    assert programmer.verify().view.therapy.state is TherapyState.BRIDGE


def test_a_bridge_at_a_stop_or_at_no_flow_of_the_pump_is_refused() -> None:
    """Nothing that cannot be infused is sent."""
    programmer = ready(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft.stopped().bridge("50 uL/day"))
    assert "nothing is prescribed to flow" in hard(programmer.review())
    assert "no flow for this pump" in hard(reviewed(infusing_pump(LIBRARY), "20 mg/mL", bridge="40 uL/day"))


def test_a_line_without_drug_needs_a_prime_and_that_is_said() -> None:
    """No bridge for saline; how long nothing would arrive is shown."""
    pump = infusing_pump(LIBRARY)
    pump.drug_free = Nanolitres(LINE_NL)
    review = reviewed(pump, dose="1 mg/day")
    assert review.prescription.bridge == NO_BRIDGE
    assert review.approved
    assert lines(review)["line"] == (
        "327 uL from the tip hold no drug: unless it is primed, none arrives for up to 3 days 6 h"
    )


def test_a_line_that_holds_the_old_fluid_only_in_part_has_no_bridge() -> None:
    """No flow is right for saline and for drug."""
    pump = infusing_pump(LIBRARY)
    pump.drug_free = Nanolitres(100_000)
    review = reviewed(pump)
    assert review.prescription.bridge == NO_BRIDGE
    assert not review.approved
    assert "only a part of the line holds the old fluid" in review.text()
    assert "no bridge is possible" in hard(reviewed(pump, bridge="50 uL/day"))


def test_the_minimum_rate_is_no_flow_for_a_bridge() -> None:
    """What the pump cannot infuse at is not proposed; the reason is said and the consequences with it."""
    pump = infusing_pump(LIBRARY)
    pump.prescription = replace(pump.prescription, mode=Mode.MINIMUM_RATE, rate=NanolitresPerDay(0))
    pump.state = TherapyState.MINIMUM_RATE
    programmer = ready(pump)
    programmer.edit(programmer.draft.fluid(("morphine", "10 mg/mL")).daily_dose("1 mg/day"))
    review = programmer.review()
    assert review.prescription.bridge == NO_BRIDGE
    assert "6 uL/day would keep the dose, but 6 uL/day is no flow for this pump" in review.text()
    assert not review.approved


def test_a_bridge_that_would_pass_a_limit_at_the_pump_outlet_is_not_proposed() -> None:
    """A strong new fluid at the old fast flow leaves the pump too fast."""
    pump = infusing_pump(LIBRARY)
    pump.prescription = replace(
        pump.prescription,
        rate=NanolitresPerDay(4_000_000),
        drugs=(replace(pump.prescription.drugs[0], concentration=PicogramsPerNanolitre(1_000)),),
    )
    review = reviewed(pump, "20 mg/mL", "4 mg/day")
    assert review.prescription.bridge == NO_BRIDGE
    assert "at the pump outlet would reach 3.33334 mg in an hour; its limit is 1833.333334 ug" in review.text()


def test_another_primary_drug_from_a_stop_has_no_bridge() -> None:
    """No dose of the new drug can come out of a line that holds none of it."""
    pump = infusing_pump(LIBRARY)
    pump.state = TherapyState.STOPPED
    programmer = ready(pump)
    programmer.edit(programmer.draft.fluid(("hydromorphone", "10 mg/mL")).daily_dose("0.5 mg/day"))
    review = programmer.review()
    assert review.prescription.bridge == NO_BRIDGE
    assert "the pump is stopped, and the old fluid does not hold the new primary drug" in review.text()
    assert not review.approved


def test_nothing_that_flows_needs_no_bridge() -> None:
    """A prescription of a stop leaves the line as it is."""
    programmer = ready(infusing_pump(LIBRARY))
    programmer.edit(programmer.draft.fluid(("morphine", "10 mg/mL")).stopped())
    assert programmer.review().prescription.bridge == NO_BRIDGE


@settings(max_examples=60)
@given(
    old_strength=st.integers(1, 25),
    new_strength=st.integers(1, 25),
    old_rate=st.integers(48, 4_000),
    new_dose=st.integers(1, 20_000),
    stopped=st.booleans(),
)
def test_a_proposed_bridge_keeps_the_dose_at_the_tip_between_old_and_new(
    old_strength: int, new_strength: int, old_rate: int, new_dose: int, stopped: bool
) -> None:
    """Whatever is changed to what: a proposed bridge is within the doses, or there is none and a reason why."""
    pump = infusing_pump(LIBRARY)
    drug = pump.prescription.drugs[0]
    pump.prescription = replace(
        pump.prescription,
        rate=NanolitresPerDay(old_rate * 1_000),
        drugs=(replace(drug, concentration=PicogramsPerNanolitre(old_strength * 1_000)),),
    )
    pump.state = TherapyState.STOPPED if stopped else TherapyState.SIMPLE_CONTINUOUS
    programmer = ready(pump)
    dose = new_dose * new_strength * 1_000 * 10
    draft = programmer.draft.fluid(("morphine", f"{new_strength} mg/mL")).daily_dose(f"{dose} pg/day")
    programmer.edit(draft)
    review = programmer.review()
    bridge = review.prescription.bridge.value
    old_dose = 0 if stopped else old_rate * old_strength * 1_000_000
    if old_strength == new_strength:
        assert bridge == 0
    elif bridge:
        assert min(old_dose, dose) <= bridge * old_strength * 1_000 <= max(old_dose, dose)
        assert str(PicogramsPerDay(bridge * old_strength * 1_000)) in review.text()
    else:
        assert "no bridge is possible" in review.text()
        assert not review.approved


def test_a_schedule_bridges_at_its_average() -> None:
    """While the old fluid leaves, the average of the old schedule keeps the dose of the day."""
    world = World(fluid=((MORPHINE, 20_000),))
    programmer = clinic(world)
    draft = programmer.blank().fluid(("morphine", "20 mg/mL"))
    updated(programmer, draft.flex("all 00:00 1 mg/day", "all 12:00 2 mg/day").now("mon 00:00", Milliseconds(0)))
    programmer.interrogate()
    review = updated(programmer, programmer.draft.fluid(("morphine", "10 mg/mL")))
    assert review.prescription.mode is Mode.FLEX
    assert review.prescription.bridge == NanolitresPerDay(75_000)
    assert lines(review)["morphine at the tip during the bridge"] == "1.5 mg/day"
    assert programmer.interrogate().therapy.state is TherapyState.BRIDGE
