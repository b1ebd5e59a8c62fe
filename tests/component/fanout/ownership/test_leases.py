"""What a worker asks for, gives back, and says, by what the server answers."""

from collections.abc import Collection, Sequence
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from fanout.counters import WorkerCounters
from fanout.ownership.lease_store import BEAT_WORKER, LeaseStore
from fanout.ownership.leases import Leases, LeaseTimes
from fanout.ownership.rendezvous import partitions_of
from fanout.topic.topic_table import TopicTable
from fanwire.core.keys import PARTITION_COUNT, Keys
from shared.redis.owned_connection import OwnedConnection
from shared.redis.server_clock import ServerClock

ME = "w~1"


class FakeLeasesServer:
    """Keeps members and owners of leases, without time."""

    def __init__(self) -> None:
        self.members = {ME}
        self.owners: dict[str, str] = {}
        self.asked: list[tuple[str, int]] = []

    async def call(self, *command: Any) -> list[bytes]:
        assert command[1] == BEAT_WORKER.sha
        if command[5] == 0:
            self.members.discard(command[4])
        return [b"1000", *(member.encode() for member in sorted(self.members))]

    async def call_all(self, commands: Sequence[Sequence[Any]]) -> list[list[Any]]:
        return [self._lease(key, worker, ms) for _, _, _, key, worker, ms in commands]

    def _lease(self, key: str, worker: str, lease_ms: int) -> list[Any]:
        self.asked.append((key, lease_ms))
        if lease_ms == 0:
            self.owners.pop(key, None)
            return [0, b"1", b"", 0]
        owner = self.owners.setdefault(key, worker)
        return [int(owner == worker), b"1", owner.encode(), 1]


class LeasesBench:
    """An ownership on a fake server, and the order of its effects."""

    def __init__(self) -> None:
        self.server = FakeLeasesServer()
        self.topic_table = TopicTable()
        self.counters = WorkerCounters()
        self.emptied: list[set[int]] = []
        self.ownership = Leases(
            LeaseStore(cast(OwnedConnection, self.server), Keys(), ME),
            LeaseTimes(3_000, 1_000),
            topic_table=self.topic_table,
            clock=ServerClock(),
            counters=self.counters,
            empty=self._empty,
        )

    async def _empty(self, partitions: Collection[int]) -> None:
        owned_still = all(self.server.owners[Keys().lease(n)] == ME for n in partitions)
        assert owned_still, "a lease was given back before its partition was empty"
        self.emptied.append(set(partitions))


async def test_a_lone_worker_takes_everything() -> None:
    bench = LeasesBench()
    await bench.ownership.tend()
    assert bench.topic_table.held == set(range(PARTITION_COUNT))
    assert bench.counters.partitions_taken == PARTITION_COUNT


async def test_a_second_worker_gets_its_share_after_it_was_emptied() -> None:
    bench = LeasesBench()
    await bench.ownership.tend()
    bench.server.members.add("other~1")
    await bench.ownership.tend()
    share = partitions_of("other~1", bench.server.members)
    assert bench.emptied == [set(share)]
    assert bench.topic_table.held.isdisjoint(share)
    assert all(Keys().lease(n) not in bench.server.owners for n in share)


async def test_what_another_holds_is_asked_for_again_at_each_beat() -> None:
    bench = LeasesBench()
    bench.server.owners[Keys().lease(5)] = "dead~1"
    await bench.ownership.tend()
    assert 5 not in bench.topic_table.held
    del bench.server.owners[Keys().lease(5)]
    bench.server.asked.clear()
    await bench.ownership.tend()
    assert bench.server.asked == [(Keys().lease(5), 3_000)]
    assert 5 in bench.topic_table.held


async def test_a_lease_that_another_took_is_lost_at_the_next_renewal() -> None:
    bench = LeasesBench()
    await bench.ownership.tend()
    bench.server.owners[Keys().lease(5)] = "other~1"
    bench.ownership._renewed_at_ms = float("-inf")
    await bench.ownership.tend()
    assert 5 not in bench.topic_table.held
    assert bench.counters.partitions_lost == 1


async def test_leaving_gives_back_every_lease_and_the_membership() -> None:
    bench = LeasesBench()
    await bench.ownership.tend()
    await bench.ownership.leave()
    assert bench.server.owners == {}
    assert bench.server.members == set()
    assert bench.topic_table.held == set()


@pytest.mark.parametrize("case", ["B137"])
async def test_a_worker_of_the_same_name_is_warned_of(case: str) -> None:
    bench = LeasesBench()
    bench.server.members.add("w~2")
    with capture_logs() as lines:
        await bench.ownership.tend()
    assert [line["twins"] for line in lines if line["event"] == "fanout.name_shared"] == [["w~2"]]
