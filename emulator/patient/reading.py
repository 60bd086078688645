"""Reading a patient model strictly: each figure with unit, confidence and source; no key missing, none unknown.

A drug may say ``like = "morphine"``: figures it does not give are then taken from that drug, and the drug is marked
as modelled by analogy.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

from emulator.patient.figures import PatientModelError, Table
from emulator.patient.parameters import (
    HIGHEST_PAIN,
    HIGHEST_SPASTICITY,
    Adaptation,
    DrugModel,
    Effect,
    Family,
    Indication,
    PatientModel,
    Response,
    Site,
    Stage,
    WithdrawalCourse,
)


def load_patient_model(path: str | Path) -> PatientModel:
    """Read a model from a TOML file. Raises ``PatientModelError``."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PatientModelError(f"{path}: cannot be read: {error}") from error
    return read_patient_model(text, str(path))


@cache
def shipped_patient_model() -> PatientModel:
    """Return the model that comes with the toolkit."""
    source = resources.files("emulator") / "data" / "patient.toml"
    return read_patient_model(source.read_text(encoding="utf-8"), "the shipped patient model")


def read_patient_model(text: str, where: str) -> PatientModel:
    """Read a model from TOML text; ``where`` names it in errors. Raises ``PatientModelError``."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise PatientModelError(f"{where}: not TOML: {error}") from error
    table = Table(content, where)
    name, spread = table.text("name"), table.figure("spread", "")
    families = {name: _family(name, entry) for name, entry in table.tables("family").items()}
    entries = table.tables("drug")
    drugs = {name: _drug(name, entry, entries) for name, entry in entries.items()}
    indications = {name: _indication(name, entry) for name, entry in table.tables("indication").items()}
    table.finish()
    _check_drugs(where, families, drugs)
    _check_indications(where, families, indications)
    return PatientModel(name, spread, families, drugs, indications)


def _family(name: str, table: Table) -> Family:
    family = Family(
        name,
        table.text("reference"),
        _adaptation(table.table("adaptation")) if table.has("adaptation") else None,
        _withdrawal(table.table("withdrawal")) if table.has("withdrawal") else None,
        tuple(_response(entry) for entry in table.rows("response")),
    )
    table.finish()
    if family.withdrawal and not family.adaptation:
        raise PatientModelError(
            f"{table.where}: “withdrawal” needs “adaptation”: what one is not used to, one can miss"
        )
    return family


def _adaptation(table: Table) -> Adaptation:
    adaptation = Adaptation(
        time_h=table.figure("time", "h"),
        half_ug_ml=table.figure("half", "ug/mL"),
        exponent=table.figure("exponent", "", zero=True),
    )
    table.finish()
    if adaptation.exponent > 1:
        raise PatientModelError(f"{table.where}: “exponent” above 1 would let more drug do less in the end")
    return adaptation


def _withdrawal(table: Table) -> WithdrawalCourse:
    course = WithdrawalCourse(
        lag_h=table.figure("lag", "h"),
        dependence_ug_ml=table.figure("dependence", "ug/mL"),
        pain=table.figure("pain", "NRS", zero=True),
        spasticity=table.figure("spasticity", "Ashworth", zero=True),
        pressure_mmhg=table.figure("pressure", "mmHg", zero=True),
        stages=tuple(_stage(entry) for entry in table.rows("stage")),
    )
    table.finish()
    intensities = [stage.intensity for stage in course.stages]
    if intensities != sorted(set(intensities)):
        raise PatientModelError(f"{table.where}: stages must follow each other with rising intensity")
    return course


def _stage(table: Table) -> Stage:
    name, intensity, signs = table.text("name"), table.figure("intensity", ""), table.take("signs")
    table.finish()
    if not isinstance(signs, list) or not signs or not all(isinstance(sign, str) and sign for sign in signs):
        raise PatientModelError(f"{table.where}: “signs” must be a list of texts")
    return Stage(name, intensity, tuple(signs))


def _response(table: Table) -> Response:
    response = Response(
        effect=table.word("effect", Effect),
        site=table.word("site", Site),
        half_ug_ml=table.figure("half", "ug/mL"),
        slope=table.figure("slope", ""),
        greatest=table.figure("greatest", ""),
    )
    table.finish()
    if response.greatest > 1:
        raise PatientModelError(f"{table.where}: “greatest” is a fraction, at most 1")
    return response


def _drug(name: str, table: Table, others: Mapping[str, Table]) -> DrugModel:
    model: Table | None = None
    if table.has("like"):
        model = others.get(table.text("like"))
        if model is None or model.has("like"):
            raise PatientModelError(f"{table.where}: “like” must name a drug that stands for itself")

    def figure(key: str, unit: str, *, zero: bool = False) -> float:
        source = model if model is not None and not table.has(key) else table
        return source.figure(key, unit, zero=zero)

    drug = DrugModel(
        name=name,
        code=table.code("code"),
        family=table.text("family"),
        by_analogy=model is not None,
        lumbar_volume_ml=figure("lumbar_volume", "mL"),
        deep_volume_ml=figure("deep_volume", "mL", zero=True),
        exchange_ml_h=figure("exchange", "mL/h", zero=True),
        clearance_ml_h=figure("clearance", "mL/h"),
        site_half_life_h=figure("site_half_life", "h"),
        transit_h=figure("transit", "h"),
        brain_share=figure("brain_share", ""),
        dose_ratio=figure("dose_ratio", ""),
        plasma_volume_l=figure("plasma_volume", "L"),
        plasma_clearance_l_h=figure("plasma_clearance", "L/h"),
        plasma_site_half_life_h=figure("plasma_site_half_life", "h"),
        systemic_potency=figure("systemic_potency", "", zero=True),
        pocket_half_life_h=figure("pocket_half_life", "h"),
    )
    table.finish()
    if (drug.deep_volume_ml == 0) != (drug.exchange_ml_h == 0):
        raise PatientModelError(f"{table.where}: “deep_volume” and “exchange” are both zero (one space) or neither")
    return drug


def _indication(name: str, table: Table) -> Indication:
    indication = Indication(
        name=name,
        label=table.text("label"),
        pain=table.figure("pain", "NRS", zero=True),
        spasticity=table.figure("spasticity", "Ashworth", zero=True),
        breaths_per_min=table.figure("breathing", "1/min"),
        systolic_mmhg=table.figure("systolic", "mmHg"),
        responsive=_by_family(table, "responsive"),
        tolerance=_by_family(table, "tolerance"),
    )
    table.finish()
    if indication.pain > HIGHEST_PAIN or indication.spasticity > HIGHEST_SPASTICITY:
        raise PatientModelError(
            f"{table.where}: pain is at most {HIGHEST_PAIN:g}, spasticity at most {HIGHEST_SPASTICITY:g}"
        )
    return indication


def _by_family(table: Table, key: str) -> dict[str, float]:
    if not table.has(key):
        return {}
    entry = table.table(key)
    figures = {family: entry.figure(family, "") for family in entry.content}
    entry.finish()
    return figures


def _check_drugs(where: str, families: Mapping[str, Family], drugs: Mapping[str, DrugModel]) -> None:
    codes = [drug.code for drug in drugs.values()]
    for drug in drugs.values():
        if drug.family not in families:
            raise PatientModelError(f"{where}, drug {drug.name}: no family “{drug.family}”")
        if codes.count(drug.code) > 1:
            raise PatientModelError(f"{where}: two drugs have the code {drug.code}; give each its own")
    for family in families.values():
        reference = drugs.get(family.reference)
        if reference is None or reference.family != family.name:
            raise PatientModelError(f"{where}, family {family.name}: the reference must be one of its own drugs")
        if reference.dose_ratio != 1:
            raise PatientModelError(f"{where}, drug {reference.name}: the dose ratio of a reference drug is 1")


def _check_indications(where: str, families: Mapping[str, Family], indications: Mapping[str, Indication]) -> None:
    for indication in indications.values():
        for name in (*indication.responsive, *indication.tolerance):
            if name not in families:
                raise PatientModelError(f"{where}, indication {indication.name}: no family “{name}”")
        if any(share > 1 for share in indication.responsive.values()):
            raise PatientModelError(f"{where}, indication {indication.name}: “responsive” is a fraction, at most 1")
