"""Real time mapped onto simulated time."""

import pytest

from thecal.driver import TimeDriver

SECOND_NS = 1_000_000_000


class FakeClock:
    """A monotonic clock that moves when told to."""

    def __init__(self) -> None:
        self.now_ns = 5 * SECOND_NS

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += int(seconds * SECOND_NS)


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.mark.parametrize(("speed", "passed_ms"), [(0, 0), (1, 10_000), (60, 600_000)])
def test_time_runs_at_its_factor(clock: FakeClock, speed: int, passed_ms: int) -> None:
    """Ten real seconds are nothing when frozen, ten seconds at x1 and ten minutes at x60."""
    driver = TimeDriver(1_000, speed, clock_ns=clock)
    clock.sleep(10)
    assert driver.now_ms() == 1_000 + passed_ms


def test_changing_speed_neither_loses_nor_repeats_time(clock: FakeClock) -> None:
    """What has passed stays passed, and the new factor holds from the change on."""
    driver = TimeDriver(0, 60, clock_ns=clock)
    clock.sleep(1)
    driver.set_speed(1)
    assert driver.now_ms() == 60_000
    clock.sleep(1)
    driver.set_speed(0)
    clock.sleep(1)
    assert driver.now_ms() == 61_000


def test_rounding_does_not_add_up(clock: FakeClock) -> None:
    """Looking at the time often does not slow it down."""
    driver = TimeDriver(0, 1, clock_ns=clock)
    for _ in range(1_000):
        clock.now_ns += 1_500_001
        driver.now_ms()
    assert driver.now_ms() == 1_500


def test_a_session_is_held_at_its_own_speed(clock: FakeClock) -> None:
    """While a session is open time runs at x1, so that its idle time-out is five real minutes; then fast again."""
    driver = TimeDriver(0, 60, clock_ns=clock)
    driver.hold(True)
    clock.sleep(1)
    assert driver.now_ms() == 1_000
    driver.hold(False)
    clock.sleep(1)
    assert driver.now_ms() == 61_000


def test_a_session_does_not_thaw_a_frozen_pump(clock: FakeClock) -> None:
    """The speed in a session is an upper bound: frozen stays frozen."""
    driver = TimeDriver(0, 0, clock_ns=clock)
    driver.hold(True)
    clock.sleep(1)
    assert driver.now_ms() == 0


def test_a_session_may_run_fast_when_asked_to(clock: FakeClock) -> None:
    """Without a speed of its own a session changes nothing."""
    driver = TimeDriver(0, 60, speed_in_session=None, clock_ns=clock)
    driver.hold(True)
    assert driver.effective_speed == 60


def test_waiting_is_in_real_time_and_never_short(clock: FakeClock) -> None:
    """The wait until an event is divided by the speed and rounded up, so that the event is due when it ends."""
    driver = TimeDriver(0, 60, clock_ns=clock)
    wait_ms = driver.wait_ms(61)
    assert wait_ms == 2
    clock.now_ns += wait_ms * 1_000_000
    assert driver.now_ms() >= 61


@pytest.mark.parametrize(("speed", "until"), [(0, 10), (1, None)])
def test_what_never_comes_is_not_waited_for(clock: FakeClock, speed: int, until: int | None) -> None:
    """Frozen time, or nothing to happen, is an endless wait."""
    assert TimeDriver(0, speed, clock_ns=clock).wait_ms(until) is None


def test_an_event_that_is_over_is_not_waited_for(clock: FakeClock) -> None:
    """An instant in the past is now."""
    assert TimeDriver(1_000, clock_ns=clock).wait_ms(10) == 0


def test_a_jump_goes_on_from_there(clock: FakeClock) -> None:
    """After a jump time runs on from the instant jumped to."""
    driver = TimeDriver(0, 1, clock_ns=clock)
    driver.jump(86_400_000)
    clock.sleep(2)
    assert driver.now_ms() == 86_402_000
