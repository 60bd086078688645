"""Failures that no electronics see: the patient shows them, and examinations find them as often as is published.

Each is caused, the patient is waited for, and then every examination that can show the failure is ordered many
times, each time as if in another patient: what is reported is how often each found it. Nothing is claimed for the
device, but that it stays silent: an alarm here would be a false one.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from emulator.workups.clinic import order
from emulator.workups.finding import Verdict, Workup
from emulator.workups.situation import Situation
from protocol.units import DAY_MS, HOUR_MS
from verify.faults.catalogue import failures
from verify.faults.report import Report, Scene
from verify.faults.stage import FILLED_NL, Stage

PATIENTS = 200
"""So many draws of each examination: enough to tell one in ten from none."""


def examined(failure: str, fault: str, *, after_ms: int, refilled: bool = False, **settings: object) -> Scene:
    """Return the scene of a fault that examinations find: what they find, and that the pump says nothing."""

    def scene(stage: Stage) -> Report:
        report = Report.begin(stage)
        stage.bench.inject(fault, **settings)
        if refilled:
            stage.fill(FILLED_NL)
        stage.bed.advance(after_ms)
        alarm = stage.first("alarm.raised", report.began_ms)
        report.demand(alarm is None, f"the pump alarmed {alarm['data']['alarm'] if alarm else ''}: it cannot know")
        shares = found_by(stage, failure)
        words = ", ".join(f"{workup.value} {100 * share // PATIENTS} %" for workup, share in shares.items())
        best = max(shares.values(), default=0)
        report.demand(best > 0, f"no examination found it ({words})")
        if best:
            report.notice(stage.now_ms, f"examinations: {words}")
        return report

    return scene


def found_by(stage: Stage, failure: str) -> dict[Workup, int]:
    """Return how often each examination that can show a failure speaks for it, of ``PATIENTS`` draws."""
    situation = stage.bed.situation()
    found = {}
    for name in failures()[failure].found_by:
        workup = Workup(name)
        found[workup] = sum(_finds(workup, replace(situation, seed=seed), failure) for seed in range(PATIENTS))
    return found


def _finds(workup: Workup, situation: Situation, failure: str) -> bool:
    """Whether an examination speaks for a failure in one patient; the catheter is aspirated first, as is right."""
    chance = Random(f"{workup.value} {situation.seed}")  # noqa: S311 - a scene must be repeatable
    earlier = [order(Workup.ASPIRATION, situation, chance)]
    return order(workup, situation, chance, earlier).verdict(failure) is Verdict.POSITIVE


SCENES: dict[str, Scene] = {
    "CATH-KINK": examined("CATH-KINK", "cath_kink", after_ms=14 * DAY_MS, severity=700),
    "CATH-OCCLUSION": examined("CATH-OCCLUSION", "cath_occlusion", after_ms=14 * DAY_MS),
    "CATH-DISLODGED": examined("CATH-DISLODGED", "cath_dislodged", after_ms=3 * DAY_MS),
    "CATH-DISCONNECTED": examined("CATH-DISCONNECTED", "cath_disconnected", after_ms=3 * DAY_MS),
    "CATH-LEAK": examined("CATH-LEAK", "cath_leak", after_ms=3 * DAY_MS, severity=500),
    "REFILL-WRONG-DRUG": examined(
        "REFILL-WRONG-DRUG", "refill_wrong_drug", after_ms=3 * DAY_MS, refilled=True, severity=2000
    ),
    "PUMP-EROSION": examined("PUMP-EROSION", "pump_erosion", after_ms=DAY_MS),
    "ACCESS-PORT-BOLUS": examined("ACCESS-PORT-BOLUS", "access_port_bolus", after_ms=6 * HOUR_MS),
}
