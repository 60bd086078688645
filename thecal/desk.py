"""The bench's desk: what ``thecal control`` can ask of a running pump.

How fast time runs is the driver's business, everything else the bench's. Before a request the pump catches up with
the driver, and after it the driver goes on from where the bench then stands.
"""

from __future__ import annotations

from typing import Any

from emulator.bedside import Bedside
from emulator.bench import Bench, BenchError
from thecal.driver import TimeDriver
from thecal.quantities import SpeedParameter


class Desk:
    """Answers requests, each a dictionary with a command's name under ``do``. Never raises for what is in one."""

    def __init__(self, bench: Bench, driver: TimeDriver, bedside: Bedside | None = None) -> None:
        self._bench = bench
        self._bedside = bedside
        self._driver = driver

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request; the answer has ``ok`` and, if that is false, ``error``."""
        self._bench.device.advance_to(max(self._driver.now_ms(), self._bench.now_ms))
        try:
            answer = self._carry_out(request)
        except BenchError as error:
            return {"ok": False, "error": str(error)}
        finally:
            self._driver.jump(self._bench.now_ms)
        return {"ok": True, **answer}

    def _carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"do": "time"}:
                return self._time()
            case {"do": "speed", "factor": int(factor)} if 0 <= factor <= SpeedParameter.MOST:
                self._driver.set_speed(factor)
                return self._time()
            case {"do": "speed"}:
                raise BenchError(f"“speed” needs a whole factor from 0 to {SpeedParameter.MOST}")
            case {"do": "jump"} if self._bench.device.next_event_ms is None:
                raise BenchError("nothing is going to happen by itself")
            case {"do": "order" | "patient"} if self._bedside is None:
                raise BenchError("there is no patient under this pump; start it with --patient INDICATION")
            case _:
                return (self._bedside or self._bench).command(request)

    def _time(self) -> dict[str, Any]:
        return {
            "now_ms": self._bench.now_ms,
            "speed": self._driver.speed,
            "speed_now": self._driver.effective_speed,
            "next_event_ms": self._bench.device.next_event_ms,
        }
