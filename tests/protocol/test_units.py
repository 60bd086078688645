"""Quantities: what is accepted as text, what comes back, and that nothing but whole numbers gets in."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.units import (
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerDay,
    PicogramsPerNanolitre,
    Quantity,
    QuantityError,
    daily_dose,
    mass_in,
    rate_for,
    volume_for,
)

KINDS: list[type[Quantity]] = [
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerDay,
    PicogramsPerNanolitre,
    Milliseconds,
]
every_kind = pytest.mark.parametrize("kind", KINDS)
LARGEST = 10**17
"""Far above anything real (three million years in milliseconds); a text takes at most 15 digits before the point."""
whole_numbers = st.integers(min_value=0, max_value=LARGEST)


TOKENS = ("0", "5", ".", ",", " ", "-", "e", "mL")


def accepted_volumes(most_tokens: int) -> dict[str, int]:
    """Build, rule by rule, every text of up to so many tokens that is a volume; no parsing takes part."""
    digits = ["".join(chosen) for size in range(1, most_tokens) for chosen in itertools.product("05", repeat=size)]
    wholes = [text for text in digits if text == "0" or text[0] != "0"]
    texts = {}
    for whole, decimals, gap in itertools.product(wholes, ["", *digits], ("", " ")):
        bare = f"{whole}{'.' if decimals else ''}{decimals}{gap}mL"
        value = int(whole) * 10**6 + int(decimals.ljust(6, "0") or 0)
        for before, after in itertools.product(range(most_tokens), repeat=2):
            if len(bare) - 1 + before + after <= most_tokens:
                texts[" " * before + bare + " " * after] = value
    return texts


@pytest.mark.verifies("PRG-01", "PRG-02")
def test_exactly_the_grammar_is_accepted_among_all_short_texts() -> None:
    """Of every text of up to six tokens, exactly those that the grammar builds are volumes, each with its value."""
    accepted = {}
    for size in range(7):
        for chosen in itertools.product(TOKENS, repeat=size):
            text = "".join(chosen)
            try:
                accepted[text] = Nanolitres.parse(text).value
            except QuantityError:
                continue
    assert accepted == accepted_volumes(6)


@pytest.mark.verifies("PRG-01", "PRG-08")
@pytest.mark.parametrize(
    "text",
    [
        ".5 mg",
        "5. mg",
        "05 mg",
        "00 mg",
        "1,5 mg",
        "1.5",
        "mg",
        "",
        " ",
        "-1 mg",
        "+1 mg",
        "1e3 mg",
        "1E3 mg",
        "1 000 mg",
        "1_000 mg",
        "0x10 mg",
        "١ mg",
        "1 mg 2",
        "1  mg",
        "1 MG",
        "1 Mg",
        "1 mL",
        "1 mg/day",
        "NaN mg",
        "inf mg",
        "1/2 mg",
        "1.2.3 mg",
        "1234567890123456 mg",
        "0.0000000001 mg",
        "1.5 pg",
        "1\n2 mg",
        "1 mg\x00",
    ],
)
def test_texts_that_have_killed_are_refused_with_the_way_out(text: str) -> None:
    """A dose with no unit, a bare point, a comma, a sign or an exponent is refused, and the refusal shows the way."""
    with pytest.raises(QuantityError, match=r"0\.5 mg"):
        Picograms.parse(text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (NanolitresPerDay, "0.1 mL/day", 100_000),
        (NanolitresPerDay, "1 uL/h", 24_000),
        (PicogramsPerNanolitre, "25 mg/mL", 25_000),
        (PicogramsPerNanolitre, "25 ug/mL", 25),
        (PicogramsPerNanolitre, "25 mcg/mL", 25),
        (Picograms, "0.5 µg", 500_000),
        (Picograms, "0.5 μg", 500_000),
        (PicogramsPerDay, "1 mg/day", 10**9),
        (Milliseconds, "1.5 h", 5_400_000),
        (Milliseconds, "7 days", 604_800_000),
        (Nanolitres, "2.5mL", 2_500_000),
    ],
)
def test_ordinary_prescriptions_are_exact_integers(kind: type[Quantity], text: str, value: int) -> None:
    """What a clinician writes becomes the same number of base units, with either micro sign."""
    assert kind.parse(text).value == value


@every_kind
@given(value=whole_numbers)
@example(value=LARGEST)
@example(value=2**53 + 1)
@example(value=0)
def test_what_is_shown_can_be_typed_back(kind: type[Quantity], value: int) -> None:
    """The text of every value parses to the same value, so no display ever rounds silently."""
    quantity = kind(value)
    assert kind.parse(str(quantity)) == quantity


@every_kind
@given(data=st.data(), value=whole_numbers)
def test_a_text_in_a_chosen_unit_is_exact_or_marked(kind: type[Quantity], data: st.DataObject, value: int) -> None:
    """In any unit, a text is either exactly the value or carries “~” and is less than a millionth below it."""
    unit = data.draw(st.sampled_from(sorted(kind.UNITS)))
    shown, _, unit_shown = kind(value).text(unit).partition(" ")
    below = Fraction(value) / kind.UNITS[unit] - Fraction(shown.removeprefix("~"))
    assert unit_shown == unit
    assert 0 < below < Fraction(1, 1_000_000) if shown.startswith("~") else below == 0


@every_kind
@given(value=st.one_of(st.floats(), st.fractions(), st.text(), st.none(), st.booleans(), st.decimals()))
def test_nothing_but_an_int_becomes_a_quantity(kind: type[Quantity], value: object) -> None:
    """A float, a fraction, a text or a truth value is no number of base units."""
    with pytest.raises(TypeError, match="whole number"):
        kind(value)  # type: ignore[arg-type]


@every_kind
def test_a_quantity_is_never_negative(kind: type[Quantity]) -> None:
    """A negative number and a difference below zero are refused."""
    with pytest.raises(QuantityError, match="negative"):
        kind(-1)
    with pytest.raises(QuantityError, match="negative"):
        kind(1) - kind(2)


@every_kind
@given(left=whole_numbers, right=whole_numbers)
def test_sums_and_differences_stay_in_the_unit(kind: type[Quantity], left: int, right: int) -> None:
    """Adding and taking away again gives the same quantity of the same kind, whatever the size."""
    total = kind(left) + kind(right)
    assert type(total) is kind
    assert total - kind(right) == kind(left)


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__eq__"])
def test_two_kinds_never_mix(operation: str) -> None:
    """A volume and a dose can be neither added nor compared, and are never equal."""
    assert getattr(Nanolitres(5), operation)(Picograms(5)) is NotImplemented
    assert Nanolitres(5) != Picograms(5)  # type: ignore[comparison-overlap]  # that is the point


@given(concentration=st.integers(1, 2**32 - 1), amount=st.integers(0, 2**32 - 1))
def test_dose_and_flow_convert_back_and_forth_exactly(concentration: int, amount: int) -> None:
    """A rate's daily dose gives back the rate, and a volume's mass gives back the volume."""
    strength = PicogramsPerNanolitre(concentration)
    assert rate_for(daily_dose(NanolitresPerDay(amount), strength), strength) == NanolitresPerDay(amount)
    assert volume_for(mass_in(Nanolitres(amount), strength), strength) == Nanolitres(amount)


@pytest.mark.verifies("PRG-20")
@given(concentration=st.integers(2, 2**32 - 1), amount=st.integers(0, 2**32 - 1), over=st.integers(1, 2**32))
def test_a_dose_between_two_nanolitres_is_refused_with_the_one_below(
    concentration: int, amount: int, over: int
) -> None:
    """A dose that no whole number of nanolitres holds is never rounded: the refusal names the nearest dose below."""
    dose = Picograms(amount * concentration + over % (concentration - 1) + 1)
    with pytest.raises(QuantityError) as refusal:
        volume_for(dose, PicogramsPerNanolitre(concentration))
    assert str(refusal.value).endswith(f"below is {Picograms(amount * concentration)}")


def test_a_concentration_of_zero_holds_no_dose() -> None:
    """Zero on the syringe label is a mistake to be named, not a division."""
    with pytest.raises(QuantityError, match="syringe label"):
        rate_for(PicogramsPerDay(1), PicogramsPerNanolitre(0))
