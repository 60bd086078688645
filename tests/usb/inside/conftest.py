"""Tests inside the machine of ``tox -e usb``, on its adapters, which are lent to ``tests/adapters`` too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hw.abilities import ADAPTER, Ability
from tests.usb.inside.bench import QEMU_PAIR, Bench

INSIDE = "THECAL_USB_MACHINE"
"""Set in the machine. Elsewhere nothing here is collected: there are no adapters to pull out."""

collect_ignore_glob = [] if INSIDE in os.environ else ["test_*.py"]

QEMU_KIND = (
    ADAPTER.without(Ability.MODEM_LINES, "QEMU's adapter says always that they are on")
    .without(Ability.PARITY, "QEMU's adapter carries whole bytes")
    .without(Ability.BREAK, "QEMU's adapter cannot tell its wire of one")
    .without(Ability.BAUD, "QEMU's adapter carries bytes as fast as it can")
    .without(Ability.PACING, "QEMU's adapter carries bytes as fast as it can")
    .able(Ability.UNPLUG)
)

BENCH = pytest.StashKey[Bench]()


def pytest_configure(config: pytest.Config) -> None:
    """Plug everything in, and name it to the adapter suite."""
    if INSIDE not in os.environ or config.option.collectonly:
        return
    bench = Bench()
    bench.__enter__()
    config.stash[BENCH] = bench
    config.add_cleanup(lambda: bench.__exit__(None, None, None))
    ask = f"sh {Path(__file__).with_name('ask.sh')}"
    config.option.port, config.option.pair = [bench.port], bench.pairs
    config.option.kinds = {QEMU_PAIR: QEMU_KIND}
    config.option.unplug, config.option.plug_in = f"{ask} unplug {{ports}}", f"{ask} plug-in"


@pytest.fixture
def bench(pytestconfig: pytest.Config) -> Iterator[Bench]:
    """Yield the adapters; whatever a test left out is plugged in again."""
    bench = pytestconfig.stash[BENCH]
    yield bench
    bench.restore()
