"""Listening to one sharded channel of a real server."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from tests.support.waiting import eventually


@asynccontextmanager
async def heard_on(redis: Redis, channel: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Give what returns the next message; the server has confirmed that it is listened for."""
    pubsub: Any = redis.pubsub()
    await pubsub.ssubscribe(channel)

    async def next_of(kind: str) -> Any:
        message = await pubsub.get_message(timeout=0.1)
        return message["data"] if message and message["type"] == kind else None

    await eventually(lambda: next_of("ssubscribe"))

    async def heard() -> str:
        text: bytes = await eventually(lambda: next_of("smessage"))
        return text.decode()

    try:
        yield heard
    finally:
        await pubsub.aclose()
