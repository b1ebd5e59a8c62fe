"""What a test reads from Redis, in exact types."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis.asyncio import Redis

from shared.redis.client import Entry, as_hash, as_streams, as_values


async def read_streams(
    redis: Redis,
    after: Mapping[str, str],
    *,
    count: int,
    block_ms: int | None = None,
) -> dict[bytes, list[Entry]]:
    """Return entries behind the given ids, by key; keys without any are absent.

    `block_ms` None does not wait; 0 is refused, because to Redis it means forever.
    """
    if block_ms == 0:
        raise ValueError("block_ms=0 would wait forever; pass None not to wait")
    # redis-py's mapping type is invariant in its keys, hence the cast.
    return as_streams(await redis.xread(cast(Any, dict(after)), count=count, block=block_ms))


async def read_range(
    redis: Redis, key: str, *, first: str = "-", last: str = "+", count: int | None = None
) -> list[Entry]:
    """Return the entries of a stream from `first` to `last`; `(id` excludes an end."""
    return cast(list[Entry], await redis.xrange(key, min=first, max=last, count=count))


async def read_last(redis: Redis, key: str) -> Entry | None:
    """Return the newest entry of a stream, or None."""
    entries = cast(list[Entry], await redis.xrevrange(key, count=1))
    return entries[0] if entries else None


async def read_fields(redis: Redis, key: str, names: Sequence[str]) -> list[bytes | None]:
    """Return these fields of a hash, None for each that is absent."""
    return as_values(await cast(Any, redis.hmget(key, list(names))))


async def read_hash(redis: Redis, key: str) -> dict[bytes, bytes]:
    """Return a whole hash; an absent one is empty."""
    return as_hash(await cast(Any, redis.hgetall(key)))


async def server_time_ms(redis: Redis) -> float:
    """Return the server's clock in Unix milliseconds."""
    seconds, microseconds = await redis.time()
    return seconds * 1000 + microseconds / 1000
