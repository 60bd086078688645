"""Chance that can be repeated: a number drawn from a seed and a count, with no state to keep or to lose.

The same seed and count give the same number on every machine and after every image, and a draw that is not made
changes no other. Not for secrets.
"""

from __future__ import annotations

_MASK = (1 << 64) - 1
_STEP, _FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
"""The constants of the SplitMix64 generator (public domain), whose output function this is."""


def draw(seed: int, count: int, choices: int) -> int:
    """Return the ``count``-th number that follows from a seed, evenly from 0 to ``choices`` - 1."""
    mixed = (seed + (count + 1) * _STEP) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * _FIRST) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * _SECOND) & _MASK
    return ((mixed ^ (mixed >> 31)) * choices) >> 64
