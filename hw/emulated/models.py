"""The models there are, by the names that a person types."""

from __future__ import annotations

from hw.emulated.ch340 import Ch340
from hw.emulated.chip import Chip
from hw.emulated.cp2102 import Cp2102
from hw.emulated.ft232r import Ft232r
from hw.emulated.pl2303 import Pl2303

MODELS: dict[str, type[Chip]] = {"ft232r": Ft232r, "cp2102": Cp2102, "ch340": Ch340, "pl2303": Pl2303}
