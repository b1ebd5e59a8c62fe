"""The server's time, and a process whose own clock is off."""

import pytest
from structlog.testing import capture_logs

from fanwire.core.clock import now_ms, wall_ms
from shared.redis.server_clock import ServerClock


def test_it_goes_on_from_what_the_server_said() -> None:
    clock = ServerClock()
    clock.set(1_000_000)
    assert 1_000_000 <= clock.now_ms() < 1_000_000 + 1_000
    assert now_ms() != clock.now_ms()


@pytest.mark.parametrize("ahead_ms", [-5_000, 5_000])
def test_B135_a_clock_that_is_off_is_said_once_and_again_after_it_was_right(ahead_ms: int) -> None:
    clock = ServerClock()
    with capture_logs() as lines:
        for server_ms in (wall_ms() - ahead_ms, wall_ms() - ahead_ms, wall_ms()):
            clock.set(server_ms)
        clock.set(wall_ms() - ahead_ms)
    told = [line for line in lines if line["event"] == "clock.off"]
    assert [round(line["ahead_ms"], -2) for line in told] == [ahead_ms] * 2
    assert all(line["remedy"] for line in told)


def test_a_clock_that_is_about_right_is_no_matter() -> None:
    clock = ServerClock()
    with capture_logs() as lines:
        clock.set(wall_ms() - 1_500)
    assert lines == []
    assert 1_400 < clock.ahead_ms < 1_600
