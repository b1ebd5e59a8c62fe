"""Concurrent publishes that leave together.

One connection, and one round trip at a time: what is published meanwhile waits, and the next trip
takes all of it, up to CHUNK_COUNT. The first that waits sends for all; if its caller gives up, the
events of the others are sent again by the next of them. They have ids, so the worker drops what
comes twice.

Rejected: a task that sends. It would need an owner, and a publisher may be used without
`async with`.
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fanwire.errors import NotReplicated, RealtimeError, Unreachable
from fanwire.publish.new_event import Outgoing
from fanwire.publish.plan import CHUNK_COUNT

Write = Callable[[Sequence[Outgoing]], Awaitable[list[str]]]


@dataclass(eq=False, slots=True)
class _Waiting:
    event: Outgoing
    outcome: str | RealtimeError | None = None


class JoinedPublishes:
    """The publishes of one event loop, which take turns at `write`."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._turn = asyncio.Lock()
        self._waiting: list[_Waiting] = []

    async def publish(self, event: Outgoing) -> str:
        """Write an event together with what else waits; return its entry id, or raise its error."""
        mine = _Waiting(event)
        self._waiting.append(mine)
        try:
            # Turns come in the order of arrival: a caller not served yet is among the first.
            async with self._turn:
                if mine.outcome is None:
                    await self._send_next()
        finally:
            if mine.outcome is None:
                self._waiting.remove(mine)
        if isinstance(mine.outcome, RealtimeError):
            raise mine.outcome
        assert mine.outcome is not None
        return mine.outcome

    async def publish_together(self, events: Sequence[Outgoing]) -> list[str]:
        """Write events in one turn of their own, all of which fail together."""
        async with self._turn:
            return await self._write(events)

    async def _send_next(self) -> None:
        batch = self._waiting[:CHUNK_COUNT]
        del self._waiting[:CHUNK_COUNT]
        try:
            await self._settle(batch)
        finally:
            self._waiting[:0] = [each for each in batch if each.outcome is None]

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        try:
            entry_ids = await self._write([each.event for each in batch])
        except RealtimeError as error:
            await self._settle_failed(batch, error)
        else:
            for each, entry_id in zip(batch, entry_ids, strict=True):
                each.outcome = entry_id

    async def _settle_failed(self, batch: Sequence[_Waiting], error: RealtimeError) -> None:
        if not isinstance(error, NotReplicated):
            for each, entry_id in zip(batch, error.entry_ids, strict=False):
                each.outcome = entry_id
        rest = [each for each in batch if each.outcome is None]
        topics = {each.event.topic for each in rest}
        if len(topics) > 1 and not isinstance(error, NotReplicated | Unreachable):
            # One topic is full or its key is taken; the others have nothing to do with it.
            for topic in topics:
                await self._settle([each for each in rest if each.event.topic == topic])
        else:
            for each in rest:
                each.outcome = _own(error)


def _own(error: RealtimeError) -> RealtimeError:
    # Raised in several tasks, one exception would collect the traceback of each.
    mine = copy.copy(error)
    mine.entry_ids = ()
    return mine
