"""Helpers for tests that open real descriptors."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from protocol.carrier import Carrier

Receive: TypeAlias = Callable[[Carrier, int], bytes]

PATIENCE_MS = 10_000
"""Long enough for the slowest machine; every wait ends as soon as what it waits for is there."""


@pytest.fixture
def open_descriptors() -> Callable[[], int]:
    """Return a function that counts this process's open descriptors."""
    return lambda: len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def receive() -> Receive:
    """Return a function that reads exactly so many bytes from a port."""

    def exactly(port: Carrier, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = port.read(PATIENCE_MS)
            assert piece, f"only {len(data)} of {count} bytes came"
            data += piece
        return data

    return exactly
