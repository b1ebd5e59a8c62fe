"""The room that brings topics to sockets."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Self

from fanwire.core.tiers import Tiers
from gateway.delivery.catch_up import CatchUps
from gateway.delivery.hub import Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.delivery.replay_log import ReplayLog
from gateway.delivery.stats import DeliveryStats
from gateway.links import RedisLinks


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is held, how it is followed, and how a socket catches up with it."""

    hub: Hub
    feed: LiveFeed
    replay_log: ReplayLog
    """On the control link: joins, replays and positions do not hold up what is live."""
    catch_ups: CatchUps

    @classmethod
    def of(cls, links: RedisLinks, tiers: Tiers, stats: DeliveryStats, *, sweep_ms: int) -> Self:
        """Return the room with no topic held."""
        hub, replay_log = Hub(), ReplayLog(links.control, links.keys)
        live_log = ReplayLog(links.live, links.keys)
        feed = LiveFeed(hub, live_log, tiers, sweep_ms=sweep_ms, stats=stats)
        return cls(hub, feed, replay_log, CatchUps(feed, replay_log))

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what must run for anything to be delivered."""
        yield self.feed.run()
