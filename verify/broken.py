"""What breaks a property: an example for which it does not hold, with its story."""

from __future__ import annotations


class BrokenPropertyError(Exception):
    """An example for which a property does not hold. The message is the story."""


def require(holds: object, *words: object) -> None:
    """Raise ``BrokenPropertyError`` with these words unless it holds."""
    if not holds:
        raise BrokenPropertyError(" ".join(str(word) for word in words))


def words_of(broken: Exception) -> str:
    """Return what broke in words: a property's own, or what kind of crash it was."""
    return str(broken) if isinstance(broken, BrokenPropertyError) else f"{type(broken).__name__}: {broken}"
