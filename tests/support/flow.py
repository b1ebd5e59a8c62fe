"""A publisher that goes on while a test does something else."""

import asyncio
from collections.abc import Sequence
from typing import Any, Self

from redis.exceptions import RedisError

from tests.support.tenant import Tenant
from tests.support.waiting import eventually


class Flow:
    """Publishes 0, 1, 2, … to each service, until its `async with` block is left.

    An event whose reply was lost is published again under the same `eventId`, as an honest
    publisher does; `count` is how many were accepted.
    """

    def __init__(self, tenant: Tenant, *services: str, per_s: int = 500, burst: int = 1) -> None:
        self.count = 0
        self._tenant = tenant
        self._services: Sequence[str] = services
        self._burst = burst
        self._every_s = burst / per_s
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._stop.set()
        assert self._task is not None
        if failure is not None:
            self._task.cancel()  # Redis may be away, and would be waited for
        await asyncio.gather(self._task, return_exceptions=failure is not None)

    async def more(self, count: int, timeout_s: float = 15) -> None:
        """Return when so many more were accepted."""
        wanted = self.count + count
        await eventually(lambda: self.count >= wanted, timeout_s)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self._stop.is_set():
            await self._publish(range(self.count, self.count + self._burst))
            self.count += self._burst
            due = max(due + self._every_s, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def _publish(self, numbers: range) -> None:
        todo: Any = [(service, n) for service in self._services for n in numbers]
        while todo:
            todo = await self._try(todo)
            if todo:
                await asyncio.sleep(0.05)

    async def _try(self, todo: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Publish in this order and return what must be tried again."""
        pipe = self._tenant.redis.pipeline(transaction=False)
        for service, n in todo:
            key = self._tenant.keys.events(self._tenant.topic(service))
            pipe.xadd(key, {"data": f'{{"n":{n}}}', "eventId": f"{self._tenant.org}:{n}"})
        try:
            replies = await pipe.execute(raise_on_error=False)
        except (RedisError, OSError):
            return todo
        failed = [n for n, reply in enumerate(replies) if isinstance(reply, Exception)]
        # From the first failure on: what follows must not overtake it.
        return todo[failed[0] :] if failed else []
