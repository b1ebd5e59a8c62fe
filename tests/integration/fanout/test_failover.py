"""A replica takes the primary's place: a new epoch, from the replica's own cursor."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from shared.redis.client import connect
from tests.conftest import StartServer
from tests.integration.fanout.conftest import FanoutDesk, StartWorker
from tests.support.real_server import RealServer
from tests.support.waiting import eventually, free_port

pytestmark = pytest.mark.slow


class Pair:
    """A primary, its replica, and an address that leads to whichever is in charge."""

    def __init__(self, primary: RealServer, replica: RealServer, address: Path) -> None:
        self.primary = primary
        self.replica = replica
        self._address = address
        self._lead_to(primary)

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"unix://{self._address}"

    async def replicate(self) -> None:
        """Have the replica follow the primary, and wait until it does."""
        port = free_port()
        async with connect(self.primary.url) as primary, connect(self.replica.url) as replica:
            await primary.config_set("repl-diskless-sync-delay", 0)
            await primary.config_set("bind", "127.0.0.1")
            await primary.config_set("port", port)
            await replica.replicaof("127.0.0.1", port)
            await self.until_in_step(primary, replica)

    async def until_in_step(self, primary: Redis, replica: Redis) -> None:
        """Wait until the replica holds all that the primary has."""

        async def is_in_step() -> bool:
            ahead = await primary.info("replication")
            behind = await replica.info("replication")
            return bool(
                behind.get("master_link_status") == "up"
                and ahead["master_repl_offset"] == behind["slave_repl_offset"]
            )

        await eventually(is_in_step, 15)

    async def part(self) -> None:
        """Let the replica follow nobody that answers: what comes now is the primary's alone."""
        async with connect(self.replica.url) as replica:
            await replica.replicaof("127.0.0.1", free_port())

    async def fail_over(self) -> None:
        """Kill the primary and put the replica in charge."""
        self.primary.kill()
        async with connect(self.replica.url) as replica:
            await replica.replicaof("NO", "ONE")
        self._lead_to(self.replica)

    def _lead_to(self, server: RealServer) -> None:
        self._address.unlink(missing_ok=True)
        self._address.symlink_to(server.socket_path)


@pytest.fixture
async def pair(start_server: StartServer, server_folder: Path, key_prefix: str) -> Pair:
    """A primary and a replica in step."""
    made = Pair(start_server(), start_server(), server_folder / f"{key_prefix[5:-1]}.link")
    await made.replicate()
    return made


@pytest.mark.parametrize("case", ["F13"])
async def test_without_loss_the_chain_goes_on_in_a_new_epoch(
    pair: Pair, start_worker: StartWorker, key_prefix: str, case: str
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
    pair: Pair, start_worker: StartWorker, key_prefix: str, case: str
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
