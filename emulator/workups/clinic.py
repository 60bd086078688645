"""Ordering an examination: the truth goes in, what is seen comes out.

Whatever is there is seen with the sensitivity of its row; where nothing is there that the examination could see, it
sees something all the same as often as its specificity says. What it has no row for it cannot see at all, so it says
nothing about it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from emulator.workups.catalogue import TURNED, Catalogue, Plan, Sight
from emulator.workups.chance import Chance
from emulator.workups.finding import Aftermath, Finding, Verdict, Workup
from emulator.workups.reading import shipped_catalogue
from emulator.workups.residual import draw_out
from emulator.workups.situation import FAILURES, Condition, Situation
from protocol.units import Nanolitres, Picograms

FLIPPED = FAILURES[Condition.FLIPPED]


class _Order(NamedTuple):
    """One examination of one situation."""

    plan: Plan
    situation: Situation
    catalogue: Catalogue
    generator: random.Random
    earlier: Sequence[Finding]

    @property
    def chance(self) -> Chance:
        return Chance(self.plan.workup, self.situation, self.plan.repeat, self.generator)


def order(
    workup: Workup,
    situation: Situation,
    generator: random.Random,
    earlier: Sequence[Finding] = (),
    catalogue: Catalogue | None = None,
) -> Finding:
    """Carry out an examination. The same situation and a generator in the same state give the same finding.

    ``earlier`` are the findings of this patient's visit, oldest first: only the dye study looks at them, for
    whether the catheter was aspirated first.
    """
    catalogue = catalogue or shipped_catalogue()
    request = _Order(catalogue.plans[workup], situation, catalogue, generator, earlier)
    if request.plan.needs_port and situation.flipped:
        return _port_not_found(request.plan)
    return _WAYS.get(workup, _look)(request)


def _port_not_found(plan: Plan) -> Finding:
    verdicts = dict.fromkeys(plan.failures, Verdict.INCONCLUSIVE) | {FLIPPED: Verdict.POSITIVE}
    return _finding(plan, ("The needle does not find the port.",), verdicts, Aftermath.NONE)


def _look(request: _Order) -> Finding:
    return _report(request.plan, _seen(request))


def _seen(request: _Order) -> list[Sight]:
    """Return what is seen of the conditions that are there, or by mistake."""
    plan, chance = request.plan, request.chance
    present = request.situation.conditions
    visible = [
        (sight, condition, shows.sensitivity.value)
        for sight in plan.sights
        for condition, shows in sight.shows.items()
        if present.get(condition, 0) >= shows.from_permille
    ]
    if not visible:
        return _mistaken(plan, chance)
    found = [sight for sight, condition, value in visible if chance.happens(value, condition.value)]
    return [sight for sight in plan.sights if sight in found]


def _mistaken(plan: Plan, chance: Chance) -> list[Sight]:
    possible = [sight for sight in plan.sights if sight.shows]
    if not possible or not chance.happens(1 - plan.specificity.value, "mistake"):
        return []
    return [chance.source("mistaken sight").choice(possible)]


def _report(
    plan: Plan,
    seen: Collection[Sight],
    *,
    words: Iterable[str] = (),
    unknown: Collection[str] = frozenset(),
    told: Collection[str] = frozenset(),
    aftermath: Aftermath | None = None,
    measured_nl: int | None = None,
) -> Finding:
    """Put a finding together; ``unknown`` failures could not be told, ``told`` ones are positive without a sight."""
    positive = frozenset(told).union(*(sight.failures for sight in seen))
    verdicts = dict.fromkeys(plan.failures, Verdict.NEGATIVE)
    verdicts |= dict.fromkeys(unknown, Verdict.INCONCLUSIVE)
    verdicts |= dict.fromkeys(positive, Verdict.POSITIVE)
    lines = (*(sight.words for sight in seen), *words) or (plan.nothing,)
    return _finding(plan, lines, verdicts, plan.aftermath if aftermath is None else aftermath, measured_nl)


def _finding(
    plan: Plan,
    seen: tuple[str, ...],
    verdicts: dict[str, Verdict],
    aftermath: Aftermath,
    measured_nl: int | None = None,
) -> Finding:
    return Finding(plan.workup, seen, tuple(sorted(verdicts.items())), aftermath, plan.notes, measured_nl)


def _interrogate(request: _Order) -> Finding:
    plan = request.plan
    silent = _seen(request)
    if silent:
        return _report(plan, silent, unknown=plan.alarms.values())
    alarms = sorted(request.situation.alarms)
    told = {plan.alarms[alarm] for alarm in alarms if alarm in plan.alarms}
    return _report(plan, (), words=[f"The pump reports the alarm {alarm}." for alarm in alarms], told=told)


def _examine(request: _Order) -> Finding:
    plan, signs = request.plan, request.situation.signs
    outcomes = signs.outcomes if signs else ()
    shown = [sight for sight in plan.sights if sight.outcome in outcomes]
    unknown = () if signs else frozenset[str]().union(*(sight.speaks_for for sight in plan.sights))
    words = signs.words() if signs else ("The patient was not asked.",)
    seen = _seen(request) + shown
    return _report(plan, seen, words=words if seen else (plan.nothing, *words), unknown=unknown)


def _measure_residual(request: _Order) -> Finding:
    plan = request.plan
    residual = draw_out(request.situation, request.catalogue, request.chance.source("volume"))
    seen = [sight for sight in plan.sights if sight.name == residual.sight]
    words = [f"{Nanolitres(residual.measured_nl)} drawn out, {Nanolitres(request.situation.computed_nl)} reckoned."]
    if not residual.tellable:
        words.append("Too little was to be delivered since the last refill to tell.")
    elif not seen:
        words.append(plan.nothing)
    return _report(
        plan,
        seen,
        words=words,
        unknown=() if residual.tellable else plan.failures - {FLIPPED},
        measured_nl=residual.measured_nl,
    )


def _study_rotor(request: _Order) -> Finding:
    plan = request.plan
    if not request.situation.has_rotor:
        unknown = dict.fromkeys(plan.failures, Verdict.INCONCLUSIVE)
        return _finding(plan, ("This pump has no rotor.",), unknown, Aftermath.NONE)
    seen = _seen(request)
    angles = request.catalogue.angles[seen[0].name if seen else TURNED]
    degrees = request.generator.randint(angles.least, angles.greatest)
    words = [] if seen else [plan.nothing]
    words.append(f"Between the two films the rollers have turned by {degrees} degrees.")
    moved = request.situation.rotor_turning
    return _report(plan, seen, words=words, aftermath=plan.aftermath if moved else Aftermath.NONE)


def _aspirate(request: _Order) -> Finding:
    dry = _seen(request)
    return _report(request.plan, dry, aftermath=Aftermath.NONE if dry else request.plan.aftermath)


def _inject_dye(request: _Order) -> Finding:
    plan = request.plan
    aspirated = [finding for finding in request.earlier if finding.workup is Workup.ASPIRATION]
    if not aspirated:
        warning = f"Injected without aspirating first: pushed on at once: {_standing(request.situation)}."
        return _report(plan, _seen(request), words=[warning], aftermath=Aftermath.CATHETER_INJECTED)
    if aspirated[-1].aftermath is not Aftermath.CATHETER_EMPTIED:
        words = ("Not done: where nothing can be drawn, nothing may be injected.",)
        return _finding(plan, words, dict.fromkeys(plan.failures, Verdict.INCONCLUSIVE), Aftermath.NONE)
    return _look(request)


def _standing(situation: Situation) -> str:
    drugs = [f"{drug} {Picograms(mass_pg)}" for drug, mass_pg in situation.catheter_pg if mass_pg]
    return ", ".join(drugs) or "no drug"


_WAYS: dict[Workup, Callable[[_Order], Finding]] = {
    Workup.INTERROGATION: _interrogate,
    Workup.EXAMINATION: _examine,
    Workup.RESIDUAL: _measure_residual,
    Workup.ROTOR_STUDY: _study_rotor,
    Workup.ASPIRATION: _aspirate,
    Workup.DYE_STUDY: _inject_dye,
}
"""How the examinations that are more than looking are done."""
