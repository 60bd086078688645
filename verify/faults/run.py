"""Causes failures one by one, each in a fresh pump of each profile that can have it, and says what came of it.

Whatever the failure, the journal of its scene is judged: no failure excuses a broken claim or formula beyond what the
judge itself excuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protocol.units import DAY_MS
from verify.faults import scenes_clinical, scenes_computed, scenes_device, scenes_session
from verify.faults.catalogue import Failure, failures
from verify.faults.report import Outcome, Report, Scene
from verify.faults.stage import DOSE_PG, Stage
from verify.judge import judge_lines
from verify.properties import load_properties
from verify.verdict import Verdict

SCENES: dict[str, Scene] = {
    **scenes_device.SCENES,
    **scenes_computed.SCENES,
    **scenes_session.SCENES,
    **scenes_clinical.SCENES,
}
"""By the id of the failure; there is one for every row of the table."""


def runs(wanted: Iterable[str] | None = None, profiles: Iterable[str] | None = None) -> Iterator[tuple[Failure, str]]:
    """Yield every failure, of those wanted, with each profile, of those wanted, that can have it."""
    ids = None if wanted is None else set(wanted)
    kinds = None if profiles is None else set(profiles)
    for failure in failures().values():
        for profile in failure.profiles:
            if (ids is None or failure.id in ids) and (kinds is None or profile in kinds):
                yield failure, profile


def run(failure: Failure, profile: str, seed: int = 1) -> Outcome:
    """Cause one failure in a fresh pump and report; never raises for what the pump does."""
    stage = Stage(profile, seed)
    report = SCENES[failure.id](stage)
    moved = {book: amount - report.before[book] for book, amount in stage.arrived().items()}
    report.demand(report.noticed_ms is not None, "nothing noticed it")
    lasted_ms = stage.now_ms - report.since_ms
    prescribed_pg = DOSE_PG * lasted_ms // DAY_MS
    signs = stage.bed.signs()
    verdict = _judged(stage, report)
    return Outcome(
        failure=failure.id,
        profile=profile,
        claim=failure.claim,
        noticed_by=report.noticed_by,
        after_ms=report.after_ms,
        deadline_ms=report.deadline_ms,
        problems=tuple(dict.fromkeys(report.problems)),
        reached_permille=1000 * moved["tip_pg"] // prescribed_pg if prescribed_pg else None,
        tip_pg=moved["tip_pg"],
        pocket_pg=moved["pocket_pg"],
        tissue_pg=moved["tissue_pg"],
        patient=signs.words(),
        harms=tuple(outcome.value for outcome in signs.outcomes),
        note=report.note,
        premises={formula.id: formula.premises for formula in verdict.formulas if formula.premises},
    )


def _judged(stage: Stage, report: Report) -> Verdict:
    """End the scene and have its journal judged; whatever is found fell short."""
    stage.bench.finish()
    verdict = judge_lines(stage.journal.lines, properties=load_properties())
    for finding in verdict.findings:
        report.demand(False, f"the judge: {finding.line()}")
    for formula in verdict.formulas:
        report.demand(not formula.violated, f"the judge: formula {formula.id} is violated: {formula.words}")
    return verdict
