"""What the bank showed, for reading and as plain values: each mutant beside the property that noticed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from verify.mutants.bank import Mutant
from verify.mutants.run import Verdict
from verify.mutants.trial import Tried

TIMED_OUT = "time-out"
BY_ANOTHER = "noticed by another"
HEADINGS = ("mutant", "result", "noticed by", "examples", "seconds")


def rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """Return the matrix of some verdicts: a line for each mutant and each property that noticed it."""
    return [line for verdict in verdicts for line in _lines(verdict)]


def _lines(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    name, result = verdict.mutant.id, word(verdict)
    instead = f", not {verdict.mutant.expected}" if result == BY_ANOTHER else ""
    for killer in verdict.killers:
        yield name, result, killer.name + instead, str(killer.examples), f"{killer.seconds:.2f}"
    if verdict.timed_out:
        yield name, result, TIMED_OUT, "", ""
    elif not verdict.killers:
        yield name, result, "", str(_examples(verdict)), f"{verdict.seconds:.2f}"


def word(verdict: Verdict) -> str:
    """Say in a word what came of a mutant."""
    if verdict.as_declared:
        return "equivalent" if not verdict.killed else BY_ANOTHER if verdict.by_another else "killed"
    return "NOT EQUIVALENT" if verdict.killed else "SURVIVED"


def summary(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """Return, layer by layer, how many mutants there were and what came of them."""
    layers = sorted({verdict.mutant.layer for verdict in verdicts})
    lines: list[tuple[str, ...]] = [("layer", "mutants", "killed", "by another", "equivalent", "survived")]
    for layer in layers:
        mine = [word(verdict) for verdict in verdicts if verdict.mutant.layer == layer]
        survived = mine.count("SURVIVED") + mine.count("NOT EQUIVALENT")
        counts = (len(mine), mine.count("killed"), mine.count(BY_ANOTHER), mine.count("equivalent"), survived)
        lines.append((layer, *map(str, counts)))
    return lines


def as_json(
    unmutated: Sequence[Tried], verdicts: Sequence[Verdict], made: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return everything as plain values; ``made`` says of what, when and with which effort."""
    return {
        "made": made or {},
        "holds": all(verdict.as_declared for verdict in verdicts),
        "unmutated": [each._asdict() for each in unmutated],
        "mutants": [
            {
                **described(verdict.mutant),
                "result": word(verdict).lower(),
                "timed_out": verdict.timed_out,
                "noticed_by": [each._asdict() for each in verdict.killers],
                "examples": _examples(verdict),
                "seconds": round(verdict.seconds, 3),
            }
            for verdict in verdicts
        ],
    }


def described(mutant: Mutant) -> dict[str, Any]:
    """Return a mutant as plain values."""
    return {**mutant._asdict(), "requirements": list(mutant.requirements)}


def _examples(verdict: Verdict) -> int:
    return sum(each.examples for each in verdict.tried)
