"""Follows the held topics: a ring marks one, and all marked topics of its org are read together.

While a read of an org is under way, further rings pile up and are served by the next one, so a
busy gateway reads larger pieces and not more often. Orgs are followed side by side; their reads
go to Redis in one trip all the same. What was read is delivered in turns, a topic of each org at
a time and no more of it than its sockets allow (gateway/delivery/portion.py), so that a quiet org
waits for a piece of a busy one and not for all of it.

A lost ring only delays: at every new start of the bell, and in a slow sweep, topics are suspected,
which compares their heads as well. That finds what a read cannot: a log that was rolled back
never answers a read from beyond its end.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from redis.exceptions import RedisError

from fanwire.core.clock import now_ms
from fanwire.core.ids import Org
from fanwire.core.keys import Topic
from fanwire.core.position import ZERO, Position
from fanwire.core.tiers import Tiers
from fanwire.errors import RealtimeError
from gateway.delivery.chain import head_reset_reason
from gateway.delivery.hub import HeldTopic, Hub
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.portion import batches_at_once
from gateway.delivery.replay_log import ReplayLog, TopicHead, UnreadableTopic
from gateway.delivery.stats import DeliveryStats
from shared.logs import logger

log = logger()

RETRY_S = 0.25
"""Soon enough for a blip, seldom enough for an outage."""

IDLE_TOPIC_MS = 30_000
"""A page that reloads or moves on comes back sooner, and finds its topic still followed."""


class LiveFeed:
    """Keeps the hub's topics up to date; `run` must be running."""

    def __init__(
        self,
        hub: Hub,
        replay_log: ReplayLog,
        tiers: Tiers,
        *,
        sweep_ms: int,
        stats: DeliveryStats | None = None,
    ) -> None:
        self._hub = hub
        self._log = replay_log
        self._tiers = tiers
        self._sweep_ms = sweep_ms
        self.stats = stats or DeliveryStats()
        self._marked: defaultdict[Org, set[Topic]] = defaultdict(set)
        self._suspected: defaultdict[Org, set[Topic]] = defaultdict(set)
        self._followed: set[Org] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self._unused_since_ms: dict[Topic, float] = {}
        self.events_delivered = 0
        self.fresh_ms = now_ms()
        """When Redis last answered; tells how stale the held positions may be."""

    def held(self, topic: Topic) -> HeldTopic | None:
        """Return the topic if it is held, and go on holding it for a while."""
        self._unused_since_ms.pop(topic, None)
        return self._hub.get(topic)

    async def open(self, topic: Topic) -> HeldTopic:
        """Return the held topic, reading its head first if it is not held yet.

        The bell of its org must be heard already. Raises RedisUnavailable.
        """
        held = self.held(topic)
        if held is not None:
            return held
        head = await self._head(topic)
        # The first to read the head took charge; a second topic would split the sockets.
        held = self._hub.get(topic)
        if held is None:
            position, epoch = (ZERO, 0) if head is None else head
            held = HeldTopic(
                topic,
                self._tiers.of(topic.service),
                position=position,
                epoch=epoch,
                now_ms=now_ms(),
                stats=self.stats,
            )
            self._hub.hold(held)
            # A batch may have been committed between the head and this moment.
            self.mark(topic)
        return held

    async def _head(self, topic: Topic) -> TopicHead | None:
        try:
            return await self._log.head(topic)
        except UnreadableTopic:
            # As good as absent: a socket must not lose its other services over this one.
            return None

    def moved(self, topic: Topic, position: Position | None) -> None:
        """Read the topic soon, unless it is known to be that far."""
        held = self._hub.get(topic)
        if held is not None and (position is None or position > held.position):
            self.mark(topic)

    def mark(self, topic: Topic) -> None:
        """Read the topic soon."""
        self._marked[topic.org].add(topic)
        self._attend(topic.org)

    def suspect_org(self, org: Org) -> None:
        """Compare the heads of the held topics of `org` soon, and read them."""
        self._suspect(held.topic for held in self._hub if held.topic.org == org)

    async def run(self) -> None:
        """Follow and sweep until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                for org in self._marked.keys() | self._suspected.keys():
                    self._attend(org)
                await self._sweep()
            finally:
                self._tasks = None  # a group that ends takes no more

    def _suspect(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            self._suspected[topic.org].add(topic)
            self._attend(topic.org)

    def _attend(self, org: Org) -> None:
        if self._tasks is not None and org not in self._followed:
            self._followed.add(org)
            self._tasks.create_task(self._follow(org))

    async def _follow(self, org: Org) -> None:
        """Read what is marked of an org until nothing is."""
        try:
            while org in self._marked or org in self._suspected:
                suspected = self._suspected.pop(org, set())
                marked = self._marked.pop(org, set()) | suspected
                try:
                    await self._verify(suspected)
                    await self._read(org, marked)
                except (RealtimeError, RedisError, OSError) as error:
                    log.warning("feed.read_failed", cause=str(error))
                    await asyncio.sleep(RETRY_S)
                    self._suspected[org] |= marked
        finally:
            self._followed.discard(org)

    async def _verify(self, suspected: set[Topic]) -> None:
        helds = [held for topic in suspected if (held := self._hub.get(topic)) is not None]
        await asyncio.gather(*map(self._compare_head, helds))

    async def _compare_head(self, held: HeldTopic) -> None:
        try:
            head = await self._log.head(held.topic)
        except UnreadableTopic:
            return  # nothing to compare with; the others go on
        # Only `_read` moves a position, and it runs after us in the same loop: the head
        # is therefore not older than the position it is compared with. Unless the topic was
        # let go and opened again meanwhile, with a newer head.
        if self._hub.get(held.topic) is held:
            _reset_unless_on_chain(held, head)

    async def _read(self, org: Org, marked: set[Topic]) -> None:
        helds = [held for topic in marked if (held := self._hub.get(topic)) is not None]
        if not helds:
            return
        count = batches_at_once(max(held.socket_count for held in helds))
        positions = {held.topic: held.position for held in helds}
        found = await self._log.after_each(org, positions, count=count)
        for topic, entries in found.items():
            self._deliver(topic, entries)
            if len(entries) == count:
                self.mark(topic)
            await asyncio.sleep(0)  # now a topic of another org
        self.fresh_ms = now_ms()

    def _deliver(self, topic: Topic, entries: list[LogEntry]) -> None:
        held = self._hub.get(topic)
        if held is not None:
            self.events_delivered += held.deliver(entries, now_ms=now_ms())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_ms / 1000)
            self._release_unused()
            self._suspect(held.topic for held in self._hub)

    def _release_unused(self) -> None:
        for held in self._hub:
            if held.is_needed:
                self._unused_since_ms.pop(held.topic, None)
            elif now_ms() - self._unused_since_ms.setdefault(held.topic, now_ms()) > IDLE_TOPIC_MS:
                # Kept for a while: a storm of reconnects finds its topics open.
                self._hub.release(held.topic)
                del self._unused_since_ms[held.topic]


def _reset_unless_on_chain(held: HeldTopic, head: TopicHead | None) -> None:
    reason = head_reset_reason(held.position, None if head is None else head.last)
    if reason is not None:
        log.warning("topic.reset", topic=str(held.topic), reason=reason, at=str(held.position))
        held.reset(reason, ZERO if head is None else head.last)
    if head is not None:
        held.epoch = max(held.epoch, head.epoch)
