"""Connections to Redis, what a server must be, and the exact types of its replies.

One retrying layer: the caller's. redis-py would repeat a command after a lost connection,
and an XADD whose reply was lost would then be written twice, so its retries are off; an
error reaches the caller, who knows whether to repeat. A pooled connection that was closed
while idle is opened again without a word; what must notice that takes an OwnedConnection.

A cancelled call closes its connection, so that its reply cannot reach the next user of the
pool (tests/integration/test_redis_io.py holds redis-py to that).

redis-py types replies as unions that differ by protocol. Protocol and shape are fixed here,
and the functions named `as_*` are the only place that narrows them.
"""

from typing import Any, Final, cast

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from fanwire.core.backoff import BackoffLimits
from fanwire.redis.clients import async_client
from shared.redis.cancellable import CANCELLABLE

Entry = tuple[bytes, dict[bytes, bytes]]
"""A stream entry: its id and its fields."""

RECONNECT: Final = BackoffLimits(first_ms=100, longest_ms=1_000)
"""Of a server that lost its connection. A second at most: the wait in which a failover ends adds
to the outage, and connects are cheap for Redis."""


def connect(
    url: str,
    *,
    client_name: str | None = None,
    connect_timeout_ms: int = 2_000,  # as REALTIME_REDIS_CONNECT_TIMEOUT_MS by default
    timeout_ms: int | None = 5_000,  # as REALTIME_REDIS_TIMEOUT_MS
    max_connections: int | None = None,
) -> Redis:
    """Return a client that connects at its first command; close it with `aclose()`.

    A blocking read must ask for less than `timeout_ms`, or the connection is given up
    under it. None waits forever, for a connection that only listens.
    """
    options: dict[str, Any] = {
        "protocol": 3,
        "legacy_responses": False,
        "client_name": client_name,
        "socket_connect_timeout": connect_timeout_ms / 1000,
        "socket_timeout": None if timeout_ms is None else timeout_ms / 1000,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": max_connections,
    }
    if not url.startswith("unix:"):
        # A listener sends nothing, so without probes a vanished server would go unnoticed.
        options["socket_keepalive"] = True
        options["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    redis = async_client(url, **options)
    for pool in _pools(redis.connection_pool):
        pool.connection_class = CANCELLABLE[pool.connection_class]
    return redis


def _pools(pool: ConnectionPool) -> list[ConnectionPool]:
    """Return the pool, and those of the Sentinels that it asks."""
    sentinel = getattr(pool, "sentinel_manager", None)
    sentinels = sentinel.sentinels if sentinel else ()
    return [pool, *(each.connection_pool for each in sentinels)]


def as_streams(reply: object) -> dict[bytes, list[Entry]]:
    """Narrow the reply of XREAD, also a raw one, where fields and values come in turn."""
    streams = cast(dict[bytes, list[Any]], _checked(reply, dict))
    return {key: [_entry(*entry) for entry in entries] for key, entries in streams.items()}


def _entry(entry_id: bytes, fields: Any) -> Entry:
    if isinstance(fields, list):
        in_turn = iter(fields)
        return entry_id, dict(zip(in_turn, in_turn, strict=True))
    return entry_id, fields


def as_values(reply: object) -> list[bytes | None]:
    """Narrow the reply of HMGET."""
    return cast(list[bytes | None], _checked(reply, list))


def as_hash(reply: object) -> dict[bytes, bytes]:
    """Narrow the reply of HGETALL."""
    return cast(dict[bytes, bytes], _checked(reply, dict))


def as_list(reply: object) -> list[Any]:
    """Narrow the reply of a script that returns a list."""
    return cast(list[Any], _checked(reply, list))


def as_int(reply: object) -> int:
    """Narrow the reply of a command or script that returns a number."""
    return cast(int, _checked(reply, int))


def _checked(reply: object, expected: type) -> object:
    if not isinstance(reply, expected):
        # An error inside a pipeline's replies is raised, as it would be outside of one.
        if isinstance(reply, Exception):
            raise reply
        raise TypeError(f"Redis answered {type(reply).__name__} instead of {expected.__name__}")
    return reply
