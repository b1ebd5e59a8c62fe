"""Tells what this worker does, for those who look at the cluster from outside.

Nothing depends on it: who lives is decided by `fanout:workers` and the leases. A worker that was
killed leaves its field behind, and any other one removes it.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from fanwire.core.heartbeats import WorkerHeartbeat, encode_beat
from fanwire.core.keys import Keys
from shared.redis.owned_connection import OwnedConnection

BEAT_S: Final = 2.0
"""Short enough for a display to look alive, long enough to cost Redis nothing."""

BEATS_PER_CLEARING: Final = 30
"""Once a minute: what a dead worker left behind does no harm until then."""


class HeartbeatWriter:
    """This worker's field in `fanout:nodes`; `run` must be running."""

    def __init__(
        self,
        connection: OwnedConnection,
        *,
        keys: Keys,
        worker: str,
        heartbeat: Callable[[], WorkerHeartbeat],
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._worker = worker
        self._heartbeat = heartbeat

    async def run(self) -> None:
        """Beat until cancelled."""
        beats = 0
        while True:
            beat = encode_beat(self._heartbeat())
            await self._connection.call("HSET", self._keys.worker_nodes(), self._worker, beat)
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
