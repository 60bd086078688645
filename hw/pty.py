"""A virtual serial port: a pseudo-terminal with a name that stays.

The kernel numbers its pseudo-terminals as it likes, so the port is offered under a symbolic link that the user
chose. One slave is kept open here, because a master whose last slave is closed reads errors until the next open.
"""

from __future__ import annotations

import os
import tty
from pathlib import Path

from hw.descriptor import DescriptorPort
from hw.errors import PortError


class VirtualPort(DescriptorPort):
    """The pump's side of a pty. Programs open ``link`` as they would open an adapter.

    Like a real line it has no back-pressure: bytes that nobody reads are dropped, and counted in ``dropped``.
    Raises ``PortError`` if the link's place is taken.
    """

    def __init__(self, link: Path) -> None:
        try:
            master, slave = os.openpty()
        except OSError as error:
            raise PortError(f"this machine gives no pseudo-terminal: {error.strerror}") from error
        try:
            tty.setraw(slave)  # a pty starts cooked and would echo and translate bytes
            os.set_blocking(master, False)
            self._target = os.ttyname(slave)
            _place(link, self._target)
        except BaseException:
            os.close(master)
            os.close(slave)
            raise
        super().__init__(master, str(link))
        self.link = link
        self.dropped = 0
        self._slave = slave

    def _writable_again(self, descriptor: int) -> bool:  # noqa: ARG002 - the base class waits for it
        self.dropped += 1
        return False

    def _release(self) -> None:
        if _points_to(self.link, self._target):
            self.link.unlink()
        os.close(self._slave)
        os.close(self._descriptor)


def _place(link: Path, target: str) -> None:
    """Make the link, replacing one that is left over from a port that is no more.

    A link to our own new terminal is such a one, too: a killed pump had the same number before.
    """
    try:
        if _points_to(link, target) or (link.is_symlink() and not link.exists()):
            link.unlink()
        link.symlink_to(target)
    except FileExistsError:
        raise PortError(_taken(link)) from None
    except OSError as error:
        raise PortError(f"cannot make the link {link}: {error.strerror}") from error


def _taken(link: Path) -> str:
    if link.is_symlink():
        return (
            f"{link} already points to {link.readlink()}: another pump is using it, or one was killed and the "
            f"terminal number is in use again. Choose another name, or remove the link if no pump runs there"
        )
    return f"{link} already exists and is not a link of a virtual port; choose another name"


def _points_to(link: Path, target: str) -> bool:
    try:
        return str(link.readlink()) == target
    except OSError:
        return False
