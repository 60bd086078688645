"""The drug library's hard limits, held against what the journal says of them and against what was prescribed.

A library that the judge has read itself counts; the header's own figures only if it has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.journal import Event
from protocol.units import Picograms, PicogramsPerNanolitre
from verify.library import Hard, Limits
from verify.scene import Scene
from verify.verdict import Claim, Finding
from verify.watcher import Watcher

WINDOWS = (("limit_1h", "1 h"), ("limit_24h", "24 h"))
BOLUSES = ("clinician", "patient")


class LibraryWatcher(Watcher):
    """Judges header, prescriptions and boluses by the library."""

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge what an event says of limits."""
        data = event.data
        match event.kind:
            case "bench.start":
                yield from self._header(data.get("drugs", {}), scene)
            case "pump.prescription":
                yield from self._prescription(event.at, data, scene)
            case "pump.bolus" if data["what"] == "started" and data["kind"] in BOLUSES:
                yield from _bolus(
                    event.at, int(data["volume_nl"]), f"a {data['kind']} bolus", scene.prescription, scene
                )

    def _header(self, named: Mapping[str, Any], scene: Scene) -> Iterator[Finding]:
        """The header's limits are those of the library that it names."""
        drugs = scene.known.drugs if scene.known else {}
        for code in sorted({*map(int, named), *drugs} if scene.known else ()):
            said, hard = named.get(str(code)), drugs.get(code)
            if said is None or hard is None:
                where, name = ("library", said["name"]) if said else ("header", hard.name if hard else "")
                yield Finding(Claim.LIBRARY, 0, f"the {where} lacks drug {code}, {name}", code, code, "code")
                continue
            for key, window in WINDOWS:
                if said[key] != getattr(hard, key):
                    words = f"the header limits {said['name']} to {Picograms(said[key])} in {window}, its library to "
                    yield _finding(0, words + str(Picograms(getattr(hard, key))), said[key], getattr(hard, key))

    def _prescription(self, at_ms: int, data: Mapping[str, Any], scene: Scene) -> Iterator[Finding]:
        for drug in data.get("drugs", ()):
            hard, limits = scene.hard(drug["code"]), scene.library_limits(drug["code"])
            if limits is None:
                words = f"{scene.name(drug['code'])} is prescribed, and the library does not have it"
                yield Finding(Claim.LIBRARY, at_ms, words, drug["code"], 0, "code")
                continue
            yield from _prescribed_limits(at_ms, drug, limits, scene)
            if hard and drug["concentration"] > hard.concentration:
                words = f"{hard.name} of {PicogramsPerNanolitre(drug['concentration'])} is prescribed, the library "
                words += f"allows {PicogramsPerNanolitre(hard.concentration)}"
                yield Finding(Claim.LIBRARY, at_ms, words, drug["concentration"], hard.concentration, "pg/nL")
        grant = int(data.get("patient_bolus", {}).get("volume", 0))
        yield from _bolus(at_ms, grant, "a prescribed patient bolus", data, scene)


def _prescribed_limits(at_ms: int, drug: Mapping[str, Any], limits: Limits, scene: Scene) -> Iterator[Finding]:
    for (key, window), most in zip(WINDOWS, limits, strict=True):
        if drug[key] > most:
            words = f"a limit of {Picograms(drug[key])} of {scene.name(drug['code'])} in {window} is prescribed, "
            yield _finding(at_ms, words + f"the library allows {Picograms(most)}", drug[key], most)


def _bolus(at_ms: int, volume_nl: int, what: str, prescription: Mapping[str, Any], scene: Scene) -> Iterator[Finding]:
    """One bolus holds no more of any drug than the library allows of one."""
    for drug in prescription.get("drugs", ()):
        hard: Hard | None = scene.hard(drug["code"])
        mass_pg = volume_nl * drug["concentration"]
        if hard and mass_pg > hard.bolus:
            words = f"{what} holds {Picograms(mass_pg)} of {hard.name}, the library allows {Picograms(hard.bolus)}"
            yield _finding(at_ms, words, mass_pg, hard.bolus)


def _finding(at_ms: int, words: str, measured: int, allowed: int) -> Finding:
    return Finding(Claim.LIBRARY, at_ms, words, measured, allowed, "pg")
