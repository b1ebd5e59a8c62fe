"""Idle logs over their allowance are trimmed, and nothing else is."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from redis.exceptions import ReadOnlyError, ResponseError

from fanout.counters import WorkerCounters
from fanout.replay.keeper import ReplayKeeper, server_memory
from fanout.topic.open_topic import OpenTopic
from fanout.topic.retention import KeptBatch
from fanout.topic.topic_table import TopicTable
from fanwire.core.keys import PARTITION_COUNT
from fanwire.core.position import Position
from shared.redis.owned_connection import OwnedConnection
from shared.redis.server_clock import ServerClock
from tests.support.fanout_values import an_event, an_open_topic

INFO = b"# Memory\r\nused_memory:1000\r\nused_memory_human:1K\r\nmaxmemory:0\r\n"


class FakeKeeperConnection:
    def __init__(self) -> None:
        self.trims: list[tuple[str, str]] = []
        self.answer: object = 1

    async def call(self, *command: Any) -> bytes:
        assert command == ("INFO", "memory")
        return INFO

    async def call_all(self, commands: Sequence[Sequence[Any]]) -> list[object]:
        assert all((command[0], command[2]) == ("XTRIM", "MINID") for command in commands)
        self.trims += [(command[1], command[3]) for command in commands]
        return [self.answer] * len(commands)


class KeeperStage:
    """A keeper with a budget of 1 000 bytes, and topics whose logs hold ten batches each."""

    def __init__(self, *services: str) -> None:
        self.connection = FakeKeeperConnection()
        self.counters = WorkerCounters()
        self.topic_table = TopicTable()
        self.topic_table.hold(range(PARTITION_COUNT))
        self.topics = [an_open_topic(service) for service in services]
        for topic in self.topics:
            assert self.topic_table.admit(topic)
            for seq in range(1, 11):
                topic.retention.record(KeptBatch(Position(7, seq), 1, 80, 0))
        self.keeper = ReplayKeeper(
            cast(OwnedConnection, self.connection),
            topic_table=self.topic_table,
            clock=ServerClock(),
            counters=self.counters,
            budget_bytes=1_000,
        )

    def kept(self) -> list[int]:
        return [topic.retention.size_bytes for topic in self.topics]


async def test_logs_within_the_budget_are_left_alone() -> None:
    stage = KeeperStage("dashboard")
    await stage.keeper.tend()
    assert stage.connection.trims == []
    assert stage.kept() == [800]


async def test_the_low_tier_is_trimmed_and_counted() -> None:
    stage = KeeperStage("dashboard", "tasks")
    await stage.keeper.tend()
    assert stage.kept() == [160, 800]
    assert stage.connection.trims == [("batches:{acme}:dashboard", "7-9")]
    assert stage.counters.trimmed == {"low.budget": 8}


async def test_a_log_with_a_commit_on_its_way_waits_for_the_next_one() -> None:
    stage = KeeperStage("dashboard", "tasks")
    busy: OpenTopic = stage.topics[0]
    busy.batches.add(an_event(1), now_ms=0)
    batch = busy.batches.pop_any(now_ms=0)
    assert batch is not None
    busy.prepare(batch, server_ms=0)
    await stage.keeper.tend()
    assert stage.connection.trims == []
    busy.settle()
    await stage.keeper.tend()
    assert [key for key, _ in stage.connection.trims] == ["batches:{acme}:dashboard"]


async def test_F47_a_log_of_another_type_does_not_stop_the_others() -> None:
    stage = KeeperStage("dashboard", "tasks")
    stage.connection.answer = ResponseError("WRONGTYPE Operation against a key")
    await stage.keeper.tend()
    assert stage.counters.trimmed == {}


async def test_a_server_that_refuses_writes_ends_the_term() -> None:
    stage = KeeperStage("dashboard", "tasks")
    stage.connection.answer = ReadOnlyError("You can't write", status_code="READONLY")
    with pytest.raises(ReadOnlyError):
        await stage.keeper.tend()


def test_the_server_tells_its_memory() -> None:
    memory = server_memory(INFO)
    assert (memory.used_bytes, memory.max_bytes) == (1_000, 0)
