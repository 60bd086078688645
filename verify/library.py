"""The drug library as the judge knows it: read from its file as data, sharing nothing with the pump but that file.

What a limit means and what the digest is taken over is said in ``docs/drug-library.md``; both are worked out here
once more. With another digest nobody but the journal says what its library allows.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from protocol.units import Milliseconds, Picograms, PicogramsPerDay, PicogramsPerNanolitre, Quantity

LIMITED: dict[str, type[Quantity]] = {
    "concentration": PicogramsPerNanolitre,
    "daily": PicogramsPerDay,
    "bolus": Picograms,
}
DIGEST_DIGITS = 32
"""The first 16 bytes of SHA-256, as hexadecimal digits."""


class LibraryUnreadableError(ValueError):
    """A file is no drug library; the message says what is wrong."""


class Limits(NamedTuple):
    """Most mass, in picograms, in any sliding hour and any sliding 24 hours."""

    hour: int
    day: int

    def of(self, hours: int) -> int:
        """Return the limit of the window of so many hours."""
        return self.hour if hours == 1 else self.day


NOTHING = Limits(0, 0)


class Hard(NamedTuple):
    """What the library allows of one drug at most, whatever anybody confirms; in pg and pg/nL."""

    name: str
    limit_1h: int
    limit_24h: int
    concentration: int
    bolus: int


@dataclass(frozen=True)
class KnownLibrary:
    """A library that the judge has read itself."""

    name: str
    version: str
    digest: str
    drugs: Mapping[int, Hard]


@cache
def shipped_library() -> KnownLibrary:
    """Return the library that comes with the toolkit."""
    return read_library((resources.files("emulator") / "data" / "drugs.toml").read_text("utf-8"))


def read_library(text: str) -> KnownLibrary:
    """Read a library's TOML. Raises ``LibraryUnreadableError``."""
    try:
        table = tomllib.loads(text)
        drugs = sorted((_in_base_units(drug) for drug in table["drug"]), key=lambda drug: drug["code"])
        canonical = json.dumps({**table, "drug": drugs}, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(canonical.encode("ascii")).hexdigest()[:DIGEST_DIGITS]
        return KnownLibrary(table["name"], table["version"], digest, {drug["code"]: _hard(drug) for drug in drugs})
    except KeyError as error:
        raise LibraryUnreadableError(f"{error} is missing") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise LibraryUnreadableError(str(error)) from None


def library_of(header: Mapping[str, Any], given: KnownLibrary | None) -> tuple[KnownLibrary | None, str]:
    """Return the library that a journal is judged by, None for the journal's own word, and words for a reader.

    Raises ``LibraryUnreadableError`` if the library that was given is not the one that the journal names.
    """
    named = header.get("library")
    if given and named not in (None, given.digest):
        raise LibraryUnreadableError(f"the journal names the library {named}, and the one given is {given.digest}")
    known = given or (shipped_library() if named == shipped_library().digest else None)
    if known:
        return known, f"limits: those of the library “{known.name}”, version {known.version}, {known.digest}"
    which = f"the library {named}, which is not the shipped one" if named else "no library"
    return None, f"limits: taken from the journal itself, on its word; it names {which}"


def _in_base_units(drug: Mapping[str, Any]) -> dict[str, Any]:
    """Return a drug's table with whole numbers of base units in place of quantities with a unit."""
    limits = {
        key: {**drug[key], **{edge: kind.parse(drug[key][edge]).value for edge in ("soft", "hard")}}
        for key, kind in LIMITED.items()
    }
    return {**drug, **limits, "stability": Milliseconds.parse(drug["stability"]).value}


def _hard(drug: Mapping[str, Any]) -> Hard:
    day, bolus = drug["daily"]["hard"], drug["bolus"]["hard"]
    hour = min(day, -(-day // 24) + bolus)
    return Hard(drug["name"], hour, day, drug["concentration"]["hard"], bolus)
