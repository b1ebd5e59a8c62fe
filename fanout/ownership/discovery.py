"""Finds events streams: at once where the server tells of new keys, else by a search.

A server with `notify-keyspace-events` class `n` announces each key as it is made. Class `n`
is off by default and an announcement is lost with its connection, so all keys are searched
at the start and now and then in any case.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, cast

from redis.asyncio import Redis

from fanwire.core.keys import Keys, Topic
from shared.redis.owned_connection import OwnedConnection

SCAN_COUNT: Final = 1_000
"""Redis' default of 10 would take a hundred times the trips through a large keyspace."""


class Discovery:
    """Calls `on_found` with every topic, perhaps more than once with the same one."""

    def __init__(
        self,
        *,
        redis: Redis,
        connection: OwnedConnection,
        keys: Keys,
        sweep_ms: float,
        on_found: Callable[[Iterable[Topic]], None],
        on_swept: Callable[[], Awaitable[None]],
    ) -> None:
        self._redis = redis
        self._connection = connection
        self._keys = keys
        self._sweep_ms = sweep_ms
        self._on_found = on_found
        self._on_swept = on_swept
        self._is_listening = asyncio.Event()

    async def listen(self) -> None:
        """Hear of new keys until cancelled."""
        database = self._redis.connection_pool.connection_kwargs.get("db") or 0
        pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
        try:
            await pubsub.subscribe(f"__keyevent@{database}__:new")
            self._is_listening.set()
            async for message in pubsub.listen():
                self._report([message["data"]])
        finally:
            await cast(Any, pubsub).aclose()

    async def sweep(self) -> None:
        """Search all keys, again and again, until cancelled."""
        # A key made between a search and the subscription would be found by neither.
        await self._is_listening.wait()
        while True:
            await self._search()
            await self._on_swept()
            await asyncio.sleep(self._sweep_ms / 1000)

    async def _search(self) -> None:
        pattern = self._keys.events_pattern()
        cursor = b"0"
        while True:
            cursor, found = await self._connection.call(
                "SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT, "TYPE", "stream"
            )
            self._report(found)
            if cursor == b"0":
                return

    def _report(self, keys: Iterable[bytes]) -> None:
        topics = (self._keys.parse_events(key.decode(errors="replace")) for key in keys)
        self._on_found([topic for topic in topics if topic is not None])
