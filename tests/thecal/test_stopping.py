"""Stop signals."""

import os
import select
import signal

import pytest

from thecal.stopping import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_wakes_the_loop_and_interrupts_nothing(number: signal.Signals) -> None:
    """The request is noted and the descriptor becomes readable; no exception is raised anywhere."""
    with StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert select.select([stop], [], [], 20)[0] == [stop]
        assert stop.requested


def test_afterwards_signals_are_as_before() -> None:
    """Leaving the context gives the signals back."""
    before = signal.getsignal(signal.SIGINT)
    with StopRequest():
        pass
    assert signal.getsignal(signal.SIGINT) is before
