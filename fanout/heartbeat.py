"""Tells what this worker does, for whoever looks at the cluster from outside.

Nothing depends on it: who lives is decided by `fanout:workers` and the leases. A worker that was
killed leaves its field behind, and any other one removes it.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from fanwire.core.keys import Keys
from shared.redis.owned_connection import OwnedConnection

BEAT_S: Final = 2.0
BEATS_PER_CLEARING: Final = 30


class WorkerHeartbeat:
    """This worker's field in `fanout:nodes`; `run` must be running."""

    def __init__(
        self,
        connection: OwnedConnection,
        *,
        keys: Keys,
        worker: str,
        state: Callable[[], dict[str, object]],
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._worker = worker
        self._state = state

    async def run(self) -> None:
        """Beat until cancelled."""
        beats = 0
        while True:
            at_ms = int(time.time() * 1000)  # noqa: TID251 (compared by other machines)
            state = orjson.dumps({"atMs": at_ms, **self._state()})
            await self._connection.call("HSET", self._keys.worker_nodes(), self._worker, state)
            if beats % BEATS_PER_CLEARING == 0:
                await self._clear_up()
            beats += 1
            await asyncio.sleep(BEAT_S)

    async def leave(self, connection: OwnedConnection) -> None:
        """Take this worker's field away, after `run` was cancelled at an ordered stop.

        On another connection: a beat that was cancelled on its way has cost `run` its own.
        """
        await connection.call("HDEL", self._keys.worker_nodes(), self._worker)

    async def _clear_up(self) -> None:
        fields: list[Any] = await self._connection.call("HKEYS", self._keys.worker_nodes())
        living: list[Any] = await self._connection.call("ZRANGE", self._keys.workers(), 0, -1)
        if gone := sorted({*fields} - {*living, self._worker.encode()}):
            await self._connection.call("HDEL", self._keys.worker_nodes(), *gone)
