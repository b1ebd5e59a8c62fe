"""Signals and waits."""

import asyncio
import os
import resource
import signal

import pytest

from fanwire.core.clock import now_ms
from shared.runtime import run, stop_event, stopped_within


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
