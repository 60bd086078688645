"""The virtual patient: drug arrives, time passes, signs are seen. Not for clinical use.

The patient knows nothing of any pump. Drug arrives as whole picograms at an instant of simulated time, by a route;
what becomes of it is computed in floating point, which is right here and nowhere else in the emulator: nothing that
the patient says takes part in a dose decision. The result is the same at every call and for every way of dividing
the time; between machines the last digits may differ, because their exponential function may, so round what you
write down.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from emulator.patient.effects import Withdrawal, effects, family_level, together, withdrawal
from emulator.patient.kinetics import AVERAGE, Arrivals, Individual, Kinetics, Levels
from emulator.patient.parameters import DrugModel, Family, PatientModel, Route
from emulator.patient.reading import shipped_patient_model
from emulator.patient.signs import Signs, examine


class PatientError(ValueError):
    """The patient cannot do what was asked; the message says why and what is possible."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Where all of one drug is: what was received equals the sum of the rest, but for rounding."""

    received_pg: int
    lost_pg: int
    """Received beside the fluid, where it does nothing."""
    pocket_ug: float
    fluid_ug: float
    plasma_ug: float
    eliminated_ug: float


@dataclass(slots=True)
class _Intake:
    """One drug in this patient."""

    drug: DrugModel
    kinetics: Kinetics
    received_pg: dict[Route, int] = field(default_factory=lambda: dict.fromkeys(Route, 0))
    arrivals: dict[Route, Arrivals] = field(default_factory=dict)

    def levels(self, at_ms: int) -> Levels:
        total = Levels()
        for arrivals in self.arrivals.values():
            total = total.plus(arrivals.levels(at_ms))
        return total


class Patient:
    """One patient, from time 0 on.

    ``indication`` names a starting point of the model, ``individual`` makes the subject differ from the average one
    (see ``drawn``). Raises ``PatientError`` for an indication that the model does not have.
    """

    def __init__(
        self, indication: str, *, model: PatientModel | None = None, individual: Individual = AVERAGE
    ) -> None:
        self.model = model or shipped_patient_model()
        if indication not in self.model.indications:
            raise PatientError(f"no indication “{indication}”; there are: {', '.join(self.model.indications)}")
        self.indication = self.model.indications[indication]
        self.individual = individual
        self.now_ms = 0
        self._drugs: dict[str | int, DrugModel] = {}
        for drug in self.model.drugs.values():
            self._drugs[drug.name] = self._drugs[drug.code] = drug
        self._intakes: dict[str, _Intake] = {}

    # --- what happens to the patient ---

    def receive(self, at_ms: int, drug: str | int, mass_pg: int, route: Route = Route.INTRATHECAL) -> None:
        """Let drug (by name, or by its code in the shipped library) arrive at an instant, not before now.

        Raises ``PatientError`` for an unknown drug, a mass that is not a whole number from 0, or an instant that
        is past.
        """
        if type(mass_pg) is not int or mass_pg < 0:
            raise PatientError(f"a mass is a whole number of picograms from 0, not {mass_pg!r}")
        known = self._known(drug)
        self.advance(at_ms)
        intake = self._intake(known)
        intake.received_pg[route] += mass_pg
        if route in intake.kinetics.responses:
            arrivals = intake.arrivals.get(route)
            if arrivals is None:
                arrivals = intake.arrivals[route] = Arrivals(intake.kinetics.responses[route])
            arrivals.add(at_ms, mass_pg)

    def advance(self, at_ms: int) -> None:
        """Let time pass up to an instant; ``PatientError`` if it is past."""
        if type(at_ms) is not int or at_ms < self.now_ms:
            raise PatientError(f"it is {self.now_ms} ms; {at_ms!r} is not a whole number of ms from there on")
        self.now_ms = at_ms

    # --- what can be seen and known ---

    def knows(self, drug: str | int) -> bool:
        """Say whether the model has a drug, by name or code."""
        return drug in self._drugs

    def signs(self) -> Signs:
        """Return what can be seen of the patient now."""
        parts = []
        withdrawals: list[tuple[Family, Withdrawal]] = []
        for family in self.model.families.values():
            taken = [intake for intake in self._intakes.values() if intake.drug.family == family.name]
            if not taken:
                continue
            reference = self.model.drugs[family.reference]
            level = family_level(reference, [(intake.drug, intake.levels(self.now_ms)) for intake in taken])
            parts.append(effects(family, level, self.indication, self.individual.half_effect))
            missed = withdrawal(family, level, tuple(intake.drug.name for intake in taken))
            if missed is not None:
                withdrawals.append((family, missed))
        return examine(self.now_ms, self.indication, together(parts), withdrawals)

    def levels(self, drug: str | int) -> Levels:
        """Return where a drug is now and what its sites feel."""
        intake = self._intakes.get(self._known(drug).name)
        return intake.levels(self.now_ms) if intake else Levels()

    def balance(self, drug: str | int) -> Balance:
        """Return where all of a drug is now."""
        intake, levels = self._intakes.get(self._known(drug).name), self.levels(drug)
        received_pg = intake.received_pg if intake else dict.fromkeys(Route, 0)
        return Balance(
            received_pg=sum(received_pg.values()),
            lost_pg=received_pg[Route.TISSUE],
            pocket_ug=levels.pocket_ug,
            fluid_ug=levels.lumbar_ug + levels.deep_ug,
            plasma_ug=levels.plasma_ug,
            eliminated_ug=levels.eliminated_ug,
        )

    @property
    def by_analogy(self) -> tuple[str, ...]:
        """Return those of the drugs received that are modelled by analogy with another drug."""
        return tuple(name for name, intake in self._intakes.items() if intake.drug.by_analogy)

    def _known(self, drug: str | int) -> DrugModel:
        known = self._drugs.get(drug)
        if known is None:
            raise PatientError(f"the patient model has no drug {drug!r}; it has: {', '.join(self.model.drugs)}")
        return known

    def _intake(self, drug: DrugModel) -> _Intake:
        intake = self._intakes.get(drug.name)
        if intake is None:
            kinetics = Kinetics(drug, self.model.families[drug.family], self.individual)
            intake = self._intakes[drug.name] = _Intake(drug, kinetics)
        return intake


def drawn(seed: int, model: PatientModel | None = None) -> Individual:
    """Return a subject at random: log-normal factors around 1 with the model's spread. Same seed, same subject."""
    generator = random.Random(seed)  # noqa: S311 - subjects, not secrets
    spread = (model or shipped_patient_model()).spread
    sigma = math.sqrt(math.log(1.0 + spread * spread))
    return Individual(*(math.exp(generator.gauss(0.0, sigma)) for _ in range(4)))
