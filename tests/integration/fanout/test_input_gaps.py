"""Entries that a publisher trims away unread are noticed on a real server."""

import pytest
from redis.asyncio import Redis

from tests.integration.fanout.conftest import TOPIC, FanoutDesk, StartWorker
from tests.support.redis_reads import read_range
from tests.support.waiting import eventually


@pytest.mark.parametrize("case", ["B120"])
async def test_input_that_somebody_trims_is_told_in_a_dead_letter(
    desk: FanoutDesk, start_worker: StartWorker, redis: Redis, case: str
) -> None:
    worker = await start_worker(sweep_ms=100)
    await desk.publish(range(10))
    await desk.delivered(range(10))
    key = desk.keys.events(TOPIC)
    async with redis.pipeline(transaction=True) as pipe:  # so that nobody reads in between
        for number in range(5):
            pipe.xadd(key, {"data": f'{{"n":{number}}}'})
        pipe.xtrim(key, maxlen=1, approximate=False)
        await pipe.execute()
    await eventually(lambda: worker.counters.input_gaps == 4)
    # In two letters where a commit was on its way at the first look.
    letters = [letter for _, letter in await read_range(redis, desk.keys.dead(TOPIC))]
    assert {letter[b"reason"] for letter in letters} == {b"input_gap"}
    assert sum(int(letter[b"head"].partition(b" entries ")[0]) for letter in letters) == 4


async def test_the_worker_s_own_trimming_is_no_gap(
    desk: FanoutDesk, start_worker: StartWorker
) -> None:
    worker = await start_worker(sweep_ms=100)
    for start in range(0, 2_000, 50):
        await desk.publish(range(start, start + 50))
    await desk.delivered(range(2_000))
    assert worker.counters.input_gaps == 0
