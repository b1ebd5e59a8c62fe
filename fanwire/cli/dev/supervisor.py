"""The processes of a stack, and a watch over each.

A server that dies is started again, as an orchestrator would, so that killing one shows what
its clients do. One that dies young would only die again: it ends the stack, and so does one
that is not to be started again, such as a Redis whose data would be gone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final

from fanwire.cli.dev.child import Child, ChildDied, start_child
from fanwire.cli.dev.plan import CHECKOUT

YOUNG_S: Final = 5.0
"""Twice what a start takes: who dies sooner did not get to its work."""

OnLine = Callable[[str, str], None]
OnDeath = Callable[[ChildDied], None]


class Supervisor:
    """Starts processes as long as its task group lives; stopping them is its owner's part."""

    def __init__(self, tasks: asyncio.TaskGroup, on_line: OnLine, on_death: OnDeath) -> None:
        self._tasks = tasks
        self._on_line = on_line
        self._on_death = on_death
        self._watches: list[asyncio.Task[None]] = []
        self.children: dict[str, Child] = {}

    async def start(
        self, name: str, command: Sequence[str], env: Mapping[str, str], *, restart: bool
    ) -> None:
        """Start a process and watch over it."""
        start = partial(start_child, name, command, env=env, cwd=CHECKOUT)
        self.children[name] = await start()
        self._watches.append(self._tasks.create_task(self._watch(name, start, restart=restart)))

    def dismiss(self) -> None:
        """Stop watching: from here on an end is what is wanted."""
        for watch in self._watches:
            watch.cancel()

    async def _watch(
        self, name: str, start: Callable[[], Awaitable[Child]], *, restart: bool
    ) -> None:
        while True:
            started_at_s = time.monotonic()
            try:
                await self.children[name].watch(self._on_line)
            except ChildDied as death:
                if not restart or time.monotonic() - started_at_s < YOUNG_S:
                    raise
                self._on_death(death)
            self.children[name] = await start()


def first_of(group: ExceptionGroup[Exception]) -> Exception:
    """Return the first cause: one part's end ends the others, and only it is worth showing."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, ExceptionGroup) else first
