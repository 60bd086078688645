"""The generated sections about the pump: its state machines and its alarms."""

from __future__ import annotations

from emulator.firmware.alarm_table import ALARMS
from emulator.firmware.therapy import MACHINE as THERAPY
from emulator.machine import TableMachine
from emulator.programmer.workflow import MACHINE as WORKFLOW


def therapy_machine() -> str:
    """Return the pump's therapy as a diagram."""
    return _diagram(THERAPY)


def programmer_machine() -> str:
    """Return the programmer's workflow as a diagram."""
    return _diagram(WORKFLOW)


def alarms() -> str:
    """Return the table of alarms."""
    lines = ["| bit | alarm | priority | flow | raised when |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.code.value} | {row.code.name.lower()} | {row.priority.name.lower().replace('_', '-')} "
        f"| {row.flow.name} | {row.meaning} |"
        for row in ALARMS
    ]
    return "\n".join(lines)


def _diagram(machine: TableMachine) -> str:  # type: ignore[type-arg]
    """Return a diagram without the events that leave the state as it is."""
    lines = [line for line in machine.mermaid().splitlines() if not _stays(line)]
    return "\n".join(["```mermaid", *lines, "```"])


def _stays(line: str) -> bool:
    before, arrow, after = line.partition(" --> ")
    return bool(arrow) and before.strip() == after.partition(":")[0]
