"""The canary's topic: how a node publishes to it, and how far its peers have heard it."""

import secrets
from typing import Final, cast

import orjson

from fanwire.core.keys import CANARY, Keys
from fanwire.core.position import Position
from gateway.cluster.nodes import NodeList
from shared.redis.pipelined import PipelinedRedis

MAX_WAITING: Final = 16
"""More than a minute of periods: further events that no worker takes say nothing new."""


class CanaryTopic:
    """One topic for all gateways."""

    def __init__(self, redis: PipelinedRedis, keys: Keys, nodes: NodeList) -> None:
        self._redis = redis
        self._keys = keys
        self._nodes = nodes

    async def publish(self) -> None:
        """Write one event, unless enough of them wait. Raises RedisUnavailable."""
        key = self._keys.events(CANARY)
        if cast(int, await self._redis.call("XLEN", key)) < MAX_WAITING:
            await self._redis.call("XADD", key, "*", *self._event())

    async def heard_by_peers(self) -> list[Position]:
        """Return how far each node that knows the canary heard it. Raises RedisUnavailable."""
        peers = (await self._nodes.peers()).values()
        return [peer.canary_heard for peer in peers if peer.canary_heard is not None]

    def _event(self) -> tuple[str, ...]:
        payload = orjson.dumps({"node": self._nodes.node}).decode()
        # With an id, or it would count among the events of publishers who forgot theirs.
        return ("type", "canary", "eventId", secrets.token_hex(8), "data", payload)
