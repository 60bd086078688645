"""Keeps a running pump's image on the disk."""

from __future__ import annotations

from emulator.device import PumpDevice
from thecal.image import ImageFile


class Keeper:
    """Saves the device into its image file; without one, keeps nothing."""

    def __init__(self, device: PumpDevice, image: ImageFile | None) -> None:
        self._device = device
        self._image = image
        self._kept = self._pages()

    @property
    def due(self) -> bool:
        """Whether the pump's memory was written since it was last kept. Every write makes a new page."""
        return self._image is not None and any(
            now is not kept for now, kept in zip(self._pages(), self._kept, strict=True)
        )

    def keep(self) -> None:
        """Put the pump on the disk now; see ``ImageFile.save``."""
        if self._image is not None:
            self._image.save(self._device.image())
            self._kept = self._pages()

    def _pages(self) -> tuple[object, ...]:
        return tuple(self._device.chip.pages)
