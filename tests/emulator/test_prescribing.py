"""What makes a prescription acceptable, whatever was delivered before: each limit at its edge, hard before soft."""

from __future__ import annotations

from dataclasses import replace

import pytest

from emulator.firmware.basal import basal_of
from emulator.firmware.prescribing import (
    bolus_objection,
    fluid_of,
    objection,
    worst_day_nl,
)
from protocol.messages import Prescription, Refused, Staged, StagePrescription
from protocol.prescription_digest import digest_of
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Nanolitres, NanolitresPerDay
from protocol.vocabulary import Mode, Reason
from tests.emulator.worlds import (
    BACLOFEN,
    HYDROMORPHONE,
    LIBRARY,
    MORPHINE,
    NOTHING_GRANTED,
    PROFILE,
    SERIAL,
    Bare,
    drug,
    granted,
    prescription,
)

GOOD = prescription(100_000, [drug(MORPHINE, 10_000)], grant=granted(), reason="")


def judged(wanted: Prescription) -> Reason | None:
    """Return the reason why a prescription is refused."""
    found = objection(wanted, LIBRARY, PROFILE)
    return found.reason if found else None


def worst_day(wanted: Prescription) -> int:
    """Return the volume of a day with every patient bolus."""
    return worst_day_nl(wanted, basal_of(wanted, None, PROFILE))


def with_rate(rate: int) -> Prescription:
    """Return a prescription of a weak fluid, so that only the hardware limits the rate."""
    return prescription(rate, [drug(MORPHINE, 1)])


HARD = {
    "the library of another programmer": (replace(GOOD, library=bytes(16)), Reason.LIBRARY_MISMATCH),
    "no drug": (replace(GOOD, drugs=()), Reason.INCOMPLETE),
    "a drug twice": (replace(GOOD, drugs=(drug(), drug())), Reason.INCOMPLETE),
    "an unknown drug": (replace(GOOD, drugs=(replace(drug(), code=77),)), Reason.UNKNOWN_DRUG),
    "no concentration": (prescription(drugs=[drug(MORPHINE, 0)]), Reason.CONCENTRATION_LIMIT),
    "a concentration above the hard limit": (
        prescription(drugs=[drug(MORPHINE, 25_001)]),
        Reason.CONCENTRATION_LIMIT,
    ),
    "an hour's limit above the library's": (
        prescription(drugs=[drug(limit_1h=drug().limit_1h.value + 1)]),
        Reason.LIMIT_ABOVE_LIBRARY,
    ),
    "a day's limit above the library's": (
        prescription(drugs=[drug(limit_24h=drug().limit_24h.value + 1)]),
        Reason.LIMIT_ABOVE_LIBRARY,
    ),
    "no rate": (with_rate(0), Reason.RATE_RANGE),
    "a rate below the smallest": (with_rate(47_999), Reason.RATE_RANGE),
    "a rate above the largest": (with_rate(24_000_001), Reason.RATE_RANGE),
    "a rate in a mode that has none": (
        replace(prescription(mode=Mode.MINIMUM_RATE), rate=NanolitresPerDay(6_000)),
        Reason.INCOMPLETE,
    ),
    "a grant without a count": (prescription(grant=granted(count=0)), Reason.INCOMPLETE),
    "a grant of nothing that has a lockout": (
        prescription(grant=replace(NOTHING_GRANTED, lockout=granted().lockout)),
        Reason.INCOMPLETE,
    ),
    "a grant while stopped": (prescription(mode=Mode.STOPPED, grant=granted()), Reason.INCOMPLETE),
    "a bolus that is too short": (prescription(grant=granted(duration_ms=MINUTE_MS - 1)), Reason.DURATION_RANGE),
    "a bolus that is too long": (prescription(grant=granted(duration_ms=DAY_MS + 1)), Reason.DURATION_RANGE),
    "a lockout that is too short": (prescription(grant=granted(lockout_ms=5 * MINUTE_MS - 1)), Reason.DURATION_RANGE),
    "a lockout that is too long": (prescription(grant=granted(lockout_ms=24 * HOUR_MS + 1)), Reason.DURATION_RANGE),
    "a bolus faster than the drive": (
        prescription(48_000, [drug(MORPHINE, 1)], grant=granted(16_634, MINUTE_MS)),
        Reason.RATE_RANGE,
    ),
    "a bolus above the library's": (prescription(grant=granted(50_001)), Reason.BOLUS_LIMIT),
    "a day of boluses above the limit": (prescription(900_000, grant=granted(25_001, count=4)), Reason.DAY_LIMIT),
    "a threshold that is the whole reservoir": (
        replace(GOOD, low_reservoir=PROFILE.capacity),
        Reason.CAPACITY,
    ),
}


@pytest.mark.verifies("DOSE-05", "DOSE-06", "MODE-09")
@pytest.mark.parametrize("what", HARD)
def test_what_is_wrong_is_refused_whatever_reason_is_given(what: str) -> None:
    """Each defect is refused with its own reason, and an override reason changes nothing."""
    wanted, reason = HARD[what]
    assert judged(wanted) is reason
    assert judged(replace(wanted, override_reason="knowingly")) is reason


ACCEPTED = {
    "an ordinary one": GOOD,
    "the smallest rate": with_rate(48_000),
    "the largest rate": with_rate(24_000_000),
    "the strongest fluid": prescription(drugs=[drug(MORPHINE, 25_000)]),
    "the minimum rate": prescription(mode=Mode.MINIMUM_RATE, grant=granted()),
    "stopped": prescription(mode=Mode.STOPPED),
    "the shortest bolus and lockout": prescription(grant=granted(duration_ms=MINUTE_MS, lockout_ms=5 * MINUTE_MS)),
    "the longest bolus and lockout": prescription(grant=granted(duration_ms=DAY_MS, lockout_ms=24 * HOUR_MS)),
    "the fastest bolus": prescription(48_000, [drug(MORPHINE, 1)], grant=granted(16_633, MINUTE_MS)),
    "the largest bolus": prescription(grant=granted(50_000, count=1)),
    "a day of boluses at the limit": prescription(900_000, grant=granted(25_000, count=4)),
    "the highest threshold": replace(GOOD, low_reservoir=Nanolitres(PROFILE.capacity.value - 1)),
    "five drugs": prescription(48_000, [drug(code, 10) for code in range(1, 6)]),
}


@pytest.mark.verifies("DOSE-08")
@pytest.mark.parametrize("what", ACCEPTED)
def test_limits_are_inclusive(what: str) -> None:
    """A prescription at a limit is within it."""
    assert judged(ACCEPTED[what]) is None


SOFT = {
    "concentration": (20_000, 48_000, 0),
    "daily dose": (10_000, 1_500_000, 0),
    "single bolus": (10_000, 48_000, 50_000),
}


@pytest.mark.verifies("DOSE-06")
@pytest.mark.parametrize("what", SOFT)
@pytest.mark.parametrize("above", [False, True])
def test_a_soft_limit_needs_a_reason(what: str, above: bool) -> None:
    """Up to a soft limit no reason is asked for; above it there must be one, and blanks are none."""
    concentration, rate, volume = SOFT[what]
    if above:
        nudged = {"concentration": (1, 0, 0), "daily dose": (0, 1, 0), "single bolus": (0, 0, 1)}[what]
        concentration, rate, volume = concentration + nudged[0], rate + nudged[1], volume + nudged[2]
    grant = granted(volume, HOUR_MS, count=1) if volume else NOTHING_GRANTED
    wanted = prescription(rate, [drug(MORPHINE, concentration)], grant=grant, reason="")
    assert judged(wanted) is (Reason.SOFT_LIMIT if above else None)
    assert judged(replace(wanted, override_reason="  ")) is (Reason.SOFT_LIMIT if above else None)
    assert judged(replace(wanted, override_reason="knowingly")) is None


def test_a_hard_reason_comes_before_a_soft_one() -> None:
    """When both kinds of limit are passed, the hard one is named."""
    wanted = prescription(1_600_000, [drug(MORPHINE, 10_000), drug(HYDROMORPHONE, 15_001)], reason="")
    assert judged(wanted) is Reason.CONCENTRATION_LIMIT


@pytest.mark.verifies("PRG-16")
def test_a_refusal_names_the_drug_and_the_limit() -> None:
    """The refusal of one drug of a mixture says which, and the limit that it would pass."""
    top = drug(BACLOFEN).limit_24h.value
    found = objection(prescription(drugs=[drug(), drug(BACLOFEN, 100, limit_24h=top + 1)]), LIBRARY, PROFILE)
    assert found is not None
    assert (found.subject, found.limit.value) == (BACLOFEN, top)


@pytest.mark.verifies("DOSE-05")
def test_a_bolus_is_judged_by_every_drug_of_the_fluid() -> None:
    """A volume is a dose of each drug: the strictest one decides, hard before soft, and a reason lifts only soft."""
    mixture = prescription(drugs=[drug(MORPHINE, 10_000), drug(HYDROMORPHONE, 10_000)])
    for volume, reason, expected in (
        (10_000, "", None),
        (10_001, "", Reason.SOFT_LIMIT),
        (10_001, "knowingly", None),
        (20_000, "knowingly", None),
        (20_001, "knowingly", Reason.BOLUS_LIMIT),
    ):
        found = bolus_objection(volume, mixture, LIBRARY, reason)
        assert (found.reason if found else None) is expected
        assert found is None or found.subject == HYDROMORPHONE


@pytest.mark.verifies("DOSE-02")
def test_the_worst_day_uses_every_bolus() -> None:
    """The volume of the worst day is a day of basal flow and every granted bolus; stopped, nothing flows."""
    assert worst_day(GOOD) == 100_000 + 4 * 5_000
    assert worst_day(prescription(mode=Mode.MINIMUM_RATE)) == 6_000
    assert worst_day(prescription(mode=Mode.STOPPED)) == 0


def test_a_digest_names_one_prescription_on_one_pump() -> None:
    """Any other field or any other pump gives another digest."""
    others = [wanted for wanted, _ in HARD.values()] + list(ACCEPTED.values())
    digests = {digest_of(wanted, SERIAL) for wanted in others}
    assert len(digests) == len(set(others))
    assert digest_of(GOOD, SERIAL) not in {
        digest_of(GOOD, "TH-0002"),
        digest_of(replace(GOOD, override_reason="x"), SERIAL),
    }


@pytest.mark.verifies("DOSE-05", "MODE-10")
@pytest.mark.parametrize("what", HARD)
def test_the_pump_refuses_what_is_not_acceptable_and_stages_nothing(what: str) -> None:
    """Staging a defective prescription is refused with its reason and leaves the pump as it was."""
    bare = Bare()
    before = bare.pump.state()
    reply = bare.ask(StagePrescription(HARD[what][0]))
    assert isinstance(reply, Refused)
    assert reply.reason is HARD[what][1]
    assert bare.pump.state() == before


@pytest.mark.verifies("PRG-11")
def test_the_pump_echoes_what_it_understood() -> None:
    """The reply to a staged prescription is that prescription, field by field, with its digest."""
    reply = Bare(fluid=fluid_of(GOOD)).ask(StagePrescription(GOOD))
    assert reply == Staged(digest_of(GOOD, SERIAL), GOOD)
    assert fluid_of(GOOD) == ((MORPHINE, 10_000),)


@pytest.mark.verifies("BOL-12")
def test_a_bolus_on_the_minimum_rate_must_reach_the_therapeutic_range() -> None:
    """A patient bolus too slow to reach the smallest therapeutic rate is refused on top of the minimum rate."""
    slow, quick = granted(1_749, HOUR_MS), granted(1_750, HOUR_MS)
    for grant, expected in ((slow, Reason.RATE_RANGE), (quick, None)):
        refused = objection(prescription(mode=Mode.MINIMUM_RATE, grant=grant), LIBRARY, PROFILE)
        assert (refused.reason if refused else None) is expected
