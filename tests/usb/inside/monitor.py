"""Pull QEMU's own adapters out of the machine and put them in again, from inside."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import serial

CONTROL_PORT = "/dev/ttyS1"
"""Where the machine's second built-in serial port leads: to QEMU's monitor."""

FORGET = b"\xff\n"
"""Tells the monitor to drop what it has read: the port echoes for a moment while it is being opened."""

PATIENCE_S = 10

Said: TypeAlias = dict[str, Any]
"""One line from QEMU: an answer or an event."""


class MonitorError(Exception):
    """QEMU refused or did not answer."""


class Monitor:
    """QEMU's monitor (QMP). Adapters are called ``left`` and ``right``."""

    def __init__(self) -> None:
        self._port = serial.Serial(CONTROL_PORT, 115_200, timeout=PATIENCE_S, exclusive=True)
        self._numbers = itertools.count(1)
        self._said: list[Said] = []
        self._port.write(FORGET)
        self._ask("qmp_capabilities")

    def unplug(self, name: str) -> None:
        """Pull an adapter out, whatever uses it; return when QEMU has let go of it."""
        self._ask("device_del", id=name)
        self._await(lambda said: said.get("event") == "DEVICE_DELETED", f"the end of {name}")

    def plug(self, name: str) -> None:
        """Put an adapter in again, the same one by its serial number."""
        self._ask("device_add", driver="usb-serial", id=name, chardev=name, serial=f"QEMU-{name}", bus="xhci.0")

    def close(self) -> None:
        """Leave the monitor."""
        self._port.close()

    def _ask(self, command: str, **arguments: str) -> None:
        number = next(self._numbers)
        question = {"execute": command, "arguments": arguments, "id": number}
        self._port.write(json.dumps(question).encode() + b"\n")
        answer = self._await(lambda said: said.get("id") == number, f"the answer to {command}")
        if "error" in answer:
            raise MonitorError(f"{command}: {answer['error'].get('desc')}")

    def _await(self, wanted: Callable[[Said], bool], name: str) -> Said:
        """Return the first thing said that is wanted, also if it was said before we asked for it."""
        for said in self._said:
            if wanted(said):
                self._said.remove(said)
                return said
        while line := self._port.read_until(b"\n"):
            said = _parsed(line)
            if wanted(said):
                return said
            self._said.append(said)
        raise MonitorError(f"QEMU never said {name}")


def _parsed(line: bytes) -> Said:
    """Return the answer in a line; an empty one for the remains of what was said before we listened."""
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
