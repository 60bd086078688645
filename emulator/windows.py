"""What windows a pump's dose guard was built with: real ones, or small ones for experiments."""

from __future__ import annotations

from typing import NamedTuple

from emulator.firmware.guard import Sizes
from protocol.units import DAY_MS, HOUR_MS


class Windows(NamedTuple):
    """The guard's buckets, and the hour and the day that they stand for, in milliseconds."""

    sizes: Sizes = Sizes()
    hour_ms: int = HOUR_MS
    day_ms: int = DAY_MS

    def checked(self) -> Windows:
        """Return these windows; ``ValueError`` if whole buckets do not cover the time that they stand for."""
        sizes = self.sizes
        hour_ms = (sizes.hour_buckets - 1) * sizes.hour_bucket_ms
        day_ms = (sizes.day_buckets - 1) * sizes.day_bucket_ms
        if hour_ms < self.hour_ms or day_ms < self.day_ms:
            raise ValueError(f"buckets for {hour_ms} and {day_ms} ms cover no {self.hour_ms} and {self.day_ms} ms")
        return self
