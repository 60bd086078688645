"""The image file."""

import os
from pathlib import Path

import pytest

from thecal.failures import OutsideMissing
from thecal.image import ImageFile


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """An image comes back as it was saved, and a later one replaces it."""
    image = ImageFile(tmp_path / "pump.image")
    assert image.load() is None
    image.save(b"one")
    image.save(b"two")
    assert image.load() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["pump.image"]


def test_the_old_image_stays_until_the_new_one_is_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fails before the bytes are safe, the old image is whole and nothing is left behind."""
    image = ImageFile(tmp_path / "pump.image")
    image.save(b"old")

    def fails(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OutsideMissing, match="No space left"):
        image.save(b"new")
    assert image.load() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["pump.image"]


def test_bytes_and_folder_are_synchronised_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is on the disk before it takes its name, and the name before the call returns."""
    steps: list[str] = []
    rename = Path.replace

    def renaming(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", lambda descriptor: steps.append("sync"))
    monkeypatch.setattr(Path, "replace", renaming)
    ImageFile(tmp_path / "pump.image").save(b"x")
    assert steps == ["sync", "rename", "sync"]


def test_an_image_that_cannot_be_read_or_saved_is_named(tmp_path: Path) -> None:
    """A folder in the place of the image is an error that names the path."""
    image = ImageFile(tmp_path)
    with pytest.raises(OutsideMissing, match=str(tmp_path)):
        image.load()
    with pytest.raises(OutsideMissing, match=str(tmp_path)):
        image.save(b"x")


def test_two_pumps_cannot_live_in_one_image(tmp_path: Path) -> None:
    """While one holds the image a second is refused; afterwards it is free again."""
    path = tmp_path / "pump.image"
    refused = pytest.raises(OutsideMissing, match="in use by another pump")
    with ImageFile(path).claimed(), refused, ImageFile(path).claimed():
        pass
    with ImageFile(path).claimed():
        pass
