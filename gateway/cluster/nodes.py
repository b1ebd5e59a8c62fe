"""The gateways of the cluster, by their heartbeats in `gateway:nodes`.

A heartbeat is stamped by Redis' clock and judged by it: a gateway whose own clock is ahead would
else take its neighbours for dead, and their sockets' fields with them.
"""

from collections.abc import Collection
from dataclasses import replace

from fanwire.core.heartbeats import GatewayHeartbeat, decode_beat, encode_beat
from fanwire.core.keys import Keys
from shared.redis.client import as_hash, as_list
from shared.redis.pipelined import PipelinedRedis
from shared.redis.server_clock import ServerClock


class NodeList:
    """All gateways as one of them sees them. Every call raises RedisUnavailable."""

    def __init__(self, redis: PipelinedRedis, keys: Keys, clock: ServerClock, *, node: str) -> None:
        self._redis = redis
        self._key = keys.gateway_nodes()
        self.clock = clock
        self.node = node

    async def beat(self, heartbeat: GatewayHeartbeat) -> bool:
        """Write this node's heartbeat, with the time; tell whether there was none."""
        seconds, micros = as_list(await self._redis.call("TIME"))
        self.clock.set(int(seconds) * 1000 + int(micros) / 1000)
        stamped = replace(heartbeat, at_ms=int(self.clock.now_ms()))
        return bool(await self._redis.call("HSET", self._key, self.node, encode_beat(stamped)))

    async def read(self) -> dict[str, GatewayHeartbeat | None]:
        """Return the heartbeat of each node, None where it cannot be read."""
        stored = as_hash(await self._redis.call("HGETALL", self._key))
        return {name.decode(): decode_beat(GatewayHeartbeat, beat) for name, beat in stored.items()}

    async def peers(self) -> dict[str, GatewayHeartbeat]:
        """Return the heartbeats of the other nodes, as far as they can be read."""
        beats = await self.read()
        return {
            node: beat for node, beat in beats.items() if node != self.node and beat is not None
        }

    async def forget(self, nodes: Collection[str]) -> None:
        """Take nodes off the list."""
        if nodes:
            await self._redis.call("HDEL", self._key, *sorted(nodes))
