"""``thecal hw emulate`` gives any program an adapter, and takes it away again."""

from __future__ import annotations

import signal
import subprocess
import sys

from hw.emulated.ch340 import Ch340
from hw.emulated.pl2303 import Pl2303
from hw.ports import open_port
from tests.usb.inside.bench import PATIENCE_S, Bench, settle

COMMAND = (sys.executable, "-m", "thecal", "hw", "emulate")


def test_two_chips_are_joined_until_the_command_is_stopped(bench: Bench) -> None:
    """The ports that it prints carry bytes to each other; after Ctrl-C they are gone, and the exit code is good."""
    lent = (bench.looped[Ch340], bench.looped[Pl2303])  # the controller has no other port free
    for looped in lent:
        looped.pull_out()
    with subprocess.Popen((*COMMAND, "pl2303", "ch340"), stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        names = [command.stdout.readline().split()[0] for _ in range(2)]
        settle(names)
        with open_port(names[0]) as near, open_port(names[1]) as far:
            near.write(b"!")
            assert far.read(PATIENCE_S * 1_000) == b"!"
        command.send_signal(signal.SIGINT)
        assert command.wait(PATIENCE_S) == 0
    for looped in lent:
        looped.put_in()
