"""The emulated pump as a device: bytes in, bytes out, and simulated time.

Here the parts come together: the wire (``protocol.pump_end``), the controller (``emulator.firmware``), what
physically happens (``emulator.hardware``) and the journal. The bench time of a device counts every millisecond
since it was made; the pump's own time stands still while it has no power.

Not for clinical use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from emulator.drug import DrugEntry
from emulator.firmware.alarm_table import ALARMS
from emulator.firmware.alarms import Panel
from emulator.firmware.commands import Commands
from emulator.firmware.contact import proof_failed
from emulator.firmware.pump import Pump
from emulator.firmware.state import Identity, Metering, State, TherapyRecord, new_chip
from emulator.firmware.telling import alarm_name
from emulator.hardware.battery import EMPTY
from emulator.hardware.body import RUNAWAY, STROKE, Body, Moved
from emulator.hardware.line import Fluid, filled
from emulator.hardware.nonvolatile import NonVolatile, PowerLostError
from emulator.hardware.profile import Profile
from emulator.journal import Journal
from emulator.library import Library
from emulator.windows import Windows
from protocol.channel import PumpChannel
from protocol.channel_events import (
    AuthenticationFailed,
    ChannelEvent,
    Malformed,
    NotPermitted,
    RecordRejected,
    Rejection,
    Request,
    SessionClosed,
    SessionOpened,
)
from protocol.link import PumpLink
from protocol.messages import Accepted, AlarmsReport, Message, Refused
from protocol.pump_end import PumpEnd
from protocol.vocabulary import LogKind, TherapyState

IMAGE_FORMAT = "thecal pump image 6"

Result = TypeVar("Result")


class ImageError(Exception):
    """An image cannot be used; the message says why and what to do."""


class Filling(NamedTuple):
    """What a new pump holds: the reservoir's volume, and the fluid that fills it and the line."""

    volume_nl: int
    fluid: Fluid


class Surroundings(Protocol):
    """What happens to a pump by itself, and not by the pump: a bench with its faults."""

    @property
    def due_ms(self) -> int | None:
        """When the next thing happens, in bench ms; None if nothing will."""

    def act(self) -> None:
        """Let everything happen that is due now."""

    def carries(self) -> bool:
        """Whether the bytes that are on the wire now get through."""


class PumpDevice:
    """One emulated pump. Not thread-safe: whoever owns it lets its time pass and gives it its bytes."""

    def __init__(
        self,
        *,
        profile: Profile,
        library: Library,
        key: bytes,
        serial: str,
        entropy: Callable[[int], bytes],
        filling: Filling,
        journal: Journal | None = None,
        windows: Windows | None = None,
        seed: int | None = None,
    ) -> None:
        """Make a new pump and power it up for the first time.

        ``key`` is the pump's 256-bit secret; ``entropy`` returns so many fresh random bytes, and must never
        return the same ones for the same pump again. ``seed`` is only noted in the journal.
        """
        self._prepare(profile, key, entropy, journal, windows)
        self.body.refill(filling.volume_nl, filling.fluid)
        self.body.fill_line(filling.fluid)
        self.chip.write(_as_made(serial, library, profile, filling)._asdict())
        self._note_start(serial, library, filling, seed)
        self._power_up(thawed=False)

    @classmethod
    def from_image(
        cls,
        image: bytes,
        *,
        profile: Profile,
        key: bytes,
        entropy: Callable[[int], bytes],
        journal: Journal | None = None,
        windows: Windows | None = None,
    ) -> PumpDevice:
        """Take a pump out of an image, exactly as it was put away.

        Raises ``ImageError`` for a file that is damaged or not an image. Damage *inside* the emulated memory chip
        is no such error: the pump finds it as it would find it in its own memory, and raises its alarm.
        """
        content = _opened(image)
        if content.get("profile") != profile.name:
            raise ImageError(f"the image is of a “{content.get('profile')}” pump, not of a “{profile.name}” one")
        device = cls.__new__(cls)
        device._prepare(profile, key, entropy, journal, windows)
        try:
            device.now_ms = int(content["now_ms"])
            device.chip.restore(content["chip"])
            device.body.restore(content["body"])
            powered = bool(content["powered"])
        except (KeyError, TypeError, ValueError) as error:
            raise ImageError(f"the image is not laid out as one: {error}") from None
        device.journal.record(device.now_ms, "bench.thawed")
        if powered:
            device._power_up(thawed=True)
        return device

    def _prepare(
        self,
        profile: Profile,
        key: bytes,
        entropy: Callable[[int], bytes],
        journal: Journal | None,
        windows: Windows | None,
    ) -> None:
        self.profile = profile
        self.journal = journal or Journal(recording=False)
        self.now_ms = 0
        self.chip: NonVolatile = new_chip()
        self.body = Body(profile, self._on_move, self._instant, self._tell)
        self.body.on_run = self._on_run
        self.body.on_empty = self.cut_power
        self.surroundings: Surroundings | None = None
        self.windows = (windows or Windows()).checked()
        self._key = key
        self._entropy = entropy
        self._offset_ms = 0
        self.pump: Pump | None = None
        self._end: PumpEnd | None = None
        self._commands: Commands | None = None

    # --- power ---

    @property
    def powered(self) -> bool:
        """Whether the pump has power."""
        return self._end is not None

    def cut_power(self) -> None:
        """Take the power away: all that is not in non-volatile memory is gone."""
        if self.powered:
            self._lose_power()

    def restore_power(self) -> None:
        """Give the power back; the pump starts from its memory, unless its battery is used up."""
        if not self.powered and self.body.level_said != EMPTY:
            self.journal.record(self.now_ms, "power.restored")
            self._power_up(thawed=False)

    def _power_up(self, *, thawed: bool) -> None:
        self.body.supply(powered=True)
        try:
            pump = Pump(self.chip, self.body, self.profile, self.windows.sizes, self._tell, thawed=thawed)
        except PowerLostError:
            self._lose_power()
            return
        self.pump = pump
        self.body.on_sensor = lambda: self._guarded(pump.sensed)
        self._offset_ms = self.now_ms - pump.now
        self._commands = Commands(pump)
        link = PumpLink(int.from_bytes(self._entropy(2), "little"))
        channel = PumpChannel(self._key, pump.identity.serial, self._entropy, pump.identity.power_ups)
        self._end = PumpEnd(link, channel, self._execute, self._report)

    def _lose_power(self) -> None:
        self.now_ms = self._instant()
        self.pump, self._end, self._commands = None, None, None
        self.body.on_sensor = lambda: None
        self.body.supply(powered=False)
        self.journal.record(self.now_ms, "power.cut")

    # --- time ---

    @property
    def next_event_ms(self) -> int | None:
        """When the next thing happens by itself, in bench ms; None if nothing will."""
        around = self.surroundings.due_ms if self.surroundings else None
        due = [] if around is None else [around]
        if self.pump is not None and self._end is not None:
            own = (self.pump.due_ms, self._end.channel.deadline_ms)
            due += [at + self._offset_ms for at in own if at is not None]
        return max(self.now_ms, min(due)) if due else None

    @property
    def session_open(self) -> bool:
        """Whether a programmer has an authenticated session."""
        return self._end is not None and self._end.channel.role is not None

    @property
    def memory_writes(self) -> int:
        """How often the non-volatile memory was written: an image is out of date when this has changed."""
        return self.chip.writes

    def advance_to(self, at_ms: int) -> None:
        """Let bench time pass up to an instant, and with it everything that happens by itself."""
        around = self.surroundings
        while around is not None and (due := around.due_ms) is not None and due <= at_ms:
            self._pass_until(max(due, self.now_ms))
            around.act()
        self._pass_until(at_ms)

    def _pass_until(self, at_ms: int) -> None:
        while self.pump is not None and self._end is not None:
            deadline = self._end.channel.deadline_ms
            if deadline is None or deadline + self._offset_ms > at_ms:
                break
            self._guarded(self._advance_pump, deadline)
            self._guarded(self._expire, deadline)
        self._guarded(self._advance_pump, at_ms - self._offset_ms)
        self.now_ms = max(self.now_ms, at_ms)

    def _advance_pump(self, pump_ms: int) -> None:
        if self.pump is not None:
            self.pump.advance_to(pump_ms)
            self.now_ms = max(self.now_ms, self._instant())

    def _expire(self, pump_ms: int) -> None:
        if self._end is not None:
            self._end.expire(pump_ms)

    # --- the wire ---

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the clinical wire at the present instant and return what the pump sends back."""
        return self._guarded(self._receive, data) or b""

    def _receive(self, data: bytes) -> bytes:
        lost = self.surroundings is not None and not self.surroundings.carries()
        if self._end is None or self.pump is None or lost:
            return b""
        if not self.session_open:
            self.body.battery.wake(self.now_ms)
        return self._end.receive(data, self.pump.now)

    def _execute(self, request: Request) -> Message:
        message, role = request.message, request.role
        if self._commands is None:
            raise PowerLostError("a request after the power was lost")
        reply = self._commands.handle(message, role, request.session, request.counter)
        if isinstance(reply, AlarmsReport):
            self._tell("wire.alarms", role=role.name.lower(), listed=[alarm_name(each.code) for each in reply.alarms])
        if message.CHANGES_STATE:
            refused = isinstance(reply, Refused)
            self._tell(
                "wire.command",
                role=role.name.lower(),
                message=type(message).__name__,
                outcome="refused" if refused else "accepted",
                reason=reply.reason.name.lower() if isinstance(reply, Refused) else None,
                state=reply.state.name.lower() if isinstance(reply, Accepted) else None,
            )
        return reply

    def _report(self, event: ChannelEvent) -> None:
        pump, commands = self.pump, self._commands
        if pump is None or commands is None:
            return
        match event:
            case SessionOpened(role, session):
                self.body.listen(in_session=True)
                commands.session_opened(session, role)
            case SessionClosed(role, _, cause):
                self.body.listen(in_session=False)
                commands.session_closed(role, cause)
            case AuthenticationFailed(failures):
                pump.log.add(pump.now, LogKind.AUTHENTICATION_FAILED, 0, failures)
                pump.log.flush()
                self._tell("wire.authentication_failed", failures=failures)
            case RecordRejected(rejection):
                self._tell("wire.rejected", what=rejection.value)
                if rejection is Rejection.BAD_PROOF:
                    proof_failed(pump)
            case NotPermitted(message, role, _, _):
                self._tell("wire.not_permitted", role=role.name.lower(), message=type(message).__name__)
            case Malformed(why, role, _, _):
                self._tell("wire.malformed", role=role.name.lower(), why=why)
            case _:
                pass

    # --- what others are told ---

    def _guarded(self, action: Callable[..., Result], *args: Any) -> Result | None:
        """Do something during which power may fail at a write to memory."""
        try:
            return action(*args)
        except PowerLostError:
            self._lose_power()
            return None

    def _instant(self) -> int:
        return self.pump.now + self._offset_ms if self.pump else self.now_ms

    def _tell(self, kind: str, /, **data: Any) -> None:
        self.journal.record(self._instant(), kind, **data)

    def _on_move(self, moved: Moved) -> None:
        if moved.why in (STROKE, RUNAWAY):
            self.journal.stroke(
                self._instant(),
                moved.stroke_nl,
                moved.outlet,
                moved.tip,
                moved_nl=moved.moved_nl,
                pocket=moved.pocket,
                tissue=moved.tissue,
                held_nl=moved.held_back_nl,
                unasked=moved.why == RUNAWAY,
            )
        else:
            places = {place: book_data(getattr(moved, place)) for place in ("outlet", "tip", "pocket", "tissue")}
            self._tell("catheter.flow", why=moved.why, volume_nl=moved.moved_nl, held_nl=moved.held_back_nl, **places)

    def _on_run(self, moved: Moved, instants: Iterable[int]) -> None:
        if self.journal.recording:
            for pump_ms in instants:
                self.journal.stroke(pump_ms + self._offset_ms, moved.stroke_nl, moved.outlet, moved.tip)

    def _note_start(self, serial: str, library: Library, filling: Filling, seed: int | None) -> None:
        profile = self.profile
        self.journal.record(
            0,
            "bench.start",
            seed=seed,
            serial=serial,
            profile=profile.name,
            drive=profile.drive,
            library=library.digest.hex(),
            alarms=[alarm_name(row.code) for row in ALARMS],
            stroke_nl=profile.stroke.value,
            rates={
                "minimum": profile.minimum_rate.value,
                "min": profile.rate_min.value,
                "max": profile.rate_max.value,
            },
            windows={"hour_ms": self.windows.hour_ms, "day_ms": self.windows.day_ms},
            line_nl=profile.line_nl,
            line=fluid_data(filling.fluid),
            reservoir={"volume_nl": filling.volume_nl, "fluid": fluid_data(filling.fluid)},
            drugs={str(entry.code): _limits(entry) for entry in library},
        )

    # --- images ---

    def image(self) -> bytes:
        """Return everything that there is of this pump but its key, to be taken out again by ``from_image``."""
        if self.pump is not None:
            self._guarded(self.pump.check_memory)
        if self.pump is not None:
            self._guarded(self.pump.save)
        content = {
            "format": IMAGE_FORMAT,
            "profile": self.profile.name,
            "now_ms": self.now_ms,
            "powered": self.powered,
            "chip": self.chip.to_json(),
            "body": self.body.to_json(),
        }
        text = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
        return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n".encode()


def fluid_data(fluid: Fluid) -> dict[str, int]:
    """Return a fluid as the journal writes it: pg/nL by drug code."""
    return {str(code): concentration for code, concentration in fluid}


def book_data(masses: Mapping[int, int]) -> dict[str, int]:
    """Return masses as the journal writes them: pg by drug code."""
    return {str(code): mass_pg for code, mass_pg in sorted(masses.items())}


def _limits(entry: DrugEntry) -> dict[str, Any]:
    return {"name": entry.name, "limit_1h": entry.hard_1h.value, "limit_24h": entry.hard_24h.value}


def _as_made(serial: str, library: Library, profile: Profile, filling: Filling) -> State:
    line = filled(profile.line_nl, tuple(sorted(filling.fluid)))
    return State(
        Identity(serial, library.canonical(), 0),
        (),
        Metering(0, 0, line, filling.volume_nl, 0, 0, ()),
        TherapyRecord(TherapyState.UNPROGRAMMED),
        Panel(),
    )


def _opened(image: bytes) -> dict[str, Any]:
    digest, _, text = image.partition(b"\n")
    if hashlib.sha256(text.rstrip(b"\n")).hexdigest().encode() != digest:
        raise ImageError("the image is damaged: its checksum is wrong; use a copy, or start a new pump without it")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != IMAGE_FORMAT:
        raise ImageError(f"not an image of this version ({IMAGE_FORMAT}); start a new pump without it")
    return content
