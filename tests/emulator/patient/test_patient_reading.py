"""The file of a patient model: every figure tagged, and no mistake accepted in silence."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from emulator.patient.figures import CONFIDENCES, PatientModelError
from emulator.patient.patient import Patient
from emulator.patient.reading import load_patient_model, read_patient_model, shipped_patient_model

TEXT = (resources.files("emulator") / "data" / "patient.toml").read_text(encoding="utf-8")


def test_every_figure_of_the_shipped_model_has_unit_confidence_and_source() -> None:
    """No number stands alone: each comes with its unit, how far to trust it, and where it is from."""
    tagged = re.findall(r'\{ value = [0-9.]+, unit = "[^"]*", confidence = "([^"]+)", source = "[^"]+" \}', TEXT)
    assert len(tagged) == TEXT.count("value =") > 150
    assert set(tagged) <= set(CONFIDENCES)


def test_a_model_can_be_read_from_a_file(tmp_path: Path) -> None:
    """A copy of the shipped file is the same model, and a patient can be made of it."""
    file = tmp_path / "patient.toml"
    file.write_text(TEXT, encoding="utf-8")
    model = load_patient_model(file)
    assert model == shipped_patient_model()
    assert Patient("volunteer", model=model).signs() == Patient("volunteer").signs()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file is the model's own error."""
    with pytest.raises(PatientModelError, match=r"nowhere\.toml: cannot be read"):
        load_patient_model(tmp_path / "nowhere.toml")


def test_borrowed_figures_are_marked() -> None:
    """A drug that says “like” takes what it does not give from the other drug and is marked."""
    drugs = shipped_patient_model().drugs
    assert {name for name, drug in drugs.items() if not drug.by_analogy} == {"morphine", "baclofen"}
    assert drugs["hydromorphone"].clearance_ml_h == drugs["morphine"].clearance_ml_h
    assert drugs["ziconotide"].clearance_ml_h == 22.8


def test_what_an_indication_does_not_name_is_average() -> None:
    """Responsiveness and earlier tolerance are given by family, and only where they differ from 1."""
    indications = shipped_patient_model().indications
    assert indications["volunteer"].responsive == {}
    assert indications["back-pain"].responsive == {"opioid": 0.65}


FIRST_VOLUME = 'lumbar_volume = { value = 15, unit = "mL", confidence = "public", source = "21 patients of aortic surgery: first volume 15 mL" }'  # noqa: E501
MISTAKES = [
    ("name = ", "name == ", "not TOML"),
    ('name = "Thecal shipped patient"', 'name = " "', "must be text"),
    ('name = "Thecal shipped patient"', 'name = "x"\nnick = 1', "unknown key “nick”"),
    (FIRST_VOLUME, "", "drug morphine: “lumbar_volume” is missing"),
    (FIRST_VOLUME, "lumbar_volume = 15", "lumbar_volume: must be a table"),
    (FIRST_VOLUME, FIRST_VOLUME.replace("mL", "L", 1), "the unit is “mL”, not “L”"),
    (FIRST_VOLUME, FIRST_VOLUME.replace("public", "sure"), "“confidence” is one of"),
    (
        FIRST_VOLUME,
        FIRST_VOLUME.replace("21 patients of aortic surgery: first volume 15 mL", ""),
        "“source” must be text",
    ),
    (FIRST_VOLUME, FIRST_VOLUME.replace("value = 15", "value = 0"), "must be a number above zero"),
    (FIRST_VOLUME, FIRST_VOLUME.replace("value = 15", "value = -1"), "must be a number above zero"),
    (FIRST_VOLUME, FIRST_VOLUME.replace("value = 15", "value = nan"), "must be a number above zero"),
    (FIRST_VOLUME, FIRST_VOLUME.replace("value = 15", "value = true"), "must be a number above zero"),
    (FIRST_VOLUME, FIRST_VOLUME.replace("value = 15", "value = '15'"), "must be a number above zero"),
    (FIRST_VOLUME, FIRST_VOLUME.replace("value = 15", "values = 15"), "“value” is missing"),
    (FIRST_VOLUME, FIRST_VOLUME.replace(" }", ", note = 1 }"), "unknown key “note”"),
    ("code = 1\n", "code = 0\n", "whole number from 1"),
    ("code = 2\n", "code = 1\n", "two drugs have the code 1"),
    ('like = "morphine"', 'like = "fentanyl"', "“like” must name a drug that stands for itself"),
    ('like = "morphine"', 'like = "water"', "“like” must name a drug that stands for itself"),
    ('code = 1\nfamily = "opioid"', 'code = 1\nfamily = "water"', "no family “water”"),
    ('reference = "morphine"', 'reference = "baclofen"', "one of its own drugs"),
    ('reference = "morphine"', 'reference = "fentanyl"', "the dose ratio of a reference drug is 1"),
    ("deep_volume = { value = 27", "deep_volume = { value = 0", "both zero"),
    ("exponent = { value = 0.9", "exponent = { value = 1.1", "more drug do less"),
    ("intensity = { value = 0.68", "intensity = { value = 0.5", "rising intensity"),
    ('signs = ["yawning", "restlessness", "pain returns"]', "signs = []", "list of texts"),
    ('effect = "pain relief"', 'effect = "joy"', "write one of: pain relief"),
    ("greatest = { value = 1,", "greatest = { value = 2,", "a fraction, at most 1"),
    ("pain = { value = 9,", "pain = { value = 11,", "pain is at most 10"),
    ("[indication.back-pain.responsive]\nopioid", "[indication.back-pain.responsive]\nwater", "no family “water”"),
    ("opioid = { value = 0.95", "opioid = { value = 1.95", "a fraction, at most 1"),
    ("[family.opioid.adaptation]", "[family.opioid.habit]", "unknown key “habit”"),
    ("[indication.volunteer]", "[[indication.volunteer]]", "must be a table"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), MISTAKES)
def test_a_mistake_in_the_file_is_named(right: str, wrong: str, message: str) -> None:
    """Each mistake is refused with the file, the place and what is wrong."""
    assert right in TEXT
    assert right != wrong
    with pytest.raises(PatientModelError, match=re.escape(message)) as caught:
        read_patient_model(TEXT.replace(right, wrong, 1), "my.toml")
    assert str(caught.value).startswith("my.toml")


def test_withdrawal_needs_adaptation() -> None:
    """A family that cannot be got used to cannot be missed; the file that says so is refused."""
    start = TEXT.index("[family.opioid.adaptation]")
    end = TEXT.index("[family.opioid.withdrawal]")
    with pytest.raises(PatientModelError, match="“withdrawal” needs “adaptation”"):
        read_patient_model(TEXT[:start] + TEXT[end:], "my.toml")


def test_empty_lists_are_refused() -> None:
    """A family without any effect, and a model without any drug, are mistakes."""
    with pytest.raises(PatientModelError, match="“family” must be a table of at least one"):
        read_patient_model(
            'name = "x"\nspread = { value = 0.4, unit = "", confidence = "T", source = "x" }\nfamily = {}', "my.toml"
        )
