"""Signals, waits and back-off."""

import asyncio
import os
import resource
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime import backoff_ms, now_ms, run, stop_event, stopped_within

chances = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(attempt=st.integers(min_value=0, max_value=100_000), chance=chances)
def test_a_backoff_is_never_negative_and_never_over_its_bound(attempt: int, chance: float) -> None:
    assert 0 <= backoff_ms(attempt, chance, shortest_ms=100, longest_ms=5_000) < 5_000


@given(attempt=st.integers(min_value=0, max_value=100), chance=chances)
def test_a_later_attempt_never_waits_less_by_the_same_chance(attempt: int, chance: float) -> None:
    assert backoff_ms(attempt, chance) <= backoff_ms(attempt + 1, chance)


def test_the_bound_doubles_with_each_attempt() -> None:
    waits = [backoff_ms(n, 0.5, shortest_ms=100, longest_ms=1_000) for n in range(5)]
    assert waits == [50, 100, 200, 400, 500]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_stop_event(number: signal.Signals) -> None:
    async def main() -> bool:
        stop = stop_event()
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        return await stopped_within(stop, 1_000)

    assert run(main())


def test_a_second_signal_is_no_longer_ours() -> None:
    async def main() -> object:
        stop = stop_event()
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        return signal.getsignal(signal.SIGTERM)

    try:
        assert run(main()) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


async def test_a_wait_ends_early_when_it_is_time_to_stop() -> None:
    stop = asyncio.Event()
    assert not await stopped_within(stop, 1)
    stop.set()
    before_ms = now_ms()
    assert await stopped_within(stop, 10_000)
    assert now_ms() - before_ms < 1_000


def test_a_process_may_open_as_many_sockets_as_the_system_allows() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))

    async def limit() -> int:
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    try:
        assert run(limit()) == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
