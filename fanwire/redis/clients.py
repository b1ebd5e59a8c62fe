"""Clients of redis-py for every kind of address that Fanwire takes.

Behind Sentinels each new connection asks them for the primary, so after a failover a
client that connects again finds the new one. A primary that was demoted meanwhile is told from
its refusal to write, and its connection given up.
"""

from typing import Any, cast

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel

from fanwire.redis.sentinel_url import SentinelUrl, is_sentinel_url, parse_sentinel_url


def sync_client(url: str, **options: Any) -> redis.Redis:
    """Return a client that connects at its first command; end it with `close()`."""
    if not is_sentinel_url(url):
        return redis.Redis.from_url(url, **options)
    address = parse_sentinel_url(url)
    sentinel = cast(Any, redis.sentinel.Sentinel)(
        address.sentinels, sentinel_kwargs=_sentinel_options(address, options)
    )
    client: redis.Redis = sentinel.master_for(
        address.service, redis_class=_SyncBehindSentinel, **_server_options(address, options)
    )
    return client


def async_client(url: str, **options: Any) -> redis.asyncio.Redis:
    """Return a client that connects at its first command; end it with `aclose()`."""
    if not is_sentinel_url(url):
        return redis.asyncio.Redis.from_url(url, **options)
    address = parse_sentinel_url(url)
    sentinel = cast(Any, redis.asyncio.sentinel.Sentinel)(
        address.sentinels, sentinel_kwargs=_sentinel_options(address, options)
    )
    client: redis.asyncio.Redis = sentinel.master_for(
        address.service, redis_class=_AsyncBehindSentinel, **_server_options(address, options)
    )
    return client


class _SyncBehindSentinel(redis.Redis):
    def close(self) -> None:
        """Close the connections to the Sentinels as well."""
        super().close()
        for sentinel in cast(Any, self.connection_pool).sentinel_manager.sentinels:
            sentinel.close()


class _AsyncBehindSentinel(redis.asyncio.Redis):
    async def aclose(self, close_connection_pool: bool | None = None) -> None:  # noqa: FBT001
        """Close the connections to the Sentinels as well."""
        await super().aclose(close_connection_pool)
        await self.connection_pool.sentinel_manager.aclose()  # type: ignore[attr-defined]


def _server_options(address: SentinelUrl, options: dict[str, Any]) -> dict[str, Any]:
    tls = {"ssl": True} if address.is_tls else {}
    credentials = {"username": address.username, "password": address.password}
    return {**options, **tls, **credentials, "db": address.db}


def _sentinel_options(address: SentinelUrl, options: dict[str, Any]) -> dict[str, Any]:
    # A Sentinel that does not answer is passed over in the time of a connect, whatever the
    # commands to Redis may take.
    patience_s = options.get("socket_connect_timeout", 5)
    return {
        "socket_connect_timeout": patience_s,
        "socket_timeout": patience_s,
        "username": address.sentinel_username,
        "password": address.sentinel_password,
    }
