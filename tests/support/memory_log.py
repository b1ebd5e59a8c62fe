"""A replay log in memory, for shells that are tested without a server."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from fanwire.core.ids import Org
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import Position
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.replay_log import ENTRIES_PER_READ, ReplayLog, TopicHead
from shared.redis.pipelined import PipelinedRedis
from tests.support.memory_redis import NO_REDIS


class MemoryLog(ReplayLog):
    """Holds the batches of topics, and lets a test act while a read is under way."""

    def __init__(self) -> None:
        super().__init__(PipelinedRedis(NO_REDIS), Keys())
        self.entries: dict[Topic, list[LogEntry]] = defaultdict(list)
        self.heads: dict[Topic, TopicHead] = {}
        self.failures: list[Exception] = []
        """Raised by the next reads, one each."""
        self.failing: dict[Topic, Exception] = {}
        """Raised by every read of the topic's head."""
        self.before_reply: Callable[[], None] = lambda: None
        self.after_reply: Callable[[], None] = lambda: None
        self.read_count = 0
        self.asked: list[tuple[Position, int]] = []
        """After which position batches were asked for, and how many."""

    def commit(self, topic: Topic, entries: Sequence[LogEntry]) -> None:
        """Append batches and move the head, as a worker does."""
        self.entries[topic] += entries
        last = self.entries[topic][-1].position
        self.heads[topic] = TopicHead(last, last.epoch)

    def trim(self, topic: Topic, count: int) -> None:
        """Drop the oldest batches."""
        del self.entries[topic][:count]

    def forget(self) -> None:
        """Lose everything, as an emptied server has."""
        self.entries.clear()
        self.heads.clear()

    async def head(self, topic: Topic) -> TopicHead | None:
        await self._begin()
        if topic in self.failing:
            raise self.failing[topic]
        found = self.heads.get(topic)
        self.after_reply()
        return found

    async def after_each(
        self, org: Org, positions: Mapping[Topic, Position], *, count: int = ENTRIES_PER_READ
    ) -> dict[Topic, list[LogEntry]]:
        self.asked += [(position, count) for position in positions.values()]
        await self._begin()
        found = {
            topic: [entry for entry in self.entries[topic] if entry.position > position][:count]
            for topic, position in positions.items()
        }
        self.after_reply()
        return {topic: entries for topic, entries in found.items() if entries}

    async def _begin(self) -> None:
        await asyncio.sleep(0)
        self.read_count += 1
        if self.failures:
            raise self.failures.pop(0)
        self.before_reply()
