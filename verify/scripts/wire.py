"""What happens on the wire: weather, old traffic sent once more, and strangers without a key."""

from __future__ import annotations

from protocol.conversation import NoAnswer, PeerRejected
from verify.broken import BrokenPropertyError
from verify.hostile import FAIR, ROUGH, STORM
from verify.scripts.action import Who, action, between, one_of
from verify.scripts.run import Run

WEATHER = {"fair": FAIR, "rough": ROUGH, "storm": STORM}


@action(Who.WIRE, weather=one_of("fair", "fair", "rough", "storm"))
def change_weather(run: Run, weather: str) -> None:
    """The wire gets better or worse."""
    run.set_weather(WEATHER[weather])


@action(Who.WIRE)
def replay(run: Run) -> None:
    """Somebody sends everything once more that was ever on the last wires."""
    for carrier in run.world.carriers[-3:]:
        carrier.replay_all()


@action(Who.STRANGER)
def stranger(run: Run) -> None:
    """Somebody without the key tries to open a session."""
    try:
        run.world.stranger().connect()
    except (NoAnswer, PeerRejected):
        run.reached["a stranger was turned away"] += 1
    else:
        raise BrokenPropertyError("a stranger was let in")


@action(Who.STRANGER, times=between(1, 6))
def strangers(run: Run, times: int) -> None:
    """Somebody without the key proves nothing, again and again."""
    run.clear_sky()
    for _ in range(times):
        run.world.wrong_proof()
        run.world.bench.advance(11_000)
