"""The folder of evidence: everything in it is named with its SHA-256, so that a change of anything is found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path

MANIFEST = "SHA256SUMS"
"""In the format of ``sha256sum``, which can check it as well."""
EVIDENCE = "evidence"
NO_REPORT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Thecal: no report</title></head>
<body><h1>There is no report</h1><p>{why}</p>
<p>Nothing is shown here. What else is in this folder is left from the report before.</p></body></html>
"""


class FolderError(Exception):
    """The folder cannot be used. The message says why."""


def write_folder(out: Path, texts: Mapping[str, str], files: Iterable[Path]) -> None:
    """Write the report's own texts and copies of the files that it was made of, and the manifest of all of them.

    Raises ``FolderError`` if the folder holds what no report wrote, because that would be certified with it.
    """
    if out.exists() and any(out.iterdir()) and not (out / MANIFEST).exists():
        raise FolderError(f"{out} holds something that is no report: name a new folder, or an old report's")
    copies = [(path.name, path.read_bytes()) for path in files]  # they may lie in the folder that is emptied now
    if (out / MANIFEST).exists():
        _empty(out)
    (out / EVIDENCE).mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (out / name).write_text(text, "utf-8")
    for name, content in copies:
        _free(out / EVIDENCE / name).write_bytes(content)
    (out / MANIFEST).write_text(manifest(out), "utf-8")


@contextmanager
def withdrawn(out: Path, page: str) -> Iterator[None]:
    """Take an old report's page away while the next is made, so that it is never taken for it if that fails.

    What stands there instead says so, and the manifest does not agree with it.
    """
    _withdraw(out / page, "It is being made, or its making was broken off.")
    try:
        yield
    except Exception as error:
        _withdraw(out / page, f"It could not be made: {error}")
        raise


def _withdraw(page: Path, why: str) -> None:
    if page.exists() and (page.parent / MANIFEST).exists():
        page.write_text(NO_REPORT.format(why=escape(why)), "utf-8")


def manifest(out: Path) -> str:
    """Return one line for each file in the folder, the manifest itself left out."""
    return "".join(f"{digest}  {name}\n" for name, digest in _digests(out).items())


def differences(out: Path) -> list[str]:
    """Return how the folder differs from its manifest, in words. Raises ``FolderError`` without a manifest."""
    try:
        lines = (out / MANIFEST).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FolderError(f"{out / MANIFEST} cannot be read: {error}") from None
    named: dict[str, str] = {}
    wrong = []
    for number, line in enumerate(lines, start=1):
        digest, two_spaces, name = line.partition("  ")
        if not two_spaces or not name:
            wrong.append(f"{MANIFEST}, line {number}, is no entry")
        named[name] = digest
    found = _digests(out)
    wrong += [f"{name} is missing" for name in named if name and name not in found]
    wrong += [f"{name} has been added" for name in found if name not in named]
    wrong += [f"{name} has been changed" for name in found if name in named and named[name] != found[name]]
    return wrong


def _digests(out: Path) -> dict[str, str]:
    files = sorted(path for path in out.rglob("*") if path.is_file() and path != out / MANIFEST)
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _empty(out: Path) -> None:
    """Remove what the old manifest names, and nothing else."""
    for line in (out / MANIFEST).read_text("utf-8").splitlines():
        path = out / line.partition("  ")[2]
        if path.is_file() and out.resolve() in path.resolve().parents:
            path.unlink()
    (out / MANIFEST).unlink()


def _free(path: Path) -> Path:
    """Return the path, or one beside it that is not taken."""
    number, free = 2, path
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free
