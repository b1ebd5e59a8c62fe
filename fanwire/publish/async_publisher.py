"""Publish events from asyncio code. What happens, and why, is in plan.py beside this."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Self, Unpack

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from fanwire.core.clock import now_ms
from fanwire.core.keys import Keys
from fanwire.errors import RealtimeError
from fanwire.publish.calls import (
    REDIS_OPTIONS,
    Deadline,
    EventTexts,
    checked,
    pause_s,
    portions,
    translated,
)
from fanwire.publish.joined import JoinedPublishes
from fanwire.publish.new_event import NewEvent, Outgoing
from fanwire.publish.plan import (
    Pause,
    Plan,
    Published,
    PublishLimits,
    PublishPlans,
    Reply,
    Send,
    advance,
)
from fanwire.publish.tracing import sending
from fanwire.redis.clients import async_client
from fanwire.redis.errors import as_realtime_error


class AsyncPublisher:
    """Writes events to Redis; safe to share between tasks. `close` ends its connections."""

    def __init__(
        self,
        client: redis.asyncio.Redis,
        *,
        key_prefix: str = "",
        limits: PublishLimits | None = None,
    ) -> None:
        self._redis = client
        self._limits = PublishLimits() if limits is None else limits
        self._plans = PublishPlans(Keys(key_prefix), self._limits)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._joined = JoinedPublishes(self._write)

    @classmethod
    def from_url(
        cls, url: str, *, key_prefix: str = "", limits: PublishLimits | None = None
    ) -> Self:
        """Return a publisher with a client of its own.

        The client does not retry by itself: two layers of retries would multiply.
        """
        client = async_client(url, retry=Retry(NoBackoff(), 0), **REDIS_OPTIONS)
        return cls(client, key_prefix=key_prefix, limits=limits)

    async def publish(
        self,
        org: str,
        service: str,
        data: object,
        *,
        timeout_s: float | None = None,
        **texts: Unpack[EventTexts],
    ) -> str:
        """Publish one event and return its entry id, within `timeout_s` if it is given.

        Any number of tasks may publish at once: what is published while a round trip is under way
        leaves together in the next one.

        Raises:
            InvalidId, InvalidEvent: If the worker would set the event aside; nothing is sent.
            Busy: If too many events of the topic are unread; nothing is written.
            NotReplicated: If level `repl` is asked for and too few replicas confirmed.
            Unreachable: If Redis did not answer; the event may have been written.
            RuntimeError: If the publisher is in use in another event loop; nothing is sent.
        """
        self._check_loop()
        event = NewEvent(org, service, data, **texts)
        with sending([event]) as span:
            [outgoing] = checked([event], span.traceparent)
            async with _within(Deadline(timeout_s)):
                entry_id = await self._joined.publish(outgoing)
            return span.sent([entry_id])[0]

    async def publish_many(
        self, events: Iterable[NewEvent], *, timeout_s: float | None = None
    ) -> list[str]:
        """Publish events in order, many per round trip, and return their entry ids.

        Raises what `publish` raises. The error's `entry_ids` are then those of the events that were
        written, in order, with None for one of which that is not known; what lies behind them was
        not sent.
        """
        self._check_loop()
        deadline = Deadline(timeout_s)
        entry_ids: list[str] = []
        try:
            for portion in portions(events):
                with sending(portion) as span:
                    outgoing = checked(portion, span.traceparent)
                    async with _within(deadline):
                        entry_ids += span.sent(await self._joined.publish_together(outgoing))
        except RealtimeError as error:
            error.entry_ids = (*entry_ids, *error.entry_ids)
            raise
        return entry_ids

    async def close(self) -> None:
        """Close the connections to Redis. A publish afterwards connects again, in any loop."""
        await self._redis.aclose()
        self._loop = None
        self._joined = JoinedPublishes(self._write)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _check_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            # Its connection belongs to that loop: the answer could not be read in this one.
            raise RuntimeError(
                "this AsyncPublisher is in use in another event loop; "
                "make one for each loop, or close it there first"
            )

    async def _write(self, events: Sequence[Outgoing]) -> list[str]:
        return await self._perform(self._plans.publish(events, now_ms=now_ms()))

    async def _perform(self, plan: Plan) -> list[str]:
        step = advance(plan, None)
        while not isinstance(step, Published):
            step = advance(plan, await self._outcome(step))
        return step.entry_ids

    async def _outcome(self, step: Send | Pause) -> Sequence[Reply] | RealtimeError:
        if isinstance(step, Pause):
            await asyncio.sleep(pause_s(step, self._limits.backoff))
            return ()
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for command in step.commands:
                    pipeline.execute_command(*command)
                return translated(await pipeline.execute(raise_on_error=False))
        except (redis.RedisError, OSError) as error:
            return as_realtime_error(error)


@asynccontextmanager
async def _within(deadline: Deadline) -> AsyncIterator[None]:
    if deadline.left_s == 0:
        raise deadline.missed()
    try:
        async with asyncio.timeout(deadline.left_s):
            yield
    except TimeoutError:
        raise deadline.missed() from None
