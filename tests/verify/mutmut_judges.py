"""What judges a mutant of mutmut: the properties of the suites, and nothing else. ``tox -e mutmut`` runs this file.

No test of ours by pytest's naming, because `test_suites` shows the same of the code as it is. It differs in one way:
a story is not made shorter.
"""

from __future__ import annotations

import pytest

from verify.suites.registry import NAMES, suite
from verify.suites.suite import Effort, Property, show

PROPERTIES = [each for name in NAMES for each in suite(name).properties]
SEED = 1


@pytest.mark.parametrize("claimed", PROPERTIES, ids=[each.name for each in PROPERTIES])
def test_property_holds(claimed: Property) -> None:
    """The property holds for the smoke budget, and each of its premises occurs."""
    outcome = show(claimed, Effort(SEED, claimed.smoke, minimal=False))
    assert outcome.story is None, outcome.story
    assert not outcome.missed
