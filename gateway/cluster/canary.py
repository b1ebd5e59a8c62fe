"""Publishes through the real path and listens for it, to know when this node is deaf.

An event takes the whole way: XADD, a worker's commit, the bell, the read of the live feed. One
topic serves all gateways, and who heard it lately does not publish. Its org is outside the
alphabet of ids (fanwire/core/keys.py), so no token and no publisher can name it.

A topic that moves without a ring means a bell that is connected and mute; the bell is then
connected again, which also re-reads what is held. Reads that fail are repeated by their own loops.

Bound: MAX_WAITING events of canary_topic.py (and one a node) while no worker takes them; further
ones are not published, and none is missed.
"""

import asyncio
import random

from redis.exceptions import RedisError

from fanwire.core.clock import now_ms
from fanwire.core.keys import CANARY
from fanwire.core.position import ZERO, Position
from fanwire.errors import RealtimeError
from gateway.cluster.canary_topic import CanaryTopic
from gateway.cluster.hearing import (
    CanaryLimits,
    CanaryRings,
    Hearing,
    HearingChange,
    is_behind,
    is_due,
)
from gateway.delivery.bell import Bell
from gateway.delivery.hub import HeldTopic
from gateway.delivery.live_feed import LiveFeed
from shared.logs import logger

log = logger()


class Canary:
    """This node's part; `run` must be running."""

    def __init__(
        self,
        topic: CanaryTopic,
        bell: Bell,
        feed: LiveFeed,
        rings: CanaryRings,
        limits: CanaryLimits,
    ) -> None:
        self._topic = topic
        self._bell = bell
        self._feed = feed
        self._rings = rings
        self._limits = limits
        self._hearing = Hearing(limits)
        self._held: HeldTopic | None = None
        self._started_ms = self._published_ms = now_ms()
        self._chance = random.random()

    @property
    def is_deaf(self) -> bool:
        """Whether the others hear and this node does not."""
        return self._hearing.is_deaf

    @property
    def age_ms(self) -> float:
        """How long ago something was heard, by ring and by read."""
        read_ms = self._started_ms if self._held is None else self._held.moved_ms
        return now_ms() - min(read_ms, self._rings.rung_ms)

    @property
    def heard(self) -> Position:
        """The position up to which it was both rung and read."""
        return ZERO if self._held is None else min(self._held.position, self._rings.position)

    async def run(self) -> None:
        """Publish and judge until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish_turns())
            tasks.create_task(self._judge_turns())

    async def _publish_turns(self) -> None:
        while True:
            try:
                await self._bell.listen(CANARY.org)
                self._held = await self._feed.open(CANARY)
                await self._publish_if_due()
            except (RealtimeError, RedisError, OSError) as error:
                log.debug("canary.not_published", cause=str(error))
            await asyncio.sleep(self._limits.turn_ms / 1000)

    async def _publish_if_due(self) -> None:
        silent_ms = min(self.age_ms, now_ms() - self._published_ms)
        if not is_due(silent_ms=silent_ms, chance=self._chance, limits=self._limits):
            return
        self._chance, self._published_ms = random.random(), now_ms()
        await self._topic.publish()

    async def _judge_turns(self) -> None:
        while True:
            await asyncio.sleep(self._limits.turn_ms / 1000)
            self._heal_bell()
            behind = await self._is_behind()
            match self._hearing.judge(is_behind=behind, now_ms=now_ms()):
                case HearingChange.DEAF:
                    log.error("canary.deaf", age_ms=int(self.age_ms))
                case HearingChange.WELL:
                    log.info("canary.hears_again", age_ms=int(self.age_ms))

    def _heal_bell(self) -> None:
        if self._held is None:
            return
        moved_ms = self._held.moved_ms
        if self._rings.lack_one(moved_ms=moved_ms, now_ms=now_ms(), limits=self._limits):
            self._bell.doubt()

    async def _is_behind(self) -> bool | None:
        if self.age_ms < self._limits.doubt_ms:
            return False
        try:
            heard = await self._topic.heard_by_peers()
        except (RealtimeError, RedisError, OSError):
            return None
        return is_behind(self.heard, heard)
