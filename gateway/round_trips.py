"""Redis calls of many coroutines, sent together.

While one pipeline is under way further calls pile up, and the next pipeline takes them all:
a call costs Redis and us about 30 µs instead of 250, and a storm of connects becomes a few
large round trips. Nothing is cancelled into a shared connection: a caller that gives up
leaves its reply to be read and dropped.

Bound: `max_queued` calls; a further one is refused with Overloaded, and its caller is told.
"""

import asyncio
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError, RedisError, ResponseError

from fanwire.errors import Overloaded
from shared.scripts import Argument, Script

Reply = object
MAX_CALLS_PER_TRIP: Final = 512
RETRY_AFTER_MS: Final = 1_000


class RedisUnavailable(Overloaded):
    """Redis did not answer; the call may or may not have been carried out."""

    def __init__(self, cause: object) -> None:
        super().__init__(f"Redis is not available: {cause}", retry_after_ms=RETRY_AFTER_MS)


class WrongType(RedisUnavailable):
    """A key holds another type than ours: somebody else wrote it. Other keys are not affected."""


class RoundTrips:
    """Calls on one connection; `run` must be running for any of them to be answered."""

    def __init__(self, redis: Redis, *, max_queued: int = 20_000) -> None:
        self._redis = redis
        self._max_queued = max_queued
        self._queued: list[tuple[tuple[Argument, ...], asyncio.Future[Reply]]] = []
        self._wake = asyncio.Event()

    def call(self, *command: Argument) -> asyncio.Future[Reply]:
        """Queue a command and return its reply to come, as RESP2 gives it.

        The reply raises RedisUnavailable where Redis refuses or is gone, WrongType where the
        key is to blame, NoScriptError where a script must be loaded first.
        """
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if len(self._queued) >= self._max_queued:
            reply.set_exception(RedisUnavailable(f"{self._max_queued} calls are waiting"))
        else:
            self._queued.append((command, reply))
            self._wake.set()
        return reply

    def tell(self, *command: Argument) -> None:
        """Queue a command whose failure nobody acts on."""
        self.call(*command).add_done_callback(_retrieved)

    async def run_script(self, script: Script, keys: list[str], arguments: list[Argument]) -> Reply:
        """Run a Lua script, loading it where the server does not know it yet."""
        try:
            return await self.call("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def run(self) -> None:
        """Carry out calls until cancelled."""
        while True:
            await self._wake.wait()
            trip = self._queued[:MAX_CALLS_PER_TRIP]
            del self._queued[:MAX_CALLS_PER_TRIP]
            if not self._queued:
                self._wake.clear()
            await self._carry_out(trip)

    async def _carry_out(
        self, trip: list[tuple[tuple[Argument, ...], asyncio.Future[Reply]]]
    ) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for command, _ in trip:
            pipeline.execute_command(*command)
        replies: list[Reply]
        try:
            replies = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            replies = [error] * len(trip)
        for (_, reply), value in zip(trip, replies, strict=True):
            _settle(reply, value)


def _settle(reply: asyncio.Future[Reply], value: Reply) -> None:
    if reply.done():
        return  # its caller gave up
    if isinstance(value, Exception):
        reply.set_exception(_refusal(value))
    else:
        reply.set_result(value)


def _refusal(error: Exception) -> Exception:
    if isinstance(error, NoScriptError):
        return error
    # redis-py takes the code off some errors and leaves it on others, this one among them.
    if isinstance(error, ResponseError) and str(error).startswith("WRONGTYPE"):
        return WrongType(error)
    return RedisUnavailable(error)


def _retrieved(reply: asyncio.Future[Reply]) -> None:
    if not reply.cancelled():
        reply.exception()
