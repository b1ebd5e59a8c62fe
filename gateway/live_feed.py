"""Follows the held topics: a ring marks a topic, and all marked topics are read together.

While a read is under way, further rings pile up and are served by the next one, so a busy
gateway reads larger pieces and not more often. A lost ring only delays: at every new start of
the bell, and in a slow sweep, topics are suspected, which compares their heads as well. That
finds what a read cannot: a log that was rolled back never answers a read from beyond its end.
"""

import asyncio
from collections import defaultdict

import structlog
from redis.exceptions import RedisError

from fanwire.errors import InvalidPosition, RealtimeError
from fanwire.ids import Org, Service
from fanwire.keys import Topic
from fanwire.position import ZERO, Position, parse_position
from fanwire.tiers import Tiers
from gateway.delivery_stats import DeliveryStats
from gateway.hub import HeldTopic, Hub
from gateway.policy.chain import head_reset_reason
from gateway.policy.log_entry import LogEntry
from gateway.replay_log import ENTRIES_PER_READ, ReplayLog, TopicHead, UnreadableTopic
from shared.runtime import now_ms

log = structlog.get_logger()

RETRY_S = 0.25
IDLE_TOPIC_MS = 30_000


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
        self._marked: set[Topic] = set()
        self._suspected: set[Topic] = set()
        self._wake = asyncio.Event()
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
        # Whoever read the head first took charge; a second one would split the sockets.
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

    def rang(self, topic: Topic, position_text: str) -> None:
        """Read the topic soon, unless it is known to be that far."""
        held = self._hub.get(topic)
        if held is not None and not _is_reached(held.position, position_text):
            self.mark(topic)

    def mark(self, topic: Topic) -> None:
        """Read the topic soon."""
        self._marked.add(topic)
        self._wake.set()

    def suspect_org(self, org: Org) -> None:
        """Compare the heads of the held topics of `org` soon, and read them."""
        self._suspected |= {held.topic for held in self._hub if held.topic.org == org}
        self._wake.set()

    async def run(self) -> None:
        """Follow and sweep until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._sweep())

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            suspected, self._suspected = self._suspected, set()
            marked, self._marked = self._marked | suspected, set()
            try:
                await self._verify(suspected)
                await self._read(marked)
            except (RealtimeError, RedisError, OSError) as error:
                log.warning("feed.read_failed", cause=str(error), topic_count=len(marked))
                await asyncio.sleep(RETRY_S)
                self._suspected |= marked
                self._wake.set()

    async def _verify(self, suspected: set[Topic]) -> None:
        helds = [held for topic in suspected if (held := self._hub.get(topic)) is not None]
        await asyncio.gather(*map(self._compare_head, helds))

    async def _compare_head(self, held: HeldTopic) -> None:
        try:
            head = await self._log.head(held.topic)
        except UnreadableTopic:
            return  # nothing to compare with; the others go on
        # Nobody but `_read` moves a position, and it runs after us in the same loop: the head
        # is therefore not older than the position it is compared with. Unless the topic was
        # let go and opened anew meanwhile, by somebody who read a newer head.
        if self._hub.get(held.topic) is held:
            _reset_unless_on_chain(held, head)

    async def _read(self, marked: set[Topic]) -> None:
        by_org: dict[Org, dict[Topic, Position]] = defaultdict(dict)
        for topic in marked:
            held = self._hub.get(topic)
            if held is not None:
                by_org[topic.org][topic] = held.position
        reads = [self._log.after_each(org, positions) for org, positions in by_org.items()]
        for found in await asyncio.gather(*reads):
            for topic, entries in found.items():
                self._deliver(topic, entries)
        self.fresh_ms = now_ms()

    def _deliver(self, topic: Topic, entries: list[LogEntry]) -> None:
        held = self._hub.get(topic)
        if held is None:
            return
        self.events_delivered += held.deliver(entries, now_ms=now_ms())
        if len(entries) == ENTRIES_PER_READ:
            self.mark(topic)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_ms / 1000)
            self._release_unused()
            self._suspected |= {held.topic for held in self._hub}
            self._wake.set()

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


def _is_reached(reached: Position, text: str) -> bool:
    try:
        return parse_position(text) <= reached
    except InvalidPosition:
        return False


def topic_of_ring(org: Org, message: str) -> tuple[Topic, str]:
    """Return the topic and the position that a ring names."""
    service, _, position = message.partition(" ")
    return Topic(org, Service(service)), position
