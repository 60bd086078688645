"""Published figures and what the model makes of them: the table of ``docs/patient.md``, computed.

An anchor is *given* when it follows from parameters taken over from a publication, *fitted* when a figure of ours was
chosen so that it comes out, and *found* when it came out without being asked for. Only the last kind says anything
new about the model.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from emulator.patient import measures
from emulator.patient.signs import APNOEA, SLOW_BREATHING
from protocol.units import HOUR_MS

UG, MG = 1_000_000, 1_000_000_000
"""Micrograms and milligrams in picograms."""


class Origin(enum.Enum):
    """Why the model agrees."""

    GIVEN = "given"
    FITTED = "fitted"
    FOUND = "found"


class Anchor(NamedTuple):
    """One published figure, the range that the model has to meet and why it is that range."""

    what: str
    published: str
    source: str
    unit: str
    measure: Callable[[], float]
    low: float
    high: float
    reason: str
    origin: Origin


def anchors() -> Iterator[Anchor]:
    """Yield every anchor, morphine first."""
    yield from _morphine_kinetics()
    yield from _morphine_effects()
    yield from _baclofen()
    yield from _withdrawals()
    yield from _pocket_fills()


def render_anchor_table() -> str:
    """Return the anchors as a Markdown table, the model's values computed now, in three significant digits."""
    lines = [
        "| anchor | published | model | accepted | why this range | origin | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for anchor in anchors():
        unit = f" {anchor.unit}" if anchor.unit else ""
        lines.append(
            f"| {anchor.what} | {anchor.published} | {anchor.measure():.3g}{unit} "
            f"| {anchor.low:g} to {anchor.high:g} | {anchor.reason} | {anchor.origin.value} | {anchor.source} |"
        )
    return "\n".join(lines) + "\n"


def _morphine_kinetics() -> Iterator[Anchor]:
    for dose_pg, text, published in ((MG // 2, "0.5", 10.4), (MG // 4, "0.25", 4.2)):
        yield Anchor(
            f"morphine {text} mg: lumbar fluid at 1 h",
            f"{published:g} ug/mL",
            "Nordberg 1984",
            "ug/mL",
            partial(measures.fluid_at, dose_pg, HOUR_MS),
            published / 2,
            published * 2,
            "studies differ by a factor of 2",
            Origin.FOUND,
        )
    yield Anchor(
        "morphine 2 mg: lumbar fluid at 10 min",
        "30-60 ug/mL",
        "isobaric bolus, n = 5",
        "ug/mL",
        partial(measures.fluid_at, 2 * MG, HOUR_MS // 6),
        15,
        120,
        "factor of 2; the model is high, it mixes 15 mL at once",
        Origin.FOUND,
    )
    yield Anchor(
        "morphine: fast half-life in the fluid",
        "10-15 min",
        "isobaric bolus, n = 5",
        "min",
        lambda: 60 * measures.fluid_half_lives_h("morphine")[0],
        7.5,
        30,
        "factor of 2",
        Origin.FITTED,
    )
    yield Anchor(
        "morphine: terminal half-life in the fluid",
        "175 +/- 9 and 196 +/- 13 min",
        "Nordberg 1984",
        "min",
        lambda: 60 * measures.fluid_half_lives_h("morphine")[-1],
        140,
        236,
        "20 % around the two means",
        Origin.FITTED,
    )
    yield Anchor(
        "morphine: mean residence time in the fluid",
        "137 min",
        "aortic surgery, n = 21",
        "min",
        measures.residence_min,
        116,
        158,
        "15 %: volume and clearance are means of subjects",
        Origin.GIVEN,
    )
    yield Anchor(
        "morphine 0.5 mg: peak in plasma",
        "below 1 ng/mL",
        "Nordberg 1984",
        "ng/mL",
        partial(measures.plasma_peak_ng_ml, MG // 2),
        0.1,
        1,
        "as published",
        Origin.FOUND,
    )
    yield Anchor(
        "morphine 1 mg/day: spinal site after 24 h, of steady state",
        "doses are changed once in 24 h",
        "common practice",
        "%",
        measures.reached_in_a_day_percent,
        90,
        99,
        "nearly complete, not complete",
        Origin.GIVEN,
    )


def _morphine_effects() -> Iterator[Anchor]:
    yield Anchor(
        "morphine 0.3 mg: analgesia (30 % relief) lasts",
        "more than 20 h",
        "Jacobson 1988",
        "h",
        measures.analgesia_h,
        20,
        30,
        "20 h, and not without end",
        Origin.FITTED,
    )
    yield Anchor(
        "morphine 1 mg: slowest breathing",
        "slow, prolonged depression",
        "Jacobson 1988",
        "1/min",
        partial(measures.slowest_breathing, MG),
        APNOEA,
        SLOW_BREATHING,
        "slow, but no apnoea",
        Origin.FITTED,
    )
    yield Anchor(
        "morphine 2.5 mg: slowest breathing",
        "apnoea",
        "Jacobson 1988",
        "1/min",
        partial(measures.slowest_breathing, 5 * MG // 2),
        0,
        APNOEA,
        "apnoea",
        Origin.FITTED,
    )
    for dose_pg, text in ((MG // 5, "0.2"), (3 * MG // 5, "0.6")):
        yield Anchor(
            f"morphine {text} mg: breathing is slowest after",
            "about 3.5-7.5 h",
            "Bailey 1993",
            "h",
            partial(measures.time_of_slowest_breathing_h, dose_pg),
            3.5,
            7.5,
            "as published, from memory",
            Origin.FITTED,
        )
    yield Anchor(
        "morphine 1 mg: depression left at 22 h, of the greatest",
        "to 22 h (epidural 10 mg); label: watch for 24 h",
        "ventilation after epidural morphine; label",
        "%",
        measures.depression_left_percent,
        5,
        50,
        "still there, and fading",
        Origin.FOUND,
    )


def _baclofen() -> Iterator[Anchor]:
    yield Anchor(
        "baclofen: half-life in the fluid",
        "1.51 h (label); 0.9-5 h (n = 4)",
        "label; doi 10.1007/BF00265844",
        "h",
        lambda: measures.fluid_half_lives_h("baclofen")[-1],
        0.9,
        5,
        "the range of the patients",
        Origin.GIVEN,
    )
    yield Anchor(
        "baclofen 50 ug bolus: one Ashworth point less after",
        "0.5-1 h",
        "clinical review",
        "h",
        partial(measures.bolus_onset_h, 50 * UG),
        0.5,
        1,
        "as published",
        Origin.FITTED,
    )
    yield Anchor(
        "baclofen 50 ug bolus: greatest effect after",
        "4 h",
        "clinical review",
        "h",
        partial(measures.bolus_peak_h, 50 * UG),
        3,
        5,
        "1 h either way",
        Origin.FITTED,
    )
    yield Anchor(
        "baclofen 100 ug/day begun: one Ashworth point less after",
        "6-8 h",
        "clinical review",
        "h",
        partial(measures.infusion_onset_h, 100 * UG),
        6,
        8,
        "as published",
        Origin.FITTED,
    )
    yield Anchor(
        "baclofen 100 ug/day begun: greatest effect after",
        "24-48 h",
        "clinical review",
        "h",
        partial(measures.infusion_peak_h, 100 * UG),
        24,
        48,
        "as published; then tolerance sets in",
        Origin.FOUND,
    )


def _withdrawals() -> Iterator[Anchor]:
    yield Anchor(
        "morphine 1 mg/day stopped: first signs after",
        "within 24 h",
        "Pain 1996;64:589",
        "h",
        partial(measures.withdrawal_h, "cancer-pain", "morphine", MG, 1),
        8,
        24,
        "not in the first hours: morphine leaves its site slowly",
        Origin.FITTED,
    )
    for stage, name, low, high in ((1, "mild", 12, 24), (2, "severe", 24, 72), (3, "life-threatening", 24, 72)):
        yield Anchor(
            f"baclofen 300 ug/day stopped: {name} after",
            f"{low}-{high} h",
            "reviews of withdrawal",
            "h",
            partial(measures.withdrawal_h, "spinal-spasticity", "baclofen", 300 * UG, stage),
            low,
            high,
            "as published",
            Origin.FITTED,
        )


def _pocket_fills() -> Iterator[Anchor]:
    yield Anchor(
        "morphine 1 mg/day, 400 mg into the pocket: slow breathing after",
        "minutes to hours",
        "from memory, medium confidence",
        "h",
        partial(measures.pocket_fill_h, "cancer-pain", "morphine", MG, 400 * MG, measures.breathes_slowly),
        0.5,
        8,
        "hours",
        Origin.FITTED,
    )
    yield Anchor(
        "baclofen 300 ug/day, 60 mg into the pocket: hard to rouse after",
        "within hours",
        "Truex 2020, two cases",
        "h",
        partial(measures.pocket_fill_h, "spinal-spasticity", "baclofen", 300 * UG, 60 * MG, measures.hard_to_rouse),
        0.5,
        8,
        "hours",
        Origin.FITTED,
    )
    yield Anchor(
        "clonidine 200 ug/day, 18 mg into the pocket: unresponsive after",
        "rapidly",
        "one case of massive clonidine overdose",
        "h",
        partial(measures.pocket_fill_h, "back-pain", "clonidine", 200 * UG, 18 * MG, measures.unresponsive),
        0.1,
        2,
        "within two hours; by analogy",
        Origin.FITTED,
    )
