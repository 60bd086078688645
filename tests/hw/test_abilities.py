"""What kinds of ports declare about themselves."""

from pathlib import Path

import pytest

from hw.abilities import ADAPTER, LOOP, PTY, RFC2217, SOCKET, Ability, Kind, kind_of
from hw.pty import VirtualPort
from hw.virtual import WIRINGS


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("loop://", LOOP),
        ("socket://127.0.0.1:1", SOCKET),
        ("rfc2217://127.0.0.1:1", RFC2217),
        ("/dev/ttyUSB0", ADAPTER),
    ],
)
def test_a_kind_is_known_by_its_name(name: str, kind: Kind) -> None:
    """Addresses by what comes before the colon, everything else is taken for an adapter."""
    assert kind_of(name) == kind


def test_a_link_to_a_terminal_is_a_terminal(tmp_path: Path) -> None:
    """A name may be a link: what counts is where it leads."""
    with VirtualPort(tmp_path / "port"):
        assert kind_of(str(tmp_path / "port")) == PTY


def test_every_limit_has_its_reason() -> None:
    """Whatever a virtual kind cannot do, it says why; an adapter can do everything but be told to come out."""
    for kind, _ in WIRINGS.values():
        assert all(kind.cannot.values())
    assert ADAPTER.cannot.keys() == {Ability.UNPLUG}


def test_limits_can_be_added_and_taken_away() -> None:
    """A wiring with fewer wires can do less, one with somebody at the plug more; two kinds do what both can."""
    bare = ADAPTER.without(Ability.MODEM_LINES, "not joined")
    assert not bare.can(Ability.MODEM_LINES)
    assert bare.cannot[Ability.MODEM_LINES] == "not joined"
    assert ADAPTER.able(Ability.UNPLUG).cannot == {}
    both = ADAPTER.joined_to(RFC2217)
    assert both.cannot.keys() == ADAPTER.cannot.keys() | RFC2217.cannot.keys()
    assert "adapter" in both.name
    assert "rfc2217" in both.name
