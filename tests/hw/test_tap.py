"""A tapped port is the port, and its listeners hear every byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hw.capture import Flow
from hw.ports import open_port
from hw.tap import TappedPort
from protocol.carrier import Carrier, CarrierLost

Receive = Callable[[Carrier, int], bytes]


def test_both_directions_are_heard_in_order(tmp_path: Path, receive: Receive) -> None:
    """Over a real pty: what is written before it leaves, what is read when it is there, nothing changed."""
    heard: list[tuple[Flow, bytes]] = []
    link = tmp_path / "port"
    with open_port(f"pty:{link}") as pump, open_port(str(link)) as programmer:
        tapped = TappedPort(pump, [lambda flow, data: heard.append((flow, data))])
        programmer.write(b"\0ask\0")
        assert receive(tapped, 5) == b"\0ask\0"
        tapped.write(b"\0answer\0")
        assert receive(programmer, 8) == b"\0answer\0"
        assert tapped.read(0) == b""
        assert (tapped.name, tapped.fileno()) == (pump.name, pump.fileno())
        tapped.close()
        with pytest.raises(CarrierLost):
            pump.read(0)
    assert b"".join(data for flow, data in heard if flow is Flow.INBOUND) == b"\0ask\0"
    assert heard[-1] == (Flow.OUTBOUND, b"\0answer\0")


def test_an_echoing_wire_is_heard_once(receive: Receive) -> None:
    """What is written comes back, and is heard when it does."""
    heard: list[tuple[Flow, bytes]] = []
    with open_port("loop://") as port:
        tapped = TappedPort(port, [lambda flow, data: heard.append((flow, data))], echoing=True)
        tapped.write(b"abc")
        assert heard == []
        assert receive(tapped, 3) == b"abc"
    assert {flow for flow, _ in heard} == {Flow.INBOUND}
    assert b"".join(data for _, data in heard) == b"abc"
