"""How much is tried, and from which seed the suites draw: chosen by ``THECAL_PROFILE``, never by where tests run.

``ci``     the default: the same examples every time, so that a failure is a change in the code;
``dev``    new examples every time: one that does not reach everything is skipped, not failed;
``night``  many new examples;
``smoke``  a handful, to see that the tests run at all: what ought to be reached is not judged.

``THECAL_SEED`` repeats a run that drew its examples anew.
"""

from __future__ import annotations

import os
import secrets

from hypothesis import HealthCheck, settings

PROFILE_VARIABLE = "THECAL_PROFILE"
SEED_VARIABLE = "THECAL_SEED"
FIXED = ("ci", "smoke")
"""The profiles that try the same every time."""
FIXED_SEED = 1
LONG = ("test_leap.py", "test_leap_premises.py", "test_life.py", "test_faults.py")
"""The files in which years are lived through whatever the profile: most of a smoke test's time, so it skips them."""
CI_EXAMPLES = 100
"""The examples of the profile whose effort is the smoke budget of a suite; a night is fifty times as long."""


def register_profiles() -> None:
    """Tell Hypothesis what each profile means. A deadline would judge the machine, not the code; none has one."""
    slow = [HealthCheck.too_slow]
    settings.register_profile(
        "ci",
        max_examples=CI_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        print_blob=True,
        suppress_health_check=slow,
    )
    settings.register_profile("dev", max_examples=CI_EXAMPLES, deadline=None, print_blob=True)
    settings.register_profile("night", max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=slow)
    settings.register_profile("smoke", settings.get_profile("ci"), max_examples=5)


def profile() -> str:
    """Return the name of the profile."""
    return os.environ.get(PROFILE_VARIABLE) or "ci"


def is_smoke() -> bool:
    """Whether so little is tried that nothing can be said of what ought to be reached."""
    return profile() == "smoke"


def must_reach() -> bool:
    """Whether a run fails that has not reached what it ought to.

    Only where the examples are always the same, or very many: with others it is chance, and the code is not to blame.
    """
    return profile() in ("ci", "night")


def leaves_out(file: str) -> bool:
    """Whether a smoke test passes over the tests in a file of this name; no other profile does."""
    return is_smoke() and file in LONG


def seed() -> int:
    """Return the seed of this run, the same whenever it is asked for.

    A new one is drawn once and goes into the environment, so that worker processes have it, too.
    """
    given = os.environ.get(SEED_VARIABLE)
    if not given:
        given = str(FIXED_SEED if profile() in FIXED else secrets.randbelow(1 << 32))
        os.environ[SEED_VARIABLE] = given
    return int(given)


def budget(smallest: int) -> int:
    """Return how many examples a property may try whose smallest useful budget is given."""
    return max(1, smallest * settings().max_examples // CI_EXAMPLES)
