"""Making a pump from what the command line says: profile, library, key, entropy, image."""

from __future__ import annotations

import hashlib
import random
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from emulator.device import Filling, ImageError, PumpDevice
from emulator.hardware.profile import Profile, ProfileError, load_profile
from emulator.journal import Journal
from emulator.library import Library, LibraryError
from protocol.units import Nanolitres
from thecal.failures import OutsideMissing
from thecal.image import ImageFile
from thecal.quantities import CONCENTRATION

DEFAULT_SERIAL = "THECAL-0001"
_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,11}")


def library_from(path: Path | None) -> Library:
    """Return the library in that file, or the shipped one; ``click.BadParameter`` says what is wrong with it."""
    try:
        return Library.shipped() if path is None else Library.load(path)
    except LibraryError as error:
        raise click.BadParameter(str(error), param_hint="--library") from error


def profile_from(name: str) -> Profile:
    """Return the profile of that name or file; ``click.BadParameter`` says what is wrong with it."""
    try:
        return load_profile(name)
    except ProfileError as error:
        raise click.BadParameter(str(error), param_hint="--profile") from error


def entropy_from(seed: int | None, image: bytes | None = None) -> Callable[[int], bytes]:
    """Return the source of unpredictable bytes, or a predictable one when a seed is given.

    The image that a pump goes on from is part of the seed: a pump must not draw the same bytes twice in its life.
    """
    if seed is None:
        return secrets.token_bytes
    mixed = hashlib.sha256(f"{seed} ".encode() + (image or b"")).digest()
    return random.Random(mixed).randbytes  # noqa: S311 - asked for: the same bytes for the same seed and image


def checked_serial(ctx: click.Context, param: click.Parameter, value: Any) -> Any:  # noqa: ARG001 - click's signature
    """Let a serial number pass that fits the wire and a file name."""
    if value is not None and not _SERIAL.fullmatch(value):
        raise click.BadParameter("a serial number is up to 12 letters, digits and hyphens")
    return value


def filling_from(
    contents: Nanolitres | None, fluid: tuple[tuple[str, str], ...], library: Library, profile: Profile
) -> Filling:
    """Return what a new pump is filled with; ``click.BadParameter`` for a drug or volume that cannot be."""
    volume = profile.capacity if contents is None else contents
    if volume > profile.capacity:
        raise click.BadParameter(f"the reservoir holds {profile.capacity}", param_hint="--contents")
    drugs = []
    for name, concentration in fluid:
        entry = library.by_name(name)
        if entry is None:
            known = ", ".join(drug.name for drug in library)
            raise click.BadParameter(f"the drug library has no “{name}”; it has {known}", param_hint="--fluid")
        drugs.append((entry.code, CONCENTRATION.convert(concentration, None, None).value))
    return Filling(volume.value, tuple(drugs))


class Wanted(NamedTuple):
    """The pump that the command line asks for. With an image there already, only the profile counts."""

    profile: Profile
    library: Library
    serial: str
    filling: Filling
    seed: int | None


def make_pump(wanted: Wanted, key: bytes, journal: Journal, image: ImageFile | None) -> PumpDevice:
    """Return the pump in the image, or a new one if there is no image yet.

    Raises ``OutsideMissing`` for an image that cannot be used, ``click.BadParameter`` for one of another pump.
    """
    frozen = image.load() if image else None
    entropy = entropy_from(wanted.seed, frozen)
    if image is None or frozen is None:
        return PumpDevice(
            profile=wanted.profile,
            library=wanted.library,
            key=key,
            serial=wanted.serial,
            entropy=entropy,
            filling=wanted.filling,
            journal=journal,
            seed=wanted.seed,
        )
    try:
        device = PumpDevice.from_image(frozen, profile=wanted.profile, key=key, entropy=entropy, journal=journal)
    except ImageError as error:
        raise OutsideMissing(f"{image.path}: {error}. The file is left as it is.") from error
    if device.pump is not None and device.pump.identity.serial != wanted.serial:
        raise click.BadParameter(
            f"{image.path} is pump {device.pump.identity.serial}, not {wanted.serial}", param_hint="--serial"
        )
    return device
