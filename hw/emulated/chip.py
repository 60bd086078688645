"""What every USB device has: descriptors, endpoints, standard requests. A chip adds its own requests and packets."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from hw.emulated.wire_end import SECOND_NS, WireEnd

MILLISECOND_NS = SECOND_NS // 1_000
POLL_NS = MILLISECOND_NS
"""A full-speed host asks an endpoint at most once in a frame of a millisecond."""

STANDARD, CLASS, VENDOR = 0x00, 0x20, 0x40
KIND_MASK = 0x60
ENGLISH = 0x0409


class Stall(Exception):  # noqa: N818 - USB's own word for it, and an ordinary answer
    """The chip does not know this request; the driver sees a broken pipe."""


@dataclass(frozen=True, slots=True)
class Setup:
    """The eight bytes that open a control transfer."""

    request_type: int
    request: int
    value: int
    index: int
    length: int


class Transfer(enum.IntEnum):
    """Kinds of endpoint, by their number in a descriptor."""

    BULK = 2
    INTERRUPT = 3


class Endpoint(NamedTuple):
    """One endpoint: ``address`` has bit 7 set if data flow to the host."""

    address: int
    transfer: Transfer
    packet_octets: int
    interval: int = 0


class Identity(NamedTuple):
    """What the chip says of itself. Drivers tell chips apart by these figures."""

    vendor: int
    product: int
    release: int
    usb_release: int
    first_packet_octets: int
    manufacturer: str
    name: str
    has_serial_number: bool


class Chip:
    """A chip with one serial port. ``serial`` is its serial number, for chips that have one."""

    IDENTITY: ClassVar[Identity]
    ENDPOINTS: ClassVar[tuple[Endpoint, ...]]
    SEND_BUFFER_OCTETS: ClassVar[int]

    def __init__(self, serial: str = "") -> None:
        self.end = WireEnd()
        self.serial = serial if self.IDENTITY.has_serial_number else ""
        self.power_on()

    def power_on(self) -> None:
        """Be as after plugging in."""
        self.end.power_on()

    def endpoint(self, address: int) -> Endpoint:
        """Return the endpoint of that address; ``Stall`` if there is none."""
        for endpoint in self.ENDPOINTS:
            if endpoint.address == address:
                return endpoint
        raise Stall

    def control(self, setup: Setup, data: bytes, now_ns: int) -> bytes:
        """Carry out a control transfer and return what the host reads; ``Stall`` if it is not known."""
        if setup.request_type & KIND_MASK == STANDARD:
            return self._standard(setup)
        return self.request(setup, data, now_ns)

    def request(self, setup: Setup, data: bytes, now_ns: int) -> bytes:
        """Carry out a request of the class or of the vendor."""
        raise NotImplementedError

    def packets(self, room: int, now_ns: int) -> bytes | None:
        """Return what the chip sends to the host into a buffer of that size; None if it has nothing to say yet."""
        del now_ns
        received = self.end.received
        if not received:
            return None
        return bytes(received.popleft().octet for _ in range(min(room, len(received))))

    def news(self, now_ns: int) -> bytes | None:
        """Return what the interrupt endpoint says; None if nothing is new."""
        del now_ns
        return None

    def due_ns(self, now_ns: int) -> int | None:
        """Return when the chip should be asked again although nothing arrived; None if never."""
        packet = max(endpoint.packet_octets for endpoint in self.ENDPOINTS)
        due = self.end.next_at_ns(packet)
        return None if due is None else max(due, now_ns + POLL_NS)

    def _standard(self, setup: Setup) -> bytes:
        requests: dict[int, Callable[[], bytes]] = {
            0x00: lambda: bytes(2),  # get status
            0x01: lambda: b"",  # clear feature: an endpoint's halt
            0x05: lambda: b"",  # set address
            0x06: lambda: self._descriptor(setup.value >> 8, setup.value & 0xFF)[: setup.length],
            0x08: lambda: b"\x01",  # get configuration
            0x09: lambda: b"",  # set configuration
            0x0B: lambda: b"",  # set interface
        }
        if setup.request not in requests:
            raise Stall
        return requests[setup.request]()

    def _descriptor(self, kind: int, number: int) -> bytes:
        if kind == 1:
            return self._device_descriptor()
        if kind == 2:
            return self._configuration_descriptor()
        if kind == 3:
            return self._string_descriptor(number)
        raise Stall

    def _device_descriptor(self) -> bytes:
        it = self.IDENTITY
        words = (it.vendor, it.product, it.release)
        return b"".join(
            (
                bytes((18, 1)),
                it.usb_release.to_bytes(2, "little"),
                bytes((0, 0, 0, it.first_packet_octets)),
                *(word.to_bytes(2, "little") for word in words),
                bytes((1, 2, 3 if self.serial else 0, 1)),
            )
        )

    def _configuration_descriptor(self) -> bytes:
        interface = bytes((9, 4, 0, 0, len(self.ENDPOINTS), 0xFF, 0, 0, 2))
        endpoints = b"".join(
            bytes((7, 5, end.address, end.transfer, end.packet_octets, 0, end.interval)) for end in self.ENDPOINTS
        )
        total = 9 + len(interface) + len(endpoints)
        return bytes((9, 2, total, 0, 1, 1, 0, 0x80, 50)) + interface + endpoints

    def _string_descriptor(self, number: int) -> bytes:
        if number == 0:
            return bytes((4, 3)) + ENGLISH.to_bytes(2, "little")
        strings = {1: self.IDENTITY.manufacturer, 2: self.IDENTITY.name, 3: self.serial}
        if not strings.get(number):
            raise Stall
        text = strings[number].encode("utf-16-le")
        return bytes((2 + len(text), 3)) + text
