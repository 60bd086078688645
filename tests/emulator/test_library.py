"""The drug library: what it says, how strictly it is read, and that one digest names all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.library import DrugEntry, Library, LibraryError, Limit, Verdict, Withdrawal
from protocol.messages import DIGEST_OCTETS
from protocol.units import DAY_MS, Milliseconds, Picograms, PicogramsPerDay, PicogramsPerNanolitre

ONE_DRUG = """
name = "ward 7"
version = "3"
[[drug]]
code = 9
name = "testdrug"
stability = "90 days"
stability_basis = "[I] pharmacy"
withdrawal = "severe"
withdrawal_basis = "[M-L] guess"
[drug.concentration]
soft = "10 mg/mL"
soft_basis = "[I] pharmacy"
hard = "20 mg/mL"
hard_basis = "[S12] label"
[drug.daily]
soft = "1 mg/day"
soft_basis = "[I] pharmacy"
hard = "2 mg/day"
hard_basis = "[D] twice"
[drug.bolus]
soft = "100 ug"
soft_basis = "[T] a tenth"
hard = "0.2 mg"
hard_basis = "[M-H] label"
"""

FIGURES = {
    # pg/nL, pg/day, pg: soft and hard of concentration, daily dose, bolus
    "morphine": (20_000, 25_000, 15 * 10**9, 20 * 10**9, 5 * 10**8, 10**9),
    "hydromorphone": (15_000, 15_000, 10 * 10**9, 125 * 10**8, 10**8, 2 * 10**8),
    "fentanyl": (10_000, 10_000, 10**9, 125 * 10**7, 75 * 10**6, 150 * 10**6),
    "sufentanil": (5_000, 5_000, 5 * 10**8, 625 * 10**6, 20 * 10**6, 40 * 10**6),
    "bupivacaine": (30_000, 30_000, 15 * 10**9, 20 * 10**9, 25 * 10**8, 5 * 10**9),
    "clonidine": (1_000, 1_000, 6 * 10**8, 75 * 10**7, 20 * 10**6, 40 * 10**6),
    "ziconotide": (100, 100, 192 * 10**5, 192 * 10**5, 5 * 10**6, 5 * 10**6),
    "baclofen": (2_000, 2_000, 8 * 10**8, 2003 * 10**6, 5 * 10**7, 10**8),
}


@pytest.fixture(scope="module")
def shipped() -> Library:
    """Return the library that comes with the toolkit."""
    return Library.shipped()


def entry(library: Library, name: str) -> DrugEntry:
    """Return a drug that must be there."""
    found = library.by_name(name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_the_shipped_figures_are_exact(shipped: Library, name: str) -> None:
    """Every shipped limit is the integer that its published figure says."""
    drug = entry(shipped, name)
    assert (
        drug.concentration.soft.value,
        drug.concentration.hard.value,
        drug.daily.soft.value,
        drug.daily.hard.value,
        drug.bolus.soft.value,
        drug.bolus.hard.value,
    ) == FIGURES[name]


def test_the_shipped_drugs_have_stable_codes(shipped: Library) -> None:
    """Codes are on the wire and in memories, so they never change."""
    assert {drug.code: drug.name for drug in shipped} == dict(enumerate(FIGURES, 1))


def test_what_happens_when_a_drug_stops_is_known(shipped: Library) -> None:
    """Baclofen is the one whose sudden lack can kill; two drugs have no withdrawal."""
    levels = {drug.name: drug.withdrawal for drug in shipped}
    assert levels["baclofen"] is Withdrawal.LETHAL
    assert [name for name, level in levels.items() if level is Withdrawal.NONE] == ["bupivacaine", "ziconotide"]


def test_the_strongest_morphine_needs_a_reason_and_no_stronger_one_is_accepted(shipped: Library) -> None:
    """25 mg/mL, a marketed product, is above the soft 20 mg/mL and exactly at the hard limit."""
    limit = entry(shipped, "morphine").concentration
    verdicts = [limit.judge(value) for value in (19_999, 20_000, 20_001, 24_999, 25_000, 25_001)]
    assert verdicts == [Verdict.WITHIN] * 2 + [Verdict.SOFT] * 3 + [Verdict.HARD]


@pytest.mark.verifies("DOSE-08")
@given(soft=st.integers(1, 10**15), more=st.integers(0, 10**15))
def test_both_limits_are_inclusive(soft: int, more: int) -> None:
    """A value equal to a limit is within it, one unit above is not."""
    limit = Limit(Picograms(soft), "[T] x", Picograms(soft + more), "[T] x")
    assert limit.judge(0) is Verdict.WITHIN
    assert limit.judge(soft) is Verdict.WITHIN
    assert limit.judge(soft + 1) is (Verdict.SOFT if more else Verdict.HARD)
    assert limit.judge(soft + more) is (Verdict.SOFT if more else Verdict.WITHIN)
    assert limit.judge(soft + more + 1) is Verdict.HARD


def test_the_hourly_limit_leaves_room_for_one_bolus_on_the_highest_basal_dose(shipped: Library) -> None:
    """The derived hour holds a twenty-fourth of the hard day and one hard bolus, and not a picogram less or more."""
    for drug in shipped:
        basal_hour, rest = divmod(drug.daily.hard.value, 24)
        assert drug.hard_1h.value == basal_hour + (1 if rest else 0) + drug.bolus.hard.value
        assert drug.hard_1h <= drug.hard_24h == Picograms(drug.daily.hard.value)


def test_the_hourly_limit_is_never_above_the_daily_one() -> None:
    """Where one bolus may be the whole daily dose, the day is the limit of the hour too."""
    text = ONE_DRUG.replace('hard = "0.2 mg"', 'hard = "2 mg"')
    drug = entry(Library.from_toml(text, "test"), "testdrug")
    assert drug.hard_1h == drug.hard_24h == Picograms(2 * 10**9)


def test_every_figure_names_its_confidence_and_source(shipped: Library) -> None:
    """No figure stands without a basis that begins with a tag."""
    for drug in shipped:
        bases = [drug.stability_basis, drug.withdrawal_basis]
        for limit in (drug.concentration, drug.daily, drug.bolus):
            bases += [limit.soft_basis, limit.hard_basis]
        assert all(basis.startswith("[") and len(basis.split("] ", 1)[1]) > 5 for basis in bases)


def test_a_library_is_read_from_a_file(tmp_path: Path) -> None:
    """Quantities as text with units become exact integers."""
    path = tmp_path / "own.toml"
    path.write_text(ONE_DRUG, encoding="utf-8")
    library = Library.load(path)
    drug = entry(library, "TestDrug")
    assert (library.name, library.version, drug.code) == ("ward 7", "3", 9)
    assert drug.concentration.hard == PicogramsPerNanolitre(20_000)
    assert drug.daily.soft == PicogramsPerDay(10**9)
    assert drug.bolus.soft == Picograms(10**8)
    assert drug.stability == Milliseconds(90 * DAY_MS)


@pytest.mark.verifies("PRG-16")
def test_names_are_never_matched_nearly(shipped: Library) -> None:
    """Morphine is not found by a part of its name, nor within hydromorphone."""
    assert shipped.by_name("morph") is None
    assert shipped.by_name("hydro morphone") is None
    assert entry(shipped, " Morphine ").code == 1
    assert shipped.drug(2) is entry(shipped, "hydromorphone")
    assert shipped.drug(255) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('soft = "10 mg/mL"', "soft = 10", ("testdrug", "concentration", "soft", "no unit")),
        ('soft = "10 mg/mL"', "soft = 10.0", ("testdrug", "concentration", "soft", "no unit")),
        ('soft = "10 mg/mL"', 'soft = "10"', ("soft", "no unit", "20 mg/mL")),
        ('soft = "10 mg/mL"', 'soft = "10 mg"', ("soft", "not a unit of concentration")),
        ('soft = "10 mg/mL"', 'soft = ".5 mg/mL"', ("soft", "plain decimal")),
        ('soft = "10 mg/mL"', 'soft = "0.0001 ug/mL"', ("soft", "finer")),
        ('soft = "10 mg/mL"', 'soft = "0 mg/mL"', ("soft", "zero")),
        ('soft = "10 mg/mL"', 'soft = "21 mg/mL"', ("concentration", "above", "swap")),
        ('hard = "0.2 mg"', 'hard = "3 mg"', ("bolus", "above the hard daily dose")),
        ('soft_basis = "[T] a tenth"', 'soft_basis = "a tenth"', ("bolus", "soft_basis", "confidence tag")),
        ('soft_basis = "[T] a tenth"', 'soft_basis = "[X] a tenth"', ("bolus", "soft_basis", "confidence tag")),
        ('soft_basis = "[T] a tenth"', 'soft_basis = "[T] "', ("bolus", "soft_basis")),
        ('soft_basis = "[T] a tenth"\n', "", ("testdrug", "bolus", "soft_basis", "missing")),
        ("code = 9\n", "", ("code", "missing")),
        ("code = 9", "code = 0", ("code", "1 to 254")),
        ("code = 9", "code = 255", ("code", "1 to 254")),
        ("code = 9", "code = true", ("code", "1 to 254")),
        ('name = "testdrug"', 'name = ""', ("name", "not empty")),
        ('name = "testdrug"', 'name = "test\\ndrug"', ("name", "one line")),
        ('name = "testdrug"', f'name = "{"x" * 41}"', ("name", "40")),
        ('withdrawal = "severe"', 'withdrawal = "bad"', ("withdrawal", "moderate")),
        ('stability = "90 days"', 'stability = "90 mL"', ("stability", "unit of time")),
        ("[drug.bolus]", 'colour = "red"\n[drug.bolus]', ("testdrug", "daily", "unknown key", "colour")),
        ('version = "3"', 'version = "3"\nowner = "me"', ("unknown key", "owner")),
        ("[[drug]]", "[drug]", ("at least one drug",)),
        ('name = "ward 7"', "name = ward", ("not TOML",)),
        ('name = "ward 7"', "name = " + "9" * 5000, ("not TOML",)),
    ],
)
def test_an_error_names_file_drug_and_key_and_says_what_to_do(
    tmp_path: Path, old: str, new: str, says: tuple[str, ...]
) -> None:
    """Whatever is wrong in a file, the message leads to it."""
    assert old in ONE_DRUG
    path = tmp_path / "own.toml"
    path.write_text(ONE_DRUG.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LibraryError) as error:
        Library.load(path)
    for words in (str(path), *says):
        assert words in str(error.value)


def test_a_file_that_cannot_be_read_is_an_error_of_the_library(tmp_path: Path) -> None:
    """Missing and undecodable files raise the same error, with the path."""
    with pytest.raises(LibraryError, match=r"none\.toml"):
        Library.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe4"')
    with pytest.raises(LibraryError, match=r"latin\.toml"):
        Library.load(tmp_path / "latin.toml")


@pytest.mark.parametrize("key", ["code", "name"])
def test_two_drugs_share_neither_code_nor_name(key: str) -> None:
    """A second drug with the code or the name of the first is refused, whatever the case of its letters."""
    first, drug = ONE_DRUG.split("[[drug]]")
    other = (
        drug.replace('name = "testdrug"', 'name = "other"') if key == "code" else drug.replace("code = 9", "code = 8")
    )
    with pytest.raises(LibraryError, match=f"two drugs have the {key}"):
        Library.from_toml(first + "[[drug]]" + drug + "[[drug]]" + other.replace('"testdrug"', '"TESTDRUG"'), "test")


def test_the_canonical_bytes_give_the_same_library_back(shipped: Library) -> None:
    """What the pump stores is the whole library, and reading it back changes nothing."""
    again = Library.from_canonical(shipped.canonical())
    assert again == shipped
    assert again.canonical() == shipped.canonical()
    assert again.digest == shipped.digest
    assert len(shipped.digest) == DIGEST_OCTETS


def test_the_digest_does_not_depend_on_the_order_of_the_file() -> None:
    """Two files that say the same have the same digest."""
    head, drug = ONE_DRUG.split("[[drug]]")
    other = drug.replace("code = 9", "code = 8").replace("testdrug", "other")
    one = Library.from_toml(head + "[[drug]]" + drug + "[[drug]]" + other, "a")
    two = Library.from_toml(head + "[[drug]]" + other + "[[drug]]" + drug, "b")
    assert one.digest == two.digest


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path to every leaf of plain JSON."""
    if isinstance(value, dict):
        return [leaf for key in value for leaf in paths(value[key], (*path, key))]
    if isinstance(value, list):
        return [leaf for number, item in enumerate(value) for leaf in paths(item, (*path, number))]
    return [path]


@pytest.mark.verifies("PRG-10")
def test_a_change_of_anything_changes_the_digest() -> None:
    """Every single figure, name, basis and tag is under the digest."""
    library = Library.from_toml(ONE_DRUG, "test")
    plain = json.loads(library.canonical())
    leaves = paths(plain)
    assert len(leaves) == 20
    digests = {library.digest}
    for path in leaves:
        changed = json.loads(library.canonical())
        spot = changed
        for key in path[:-1]:
            spot = spot[key]
        value = spot[path[-1]]
        spot[path[-1]] = "moderate" if path[-1] == "withdrawal" else value - 1 if type(value) is int else value + "x"
        encoded = json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()
        digests.add(Library.from_canonical(encoded).digest)
    assert len(digests) == 1 + len(leaves)


@pytest.mark.verifies("PRG-17")
@given(data=st.data())
def test_damaged_canonical_bytes_are_refused_or_another_library(data: st.DataObject) -> None:
    """A flipped bit in the pump's memory never reads back as the same library."""
    library = Library.shipped()
    canonical = bytearray(library.canonical())
    position = data.draw(st.integers(0, len(canonical) - 1))
    canonical[position] ^= 1 << data.draw(st.integers(0, 7))
    try:
        read = Library.from_canonical(bytes(canonical))
    except LibraryError:
        return
    assert read != library
    assert read.digest != library.digest


@pytest.mark.verifies("PRG-17")
@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{", b"\xff", b'{"name":1}', b"[" * 5000, b"9" * 5000])
def test_what_is_no_canonical_encoding_is_refused(data: bytes) -> None:
    """Any bytes at all raise the library's own error."""
    with pytest.raises(LibraryError, match="stored library"):
        Library.from_canonical(data)


def test_only_the_one_encoding_is_accepted(shipped: Library) -> None:
    """The same content with other spaces, or with a quantity as a fraction or a truth value, is not canonical."""
    plain = json.loads(shipped.canonical())
    with pytest.raises(LibraryError, match="canonical"):
        Library.from_canonical(json.dumps(plain).encode())
    for wrong in (1.0, True, "1 mg", None):
        plain["drug"][0]["bolus"]["soft"] = wrong
        with pytest.raises(LibraryError, match="whole number"):
            Library.from_canonical(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode())


PAGE = (Path(__file__).parents[2] / "docs" / "drug-library.md").read_text(encoding="utf-8")


def test_the_documentation_shows_the_shipped_figures(shipped: Library) -> None:
    """Every figure and tag in the page's table is the library's, drug by drug."""
    rows = [
        line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ") and line[2].isdigit()
    ]
    assert [(int(row[0]), row[1]) for row in rows] == [(drug.code, drug.name) for drug in shipped]
    for drug, row in zip(shipped, rows, strict=True):
        limits: tuple[Limit[Any], ...] = (drug.concentration, drug.daily, drug.bolus)
        for limit, cell, per in zip(limits, row[2:], ("", "/day", ""), strict=True):
            soft, hard = cell.split(" / ")
            for shown, value, basis in ((soft, limit.soft, limit.soft_basis), (hard, limit.hard, limit.hard_basis)):
                figure, tag = shown.rsplit(" ", 1)
                assert type(value).parse(figure + per) == value
                assert basis.startswith(f"[{tag}] ")


def test_the_documentations_example_is_a_library() -> None:
    """What the page tells people to write can be loaded as it stands."""
    example = PAGE.split("```toml\n")[1].split("```")[0]
    assert [drug.name for drug in Library.from_toml(example, "the page")] == ["morphine"]
