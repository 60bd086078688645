"""Which text of a requirement its links were made for.

A test is linked to a requirement by somebody who read the sentence. When the sentence changes, nobody has looked yet
whether the test still shows it: the links are *suspect* until somebody accepts the new text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources

from verify.tables import TableError, told_of
from verify.trace.sources import Requirement

FILE = "links.toml"
HEAD = """# The text of each requirement, by its fingerprint, for which its links were last looked at.
# Written by: thecal verify matrix --accept ID

[accepted]
"""


def load_accepted() -> dict[str, str]:
    """Return the accepted fingerprint of each requirement. Raises ``TableError``."""
    return read_accepted((resources.files("verify") / FILE).read_text("utf-8"))


def read_accepted(text: str) -> dict[str, str]:
    """Return the accepted fingerprints that a text holds. Raises ``TableError``."""
    with told_of(FILE):
        accepted = dict(tomllib.loads(text).get("accepted", {}))
    for name, fingerprint in accepted.items():
        if not isinstance(fingerprint, str):
            raise TableError(f"{FILE}: what is accepted of {name} is no fingerprint")
    return accepted


def accept(accepted: Mapping[str, str], requirements: Iterable[Requirement]) -> str:
    """Return the text of the file with the present text of these requirements accepted too."""
    after = {**accepted, **{each.id: each.fingerprint for each in requirements}}
    return HEAD + "".join(f'{name} = "{fingerprint}"\n' for name, fingerprint in sorted(after.items()))
