"""The bedside: a bench with a patient under the pump, and a clinician who may order examinations.

The patient receives what the pump's books say has arrived since the last look, every quarter of an hour of bench
time, whoever lets it pass, and at every question. An examination meets the truth: a ``Situation`` is made from the
books, and what the examination itself does to the pump (a catheter emptied or injected into) is done. Not for
clinical use.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from emulator.bench import Bench
from emulator.bench_settings import BenchError
from emulator.device import PumpDevice, book_data
from emulator.firmware.prescribing import fluid_of
from emulator.firmware.telling import alarm_name
from emulator.hardware.line import SALINE, Fluid, masses
from emulator.hardware.severity import PERMILLE
from emulator.library import Library
from emulator.patient.parameters import Route
from emulator.patient.patient import Patient, PatientError
from emulator.patient.signs import Signs
from emulator.workups.clinic import order
from emulator.workups.finding import Aftermath, Finding, Workup
from emulator.workups.situation import Situation
from protocol.units import MINUTE_MS
from protocol.vocabulary import LogKind

LOOK_MS = 15 * MINUTE_MS
"""How often the patient is given what has arrived: infusions are slow beside it, and boluses take as long."""
ROUTES = {Route.INTRATHECAL: "tip_pg", Route.POCKET: "pocket_pg", Route.TISSUE: "tissue_pg"}
"""Where each book of the hardware arrives in the patient."""


class Bedside:
    """One pump in one patient: stands around the pump in the bench's place, and passes on what the bench does."""

    def __init__(self, bench: Bench, patient: Patient, library: Library, seed: int = 0) -> None:
        """Put a pump into a patient who has received nothing of what it has delivered so far.

        ``seed`` is what examinations draw from.
        """
        self.bench = bench
        self.patient = patient
        self.findings: list[Finding] = []
        """Of this visit, oldest first; a refill ends a visit."""
        self._library = library
        self._seed = seed
        self._generator = random.Random(f"bedside {seed}")  # noqa: S311 - examinations, not secrets
        self._given = {route: dict(getattr(bench.device.body, book)) for route, book in ROUTES.items()}
        self._fills = 0
        self._look_ms = bench.now_ms + LOOK_MS
        bench.device.surroundings = self

    @property
    def device(self) -> PumpDevice:
        """The pump."""
        return self.bench.device

    def advance(self, for_ms: int) -> None:
        """Let a span of time pass for pump and patient."""
        self.bench.advance(for_ms)
        self._give()

    # --- what happens by itself ---

    @property
    def due_ms(self) -> int:
        """When something happens by itself, or the patient is to be looked at."""
        around = self.bench.due_ms
        return self._look_ms if around is None else min(around, self._look_ms)

    def act(self) -> None:
        """Let everything happen that is due."""
        if self.bench.due_ms is not None and self.bench.due_ms <= self.bench.now_ms:
            self.bench.act()
        if self._look_ms <= self.bench.now_ms:
            self._look_ms = self.bench.now_ms + LOOK_MS
            self._give()

    def carries(self) -> bool:
        """Whether the bytes that are on the wire now get through."""
        return self.bench.carries()

    # --- looking and asking ---

    def signs(self) -> Signs:
        """Return what can be seen of the patient now."""
        self._give()
        return self.patient.signs()

    def order(self, workup: Workup) -> Finding:
        """Carry out an examination, with what it does to the pump; the finding is kept for the visit."""
        self._give()
        fills = self._fill_entries()
        if len(fills) != self._fills:
            self._fills, self.findings = len(fills), []
        finding = order(workup, self.situation(), self._generator, self.findings)
        self._suffer(finding.aftermath)
        self.findings.append(finding)
        self.device.journal.record(
            self.bench.now_ms,
            "bedside.workup",
            workup=workup.value,
            seen=list(finding.seen),
            verdicts={failure: verdict.name.lower() for failure, verdict in finding.verdicts},
        )
        return finding

    def situation(self) -> Situation:
        """Return the truth, as far as an examination can meet it."""
        device, body = self.device, self.device.body
        pump = device.pump
        now_ms, faults = self.bench.now_ms, self.bench.faults
        path = body.conditions.path(now_ms)
        prescription = pump.therapy.prescription if pump else None
        fills = self._fill_entries()
        dead = not device.powered
        return Situation(
            seed=self._seed,
            reservoir_nl=body.reservoir_nl,
            computed_nl=pump.reservoir_nl if pump else 0,
            capacity_nl=device.profile.capacity.value,
            filled_nl=fills[-1] if fills else None,
            refills=len(fills),
            kinked_permille=path.kinked,
            obstructed_permille=path.obstructed,
            leak_permille=path.leaking,
            dislodged_permille=path.dislodged,
            disconnected=path.disconnected,
            catheter_pg=self._in_catheter(),
            has_rotor=device.profile.drive == "peristaltic",
            rotor_turning=not (dead or body.stalled or body.in_field),
            delivery_permille=PERMILLE + body.drive.deviation(now_ms),
            dead=dead,
            answering=not dead and "pump_flipped" not in faults,
            alarms=frozenset(alarm_name(alarm.code) for alarm in pump.panel.raised) if pump else frozenset(),
            flipped="pump_flipped" in faults,
            eroded="pump_erosion" in faults,
            needle_beside="refill_pocket" in faults,
            pocket_nl=1 if self._in_pocket() else 0,
            fluid=self._named(body.fluid),
            programmed_fluid=self._named(fluid_of(prescription)) if prescription else self._named(body.fluid),
            signs=self.patient.signs(),
        )

    # --- as plain data ---

    def command(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out a bench command, ``order`` or ``patient``; returns plain JSON, raises ``BenchError``."""
        match request.get("do"):
            case "order":
                return _finding_data(self.order(_workup(str(request.get("workup")))))
            case "patient":
                return _signs_data(self.signs())
            case _:
                answer = self.bench.command(request)
                self._give()
                return answer

    # --- the patient receives ---

    def _give(self) -> None:
        now_ms = max(self.bench.now_ms, self.patient.now_ms)
        for route, book in ROUTES.items():
            given = self._given[route]
            for code, mass_pg in getattr(self.device.body, book).items():
                arrived = mass_pg - given.get(code, 0)
                if arrived:
                    given[code] = mass_pg
                    self._receive(now_ms, code, arrived, route)
        self.patient.advance(now_ms)

    def _receive(self, now_ms: int, code: int, mass_pg: int, route: Route) -> None:
        if not self.patient.knows(code):
            entry = self._library.drug(code)
            raise PatientError(f"the patient model has no drug “{entry.name if entry else code}”")
        self.patient.receive(now_ms, code, mass_pg, route)

    # --- what an examination does ---

    def _suffer(self, aftermath: Aftermath) -> None:
        body = self.device.body
        match aftermath:
            case Aftermath.CATHETER_EMPTIED | Aftermath.CONTRAST_INJECTED:
                distended_nl, drawn = body.empty_catheter()
                self.device.journal.record(
                    self.bench.now_ms, "bench.catheter_emptied", held_nl=-distended_nl, drawn=book_data(drawn)
                )
            case Aftermath.CATHETER_INJECTED:
                body.inject_at_port(self.device.profile.catheter.value, SALINE)
            case Aftermath.SMALL_BOLUS | Aftermath.NONE:
                pass  # the small bolus is the clinician's, given through the programmer
        self._give()

    def _in_catheter(self) -> tuple[tuple[str, int], ...]:
        rest_nl, plugs = self.device.profile.catheter.value, []
        for plug_nl, fluid in self.device.body.line:
            plugs.append((min(plug_nl, rest_nl), fluid))
            rest_nl -= plugs[-1][0]
        return tuple((self._drug(code), mass_pg) for code, mass_pg in sorted(masses(plugs).items()))

    def _in_pocket(self) -> bool:
        codes = self._given[Route.POCKET]
        return any(self.patient.balance(code).pocket_ug > 1.0 for code in codes)

    def _fill_entries(self) -> list[int]:
        entries = sorted(self.device.chip.log_entries(), key=lambda entry: entry.sequence)
        return [entry.value for entry in entries if entry.kind is LogKind.REFILL]

    def _named(self, fluid: Fluid) -> tuple[tuple[str, int], ...]:
        return tuple((self._drug(code), concentration) for code, concentration in fluid)

    def _drug(self, code: int) -> str:
        entry = self._library.drug(code)
        return entry.name if entry else f"drug {code}"


def _workup(name: str) -> Workup:
    plain = name.lower().replace("-", "_")
    try:
        return Workup(plain)
    except ValueError:
        there_are = ", ".join(workup.value for workup in Workup)
        raise BenchError(f"no examination “{name}”; there are: {there_are}") from None


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {
        "workup": finding.workup.value,
        "seen": list(finding.seen),
        "verdicts": {failure: verdict.value for failure, verdict in finding.verdicts},
        "aftermath": finding.aftermath.value,
        "notes": list(finding.notes),
        "measured_nl": finding.measured_nl,
    }


def _signs_data(signs: Signs) -> dict[str, Any]:
    return {
        "signs": list(signs.words()),
        "outcomes": [outcome.value for outcome in signs.outcomes],
        "pain": round(signs.pain, 1),
        "breaths_per_min": round(signs.breaths_per_min, 1),
        "spasticity": round(signs.spasticity, 1),
    }
