"""The stage on which a failure is caused: a fresh pump in a patient, two weeks into an ordinary therapy."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from emulator.bedside import Bedside
from emulator.bench import BOOKS, Bench
from emulator.device import Filling, PumpDevice
from emulator.firmware.pump import Pump
from emulator.hardware.profile import load_profile
from emulator.journal import Journal
from emulator.library import Library
from emulator.patient.patient import Patient
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done
from protocol.carrier import Carrier, DirectCarrier
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.units import DAY_MS, MINUTE_MS
from protocol.vocabulary import Role

SERIAL = "TH-0001"
DRUG, STRENGTH, DOSE = "morphine", "20 mg/mL", "2 mg/day"
DOSE_PG = 2_000_000_000
RATE = 100_000
"""The dose as a flow, in nL/day."""
FILLED_NL = 18_000_000
SETTLED_MS = 14 * DAY_MS
"""After this long the patient is in a steady state."""
LOOK_MS = 15 * MINUTE_MS
LOCKOUT_OVER_MS = 4 * 60 * MINUTE_MS + MINUTE_MS


class Stage:
    """One pump, its bench, its patient and its clinician. Everything is drawn from one seed."""

    def __init__(self, profile: str, seed: int, *, settled_ms: int = SETTLED_MS) -> None:
        """Make a pump, program it as a clinician does, and let the therapy settle."""
        self.random = Random(f"{profile} {seed}")  # noqa: S311 - a scene must be repeatable
        self.seed = seed
        self.library = Library.shipped()
        self.events: list[dict[str, Any]] = []
        """Everything that was recorded, in order; strokes come with the next event of another kind."""
        self.journal = Journal(lambda line: self.events.append(json.loads(line)))
        self.key = self.random.randbytes(32)
        entry = self.library.by_name(DRUG)
        if entry is None:
            raise LookupError(DRUG)
        self.drug = entry.code
        self.device = PumpDevice(
            profile=load_profile(profile),
            library=self.library,
            key=self.key,
            serial=SERIAL,
            entropy=self.random.randbytes,
            filling=Filling(FILLED_NL, ((self.drug, 20_000),)),
            journal=self.journal,
            seed=seed,
        )
        self.bench = Bench(self.device, self.library)
        self.bed = Bedside(self.bench, Patient("back-pain"), self.library, seed)
        self.clinician = self.programmer()
        self._begin_therapy()
        self.bed.advance(settled_ms)

    # --- people ---

    def programmer(self, role: Role = Role.CLINICIAN, wire: Callable[[], Carrier] | None = None) -> Programmer:
        """Return a programmer of a role, over a good wire or the one given."""

        def dial() -> Conversation:
            carrier = wire() if wire else self.wire()
            return Conversation(carrier, role_key(self.key, role), role, self.random.randbytes, SERIAL)

        return Programmer(dial, self.library)

    def conversation(self) -> Conversation:
        """Return a session of somebody who has the clinician's key and no programmer to ask first."""
        role = Role.CLINICIAN
        conversation = Conversation(self.wire(), role_key(self.key, role), role, self.random.randbytes, SERIAL)
        conversation.connect()
        return conversation

    def wire(self) -> Carrier:
        """Return a good wire, on which waiting lets time pass."""
        return DirectCarrier(self.device.receive, self._wait)

    def sit_down(self) -> Programmer:
        """Let the clinician connect and interrogate."""
        self.clinician = self.programmer()
        self.clinician.connect()
        self.clinician.interrogate()
        return self.clinician

    def stand_up(self) -> tuple[str, ...]:
        """Close the session; return everything that had to be said."""
        return self.clinician.close(stopped_acknowledged=True).notes

    def fill(self, volume_nl: int) -> tuple[str, ...]:
        """Refill: draw out what is there, inject and enter a volume; return what had to be said."""
        measured_nl = self.bench.residual_nl()
        self.bench.refill(volume_nl)
        self.sit_down()
        refill = self.clinician.refill(f"{measured_nl} nL", f"{volume_nl} nL")
        said = self.stand_up()
        return (refill.residual.words, *said)

    # --- looking ---

    @property
    def now_ms(self) -> int:
        """Bench time."""
        return self.bench.now_ms

    @property
    def pump(self) -> Pump | None:
        """The controller; None without power."""
        return self.device.pump

    @property
    def rate(self) -> int:
        """Commanded flow in nL/day; 0 without power."""
        return self.pump.therapy.rate if self.pump else 0

    def arrived(self) -> dict[str, int]:
        """Return what has arrived where, in picograms by book."""
        return {book: getattr(self.device.body, book).get(self.drug, 0) for book in BOOKS}

    def tip_pg(self) -> int:
        """What has reached the patient's CSF."""
        return self.device.body.tip_pg.get(self.drug, 0)

    def first(self, kind: str, since_ms: int, **data: Any) -> dict[str, Any] | None:
        """Return the first event of a kind from an instant on whose data are these."""
        for event in self.events:
            if event["kind"] == kind and event["at"] >= since_ms and data.items() <= event["data"].items():
                return event
        return None

    def wait_for(self, kind: str, within_ms: int, **data: Any) -> dict[str, Any] | None:
        """Let time pass until an event happens, or so long at most; return it."""
        since_ms = self.now_ms
        while (event := self.first(kind, since_ms, **data)) is None and self.now_ms < since_ms + within_ms:
            self.bed.advance(min(LOOK_MS, since_ms + within_ms - self.now_ms))
        return event

    # --- the beginning ---

    def _begin_therapy(self) -> None:
        clinician = self.clinician
        clinician.connect()
        clinician.interrogate()
        draft = clinician.blank().fluid((DRUG, STRENGTH)).daily_dose(DOSE)
        clinician.edit(draft.patient_bolus("0.1 mg", "10 min", "4 h", 4))
        result = clinician.update(clinician.review())
        if not isinstance(result, Done):
            raise AssertionError(f"the stage could not be set: {result}")
        clinician.verify()
        clinician.refill("0 mL", f"{FILLED_NL} nL")
        clinician.close()

    def _wait(self, for_ms: int) -> bytes:
        self.bed.advance(for_ms)
        return b""
