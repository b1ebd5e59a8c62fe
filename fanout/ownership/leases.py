"""Which partitions this worker holds: heartbeat, leases, hand-over.

Workers share the partitions by a ranking that all of them compute alike; the lease keeps a
partition with its holder until it is given back or the holder died. A partition that moves
is emptied before its lease is given back, so that the next owner starts from a clean cursor.

The lease is for liveness alone: a worker that was paused past its lease may still commit,
and it is the commit's own check that refuses it. So no clock is compared here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from fanout.counters import WorkerCounters
from fanout.ownership.lease_store import LeaseStore
from fanout.ownership.rendezvous import partitions_of
from fanout.topic.topic_table import TopicTable
from fanwire.core.clock import now_ms
from shared.logs import logger
from shared.redis.server_clock import ServerClock
from shared.runtime import stopped_within

log = logger()

BEAT_MS: Final = 500
"""Half of FANOUT_LEASE_RENEW_MS by default: by so much may a renewal be late."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """For how long leases are asked for, and how often they are renewed."""

    lease_ms: int
    renew_ms: int


class Leases:
    """Keeps the topic table's held partitions as they should be."""

    def __init__(
        self,
        store: LeaseStore,
        times: LeaseTimes,
        *,
        topic_table: TopicTable,
        clock: ServerClock,
        counters: WorkerCounters,
        empty: Callable[[Collection[int]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._times = times
        self._topic_table = topic_table
        self._clock = clock
        self._counters = counters
        self._empty = empty
        self._members: frozenset[str] = frozenset()
        self._wanted: frozenset[int] = frozenset()
        self._renewed_at_ms = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Hold what is this worker's until `stop`; then it is still held: see `leave`."""
        await self.tend()
        while not await stopped_within(stop, BEAT_MS):
            await self.tend()

    async def tend(self) -> None:
        """Beat once; give back what moved away, renew what is due, take what is missing."""
        await self._beat(self._times.lease_ms)
        if moved := self._topic_table.held - self._wanted:
            await self._hand_over(moved)
        asked = self._wanted - self._topic_table.held
        if now_ms() - self._renewed_at_ms >= self._times.renew_ms:
            self._renewed_at_ms = now_ms()
            asked |= self._topic_table.held
        if asked:
            await self._ask_for(sorted(asked))

    async def leave(self) -> None:
        """Give everything back at once, so that others need not wait for the lease to end."""
        held = sorted(self._topic_table.held)
        self._topic_table.let_go(held)
        await self._store.lease(held, 0)
        await self._beat(0)
        log.info("fanout.released", partitions=len(held), why="stopping")

    async def _beat(self, lease_ms: int) -> None:
        living = await self._store.beat(lease_ms)
        self._clock.set(living.server_ms)
        if living.names != self._members:
            self._members = living.names
            self._wanted = partitions_of(self._store.worker, living.names)
            log.info("fanout.members", workers=sorted(living.names))
            self._warn_of_twins()

    def _warn_of_twins(self) -> None:
        name = self._store.worker.partition("~")[0]
        twins = [m for m in self._members - {self._store.worker} if m.partition("~")[0] == name]
        if twins:
            # Harmless to leases, which carry the suffix; but logs and metrics would mix two up.
            # One that died a moment ago shows up here as well, until its heartbeat lapses.
            log.warning("fanout.name_shared", name=name, twins=sorted(twins))

    async def _ask_for(self, partitions: Sequence[int]) -> None:
        got = await self._store.lease(partitions, self._times.lease_ms)
        if lost := (set(partitions) - got) & self._topic_table.held:
            self._counters.partitions_lost += len(lost)
            self._topic_table.let_go(lost)
            log.warning("fanout.lost", partitions=len(lost))
        if taken := got - self._topic_table.held:
            self._counters.partitions_taken += len(taken)
            self._topic_table.hold(taken)
            log.info("fanout.took_over", partitions=len(taken))

    async def _hand_over(self, partitions: Collection[int]) -> None:
        await self._empty(partitions)
        self._topic_table.let_go(partitions)
        await self._store.lease(sorted(partitions), 0)
        log.info("fanout.released", partitions=len(partitions), why="moved")
