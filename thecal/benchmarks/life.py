"""A life with a pump: years of infusion, the patient's boluses, refills and changes of dose, all over the wire."""

from __future__ import annotations

from random import Random

from emulator.bench import Bench
from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import Profile
from emulator.journal import Journal
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from protocol.carrier import DirectCarrier
from protocol.conversation import Conversation
from protocol.keys import KEY_OCTETS, role_key
from protocol.units import DAY_MS, HOUR_MS, Nanolitres, PicogramsPerNanolitre
from protocol.vocabulary import Role
from thecal.visit import ensure_done

KEY = bytes(KEY_OCTETS)
SERIAL = "BENCH"
DRUG, CONCENTRATION = "morphine", PicogramsPerNanolitre(20_000)
DAILY_DOSES = ("2 mg/day", "2.2 mg/day", "2.4 mg/day", "2.2 mg/day")
"""Prescribed in turns, so that every visit changes something, unless a schedule is."""
FLEX_STEPS = (
    "all 00:00 1.6 mg/day",
    "mon-fri 06:00 2.4 mg/day",
    "mon-fri 18:00 2 mg/day",
    "sat-sun 08:00 2.2 mg/day",
)
"""For somebody with pain in the daytime. Two, three or four of them are prescribed in turns."""
MONDAY = "mon 00:00"
BOLUS, DURATION, LOCKOUT, MOST_PRESSES = "0.1 mg", "10 min", "3 h", 6
PRESS_EVERY_MS = 3 * HOUR_MS + HOUR_MS // 2
"""Longer than the lockout and the bolus before it."""
CONTENTS = Nanolitres(18_000_000)
VISIT_DAYS = range(60, 91)
"""How long a filling is used: less than would empty it, and shorter than the drug keeps."""


class Life:
    """One patient with one pump. Chance, by a seed, says when the patient presses and the clinician calls."""

    def __init__(
        self,
        profile: Profile,
        library: Library,
        *,
        presses_a_day: int,
        flex: bool = False,
        seed: int = 1,
        journal: Journal | None = None,
    ) -> None:
        entry = library.by_name(DRUG)
        self._random = Random(seed)  # noqa: S311 - the same life every time
        self.device = PumpDevice(
            profile=profile,
            library=library,
            key=KEY,
            serial=SERIAL,
            entropy=self._random.randbytes,
            filling=Filling(CONTENTS.value, ((entry.code, CONCENTRATION.value),) if entry else ()),
            journal=journal,
        )
        self.bench = Bench(self.device, library)
        self.visits = self.presses = 0
        self._library = library
        self._presses_a_day = presses_a_day
        self._flex = flex
        self._visit(refill=False)

    def live(self, days: int) -> None:
        """Let so many days pass."""
        for _ in range(days):
            self._day()
            self._days_until_visit -= 1
            if not self._days_until_visit:
                self._visit(refill=True)

    def _day(self) -> None:
        evening_ms = self.bench.now_ms + DAY_MS
        for _ in range(self._presses_a_day):
            self.bench.advance(PRESS_EVERY_MS + self._random.randrange(HOUR_MS))
            patient = self._programmer(Role.PATIENT)
            ensure_done(patient.patient_bolus())
            patient.hang_up()
            self.presses += 1
        self.bench.advance(evening_ms - self.bench.now_ms)

    def _visit(self, *, refill: bool) -> None:
        clinician = self._programmer(Role.CLINICIAN)
        view = clinician.interrogate()
        if refill:
            residual = Nanolitres(self.bench.residual_nl())
            self.bench.refill(CONTENTS.value)
            ensure_done(clinician.refill(str(residual), str(CONTENTS)).result)
        draft = clinician.blank().fluid((DRUG, str(CONCENTRATION)))
        if self._flex:
            draft = draft.flex(*FLEX_STEPS[: 2 + self.visits % 3]).now(MONDAY, view.therapy.pump_time)
        else:
            draft = draft.daily_dose(DAILY_DOSES[self.visits % len(DAILY_DOSES)])
        clinician.edit(draft.patient_bolus(BOLUS, DURATION, LOCKOUT, MOST_PRESSES))
        ensure_done(clinician.update(clinician.review()))
        clinician.verify()
        ensure_done(clinician.close().result)
        self.visits += 1
        self._days_until_visit = self._random.choice(VISIT_DAYS)

    def _wait(self, for_ms: int) -> bytes:
        self.bench.advance(for_ms)
        return b""

    def _programmer(self, role: Role) -> Programmer:
        """Return a programmer that has just connected."""
        carrier = DirectCarrier(self.device.receive, self._wait)
        key = role_key(KEY, role)
        programmer = Programmer(
            lambda: Conversation(carrier, key, role, self._random.randbytes, SERIAL), self._library
        )
        programmer.connect()
        return programmer
