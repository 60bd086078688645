"""Quantities against a grammar of its own: every short text, read character by character by a second reader.

The second reader knows no regular expression and no fraction: it walks over the text once and counts digits. What it
refuses must be refused, and what it reads must come out as the same whole number of base units.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

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
from verify.suites.suite import Effort, Property, Suite, require

UNITS: dict[type[Quantity], dict[str, int]] = {
    Nanolitres: {"nL": 1, "uL": 10**3, "mL": 10**6},
    NanolitresPerDay: {
        "nL/day": 1,
        "uL/day": 10**3,
        "mL/day": 10**6,
        "uL/h": 24 * 10**3,
        "mL/h": 24 * 10**6,
    },
    Picograms: {"pg": 1, "ng": 10**3, "ug": 10**6, "mcg": 10**6, "mg": 10**9},
    PicogramsPerDay: {
        "pg/day": 1,
        "ng/day": 10**3,
        "ug/day": 10**6,
        "mcg/day": 10**6,
        "mg/day": 10**9,
        "ug/h": 24 * 10**6,
        "mcg/h": 24 * 10**6,
        "mg/h": 24 * 10**9,
    },
    PicogramsPerNanolitre: {"pg/nL": 1, "ug/mL": 1, "mcg/mL": 1, "mg/mL": 10**3},
    Milliseconds: {
        "ms": 1,
        "s": 10**3,
        "min": 60 * 10**3,
        "h": 3_600 * 10**3,
        "day": 86_400 * 10**3,
        "days": 86_400 * 10**3,
    },
}
"""What a unit is worth, from the definitions and not from the product."""
ALPHABET = "05.,- e+m"
TAILS = ("", " mg", "mg", " mL", "mg ")
LONGEST = 5


def read(text: str, kind: type[Quantity]) -> int | None:
    """Return the value of a text in base units, or None for one that must be refused."""
    text = text.strip().replace("µ", "u").replace("μ", "u")
    at = _digits(text, 0)
    whole = text[:at]
    if not whole or len(whole) > 15 or (len(whole) > 1 and whole[0] == "0"):
        return None
    decimals = ""
    if text[at : at + 1] == ".":
        end = _digits(text, at + 1)
        decimals, at = text[at + 1 : end], end
        if not 1 <= len(decimals) <= 12:
            return None
    unit = text[at:].removeprefix(" ")
    worth = UNITS[kind].get(unit)
    if worth is None:
        return None
    value, rest = divmod(int(whole + decimals) * worth, 10 ** len(decimals))
    return None if rest else value


def _digits(text: str, at: int) -> int:
    while text[at : at + 1] in tuple("0123456789"):
        at += 1
    return at


def _parsed(text: str, kind: type[Quantity]) -> int | None:
    try:
        return kind.parse(text).value
    except QuantityError:
        return None


def every_short_text(effort: Effort) -> None:
    """Read every text of up to five characters of those that numbers are mistyped with, with and without a unit."""
    for text in _short_texts():
        effort.tried += 1
        expected, found = read(text, Picograms), _parsed(text, Picograms)
        effort.reached["read" if expected is not None else "refused"] += 1
        require(found == expected, f"“{text}” is read as {found} pg; it is {expected}")


def _short_texts() -> Iterator[str]:
    for size in range(LONGEST):
        for letters in itertools.product(ALPHABET, repeat=size):
            yield from ("".join(letters) + tail for tail in TAILS)


DIGITS = st.text("0123456789", max_size=16) | st.integers(0, 10**6).map(str)
DECIMALS = st.sampled_from(["", "", ".", "..", ","]).flatmap(
    lambda point: st.text("0123456789", min_size=bool(point), max_size=13 if point else 0).map(point.__add__)
)
KINDS = st.sampled_from(list(UNITS))
STRANGE = st.sampled_from(["", "MG", "µg", "μg/day", "g", "m", "mg/day", "mL/day", "mL"])


def long_texts_of(kind: type[Quantity]) -> st.SearchStrategy[tuple[str, type[Quantity]]]:
    """Return texts that are mostly quantities of a kind, and the kind."""
    before, between = st.sampled_from(["", "", "", "", " ", "+", "-"]), st.sampled_from(["", " ", " ", "  "])
    unit = st.sampled_from(list(UNITS[kind])) | STRANGE
    return st.tuples(st.tuples(before, DIGITS, DECIMALS, between, unit).map("".join), st.just(kind))


def long_texts(effort: Effort) -> None:
    """Read long numbers with every unit, as every kind of quantity."""

    def check(given: tuple[str, type[Quantity]]) -> None:
        text, kind = given
        expected, found = read(text, kind), _parsed(text, kind)
        effort.reached["read" if expected is not None else "refused"] += 1
        require(found == expected, f"“{text}” is read as {found} base units of {kind.KIND}; it is {expected}")

    effort.search(check, given=KINDS.flatmap(long_texts_of))


def every_unit(effort: Effort) -> None:
    """Read and write one, a half and a thousandth in every unit there is."""
    for kind, units in UNITS.items():
        require(set(kind.UNITS) == set(units), f"{kind.__name__} knows the units {sorted(kind.UNITS)}")
        for unit, worth in units.items():
            for number, times in (("1", 1_000), ("0.5", 500), ("0.001", 1), ("12.75", 12_750)):
                effort.tried += 1
                exact = worth * times % 1_000 == 0
                found = _parsed(f"{number} {unit}", kind)
                require(found == (worth * times // 1_000 if exact else None), f"{number} {unit} is read as {found}")


def written_as_read(effort: Effort) -> None:
    """Write values and read them again."""

    def check(value: int, kind: type[Quantity]) -> None:
        quantity = kind(value)
        text = str(quantity)
        require(kind.parse(text) == quantity, f"{value} base units are shown as {text}")
        for unit in UNITS[kind]:
            shown = quantity.text(unit)
            exact = value * 10**6 % UNITS[kind][unit] == 0
            require(shown.startswith("~") is not exact, f"{value} base units are shown as {shown}")
            if exact:
                require(kind.parse(shown) == quantity, f"{value} base units are shown as {shown}")
            else:
                below = read(shown.removeprefix("~"), kind)
                require(below is None or below <= value, f"{value} base units are shown as {shown}, which is more")

    values = st.integers(0, 10**9) | st.integers(0, 10**15 - 1) | st.sampled_from([0, 1, 999, 10**6, 10**9])
    effort.search(check, value=values, kind=KINDS)


def doses_divide(effort: Effort) -> None:
    """Turn doses into volumes and rates, and back."""

    def check(dose: int, strength: int) -> None:
        concentration = PicogramsPerNanolitre(strength)
        makes: tuple[Callable[[], Quantity], ...] = (
            lambda: volume_for(Picograms(dose), concentration),
            lambda: rate_for(PicogramsPerDay(dose), concentration),
        )
        for make in makes:
            try:
                volume = make().value
            except QuantityError as error:
                require(strength == 0 or dose % strength, f"{dose} pg at {strength} pg/nL is refused: {error}")
                continue
            require(strength and volume * strength == dose, f"{dose} pg at {strength} pg/nL is {volume} nL")
        require(mass_in(Nanolitres(dose), concentration).value == dose * strength, "a mass is no product")
        require(daily_dose(NanolitresPerDay(dose), concentration).value == dose * strength, "a dose is no product")

    strengths = st.integers(0, 30) | st.sampled_from([1_000, 5_000, 20_000, 25_000])
    effort.search(check, dose=st.integers(0, 10**5) | st.integers(0, 10**12), strength=strengths)


def nearest_below(effort: Effort) -> None:
    """Ask for doses that do not divide, and give the dose that is proposed instead."""
    for dose, strength in ((7, 2), (1_000_001, 1_000), (999, 25_000), (123_456_789, 20_000)):
        effort.tried += 1
        try:
            volume_for(Picograms(dose), PicogramsPerNanolitre(strength))
        except QuantityError as error:
            proposed = Picograms.parse(str(error).rpartition("below is ")[2]).value
            require(dose - strength < proposed <= dose, f"for {dose} pg at {strength} pg/nL {proposed} is proposed")
            volume_for(Picograms(proposed), PicogramsPerNanolitre(strength))
        else:
            require(False, f"{dose} pg at {strength} pg/nL is a volume")


def no_other_numbers(effort: Effort) -> None:
    """Make quantities of what is no whole, non-negative number, and add and compare what does not belong together."""
    for kind in UNITS:
        effort.tried += 1
        for wrong in (1.0, True, "1", None):
            _not_made(kind, wrong, TypeError)
        _not_made(kind, -1, QuantityError)
        one, two = kind(1), kind(2)
        require(one + two == kind(3) and two - one == one and one < two, f"{kind.__name__} cannot be reckoned with")
        _no_difference(one, two)
    try:
        Nanolitres(1) + Picograms(1)  # type: ignore[operator]
    except TypeError:
        return
    require(False, "a volume and a mass are added")


def _no_difference(one: Quantity, two: Quantity) -> None:
    try:
        one - two
    except QuantityError:
        return
    require(False, f"{one} less {two} is something")


def _not_made(kind: type[Quantity], wrong: object, error: type[Exception]) -> None:
    try:
        kind(wrong)  # type: ignore[arg-type]
    except error:
        return
    require(False, f"{kind.__name__} is made of {wrong!r}")


SUITE = Suite(
    "quantity",
    "quantities and their units",
    (
        Property("quantity.every unit", "Every unit is worth what it is.", every_unit, verifies=("PRG-01",)),
        Property(
            "quantity.every short text",
            "Every short text is read exactly, or refused.",
            every_short_text,
            premises=("read", "refused"),
            verifies=("PRG-01", "PRG-02"),
        ),
        Property(
            "quantity.long texts",
            "So is every long one.",
            long_texts,
            400,
            ("read", "refused"),
            verifies=("PRG-01", "PRG-02"),
        ),
        Property(
            "quantity.written as read", "What is shown is what is meant.", written_as_read, 400, verifies=("PRG-20",)
        ),
        Property(
            "quantity.doses divide", "A dose is a whole volume, or refused.", doses_divide, 300, verifies=("PRG-20",)
        ),
        Property(
            "quantity.nearest below",
            "The dose that is proposed is the nearest below.",
            nearest_below,
            verifies=("PRG-20",),
        ),
        Property("quantity.no other numbers", "A quantity is a whole number of its own unit.", no_other_numbers),
    ),
)
