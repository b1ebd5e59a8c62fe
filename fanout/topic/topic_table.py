"""Which topics exist, which of them are this worker's, and which are open.

All known topics are kept, also those of other workers: a takeover then needs no search.
A topic that cannot be worked on is set aside for a while, so that it neither stops the
others nor fills the log.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from fanout.topic.open_topic import OpenTopic
from fanwire.core.keys import Topic, partition_of

ASIDE_MS: Final = 30_000
"""Long enough not to fill the log, short enough that a topic that was mended goes on soon."""


class TopicTable:
    """The topics of one term; nothing of it outlives the term."""

    def __init__(self) -> None:
        self._known: defaultdict[int, set[Topic]] = defaultdict(set)
        self._unopened: dict[Topic, None] = {}
        self._aside: dict[Topic, float] = {}
        self._news = asyncio.Event()
        self.held: set[int] = set()
        self.open: dict[Topic, OpenTopic] = {}

    def found(self, topics: Iterable[Topic]) -> None:
        """Note that these topics exist."""
        for topic in topics:
            partition = partition_of(topic.org)
            if topic not in self._known[partition]:
                self._known[partition].add(topic)
                self._want(topic)

    def hold(self, partitions: Iterable[int]) -> None:
        """Note that these partitions are this worker's from now on."""
        for partition in partitions:
            self.held.add(partition)
            for topic in self._known[partition]:
                self._want(topic)

    def let_go(self, partitions: Collection[int]) -> None:
        """Close every topic of these partitions."""
        self.held.difference_update(partitions)
        for opened in self.open_in(partitions):
            self._close(opened)
        for topic in [t for t in self._aside if partition_of(t.org) in partitions]:
            del self._aside[topic]

    def open_in(self, partitions: Collection[int]) -> list[OpenTopic]:
        """Return the open topics of these partitions."""
        return [t for t in self.open.values() if partition_of(t.topic.org) in partitions]

    async def pop_unopened(self, *, limit: int) -> list[Topic]:
        """Wait for topics to open; remove and return some of them."""
        while not self._unopened:
            self._news.clear()
            await self._news.wait()
        chosen = list(self._unopened)[:limit]
        for topic in chosen:
            del self._unopened[topic]
        return chosen

    def admit(self, topic: OpenTopic) -> bool:
        """Take an opened topic in; False if it is not this worker's any more."""
        if partition_of(topic.topic.org) not in self.held or topic.topic in self.open:
            return False
        self.open[topic.topic] = topic
        return True

    def reopen(self, topic: OpenTopic) -> None:
        """Close a topic and have it opened again."""
        if self._close(topic):
            self._want(topic.topic)

    def set_aside(self, topic: Topic, *, now_ms: float) -> None:
        """Close a topic, if it is open, and leave it alone for ASIDE_MS."""
        if opened := self.open.get(topic):
            self._close(opened)
        self._aside[topic] = now_ms + ASIDE_MS

    def try_again(self, *, now_ms: float) -> None:
        """Have topics opened again that were set aside long enough."""
        for topic in [t for t, until_ms in self._aside.items() if until_ms <= now_ms]:
            del self._aside[topic]
            self._want(topic)

    def _close(self, topic: OpenTopic) -> bool:
        was_open = self.open.get(topic.topic) is topic
        if was_open:
            del self.open[topic.topic]
        topic.is_closed = True
        return was_open

    def _want(self, topic: Topic) -> None:
        is_mine = partition_of(topic.org) in self.held
        if is_mine and topic not in self.open and topic not in self._aside:
            self._unopened[topic] = None
            self._news.set()
