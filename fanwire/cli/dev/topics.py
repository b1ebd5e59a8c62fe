"""Which services of an org have events, for a view that shows all of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import redis.asyncio
from redis.exceptions import RedisError

from fanwire.core.keys import Keys
from fanwire.redis.clients import async_client

_LOOK_EVERY_S: Final = 1.0
"""A first event shows a second late; a scan of all keys is not worth more than that."""


async def services_found(
    redis_url: str, keys: Keys, org: str, known: frozenset[str]
) -> AsyncIterator[frozenset[str]]:
    """Yield the set of services each time that it has grown beyond `known`."""
    client = async_client(redis_url, decode_responses=True)
    try:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            found = known | await _services(client, keys, org)
            if found != known:
                known = found
                yield known
    finally:
        await client.aclose()


async def _services(client: redis.asyncio.Redis, keys: Keys, org: str) -> frozenset[str]:
    try:
        topics = [
            keys.parse_events(str(key))
            async for key in client.scan_iter(keys.events_pattern(), count=1000, _type="stream")
        ]
    except (RedisError, OSError):
        # The next look finds them; the servers say that Redis is away.
        return frozenset()
    return frozenset(topic.service for topic in topics if topic is not None and topic.org == org)
