"""``thecal loop``: pump and programmer through one echoing port, in one process."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from emulator.device import PumpDevice
from emulator.hardware.profile import load_profile
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Result
from hw.loopback import SharedWire
from hw.ports import BAUD, open_port
from protocol.carrier import Carrier
from protocol.vocabulary import Role
from thecal.calling import Call, refuse_virtual
from thecal.driver import TimeDriver
from thecal.keys import KEY_OCTETS
from thecal.making import DEFAULT_SERIAL, filling_from
from thecal.output import NOT_CLINICAL, emit, good, say, tell
from thecal.plain import plain
from thecal.recording import Recording, recorded, recording_options
from thecal.visit import calling, ensure_done, explained, settle

DRUG, CONCENTRATION, DAILY_DOSE = "morphine", "20 mg/mL", "1 mg/day"
BOLUS, DURATION = "0.1 mg", "10 min"


@click.command()
@click.option("--port", default="loop://", show_default=True, help="A port with TX joined to RX, or loop://.")
@click.option("--baud", default=BAUD, show_default=True, type=click.IntRange(min=1), help="Rate of a real port.")
@recording_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def loop(port: str, baud: int, capture_path: Path | None, keylog_path: Path | None, as_json: bool) -> None:
    """Let a pump and a programmer talk through one echoing port: an adapter with TX joined to RX.

    Interrogates a new pump, programs it and gives a bolus. What comes through is everything that a port must do.

    \b
    Examples:
      thecal loop
      thecal loop --port /dev/ttyUSB0
    """
    refuse_virtual(port)
    tell(NOT_CLINICAL)
    key = secrets.token_bytes(KEY_OCTETS)
    library = Library.shipped()
    device = _new_pump(key, library)
    driver = TimeDriver(device.now_ms)

    def pump_end(data: bytes) -> bytes:
        device.advance_to(max(driver.now_ms(), device.now_ms))
        return device.receive(data)

    call = Call(port, baud, key, Role.CLINICIAN, DEFAULT_SERIAL, library, as_json)
    recording = Recording(capture_path, keylog_path)
    with recorded(recording, key, echoing=True) as tap, tap(open_port(port, baud)) as line, explained():
        _converse(SharedWire(line, pump_end), call)


def _new_pump(key: bytes, library: Library) -> PumpDevice:
    profile = load_profile("peristaltic")
    filling = filling_from(None, ((DRUG, CONCENTRATION),), library, profile)
    return PumpDevice(
        profile=profile,
        library=library,
        key=key,
        serial=DEFAULT_SERIAL,
        entropy=secrets.token_bytes,
        filling=filling,
    )


def _converse(wire: Carrier, call: Call) -> None:
    """Interrogate, program, give a bolus, look again; say each step."""
    with calling(wire, call) as programmer:
        view = programmer.interrogate()
        tell(f"{good('interrogated')} pump {view.identity.serial}")
        ensure_done(_programmed(programmer))
        tell(f"{good('programmed')} {DRUG} {CONCENTRATION} at {DAILY_DOSE}")
        programmer.interrogate()
        ensure_done(settle(programmer, programmer.bolus(BOLUS, DURATION)))
        view = programmer.interrogate()
    if call.as_json:
        emit({"port": call.port, "therapy": plain(view.therapy)})
    else:
        state = view.therapy.state.name.lower().replace("_", " ")
        say(f"{state} at {view.therapy.rate}: both ends talk through {call.port}")


def _programmed(programmer: Programmer) -> Result:
    programmer.edit(programmer.blank().fluid((DRUG, CONCENTRATION)).daily_dose(DAILY_DOSE))
    result = settle(programmer, programmer.update(programmer.review()))
    programmer.verify()
    return result
