"""The gateway's ways to Redis."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Self

from redis.asyncio import Redis

from fanwire.core.keys import Keys
from shared.redis.client import connect
from shared.redis.pipelined import PipelinedRedis
from shared.redis.presence import RedisPresence
from shared.settings.realtime import RealtimeSettings


@dataclass(frozen=True, slots=True)
class RedisLinks:
    """Two pipelined connections, and the client that further ones are made from."""

    redis: Redis
    keys: Keys
    live: PipelinedRedis
    """Carries what is delivered; nothing slow goes here."""
    control: PipelinedRedis
    """Carries connects, replays and subscription changes."""

    @classmethod
    def of(cls, realtime: RealtimeSettings, presence: RedisPresence) -> Self:
        """Return links that connect when their loops run."""
        redis = connect(
            realtime.redis_url.get_secret_value(),
            client_name="fanwire-gateway",
            connect_timeout_ms=realtime.redis_connect_timeout_ms,
            timeout_ms=realtime.redis_timeout_ms,
        )
        live = PipelinedRedis(redis, presence=presence, name="live")
        control = PipelinedRedis(redis, presence=presence, name="control")
        # Reads alone cannot tell a replica from a primary; heartbeats go over the other link.
        control.on_demoted.append(live.doubt)
        return cls(redis, Keys(realtime.key_prefix), live, control)

    def loops(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield what must run for any call to be answered."""
        yield self.live.run()
        yield self.control.run()
