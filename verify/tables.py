"""The tables that are shipped as TOML beside this module: how one is read, and what is said of one that is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import Any


class TableError(Exception):
    """A shipped table cannot be used. The message says which, where, and what is wrong with it."""


def shipped(name: str) -> dict[str, Any]:
    """Return a shipped table by the name of its file. Raises ``TableError``."""
    with told_of(name):
        return tomllib.loads((resources.files("verify") / name).read_text("utf-8"))


@contextmanager
def told_of(name: str) -> Iterator[None]:
    """Make a ``TableError`` that names the table of whatever its text brings about: what is no TOML, or of no use."""
    try:
        yield
    except KeyError as error:
        raise TableError(f"{name}: {error} is missing") from None
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise TableError(f"{name}: {error}") from None
