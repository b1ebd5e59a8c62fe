"""Updates between the socket and the app, bounded.

When the app does not keep up, `put` waits; the socket is then not read, and the pressure goes
back to the gateway, which knows what to hold back. Nothing is ever dropped here.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from fanwire.errors import RealtimeError
from fanwire.subscribe.session import Update


class Inbox:
    """One writer, one reader. Holds at most `max_count` updates and one frame more."""

    def __init__(self, max_count: int) -> None:
        self._max_count = max_count
        self._updates: deque[Update] = deque()
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()
        self._is_closed = False
        self._is_awaited = False
        self._error: RealtimeError | None = None

    def __len__(self) -> int:
        return len(self._updates)

    async def put(self, updates: Iterable[Update]) -> None:
        """Add updates, after waiting for room."""
        while len(self._updates) >= self._max_count:
            self._taken.clear()
            await self._taken.wait()
        self._updates.extend(updates)
        self._changed.set()

    async def pop(self) -> Update | None:
        """Return the next update, or None after the end.

        Raises:
            RealtimeError: What the end was, if it was a failure.
        """
        while not self._updates:
            if self._is_closed:
                if self._error is not None:
                    raise self._error
                return None
            await self._wait_for_change()
        self._taken.set()
        return self._updates.popleft()

    async def _wait_for_change(self) -> None:
        if self._is_awaited:
            raise RuntimeError("another task iterates over this subscriber; share its updates")
        self._is_awaited = True
        try:
            self._changed.clear()
            await self._changed.wait()
        finally:
            self._is_awaited = False

    def close(self, error: RealtimeError | None = None) -> None:
        """End the stream of updates; those already here can still be taken."""
        self._is_closed = True
        self._error = error
        self._changed.set()
