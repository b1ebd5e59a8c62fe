"""Tells the cluster that this gateway lives, and clears up after one that does not.

When its own entry is gone although it never left, the server has lost its data, and with it the
fields of the open connections; they are written again.

A gateway that is killed leaves its connections' fields in `subs:{org}`. They are inert, since
no socket belongs to them, but `update-services` would accept their ids, and they would add
up. A gateway that serves the org removes them once their node has been silent for a while.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from typing import Final, cast

import orjson
import structlog
from redis.exceptions import RedisError

from fanwire.core.connection_ids import connection_field, node_of, split_field
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.errors import RealtimeError
from gateway.connection.registry import ConnectionRegistry
from gateway.session.store import SubscriptionStore
from shared.redis.client import as_hash, as_list
from shared.redis.pipelined import PipelinedRedis

log = structlog.get_logger()

BEAT_S: Final = 2.0
SILENT_MS: Final = 60_000
BEATS_PER_CLEARING: Final = 30


class Membership:
    """This gateway's place in `gateway:nodes`; `run` must be running."""

    def __init__(
        self,
        redis: PipelinedRedis,
        keys: Keys,
        registry: ConnectionRegistry,
        store: SubscriptionStore,
        *,
        node: str,
        node_state: Callable[[], Mapping[str, object]] = dict,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._registry = registry
        self._store = store
        self._node = node
        self._node_state = node_state
        self._has_beaten = False

    async def run(self) -> None:
        """Beat until cancelled."""
        beats = random.randrange(BEATS_PER_CLEARING)  # nodes started together take turns
        while True:
            try:
                await self._beat()
                beats += 1
                if beats % BEATS_PER_CLEARING == 0:
                    await self._clear_up()
            except (RealtimeError, RedisError, OSError) as error:
                log.warning("membership.beat_failed", cause=str(error))
            await asyncio.sleep(BEAT_S)

    async def leave(self) -> None:
        """Take this gateway off the list, at the end of an ordered stop."""
        try:
            await self._redis.call("HDEL", self._keys.gateway_nodes(), self._node)
        except (RealtimeError, RedisError, OSError) as error:
            log.warning("membership.leave_failed", cause=str(error))

    async def _beat(self) -> None:
        state = {
            "atMs": _wall_ms(),
            "connections": len(self._registry),
            **self._node_state(),
        }
        added = await self._redis.call(
            "HSET", self._keys.gateway_nodes(), self._node, orjson.dumps(state)
        )
        if added and self._has_beaten:
            await self._register_anew()
        self._has_beaten = True

    async def _register_anew(self) -> None:
        log.warning("subscriptions.registered_anew", connections=len(self._registry))
        for connection in self._registry:
            claims = connection.claims
            await self._store.register(
                claims.org,
                connection_field(claims.sub, connection.id),
                connection.subscription.services,
                connection.subscription.property_id,
            )

    async def _clear_up(self) -> None:
        # The fields before the nodes: a gateway beats before it takes its first socket, so one
        # that started in between cannot seem to be missing.
        fields = {org: await self._connection_fields(org) for org in self._registry.orgs()}
        last_beats = await self._last_beats()
        live = {node for node, at_ms in last_beats.items() if _wall_ms() - at_ms < SILENT_MS}
        for org, fields_of_org in fields.items():
            orphans = [field for field in fields_of_org if _node(field) not in live]
            if orphans:
                log.info("subscriptions.cleared", org=org, count=len(orphans))
                await self._redis.call("HDEL", self._keys.subs(org), *orphans)
        gone = sorted(last_beats.keys() - live)
        if gone:
            await self._redis.call("HDEL", self._keys.gateway_nodes(), *gone)

    async def _connection_fields(self, org: Org) -> list[str]:
        reply = await self._redis.call("HKEYS", self._keys.subs(org))
        return [field for raw in as_list(reply) if split_field(field := raw.decode())[1]]

    async def _last_beats(self) -> dict[str, int]:
        reply = await self._redis.call("HGETALL", self._keys.gateway_nodes())
        return {
            node.decode(): cast(int, orjson.loads(state)["atMs"])
            for node, state in as_hash(reply).items()
        }


def _node(field: str) -> str:
    return node_of(split_field(field)[1])


def _wall_ms() -> int:
    # The nodes compare these times with each other; a minute of patience covers their clocks.
    return int(time.time() * 1000)  # noqa: TID251
