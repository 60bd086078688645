"""``socket://host:port``: a TCP connection, as serial servers offer it.

Our own instead of pyserial's, which waits 0.3 s at every close and leaves its socket open when the other side has
hung up first. There is nothing to set on such a port, so nothing is lost.
"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from hw.descriptor import DescriptorPort
from hw.errors import PortError

CONNECT_PATIENCE_S = 5.0


class TcpPort(DescriptorPort):
    """The near side of a TCP connection; ``PortError`` says why there is none."""

    def __init__(self, name: str) -> None:
        try:
            parts = urlsplit(name)
            self._socket = socket.create_connection((parts.hostname, parts.port), CONNECT_PATIENCE_S)
        except (OSError, ValueError, TypeError) as error:  # TypeError: no port number
            raise PortError(f"cannot open {name}: {error}") from error
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a frame must not wait for the next
        super().__init__(self._socket.fileno(), name)

    def _release(self) -> None:
        self._socket.close()
