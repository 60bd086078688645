"""The pump's image on disk: replaced whole or not at all, and on the disk before anybody is told."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from thecal.failures import OutsideMissing


class ImageFile:
    """One image file. Every failure of the disk is ``OutsideMissing`` with the path in its message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep the image for this process while the context is open; refused while another pump lives in it.

        Two pumps in one image would each put back what the other had forgotten: a dose given, a ledger full.
        """
        place = self.path.with_name(self.path.name + ".lock")
        try:
            lock = place.open("wb")
        except OSError as error:
            raise OutsideMissing(f"cannot save the image {self.path}: {error.strerror}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise OutsideMissing(f"the image {self.path} is in use by another pump") from error
            yield

    def load(self) -> bytes | None:
        """Return the image, or None if there is no file yet."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise OutsideMissing(f"cannot read the image {self.path}: {error.strerror}") from error

    def save(self, image: bytes) -> None:
        """Replace the file. When this returns, the new image survives a power failure of the computer.

        The bytes go to a new file first, which takes the old one's place only once they are on the disk; at every
        instant the name leads to a whole image, the old or the new one.
        """
        fresh = self.path.with_name(self.path.name + ".new")
        try:
            with fresh.open("wb") as file:
                file.write(image)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise OutsideMissing(f"cannot save the image {self.path}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    """Put the folder's entry on the disk too; without it the new name may be lost."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
