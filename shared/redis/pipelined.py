"""Redis calls of many coroutines, sent together.

While one trip is under way further calls pile up, and the next trip takes them all: a call
costs Redis and us a few µs instead of 250, and a storm of connects becomes a few large round
trips. Nothing is cancelled into the connection: a caller that gives up leaves its reply to
be read and dropped.

All trips go over one connection. When it is lost, every call on it fails, since it is
unknown which were carried out; a new one is opened with full jitter, because all gateways lost
the old one together. Once opening failed, calls are refused at once until it succeeds: a
caller that would wait for an absent server holds a socket that could be told.

A failover may move an address to another server and close no connection. So a refusal as a replica
gives it ends the connection, and a new one is only used if a primary answers: until then Redis
counts as away.

Bound: `max_queued` calls; a further one is refused with Overloaded, and its caller is told.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import (
    MasterDownError,
    MovedError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from fanwire.core.backoff import backoff_ms
from fanwire.errors import Overloaded
from shared.redis.client import RECONNECT
from shared.redis.error_reply import error_text
from shared.redis.owned_connection import Command, OwnedConnection
from shared.redis.presence import RedisPresence
from shared.redis.scripts import Argument, Script

Reply = object
Call = tuple[Command, asyncio.Future[Reply]]

MAX_CALLS_PER_TRIP: Final = 512
"""A trip of 100 calls takes 0.7 ms of CPU (measured): the loop is free again within 4 ms."""

RETRY_AFTER_MS: Final = 1_000
"""The longest wait between attempts to connect (backoff_ms)."""


_SAID_BY_REPLICAS: Final = (ReadOnlyError, MasterDownError, MovedError)
"""By a server that was demoted, that lost its primary, or whose slots went elsewhere."""


class RedisUnavailable(Overloaded):
    """Redis did not answer; the call may or may not have been carried out."""

    def __init__(self, cause: object) -> None:
        super().__init__(f"Redis is not available: {cause}", retry_after_ms=RETRY_AFTER_MS)


class WrongType(RedisUnavailable):
    """A key holds another type than ours: somebody else wrote it. Other keys are not affected."""


class PipelinedRedis:
    """Calls on one connection; `run` must be running for any of them to be answered."""

    def __init__(
        self,
        redis: Redis,
        *,
        # A call for each socket of a full gateway: all may reconnect at once.
        max_queued: int = 20_000,
        open_connection: Callable[[Redis], Awaitable[OwnedConnection]] = OwnedConnection.open,
        presence: RedisPresence | None = None,
        name: str = "calls",
    ) -> None:
        self._redis = redis
        self._max_queued = max_queued
        self._open_connection = open_connection
        self._presence = presence or RedisPresence()
        self._name = name
        self._queued: list[Call] = []
        self._wake = asyncio.Event()
        self._attempt = 0
        self._outage: object = None
        """Why no call can be carried out; None while nothing speaks against it."""
        self._is_doubted = False
        self.on_demoted: list[Callable[[], None]] = []
        """Called when the server turns out to be no primary any more."""

    def call(self, *command: Argument) -> asyncio.Future[Reply]:
        """Queue a command and return its reply to come, as RESP3 gives it.

        The reply raises RedisUnavailable where Redis refuses or is gone, WrongType where the
        key is to blame, NoScriptError where a script must be loaded first.
        """
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self._outage is not None:
            reply.set_exception(RedisUnavailable(self._outage))
        elif len(self._queued) >= self._max_queued:
            reply.set_exception(RedisUnavailable(f"{self._max_queued} calls are waiting"))
        else:
            self._queued.append((command, reply))
            self._wake.set()
        return reply

    async def run_script(self, script: Script, keys: list[str], arguments: list[Argument]) -> Reply:
        """Run a Lua script, loading it where the server does not know it yet."""
        try:
            return await self.call("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def run(self) -> None:
        """Carry out calls until cancelled; then those that wait are refused, and all later ones."""
        try:
            while True:
                await self._wake.wait()
                if (connection := await self._connect()) is not None:
                    await self._use(connection)
                await asyncio.sleep(backoff_ms(self._attempt, random.random(), RECONNECT) / 1000)
                self._attempt += 1
        finally:
            self._refuse_all("the gateway is stopping")

    async def _connect(self) -> OwnedConnection | None:
        self._is_doubted = False
        try:
            connection = await self._open_connection(self._redis)
            await _check_is_primary(connection)
        except (RedisError, OSError) as error:
            self._presence.lost(self._name, error)
            self._refuse_all(error)
            self._wake.set()  # no call waits any more, and the next attempt must be made
            return None
        self._outage = None
        self._presence.restored(self._name)
        return connection

    async def _use(self, connection: OwnedConnection) -> None:
        """Carry out calls until the connection is lost."""
        try:
            while True:
                trip = await self._next_trip()
                if (lost_by := await self._carry_out(connection, trip)) is not None:
                    self._presence.lost(self._name, lost_by)
                    # Without waiting for a call: this alone finds out when Redis is back.
                    self._wake.set()
                    return
                self._attempt = 0
        finally:
            await connection.aclose()

    def doubt(self) -> None:
        """Connect again before the next call: the server may be no primary any more."""
        self._is_doubted = True
        self._wake.set()

    async def _carry_out(
        self, connection: OwnedConnection, trip: Sequence[Call]
    ) -> Exception | None:
        """Settle every call of the trip; return by what the connection was lost, if it was."""
        if self._is_doubted:
            self._queued[:0] = trip
            return RedisConnectionError("another connection met a replica")
        lost_by = await _settle(connection, trip)
        if isinstance(lost_by, ResponseError):
            for on_demoted in self.on_demoted:
                on_demoted()
        return lost_by

    async def _next_trip(self) -> list[Call]:
        while not (self._queued or self._is_doubted):
            self._wake.clear()
            await self._wake.wait()
        trip = self._queued[:MAX_CALLS_PER_TRIP]
        del self._queued[:MAX_CALLS_PER_TRIP]
        return trip

    def _refuse_all(self, cause: object) -> None:
        self._outage = cause
        waiting, self._queued = self._queued, []
        _refuse(waiting, cause)


async def _check_is_primary(connection: OwnedConnection) -> None:
    try:
        info: bytes = await connection.call("INFO", "replication")
        if b"role:master" not in info:
            raise ReadOnlyError("a replica answers at the address of the primary")
    except BaseException:
        await connection.aclose()
        raise


async def _settle(connection: OwnedConnection, trip: Sequence[Call]) -> Exception | None:
    """Settle every call; return the error of a connection that is not to be used again."""
    try:
        replies = await connection.call_all([command for command, _ in trip])
    except (RedisError, OSError) as error:
        _refuse(trip, error)
        return error
    except BaseException:
        _refuse(trip, "the gateway is stopping")
        raise
    demoted: Exception | None = None
    for (_, reply), value in zip(trip, replies, strict=True):
        if isinstance(value, _SAID_BY_REPLICAS):
            demoted = value
        if reply.done():
            continue  # its caller gave up
        if isinstance(value, Exception):
            reply.set_exception(_refusal(value))
        else:
            reply.set_result(value)
    return demoted


def _refuse(calls: Sequence[Call], cause: object) -> None:
    for _, reply in calls:
        if not reply.done():
            reply.set_exception(RedisUnavailable(cause))


def _refusal(error: Exception) -> Exception:
    if isinstance(error, NoScriptError):
        return error
    if isinstance(error, ResponseError) and error_text(error).startswith("WRONGTYPE"):
        return WrongType(error)
    return RedisUnavailable(error)
