"""Seeding a mutant: the import system is given other source for one module, in this process alone.

Nothing is written anywhere, and the product has no hook for it: a finder at the head of ``sys.meta_path`` finds the
module as ever and lets a loader compile the changed text. Only modules that are not imported yet can be seeded.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

from verify.mutants.bank import BankError, Mutant


class SeededLoader(SourceFileLoader):
    """Loads a module from changed text; takes no compiled file and leaves none."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - one loader, one module
        """Return the changed module, compiled."""
        code: CodeType = compile(self._text, self.path, "exec", dont_inherit=True)
        return code


class SeedingFinder(MetaPathFinder):
    """Finds one module with changed text, and no other."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the changed module's spec if it is asked for."""
        if fullname != self._name:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            return None
        return spec_from_file_location(
            fullname, found.origin, loader=SeededLoader(fullname, found.origin, self._text)
        )


def seed(mutant: Mutant) -> None:
    """Let every later import in this process find the mutant. Raises ``BankError`` if it comes too late."""
    if mutant.module in sys.modules:
        raise BankError(f"{mutant.id}: {mutant.module} is imported already")
    sys.meta_path.insert(0, SeedingFinder(mutant.module, mutant.seeded()))
