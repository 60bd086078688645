"""Ports that are offered on the network: plain bytes for ``socket://``, everything for ``rfc2217://``.

One client at a time, as a wire has one other end; a second is turned away. Clients come and go and the port stays. A
selector's own descriptor becomes readable when a client calls or sends, so such a port is waited for like any
other and needs no thread. Served on the loopback address unless another is asked for by name: there is no
password on a serial port.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import time
from urllib.parse import urlsplit

from serial.rfc2217 import PortManager

from hw.descriptor import READ_OCTETS, DescriptorPort
from hw.errors import PortError
from hw.modelled import ModelledPort, null_modem

LOOPBACK = "127.0.0.1"
SEND_PATIENCE_MS = 2_000
"""As for every port: a client that takes nothing for so long is gone."""


class ServedPort(DescriptorPort):
    """The far side of ``socket://host:port``. Bytes for nobody are dropped, as on a wire that ends in the air.

    Raises ``PortError`` if the address cannot be had.
    """

    SCHEME = "socket"

    def __init__(self, host: str = LOOPBACK, port: int = 0) -> None:
        try:
            self._listener = socket.create_server((host, port), reuse_port=False)
        except (OSError, OverflowError) as error:
            raise PortError(f"cannot serve on {host}:{port}: {error}") from error
        self._listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._client: socket.socket | None = None
        self.number: int = self._listener.getsockname()[1]
        """The TCP port that was given, also where any was asked for."""
        # epoll and kqueue have a descriptor of their own; the Protocol class of all selectors does not say so
        super().__init__(self._selector.fileno(), f"{self.SCHEME}://{host}:{self.number}")

    def read(self, timeout_ms: int) -> bytes:
        """Return what the client sent, or sends first within the time; empty if nothing comes."""
        self.fileno()
        end = time.monotonic() + timeout_ms / 1_000
        while True:
            for key, _ in self._selector.select(max(0.0, end - time.monotonic())):
                data = self._welcome() if key.fileobj is self._listener else self._hear()
                if data:
                    return data
            if time.monotonic() >= end:
                return b""

    def write(self, data: bytes) -> None:
        """Send to the client, if there is one."""
        self.fileno()
        if self._has_left():
            self._dismiss()
        if self._client is None:
            self._welcome()  # it may have connected already
        self._send(data)

    def _has_left(self) -> bool:
        """Say whether the client has hung up and left nothing to read."""
        if self._client is None:
            return False
        try:
            return not self._client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _welcome(self) -> bytes:
        """Greet a new client or turn it away; return the last words of the one before, which may just have left."""
        last_words = b""
        while data := self._hear():
            last_words += data
        with contextlib.suppress(OSError):  # nobody is waiting any more
            client, _ = self._listener.accept()
            if self._client is not None:
                client.close()
                return last_words
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client
            self._selector.register(client, selectors.EVENT_READ)
            self._greet()
        return last_words

    def _greet(self) -> None:
        """Begin with a new client."""

    def _hear(self) -> bytes:
        """Return the client's bytes; its hang-up frees the place for the next."""
        client = self._client
        if client is None:
            return b""
        try:
            data = client.recv(READ_OCTETS)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._dismiss()
        return self._understood(data)

    def _understood(self, data: bytes) -> bytes:
        """Return what of the client's bytes is for the port's user."""
        return data

    def _send(self, data: bytes) -> None:
        client, rest = self._client, memoryview(data)
        while client is not None and rest:
            try:
                rest = rest[client.send(rest) :]
            except BlockingIOError:
                if not _takes_more(client):
                    self._dismiss()
                    return
            except OSError:
                self._dismiss()
                return

    def _dismiss(self) -> None:
        if self._client is not None:
            self._selector.unregister(self._client)
            self._client.close()
            self._client = None

    def _release(self) -> None:
        self._dismiss()
        self._selector.close()
        self._listener.close()


def _takes_more(client: socket.socket) -> bool:
    """Wait until the client takes bytes; say whether it does."""
    writable = select.poll()
    writable.register(client, select.POLLOUT)
    return bool(writable.poll(SEND_PATIENCE_MS))


class ServedRfc2217(ServedPort):
    """The far side of ``rfc2217://host:port``: rate, parity, break and modem lines come through, too.

    ``line`` is the port that the client sets and drives; what it sends on the wire is heard at ``far``. Without
    them a null modem is made, whose far end is ours.
    """

    SCHEME = "rfc2217"

    def __init__(
        self,
        host: str = LOOPBACK,
        port: int = 0,
        ends: tuple[ModelledPort, ModelledPort] | None = None,
        baud: int = 115_200,
    ) -> None:
        self._line, self._far = ends or null_modem(baud)
        self._manager: PortManager | None = None
        super().__init__(host, port)

    def write(self, data: bytes) -> None:
        """Send through the modelled wire, and on to the client if there is one."""
        self.fileno()
        self._far.write(data)
        self.deliver(self._line.read(self._line.in_waiting))

    def deliver(self, data: bytes) -> None:
        """Send to the client what the wire has brought to its end, and how the lines stand."""
        if self._manager is not None:
            self._send(b"".join(self._manager.escape(data)))
            self._manager.check_modem_lines()

    def _greet(self) -> None:
        self._line.dtr = self._line.rts = False  # the client raises them, as opening a port does
        self._manager = PortManager(self._line, _ToClient(self))  # type: ignore[arg-type] # any port, any sink

    def _understood(self, data: bytes) -> bytes:
        if self._manager is not None:
            with contextlib.suppress(ValueError):  # a setting that no port has
                self._line.write(b"".join(self._manager.filter(data)))
            self._manager.check_modem_lines()
        return self._far.read(self._far.in_waiting)

    def _dismiss(self) -> None:
        super()._dismiss()
        self._manager = None
        self._line.dtr = self._line.rts = False

    def send_raw(self, data: bytes) -> None:
        """Send what the RFC 2217 conversation itself has to say."""
        self._send(data)


class _ToClient:
    """What pyserial's port manager writes its answers to."""

    def __init__(self, served: ServedRfc2217) -> None:
        self._served = served

    def write(self, data: bytes) -> None:
        self._served.send_raw(data)


def serve(address: str, baud: int) -> ServedPort:
    """Offer a port at ``socket://host:port`` or ``rfc2217://host:port``; ``PortError`` if that cannot be."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or LOOPBACK, parts.port
    except ValueError as error:
        raise PortError(f"{address}: {error}") from error
    if port is None or parts.scheme not in {ServedPort.SCHEME, ServedRfc2217.SCHEME}:
        raise PortError(f"cannot serve at {address}; write serve:socket://127.0.0.1:7000 or serve:rfc2217://…")
    if parts.scheme == ServedRfc2217.SCHEME:
        return ServedRfc2217(host, port, baud=baud)
    return ServedPort(host, port)
