"""The tests that there are, and which requirements each says it verifies, as the collection wrote them down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from verify.trace.results import Result

VARIABLE = "THECAL_TRACE"
"""Environment variable that names the file into which a collection writes its tests."""


class CollectionError(Exception):
    """The tests could not be collected. The message says why, in the words of who failed."""


class BrokenTestsError(CollectionError):
    """Pytest tried, and a test, or what it imports, is broken."""


class CollectedTest(NamedTuple):
    """One test."""

    id: str
    """Such as ``tests/verify/test_judge.py::test_findings_come_in_order_of_time``."""
    sentence: str
    requirements: tuple[str, ...]

    @property
    def function(self) -> str:
        """Return the id without the parameters of its case."""
        return self.id.partition("[")[0]

    @property
    def parameter(self) -> str:
        """Return what its case is called; empty if it is the only one."""
        return self.id.partition("[")[2].removesuffix("]")

    @property
    def key(self) -> str:
        """Return the name by which a JUnit file knows it."""
        return junit_key(self.id)


def junit_key(node: str) -> str:
    """Return class name and name that JUnit files have for a pytest node, with a point between them."""
    path, *names = _split(node)
    module = path.removesuffix(".py").replace("/", ".")
    return ".".join([module, *names])


def _split(node: str) -> list[str]:
    """Return the parts of a node's name; a parameter may hold the very marks that part them."""
    plain, bracket, parameter = node.partition("[")
    *parts, last = plain.split("::")
    return [*parts, last + bracket + parameter]


def written(tests: Iterable[CollectedTest]) -> str:
    """Return the file's text."""
    return json.dumps([test._asdict() for test in tests], ensure_ascii=False, indent=1)


def read(text: str) -> tuple[CollectedTest, ...]:
    """Return the tests that a file's text names. Raises ``CollectionError`` for one that is none."""
    try:
        rows = json.loads(text)
        if not isinstance(rows, list):
            raise TypeError(rows)
        tests = tuple(CollectedTest(row["id"], row["sentence"], tuple(row["requirements"])) for row in rows)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CollectionError(f"this is no list of collected tests: {error!r}") from None
    for test in tests:
        if not all(isinstance(words, str) for words in (test.id, test.sentence, *test.requirements)):
            raise CollectionError(f"this is no list of collected tests: {test.id!r} is none")
    return tests


def recorded(results: Iterable[Result]) -> tuple[CollectedTest, ...]:
    """Return the tests that results name, with the requirements that each was marked with when it ran."""
    named = {each.key: each for each in results if not each.key.startswith(".")}  # else it is a module that broke
    return tuple(CollectedTest(_node(key), "", each.requirements) for key, each in named.items())


def _node(key: str) -> str:
    plain, bracket, parameter = key.partition("[")
    module, _, name = plain.rpartition(".")
    return f"{module.replace('.', '/')}.py::{name}{bracket}{parameter}"


def collect(folder: Path) -> tuple[CollectedTest, ...]:
    """Let pytest collect the tests of a clone, running none.

    Raises ``BrokenTestsError`` if they cannot be collected, and another ``CollectionError`` if nothing can be tried.
    """
    if not (folder / "tests").is_dir():
        raise CollectionError(
            f"there is no folder “tests” in {folder}: go into a clone, or give a list made in one with --tests"
        )
    with tempfile.TemporaryDirectory() as place:
        list_file = Path(place) / "tests.json"
        command = [sys.executable, "-m", "pytest", "--collect-only", "-qq", "-p", "no:cacheprovider"]
        done = subprocess.run(  # noqa: S603 - our own interpreter and nothing of a user
            command,
            cwd=folder,
            env={**os.environ, VARIABLE: str(list_file)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not list_file.exists():
            last = (done.stderr or done.stdout).strip().splitlines()[-8:]
            raise BrokenTestsError("pytest could not collect the tests:\n" + "\n".join(last))
        return read(list_file.read_text("utf-8"))
