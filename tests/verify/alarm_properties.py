"""Which property demands each alarm."""

from __future__ import annotations

ALARM_PROPERTIES = {
    "dose_limit": "dose-limit-alarm",
    "motor_stall": "motor-stall-alarm",
    "reservoir_low": "reservoir-low-alarm",
    "reservoir_empty": "reservoir-empty-alarm",
    "reset": "reset-alarm",
    "memory": "memory-alarm",
    "stopped_48h": "stopped-alarm",
    "unrequested_delivery": "unrequested-delivery-alarm",
    "free_flow": "free-flow-alarm",
    "eri": "eri-alarm",
    "eos": "eos-alarm",
    "clock": "clock-alarm",
    "annunciator": "annunciator-alarm",
    "telemetry_timeout": "telemetry-alarm",
    "session_aborted": "session-aborted-alarm",
    "intrusion": "intrusion-alarm",
}
