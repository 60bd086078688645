"""What the pump makes of those who talk to it: sessions that were broken off, strangers, and interference.

None of this touches the therapy, which never waits for telemetry. A broken-off session matters only if it leaves the
pump without its old or its new prescription; a stranger only after several wrong proofs in a row; a receiver that
interference holds on is switched off again after a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.firmware.therapy import UNPROGRAMMED
from protocol.vocabulary import Mode, Role

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

PROGRAMMERS = frozenset({Role.CLINICIAN, Role.SERVICE})
INTRUSION_FAILURES = 4
"""Wrong proofs in a row. An honest programmer checks the pump's proof first and never fails; three may be a broken
one, and after the channel's pause that follows the third, whoever goes on means it."""
ABORTED_HOLD_MS = 60_000
"""A clinician whose link broke and who is back within a minute hears nothing."""
TELEMETRY_HOLD_MS = 4 * 60_000
"""Less than a session may idle, so that a minute is left for the alarm."""
TELEMETRY_MOST_MS = 5 * 60_000
"""Then the receiver is switched off."""


def session_opened(pump: Pump, role: Role) -> None:
    """Somebody has proven a key: no stranger, and if it is a clinician, somebody who sees to the therapy."""
    pump.wrong_proofs = 0
    attends = role in PROGRAMMERS
    noticed = pump.noticed._replace(intruded_at=-1, attended=attends)
    pump.noticed = noticed._replace(aborted_at=-1) if attends else noticed
    end_telemetry(pump)


def session_ended(pump: Pump, role: Role, *, asked: bool) -> None:
    """Note whether a clinician has left the pump without its prescription, and without saying so."""
    if role not in PROGRAMMERS:
        return
    left = not asked and left_wanting(pump)
    pump.noticed = pump.noticed._replace(attended=False, aborted_at=pump.now if left else -1)


def session_lost(pump: Pump) -> None:
    """Note how the session leaves the pump that power failed in: as the alarms of now would have it flow."""
    session_ended(pump, Role.CLINICIAN, asked=False)
    pump.save()
    pump.watch()


def left_wanting(pump: Pump) -> bool:
    """Whether the pump infuses less than what is prescribed until a clinician acts."""
    therapy = pump.therapy
    wanted = therapy.prescription is not None and therapy.mode is not Mode.STOPPED
    return wanted and therapy.state is not UNPROGRAMMED and pump.record.stopped_at >= 0


def proof_failed(pump: Pump) -> None:
    """Count a wrong proof; after some in a row, note the intrusion."""
    pump.wrong_proofs += 1
    if pump.wrong_proofs == INTRUSION_FAILURES:
        pump.check_memory()
        pump.noticed = pump.noticed._replace(intruded_at=pump.now)
        pump.save()
        pump.watch()


def look_at_telemetry(pump: Pump) -> None:
    """Note since when the receiver has been held on with nobody there."""
    held = pump.body.telemetry_held
    if held != (pump.noticed.telemetry_at >= 0):
        pump.noticed = pump.noticed._replace(telemetry_at=pump.now if held else -1)


def limit_telemetry(pump: Pump) -> None:
    """Switch a receiver off that has been held on for as long as it may."""
    if 0 <= pump.noticed.telemetry_at <= pump.now - TELEMETRY_MOST_MS:
        end_telemetry(pump)


def end_telemetry(pump: Pump) -> None:
    """Switch a receiver off that is held on."""
    pump.body.release_telemetry()
    look_at_telemetry(pump)
