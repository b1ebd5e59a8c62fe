"""One term: from connecting to Redis until anything about that connection is in doubt.

All that a worker believes about topics, leases and cursors was learnt through one
connection and is worth as much as it. So nothing is mended: the first loss or refusal ends
the term, every task of it ends with it, and the next term learns everything again. What was
read and not committed lies behind the cursor and is read again.
"""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

from redis.asyncio import Redis

from fanout.commit.committer import COMMIT_BATCH, Committer
from fanout.commit.limits import CommitLimits
from fanout.commit.telemetry import CommitTelemetry
from fanout.counters import WorkerCounters
from fanout.heartbeat import HeartbeatWriter
from fanout.input.gaps import InputGaps
from fanout.input.reader import InputReader
from fanout.input.sorter import InputSorter
from fanout.ownership.discovery import Discovery
from fanout.ownership.lease_store import BEAT_WORKER, RENEW_LEASE, LeaseStore
from fanout.ownership.leases import Leases, LeaseTimes
from fanout.ownership.opener import OPEN_TOPIC, Opener
from fanout.replay.keeper import ReplayKeeper
from fanout.topic.limits import TopicLimits
from fanout.topic.open_topic import OpenTopic
from fanout.topic.refusals import Refusal
from fanout.topic.topic_table import TopicTable
from fanwire.core.clock import now_ms, wall_ms
from fanwire.core.heartbeats import WorkerHeartbeat
from fanwire.core.keys import Keys, Topic
from shared.logs import logger
from shared.redis.client import connect
from shared.redis.owned_connection import OwnedConnection
from shared.redis.presence import RedisPresence
from shared.redis.server_clock import ServerClock

log = logger()

HAND_OVER_MS: Final = 250
"""Enough for the batches that are due; the next owner reads again what is left, and waits
meanwhile."""

REDIS_USER: Final = "term"

LAST_COMMITS_MS: Final = 1_000
"""Longer than a hand-over, since all topics leave at once; short beside any grace period."""

_SCRIPTS: Final = (COMMIT_BATCH, OPEN_TOPIC, RENEW_LEASE, BEAT_WORKER)


@dataclass(frozen=True, slots=True)
class RedisAccess:
    """Where Redis is, and how long it may take to answer."""

    url: str
    connect_timeout_ms: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """The bounds that the settings give to the rooms of a worker."""

    lease: LeaseTimes
    topic: TopicLimits
    commit: CommitLimits
    sweep_ms: int
    replay_budget_bytes: int | None
    """For the logs of all workers together."""


@dataclass(frozen=True, slots=True)
class TermPlan:
    """What all terms of a worker have in common."""

    worker: str
    redis: RedisAccess
    keys: Keys
    limits: WorkerLimits
    telemetry: CommitTelemetry


class Term:
    """Runs the parts of a worker on one connection; used once."""

    def __init__(
        self,
        plan: TermPlan,
        *,
        counters: WorkerCounters,
        known_epochs: dict[Topic, int],
        presence: RedisPresence,
        clock: ServerClock,
    ) -> None:
        self._plan = plan
        self._counters = counters
        self._presence = presence
        self._known_epochs = known_epochs
        self._clock = clock
        self.topic_table = TopicTable()
        self.is_ready = False
        """Whether the leases were asked for and all keys were searched once."""

    def server_ms(self) -> float:
        """Return the time by Redis' clock."""
        return self._clock.now_ms()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then commit what is open and give everything back.

        Raises:
            ExceptionGroup: Of Redis and connection errors: the term is over.
        """
        # The tasks end before the connections are closed under them.
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            redis = self._connect(stack)
            owned = await self._own(stack, redis)
            for script in _SCRIPTS:
                await owned.call("SCRIPT", "LOAD", script.text)
            self._presence.restored(REDIS_USER)
            committer = self._committer(owned)
            input_reader = self._input_reader(redis, tasks, committer)
            ownership = self._ownership(owned, committer)
            reader = await self._own(stack, redis)
            gaps = InputGaps(reader, on_suspected=partial(self._reopen, committer))
            discovery = self._discovery(redis, await self._own(stack, redis), gaps)
            opener = self._opener(reader, input_reader, committer, gaps)
            keeper = self._keeper(reader)
            heartbeat = self._heartbeat(reader)
            committing = tasks.create_task(committer.run())
            tending = tasks.create_task(ownership.run(stop))
            searching = [
                tasks.create_task(part())
                for part in (
                    opener.run,
                    keeper.run,
                    discovery.listen,
                    discovery.sweep,
                    heartbeat.run,
                )
            ]
            await stop.wait()
            for task in searching:
                task.cancel()
            input_reader.stop()
            # Not cancelled: a cancelled call would take the connection with it, and without
            # the connection nothing can be given back.
            await tending
            await committer.finish(list(self.topic_table.open.values()), within_ms=LAST_COMMITS_MS)
            committer.stop()
            await committing
            await ownership.leave()
            await heartbeat.leave(owned)

    def _connect(self, stack: AsyncExitStack) -> Redis:
        redis = connect(
            self._plan.redis.url,
            client_name=f"fanout-{self._plan.worker}",
            connect_timeout_ms=self._plan.redis.connect_timeout_ms,
            timeout_ms=None,  # what an owned connection asks for
        )
        stack.push_async_callback(redis.aclose)
        return redis

    async def _own(self, stack: AsyncExitStack, redis: Redis) -> OwnedConnection:
        connection = await OwnedConnection.open(redis, timeout_ms=self._plan.redis.timeout_ms)
        stack.push_async_callback(connection.aclose)
        return connection

    def _committer(self, owned: OwnedConnection) -> Committer:
        return Committer(
            owned,
            self._plan.limits.commit,
            clock=self._clock,
            counters=self._counters,
            telemetry=self._plan.telemetry,
            on_refused=self._on_refused,
        )

    def _input_reader(
        self, redis: Redis, tasks: asyncio.TaskGroup, committer: Committer
    ) -> InputReader:
        return InputReader(
            redis,
            tasks,
            InputSorter(self._counters),
            on_accepted=committer.schedule,
            on_wrong_type=partial(self._on_refused, refusal=Refusal.TOPIC, why="wrong type"),
        )

    def _ownership(self, owned: OwnedConnection, committer: Committer) -> Leases:
        async def empty(partitions: Collection[int]) -> None:
            await committer.finish(self.topic_table.open_in(partitions), within_ms=HAND_OVER_MS)

        return Leases(
            LeaseStore(owned, self._plan.keys, self._plan.worker),
            self._plan.limits.lease,
            topic_table=self.topic_table,
            clock=self._clock,
            counters=self._counters,
            empty=empty,
        )

    def _discovery(self, redis: Redis, connection: OwnedConnection, gaps: InputGaps) -> Discovery:
        return Discovery(
            redis=redis,
            connection=connection,
            keys=self._plan.keys,
            sweep_ms=self._plan.limits.sweep_ms,
            on_found=self.topic_table.found,
            on_swept=partial(self._on_swept, gaps),
        )

    def _opener(
        self,
        reader: OwnedConnection,
        input_reader: InputReader,
        committer: Committer,
        gaps: InputGaps,
    ) -> Opener:
        return Opener(
            reader,
            self._plan.limits.topic,
            keys=self._plan.keys,
            topic_table=self.topic_table,
            known_epochs=self._known_epochs,
            on_opened=partial(self._on_opened, input_reader, committer, gaps),
        )

    def _keeper(self, reader: OwnedConnection) -> ReplayKeeper:
        return ReplayKeeper(
            reader,
            topic_table=self.topic_table,
            clock=self._clock,
            counters=self._counters,
            budget_bytes=self._plan.limits.replay_budget_bytes,
        )

    def _heartbeat(self, reader: OwnedConnection) -> HeartbeatWriter:
        worker = self._plan.worker
        return HeartbeatWriter(reader, keys=self._plan.keys, worker=worker, heartbeat=self._beat)

    def _beat(self) -> WorkerHeartbeat:
        counters, table = self._counters, self.topic_table
        return WorkerHeartbeat(
            at_ms=int(wall_ms()),
            partitions=len(table.held),
            topics=len(table.open),
            events=counters.events,
            batches=counters.batches,
            dead=sum(counters.dead_by_reason.values()),
            pruned=sum(counters.pruned_by_tier.values()),
            uncommitted_bytes=sum(topic.uncommitted_bytes for topic in table.open.values()),
        )

    async def _on_opened(
        self,
        input_reader: InputReader,
        committer: Committer,
        gaps: InputGaps,
        topics: Sequence[OpenTopic],
    ) -> None:
        await gaps.look(topics)
        for topic in topics:
            committer.schedule(topic)
        input_reader.join(topics)

    async def _reopen(self, committer: Committer, topics: Sequence[OpenTopic]) -> None:
        # First what was read: it may be gone from the stream, and nowhere else to be had.
        await committer.finish(topics, within_ms=HAND_OVER_MS)
        for topic in topics:
            if not topic.is_closed:
                self.topic_table.reopen(topic)

    async def _on_swept(self, gaps: InputGaps) -> None:
        self.is_ready = True
        self.topic_table.try_again(now_ms=now_ms())
        for topic in self.topic_table.open.values():
            topic.forget_if_quiet(now_ms=now_ms(), server_ms=self._clock.now_ms())
        await gaps.look(list(self.topic_table.open.values()))

    def _on_refused(self, topic: OpenTopic, refusal: Refusal, why: str) -> None:
        if topic.is_closed:
            return
        if refusal is Refusal.STALE:
            log.warning("topic.stale", topic=str(topic.topic), why=why)
            self.topic_table.reopen(topic)
        else:
            self._counters.topics_set_aside += 1
            log.error("topic.set_aside", topic=str(topic.topic), why=why)
            self.topic_table.set_aside(topic.topic, now_ms=now_ms())
