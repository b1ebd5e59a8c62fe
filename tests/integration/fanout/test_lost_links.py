"""What a worker makes of a bad network between it and Redis."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fanout.worker import FanoutWorker
from tests.integration.fanout.conftest import FanoutDesk, StartWorker
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
async def link(redis_url: str, server_folder: Path, key_prefix: str) -> AsyncIterator[FaultProxy]:
    """A proxy in front of the shared server; the worker's side is `link_url`."""
    target = Path(redis_url.removeprefix("unix://"))
    async with FaultProxy.between(server_folder / f"{key_prefix[5:-1]}.sock", target) as proxy:
        yield proxy


@pytest.fixture
def link_url(server_folder: Path, key_prefix: str) -> str:
    """The address of the proxy."""
    return f"unix://{server_folder / f'{key_prefix[5:-1]}.sock'}"


@pytest.mark.parametrize("case", ["F2"])
async def test_a_commit_whose_reply_was_lost_is_not_repeated(
    desk: FanoutDesk, start_worker: StartWorker, link: FaultProxy, link_url: str, case: str
) -> None:
    worker = await start_worker(url=link_url)
    for number in range(20):
        # Somewhere between the events and the answer to their commit.
        link.to_client.limit_bytes = number * 17
        await desk.publish([number])
        await desk.delivered(range(number + 1), timeout_s=10)
    assert worker.counters.terms > 5


@pytest.mark.parametrize("case", ["F7"])
async def test_a_worker_cut_off_past_its_lease_rejoins_clean(
    desk: FanoutDesk, start_worker: StartWorker, link: FaultProxy, link_url: str, case: str
) -> None:
    lease = {"lease_ms": 900, "lease_renew_ms": 300}
    await start_worker("far", url=link_url, **lease)
    await desk.publish(range(10))
    await desk.delivered(range(10))
    link.freeze()
    await start_worker("near", **lease)
    await desk.publish(range(10, 20))
    await desk.delivered(range(20), timeout_s=10)
    link.heal()
    await desk.publish(range(20, 30))
    await desk.delivered(range(30), timeout_s=10)


@pytest.mark.parametrize("case", ["F8"])
async def test_slow_replies_stretch_the_windows_and_lose_nothing(
    desk: FanoutDesk, start_worker: StartWorker, link: FaultProxy, link_url: str, case: str
) -> None:
    await start_worker(url=link_url)
    link.delay(50, jitter_ms=25)
    for start in range(0, 300, 20):
        await desk.publish(range(start, start + 20))
        await asyncio.sleep(0.02)
    await desk.delivered(range(300), timeout_s=15)


@pytest.mark.parametrize("case", ["F9"])
async def test_a_torn_stream_of_bytes_is_put_together_again(
    desk: FanoutDesk, start_worker: StartWorker, link: FaultProxy, link_url: str, case: str
) -> None:
    link.slice(7)
    await start_worker(url=link_url)
    await desk.publish(range(100))
    await desk.delivered(range(100), timeout_s=15)


@pytest.mark.parametrize("case", ["F10"])
async def test_a_storm_of_resets_loses_and_doubles_nothing(
    desk: FanoutDesk, start_worker: StartWorker, link: FaultProxy, link_url: str, case: str
) -> None:
    worker = await start_worker(url=link_url)
    for storm in range(10):
        # A reset during a back-off would find no connection and end nothing.
        await _in_term(worker, storm + 1)
        await desk.publish(range(storm * 50, storm * 50 + 50))
        await asyncio.sleep(0.03)
        link.reset()
    await _in_term(worker, 11)
    await desk.delivered(range(500), timeout_s=15)


async def _in_term(worker: FanoutWorker, number: int) -> None:
    def is_there() -> bool:
        is_ready = worker.term is not None and worker.term.is_ready
        return is_ready and worker.counters.terms >= number

    await eventually(is_there, 10)
