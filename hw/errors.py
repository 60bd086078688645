"""What can go wrong before the first byte: a port that does not open."""

from __future__ import annotations


class PortError(Exception):
    """A port cannot be opened or created. The message says why and what to do about it."""
