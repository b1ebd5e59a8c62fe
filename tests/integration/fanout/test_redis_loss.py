"""What a worker makes of a Redis that crashes, forgets, or is another one than before."""

import asyncio

import pytest

from fanwire.core.position import parse_position
from shared.redis.client import connect
from tests.conftest import StartServer
from tests.integration.fanout.conftest import FanoutDesk, StartWorker
from tests.support.real_server import RealServer
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


async def desk_of(server: RealServer, prefix: str) -> FanoutDesk:
    redis = connect(server.url)
    return FanoutDesk(redis, prefix)


async def epoch_of(desk: FanoutDesk) -> int:
    return int((await desk.ledger()).topic[b"epoch"])


@pytest.mark.parametrize("case", ["F12"])
async def test_a_restart_with_its_data_goes_on_in_a_new_epoch(
    start_server: StartServer, start_worker: StartWorker, key_prefix: str, case: str
) -> None:
    server = start_server(append_only=True)
    desk = await desk_of(server, key_prefix)
    worker = await start_worker(url=server.url)
    await desk.publish(range(500))
    await desk.delivered(range(500))
    epoch = await epoch_of(desk)
    server.restart()
    await desk.redis.aclose()
    desk = await desk_of(server, key_prefix)
    await desk.publish(range(500, 600))
    ledger = await desk.delivered(range(600), timeout_s=10)
    assert await epoch_of(desk) > epoch
    assert ledger.batches[-1].position.epoch > epoch
    assert worker.counters.terms >= 2
    await desk.redis.aclose()


@pytest.mark.parametrize("case", ["F17"])
async def test_after_flushall_it_goes_on_in_a_new_epoch(
    start_server: StartServer, start_worker: StartWorker, key_prefix: str, case: str
) -> None:
    server = start_server()
    desk = await desk_of(server, key_prefix)
    worker = await start_worker(url=server.url)
    await desk.publish(range(10))
    await desk.delivered(range(10))
    epoch = await epoch_of(desk)
    await desk.redis.flushall()
    await desk.publish(range(100, 110))
    ledger = await desk.delivered(range(100, 110), timeout_s=10)
    assert ledger.batches[0].position.epoch > epoch
    assert worker.counters.stale_commits >= 1
    await desk.redis.aclose()


async def test_an_empty_restart_goes_on_in_a_new_epoch(
    start_server: StartServer, start_worker: StartWorker, key_prefix: str
) -> None:
    server = start_server()
    desk = await desk_of(server, key_prefix)
    await start_worker(url=server.url)
    await desk.publish(range(10))
    await desk.delivered(range(10))
    epoch = await epoch_of(desk)
    server.restart()
    await desk.redis.aclose()
    desk = await desk_of(server, key_prefix)
    await desk.publish(range(5))
    await desk.delivered(range(5), timeout_s=10)
    assert await epoch_of(desk) > epoch
    await desk.redis.aclose()


@pytest.mark.parametrize("case", ["F46"])
async def test_a_flushed_script_cache_costs_one_term(
    start_server: StartServer, start_worker: StartWorker, key_prefix: str, case: str
) -> None:
    server = start_server()
    desk = await desk_of(server, key_prefix)
    worker = await start_worker(url=server.url)
    await desk.publish(range(10))
    await desk.delivered(range(10))
    await desk.redis.script_flush()
    await desk.publish(range(10, 20))
    await desk.delivered(range(20), timeout_s=10)
    assert worker.counters.terms == 2
    await desk.redis.aclose()


async def test_a_redis_that_pauses_loses_nothing(
    start_server: StartServer, start_worker: StartWorker, key_prefix: str
) -> None:
    server = start_server()
    desk = await desk_of(server, key_prefix)
    await start_worker(url=server.url)
    await desk.publish(range(10))
    server.pause()
    publishing = asyncio.create_task(desk.publish(range(10, 20)))
    await asyncio.sleep(0.5)
    server.resume()
    await publishing
    await desk.delivered(range(20), timeout_s=10)
    await desk.redis.aclose()


async def test_a_commit_refused_for_lack_of_memory_is_made_up_for(
    start_server: StartServer, start_worker: StartWorker, key_prefix: str
) -> None:
    server = start_server()
    desk = await desk_of(server, key_prefix)
    worker = await start_worker(url=server.url)
    await desk.publish([1])
    ledger = await desk.delivered([1])
    await desk.publish([2])
    await desk.redis.config_set("maxmemory", 1)
    await eventually(lambda: worker.counters.terms > 1)
    assert len((await desk.ledger()).batches) >= len(ledger.batches)
    await desk.redis.config_set("maxmemory", 0)
    await desk.delivered([1, 2], timeout_s=15)
    last = parse_position((await desk.ledger()).topic[b"last"].decode())
    assert last.seq == 2
    await desk.redis.aclose()
