"""Reads and changes `subs:{org}`: who is subscribed to what, as all nodes see it.

Every connection has a field of its own from its upgrade to its end. It makes a change for one
tab possible from any node, and tells an open connection from a dead or an invented one.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from fanwire.core.connection_ids import connection_field, split_field
from fanwire.core.ids import Org, Service, UserId
from fanwire.core.keys import Keys
from fanwire.core.subscription import (
    VERSION_FIELD,
    Subscription,
    decode_subscription,
    encode_change,
    encode_subscription,
    newest_filter,
)
from fanwire.errors import NotFound, Overloaded, StaleVersion, shortened
from shared.redis.client import as_int, as_list, as_values
from shared.redis.pipelined import PipelinedRedis, Reply
from shared.redis.scripts import Argument, Script

_MAX_TRIES: Final = 8
"""Each means that another change of the same user came first; eight at once is a client gone
wrong."""

_UPDATE: Final = Script("update_subscription")


class SubscriptionChange(NamedTuple):
    """A wanted change. `sets_property` False leaves the filter as it is."""

    services: frozenset[Service]
    property_id: str | None
    sets_property: bool
    connection_id: str | None
    if_version: int | None
    request_id: str | None


class SubscriptionStore:
    """The hash that every node watches."""

    def __init__(self, redis: PipelinedRedis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self.doubtful: set[Org] = set()
        """Orgs of which a connection's field may lack, or be there in vain; membership mends them.

        Bound: the orgs of this gateway's sockets."""

    async def register(
        self, org: Org, field: str, services: frozenset[Service], property_id: str | None
    ) -> int:
        """Write a connection's field unless it is there; return the version as of now."""
        key = self._keys.subs(org)
        # Version 0: whatever changed before this connection does not concern it.
        body = encode_change(services=services, property_id=property_id, property_version=0)
        self._put(org, "HSETNX", key, field, encode_subscription(0, body))
        return await self.version(org)

    def unregister(self, org: Org, field: str) -> None:
        """Remove an ended connection's field."""
        self._put(org, "HDEL", self._keys.subs(org), field)

    async def clear(self, org: Org, fields: Sequence[str]) -> None:
        """Remove fields that no open connection stands for. Raises RedisUnavailable."""
        await self._redis.call("HDEL", self._keys.subs(org), *fields)

    async def fields(self, org: Org) -> list[str]:
        """Return the fields of all connections of `org`, on any node. Raises RedisUnavailable."""
        reply = await self._redis.call("HKEYS", self._keys.subs(org))
        return [field for raw in as_list(reply) if split_field(field := raw.decode())[1]]

    def _put(self, org: Org, *command: Argument) -> None:
        def judge(reply: asyncio.Future[Reply]) -> None:
            # Full, away, or a replica by now. Not waited for: delivery does not hang on it.
            if reply.cancelled() or reply.exception() is not None:
                self.doubtful.add(org)

        self._redis.call(*command).add_done_callback(judge)

    async def version(self, org: Org) -> int:
        """Return how many changes there have been."""
        reply = await self._redis.call("HGET", self._keys.subs(org), VERSION_FIELD)
        return 0 if reply is None else int(cast(bytes, reply))

    async def read(self, org: Org, fields: list[str]) -> list[Subscription | None]:
        """Return the subscriptions in these fields, None for each that is absent."""
        if not fields:
            return []
        reply = await self._redis.call("HMGET", self._keys.subs(org), *fields)
        return [None if raw is None else decode_subscription(raw) for raw in as_values(reply)]

    async def change(self, org: Org, user: UserId, change: SubscriptionChange) -> Subscription:
        """Store a change and ring the bell; return what is now stored.

        Raises:
            NotFound: If `connection_id` is not an open connection of this user.
            StaleVersion: If `if_version` is not the current version of the field.
        """
        field = connection_field(user, change.connection_id) if change.connection_id else user
        for _ in range(_MAX_TRIES):
            stored = await self._try_change(org, user, field, change)
            if stored is not None:
                return stored
        raise Overloaded(f"{_MAX_TRIES} other changes came first", retry_after_ms=1_000)

    async def _try_change(
        self, org: Org, user: UserId, field: str, change: SubscriptionChange
    ) -> Subscription | None:
        reply = await self._redis.call("HMGET", self._keys.subs(org), field, user)
        raw, raw_of_user = as_values(reply)
        current = None if raw is None else decode_subscription(raw)
        of_user = None if raw_of_user is None else decode_subscription(raw_of_user)
        if current is not None and change.request_id and current.request_id == change.request_id:
            return current  # the same request once more: its answer was lost
        if change.connection_id and current is None:
            raise _not_open(change)
        _check_version(change, current)
        kept_id, kept_version = newest_filter(current, of_user)
        body = encode_change(
            services=change.services,
            property_id=change.property_id if change.sets_property else kept_id,
            property_version=None if change.sets_property else kept_version,
            request_id=change.request_id,
        )
        version = as_int(await self._run_update(org, field, raw, body, change))
        if version == -1:
            raise _not_open(change)
        return decode_subscription(encode_subscription(version, body)) if version else None

    async def _run_update(
        self, org: Org, field: str, raw: bytes | None, body: bytes, change: SubscriptionChange
    ) -> object:
        return await self._redis.run_script(
            _UPDATE,
            [self._keys.subs(org), self._keys.bell(org)],
            [field, raw or b"", body, "1" if change.connection_id else "0"],
        )


def _not_open(change: SubscriptionChange) -> NotFound:
    return NotFound(f"connection {shortened(change.connection_id)} is not open")


def _check_version(change: SubscriptionChange, current: Subscription | None) -> None:
    version = 0 if current is None else current.version
    if change.if_version is not None and change.if_version != version:
        raise StaleVersion(expected=change.if_version, current=version)
