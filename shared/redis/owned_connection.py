"""One connection to Redis that is never replaced by another.

What was owned through a connection is in doubt once it is lost, so after its first loss
every further call raises. A cancelled call loses the connection as well: its reply may
still be on the way and would be taken for the next one's.

The client must be one of `shared.redis.client.connect`, whose connections let a cancelled caller
go. The timeout is ours, around the whole call and all its replies.

Rejected: a client of redis-py with `single_connection_client`. Its pipelines take another
connection from the pool all the same, and it connects again without a word.
"""

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Final, Self, cast

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.redis.scripts import Argument, Script

Command = tuple[Argument, ...]

DEFAULT_TIMEOUT_MS: Final = 5_000
"""REALTIME_REDIS_TIMEOUT_MS by default, for a client that was made without one."""


class OwnedConnection:
    """A connection whose calls run one after the other."""

    def __init__(self, redis: Redis, connection: AbstractConnection, *, timeout_ms: float) -> None:
        self._redis = redis
        self._connection = connection
        self._timeout_s = timeout_ms / 1000
        self._turn = asyncio.Lock()
        self._is_lost = False

    @classmethod
    async def open(cls, redis: Redis, *, timeout_ms: float | None = None) -> Self:
        """Take a connection out of the pool of `redis`; close it with `aclose()`.

        Its calls may take the client's socket timeout unless told otherwise.
        """
        if timeout_ms is None:
            timeout_s = redis.connection_pool.connection_kwargs.get("socket_timeout")
            timeout_ms = DEFAULT_TIMEOUT_MS if timeout_s is None else timeout_s * 1000
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                connection = await cast(Any, redis.connection_pool).get_connection()
        except TimeoutError:
            raise RedisTimeoutError(f"no connection within {timeout_ms:g} ms") from None
        return cls(redis, connection, timeout_ms=timeout_ms)

    async def call(self, *command: Argument) -> Any:
        """Run one command and return its raw reply; an error reply is raised."""
        (reply,) = await self.call_all([command])
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    async def call_all(self, commands: Sequence[Command]) -> list[Any]:
        """Run commands in one round trip; an error reply stands among the replies.

        Raises:
            redis.exceptions.ConnectionError: If the connection is lost, now or before.
            redis.exceptions.TimeoutError: If Redis did not answer in time.
        """
        async with self._turn:
            if self._is_lost:
                raise RedisConnectionError("the owned connection was lost before")
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._exchange(commands)
            except TimeoutError:
                await self._lose()
                raise RedisTimeoutError(f"no answer within {self._timeout_s:g} s") from None
            except BaseException:
                await self._lose()
                raise

    async def aclose(self) -> None:
        """Give the connection up."""
        if not self._is_lost:
            await self._lose()

    async def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        connection = self._connection
        await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        return [await self._read_reply() for _ in commands]

    async def _read_reply(self) -> Any:
        try:
            return await self._connection.read_response(timeout=math.inf)
        except ResponseError as error:
            return error

    async def _lose(self) -> None:
        self._is_lost = True
        await self._connection.disconnect(nowait=True)
        await self._redis.connection_pool.release(self._connection)


def script_call(script: Script, keys: Sequence[str], args: Sequence[Argument] = ()) -> Command:
    """Return the command that runs a script which the server knows."""
    return ("EVALSHA", script.sha, len(keys), *keys, *args)
