"""Reads again what changed: soon when it is marked, and now and then whatever a poll finds.

Marks that come while a read is under way are served together by the next one. What a read that
failed was to bring stays marked, and is read with the next mark or poll. So a mark may get lost,
and an outage may last, and in the end everything is as fresh as the last poll.

Rejected: a pause after a failed read. The poll is that pause already.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Set
from typing import Generic, TypeVar

from redis.exceptions import RedisError

from fanwire.errors import RealtimeError
from shared.logs import logger

log = logger()
K = TypeVar("K")


class Refresher(Generic[K]):
    """Calls `refresh` with what is marked, and marks what `poll` returns; `run` must be running.

    A failure is logged as `failed`.
    """

    def __init__(
        self,
        refresh: Callable[[Set[K]], Awaitable[None]],
        poll: Callable[[], Awaitable[Iterable[K]]],
        *,
        poll_ms: float,
        failed: str,
    ) -> None:
        self._refresh = refresh
        self._poll = poll
        self._poll_ms = poll_ms
        self._failed = failed
        self._marked: set[K] = set()
        self._wake = asyncio.Event()

    def mark(self, *keys: K) -> None:
        """Have these refreshed soon."""
        self._marked.update(keys)
        self._wake.set()

    async def run(self) -> None:
        """Refresh and poll until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._poll_turns())

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            marked, self._marked = self._marked, set()
            try:
                await self._refresh(marked)
            except (RealtimeError, RedisError, OSError) as error:
                log.warning(self._failed, cause=str(error), count=len(marked))
                self._marked |= marked

    async def _poll_turns(self) -> None:
        # On a time of its own: marks that never pause must not put it off for other keys.
        while True:
            await asyncio.sleep(self._poll_ms / 1000)
            try:
                self._marked.update(await self._poll())
            except (RealtimeError, RedisError, OSError) as error:
                log.warning(self._failed, cause=str(error))
            if self._marked:  # also by what failed before
                self._wake.set()
