"""A prescription being written, in the clinician's words: drugs by name, doses as text with units.

A draft is a value: every method returns a new one. It keeps what was meant, not what follows from it, so a daily
dose stays the same dose when the concentration changes. What was typed as a flow or a volume means another dose at
another concentration and is therefore dropped with it. Nothing has a default that could be overlooked: the fluid,
the mode and the dose must be entered. The dose limits are the library's hard ones until others are given.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from emulator.drug import DrugEntry
from emulator.library import Library
from emulator.programmer.results import DraftError
from emulator.programmer.week import Week, anchored
from protocol.errors import LocalProtocolError
from protocol.messages import NO_BRIDGE, NO_DIGEST, NO_GRANT, Drug, PatientBolusGrant, Prescription, Schedule
from protocol.prescription_digest import schedule_digest
from protocol.units import (
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerDay,
    PicogramsPerNanolitre,
    daily_dose,
    mass_in,
    rate_for,
    volume_for,
)
from protocol.vocabulary import Mode

__all__ = ["BolusWish", "Draft", "DraftError", "NoBridge", "parse_amount", "to_volume"]

MOST_DRUGS = 5
MOST_BOLUSES = 255
LOW_RESERVOIR = Nanolitres(2_000_000)
"""Usual threshold of the low-reservoir alarm; shown at every review."""


@dataclass(frozen=True, slots=True)
class BolusWish:
    """The patient bolus as meant: a dose of the primary drug, or a volume."""

    amount: Picograms | Nanolitres
    duration: Milliseconds
    lockout: Milliseconds
    count: int


@dataclass(frozen=True, slots=True)
class NoBridge:
    """A change of fluid without a bridge is meant, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What has been entered so far. A text that does not hold raises ``QuantityError`` or ``DraftError``."""

    library: Library = field(repr=False)
    drugs: tuple[Drug, ...] = ()
    mode: Mode | None = None
    basal: PicogramsPerDay | NanolitresPerDay | None = None
    bolus: BolusWish | None = None
    low_reservoir: Nanolitres = LOW_RESERVOIR
    week: Week | None = None
    bridging: NanolitresPerDay | NoBridge | None = None
    """The flow of a bridge, or none on purpose; None leaves it to the programmer, which shows it at the review."""

    @classmethod
    def from_prescription(
        cls, prescription: Prescription, library: Library, schedule: Schedule | None = None
    ) -> Self:
        """Begin with what the pump holds, its doses as doses; ``schedule`` is the one that the prescription names.

        A reason for passing a soft limit is not taken over, nor is a bridge: the programmer looks at the line anew.
        """
        draft = cls(library, prescription.drugs, low_reservoir=prescription.low_reservoir)
        if not prescription.drugs:
            return draft
        strength = prescription.drugs[0].concentration
        grant = prescription.patient_bolus
        bolus = BolusWish(mass_in(grant.volume, strength), grant.duration, grant.lockout, grant.count_24h)
        simple = prescription.mode is Mode.SIMPLE_CONTINUOUS
        return replace(
            draft,
            mode=prescription.mode,
            basal=daily_dose(prescription.rate, strength) if simple else None,
            bolus=bolus if grant.volume.value else None,
            week=Week.of(schedule, strength) if schedule is not None else None,
        )

    def fluid(self, *drugs: tuple[str, str]) -> Self:
        """Say what is in the reservoir: (name, concentration) of each drug, the primary one first.

        Doses are kept if the primary drug is the same, limits for every drug that stays.
        """
        if not 1 <= len(drugs) <= MOST_DRUGS:
            raise DraftError(f"enter one to {MOST_DRUGS} drugs, the primary one first")
        fluid = tuple(self._drug(name, concentration) for name, concentration in drugs)
        codes = [drug.code for drug in fluid]
        if len(set(codes)) != len(codes):
            raise DraftError("a drug is entered twice; enter each once")
        if _strengths(fluid) == _strengths(self.drugs):
            return replace(self, drugs=fluid)
        same_primary = bool(self.drugs) and self.drugs[0].code == codes[0]
        keep_basal = same_primary and isinstance(self.basal, PicogramsPerDay)
        keep_bolus = same_primary and self.bolus is not None and isinstance(self.bolus.amount, Picograms)
        keep_week = same_primary and self.week is not None and self.week.in_doses
        return replace(
            self,
            drugs=fluid,
            basal=self.basal if keep_basal else None,
            bolus=self.bolus if keep_bolus else None,
            week=self.week if keep_week else None,
        )

    def daily_dose(self, dose: str, of: str | None = None) -> Self:
        """Infuse this much of the primary drug a day, such as ``1 mg/day``; ``of`` checks which drug is meant."""
        if of is not None:
            self._check_primary(of)
        return self._constant(Mode.SIMPLE_CONTINUOUS, PicogramsPerDay.parse(dose))

    def rate(self, flow: str) -> Self:
        """Infuse at this flow, such as ``0.1 mL/day``."""
        return self._constant(Mode.SIMPLE_CONTINUOUS, NanolitresPerDay.parse(flow))

    def flex(self, *steps: str) -> Self:
        """Infuse by a schedule of steps, such as ``mon-fri 06:00 3 mg/day``: all steps, in any order.

        A schedule that is in force keeps its clock; a first one needs ``now``.
        """
        anchor = self.week.anchor if self.week else None
        return replace(self, mode=Mode.FLEX, basal=None, week=replace(Week.parse(steps), anchor=anchor))

    def now(self, local: str, pump_time: Milliseconds) -> Self:
        """Say what day and time it was for the patient, such as ``mon 14:30``, at a pump time that was read."""
        if self.week is None:
            raise DraftError("there is no schedule to set to a day and time; enter its steps first")
        return replace(self, week=replace(self.week, anchor=anchored(local, pump_time)))

    def minimum_rate(self) -> Self:
        """Infuse at the pump's minimum rate, which still delivers drug."""
        return self._constant(Mode.MINIMUM_RATE)

    def stopped(self) -> Self:
        """Prescribe no flow and no patient bolus."""
        return replace(self._constant(Mode.STOPPED), bolus=None)

    def bridge(self, flow: str | None = None) -> Self:
        """Let the line's old fluid out first, at the flow that the programmer works out, or at this one."""
        return replace(self, bridging=None if flow is None else NanolitresPerDay.parse(flow))

    def no_bridge(self, reason: str) -> Self:
        """Go without a bridge though the line holds another fluid; the review shows what then reaches the patient."""
        if not reason.strip() or not reason.isprintable():
            raise DraftError("say why there is to be no bridge, in letters and signs that can be printed")
        return replace(self, bridging=NoBridge(reason.strip()))

    def patient_bolus(self, dose: str, duration: str, lockout: str, count: int) -> Self:
        """Grant the patient boluses: a dose of the primary drug (or a volume) each, so many in 24 hours."""
        if type(count) is not int or not 1 <= count <= MOST_BOLUSES:
            raise DraftError(f"the number of patient boluses in 24 h is a whole number from 1 to {MOST_BOLUSES}")
        amount = parse_amount(dose)
        if amount.value == 0:
            raise DraftError("a patient bolus of nothing; to grant none, use no_patient_bolus()")
        wish = BolusWish(amount, Milliseconds.parse(duration), Milliseconds.parse(lockout), count)
        return replace(self, bolus=wish)

    def no_patient_bolus(self) -> Self:
        """Grant the patient no boluses."""
        return replace(self, bolus=None)

    def limits(self, drug: str, *, hour: str | None = None, day: str | None = None) -> Self:
        """Set the most mass of a drug in any sliding hour or day; the library's hard limits remain the highest."""
        code = self._entry(drug).code
        if code not in {entered.code for entered in self.drugs}:
            raise DraftError(f"{drug} is not in the fluid; enter the fluid first")
        limit_1h = Picograms.parse(hour) if hour is not None else None
        limit_24h = Picograms.parse(day) if day is not None else None

        def limited(entered: Drug) -> Drug:
            if entered.code != code:
                return entered
            return replace(entered, limit_1h=limit_1h or entered.limit_1h, limit_24h=limit_24h or entered.limit_24h)

        return replace(self, drugs=tuple(limited(entered) for entered in self.drugs))

    def low_reservoir_at(self, volume: str) -> Self:
        """Set the computed volume at which the low-reservoir alarm is raised."""
        return replace(self, low_reservoir=Nanolitres.parse(volume))

    def schedule(self) -> Schedule | None:
        """Return the schedule that a flex prescription names. Raises as ``prescription`` does."""
        missing = self._missing()
        if missing:
            raise DraftError(f"still to be entered: {', '.join(missing)}")
        return self.week.schedule(self.drugs[0].concentration) if self.week else None

    def prescription(self, reason: str = "", bridge: NanolitresPerDay = NO_BRIDGE) -> Prescription:
        """Return the whole prescription, with a bridge at this flow. Raises ``DraftError`` naming what is missing,
        ``QuantityError`` for a dose that is no whole number of nanolitres, with the nearest below.
        """
        schedule = self.schedule()
        prescription = Prescription(
            mode=self.mode or Mode.STOPPED,
            rate=self._flow(),
            drugs=self.drugs,
            patient_bolus=self._grant(),
            low_reservoir=self.low_reservoir,
            library=self.library.digest,
            override_reason=_together(self.bridging, reason),
            schedule=schedule_digest(schedule) if schedule else NO_DIGEST,
            bridge=bridge,
        )
        try:
            prescription.pack()
        except LocalProtocolError as error:
            raise DraftError(f"too large for the pump: {error}") from error
        return prescription

    def _constant(self, mode: Mode, basal: PicogramsPerDay | NanolitresPerDay | None = None) -> Self:
        return replace(self, mode=mode, basal=basal, week=None)

    def _missing(self) -> list[str]:
        entered = {
            "the fluid": bool(self.drugs),
            "the mode": self.mode is not None,
            "the daily dose or the rate": self.mode is not Mode.SIMPLE_CONTINUOUS or self.basal is not None,
            "the steps of the schedule": self.mode is not Mode.FLEX or self.week is not None,
        }
        return [what for what, done in entered.items() if not done]

    def _flow(self) -> NanolitresPerDay:
        if isinstance(self.basal, PicogramsPerDay):
            return rate_for(self.basal, self.drugs[0].concentration)
        return self.basal or NanolitresPerDay(0)

    def _grant(self) -> PatientBolusGrant:
        wish = self.bolus
        if wish is None:
            return NO_GRANT
        volume = to_volume(wish.amount, self.drugs[0].concentration)
        return PatientBolusGrant(volume, wish.duration, wish.lockout, wish.count)

    def _entry(self, name: str) -> DrugEntry:
        entry = self.library.by_name(name)
        if entry is None:
            known = ", ".join(drug.name for drug in self.library)
            raise DraftError(f"the drug library has no “{name}”; it has {known}")
        return entry

    def _drug(self, name: str, concentration: str) -> Drug:
        entry = self._entry(name)
        strength = PicogramsPerNanolitre.parse(concentration)
        if strength.value == 0:
            raise DraftError(f"{entry.name} at a concentration of zero; enter the one on the syringe label")
        known = next((drug for drug in self.drugs if drug.code == entry.code), None)
        if known is not None:
            return replace(known, concentration=strength)
        return Drug(entry.code, strength, entry.hard_1h, entry.hard_24h)

    def _check_primary(self, name: str) -> None:
        if not self.drugs or self._entry(name).code != self.drugs[0].code:
            raise DraftError(f"{name} is not the primary drug of the fluid; the daily dose is the primary drug's")


def parse_amount(text: str) -> Picograms | Nanolitres:
    """Read a dose, or a volume if its unit is one of volume."""
    kind = Nanolitres if text.strip().endswith("L") else Picograms
    return kind.parse(text)


def to_volume(amount: Picograms | Nanolitres, strength: PicogramsPerNanolitre) -> Nanolitres:
    """Return the volume that is meant; ``QuantityError`` if a dose is no whole number of nanolitres."""
    return volume_for(amount, strength) if isinstance(amount, Picograms) else amount


def _together(bridging: NanolitresPerDay | NoBridge | None, reason: str) -> str:
    """Return the reason for going without a bridge and the other one as the one that a prescription carries."""
    without = bridging.reason if isinstance(bridging, NoBridge) else ""
    return "; ".join(dict.fromkeys(filter(None, (without, reason))))


def _strengths(drugs: tuple[Drug, ...]) -> list[tuple[int, PicogramsPerNanolitre]]:
    return [(drug.code, drug.concentration) for drug in drugs]
