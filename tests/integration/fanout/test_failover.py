"""A replica takes the primary's place: a new epoch, from the replica's own cursor."""

from pathlib import Path

import pytest

from shared.redis.client import connect
from tests.conftest import StartServer
from tests.integration.fanout.conftest import FanoutDesk, StartWorker
from tests.support.redis_pair import RedisPair

pytestmark = pytest.mark.slow


@pytest.fixture
async def pair(start_server: StartServer, server_folder: Path, key_prefix: str) -> RedisPair:
    """A primary and a replica in step."""
    made = RedisPair(start_server(), start_server(), server_folder / f"{key_prefix[5:-1]}.link")
    await made.replicate()
    return made


@pytest.mark.parametrize("case", ["F13"])
async def test_without_loss_the_chain_goes_on_in_a_new_epoch(
    pair: RedisPair, start_worker: StartWorker, key_prefix: str, case: str
) -> None:
    await start_worker(url=pair.url)
    async with connect(pair.primary.url) as primary, connect(pair.replica.url) as replica:
        desk = FanoutDesk(primary, key_prefix)
        await desk.publish(range(50))
        before = await desk.delivered(range(50))
        await pair.until_in_step(primary, replica)
    await pair.fail_over()
    async with connect(pair.url) as promoted:
        desk = FanoutDesk(promoted, key_prefix)
        await desk.publish([*range(40, 50), *range(50, 60)])
        ledger = await desk.delivered(range(60), timeout_s=10)
    first_new = ledger.batches[len(before.batches)]
    assert first_new.prev == before.batches[-1].position
    assert first_new.position.epoch > first_new.prev.epoch


@pytest.mark.parametrize("case", ["F14"])
async def test_with_loss_it_goes_on_from_what_the_replica_holds(
    pair: RedisPair, start_worker: StartWorker, key_prefix: str, case: str
) -> None:
    await start_worker(url=pair.url)
    async with connect(pair.primary.url) as primary, connect(pair.replica.url) as replica:
        desk = FanoutDesk(primary, key_prefix)
        await desk.publish(range(50))
        kept = await desk.delivered(range(50))
        await pair.until_in_step(primary, replica)
        await pair.part()
        await desk.publish(range(100, 120))  # acknowledged, and lost with the primary
        lost = await desk.delivered([*range(50), *range(100, 120)])
    await pair.fail_over()
    async with connect(pair.url) as promoted:
        desk = FanoutDesk(promoted, key_prefix)
        await desk.publish(range(200, 210))
        ledger = await desk.delivered([*range(50), *range(200, 210)], timeout_s=10)
    assert ledger.batches[len(kept.batches)].prev == kept.batches[-1].position
    lost_positions = {batch.position for batch in lost.batches[len(kept.batches) :]}
    assert lost_positions.isdisjoint(batch.position for batch in ledger.batches)
