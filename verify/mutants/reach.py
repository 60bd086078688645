"""Which suites can notice a mutant at all: those that import the changed module, themselves or through others.

Read from the imports in the source, so that nothing need be imported to know it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

OURS = ("protocol", "emulator", "verify")
ONE_PARSER = Lock()
"""CPython 3.11 fails with SystemError when two threads parse at the same time (AST constructor recursion depth)."""


def reaching(suites: Sequence[str], module: str) -> tuple[str, ...]:
    """Return those of the suites that can reach the module."""
    return tuple(name for name in suites if module in reached(f"verify.suites.{name}"))


@cache
def reached(module: str) -> frozenset[str]:
    """Return every module of ours that one imports, directly or not, itself among them."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imports(name)
    return frozenset(found)


@cache
def imports(module: str) -> tuple[str, ...]:
    """Return the modules of ours that a module names in its imports."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return ()
    with ONE_PARSER:
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return tuple(name for node in ast.walk(tree) for name in _named(node) if name.partition(".")[0] in OURS)


def _named(node: ast.AST) -> Iterator[str]:
    """Yield the modules that an import may mean: what is imported from a package can be a module itself."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (name for alias in node.names if _is_module(name := f"{node.module}.{alias.name}"))


def _is_module(name: str) -> bool:
    try:
        return name.partition(".")[0] in OURS and find_spec(name) is not None
    except ModuleNotFoundError:
        return False
