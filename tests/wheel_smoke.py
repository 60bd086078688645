"""Is the installed wheel whole? Run with ``python -I`` in an environment that holds the wheel and nothing else.

Not a pytest module: pytest is not there. Prints one line for each check and exits with 1 if one fails.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from importlib import import_module, metadata, resources
from pathlib import Path

PACKAGES = {"protocol", "emulator", "verify", "hw", "thecal"}
DATA = {
    "emulator": ("data/drugs.toml", "data/peristaltic.toml", "py.typed"),
    "verify": (
        *(f"{name}.toml" for name in ("deadlines", "hazards", "links", "properties", "requirements")),
        "report/page.html",
        "py.typed",
    ),
    "protocol": ("py.typed",),
    "hw": (
        "py.typed",
        *(f"wireshark/{name}.lua" for name in ("thecal", "thecal_seal", "thecal_tables")),
        *(f"sigrok/thecal/{name}" for name in ("__init__.py", "pd.py", "seal.py", "wire.py", "tables.json")),
    ),
    "thecal": ("py.typed",),
}
BUILD_AND_TEST_TOOLS = ("pytest", "hypothesis", "hatchling", "mypy")
COMMAND = Path(sysconfig.get_path("scripts")) / "thecal"


def top_level_is_the_five_packages() -> str:
    """The wheel puts its five packages at the top level and nothing beside them."""
    files = [file.parts for file in metadata.files("thecal") or [] if ".." not in file.parts]
    found = {parts[0] for parts in files if not parts[0].endswith(".dist-info")}
    return f"{found} at the top level" if found != PACKAGES else ""


def packages_come_from_the_wheel() -> str:
    """Every package is imported from the environment, not from a clone that happens to be near."""
    places = {name: import_module(name).__file__ or "" for name in PACKAGES}
    strangers = [place for place in places.values() if not Path(place).is_relative_to(sys.prefix)]
    return f"imported from {strangers}" if strangers else ""


def data_files_are_there() -> str:
    """Every file that the packages read at run time is in the wheel."""
    missing = [
        f"{package}/{name}"
        for package, names in DATA.items()
        for name in names
        if not resources.files(package).joinpath(name).is_file()
    ]
    return f"missing {missing}" if missing else ""


def licence_is_there() -> str:
    """The licence travels with the wheel."""
    names = [file.name for file in metadata.files("thecal") or []]
    return "" if "LICENSE" in names else "no LICENSE"


def environment_is_empty() -> str:
    """None of the tools that build and test is here to lend a hand."""
    here = {distribution.name.lower() for distribution in metadata.distributions()}
    found = here.intersection(BUILD_AND_TEST_TOOLS)
    return f"{found} are installed" if found else ""


def version_is_told() -> str:
    """``thecal --version`` prints the version of the wheel."""
    return _run("--version", expect=f"thecal {metadata.version('thecal')}")


def doctor_is_content() -> str:
    """``thecal doctor`` finds everything that is needed."""
    return _run("doctor")


def every_command_has_help() -> str:
    """Each command can be imported and says what it does."""
    commands = import_module("thecal.cli").COMMANDS
    return "; ".join(filter(None, (_run(name, "--help", expect="Usage:") for name in commands)))


CHECKS: tuple[Callable[[], str], ...] = (
    top_level_is_the_five_packages,
    packages_come_from_the_wheel,
    data_files_are_there,
    licence_is_there,
    environment_is_empty,
    version_is_told,
    doctor_is_content,
    every_command_has_help,
)


def _run(*arguments: str, expect: str = "") -> str:
    """Run ``thecal``; return what is wrong, or nothing."""
    done = subprocess.run(  # noqa: S603 - the command under test
        [COMMAND, *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        return f"thecal {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return "" if expect in done.stdout else f"thecal {' '.join(arguments)}: no “{expect}” in\n{done.stdout}"


def _results() -> Iterator[bool]:
    for check in CHECKS:
        problem = check()
        words = check.__name__.replace("_", " ")
        sys.stdout.write(f"{'FAILED' if problem else 'ok'}: {words}{': ' if problem else ''}{problem}\n")
        yield not problem


if __name__ == "__main__":
    sys.exit(0 if all(list(_results())) else 1)
