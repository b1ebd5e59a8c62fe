"""Sends due batches to Redis and takes in what it answers.

What is due leaves in one round trip, the highest tier first, one batch per topic: the next one
of a topic needs the cursor that this one sets. A turn is bounded and shared fairly between orgs
(fanout/commit/fairness.py); the rest stays due. So a burst holds up neither the lease renewals
on the same connection nor the events of quiet orgs.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from redis.exceptions import ResponseError

from fanout.commit.deadlines import DeadlineQueue
from fanout.commit.fairness import FairTurns
from fanout.commit.limits import CommitLimits
from fanout.commit.pressure import pruned_tiers
from fanout.commit.spans import CommitSpan
from fanout.commit.telemetry import CommitTelemetry
from fanout.counters import WorkerCounters
from fanout.topic.batches import Batch
from fanout.topic.open_topic import Commit, OpenTopic
from fanout.topic.refusals import Refusal, refusal_of
from fanwire.core.clock import now_ms
from fanwire.core.tiers import Tier
from shared.redis.error_reply import error_text
from shared.redis.owned_connection import Command, OwnedConnection, script_call
from shared.redis.scripts import Script
from shared.redis.server_clock import ServerClock

COMMIT_BATCH: Final = Script("commit_batch")
_RANKS: Final = {tier: rank for rank, tier in enumerate(Tier)}


class ServerRefused(Exception):
    """The server cannot be worked with as it is now; the term ends."""


class Prepared(NamedTuple):
    """A batch that is on its way to Redis; without a tracer it has no span."""

    topic: OpenTopic
    commit: Commit
    span: CommitSpan | None


class Committer:
    """Owns the moment at which a topic's batch is committed."""

    def __init__(
        self,
        connection: OwnedConnection,
        limits: CommitLimits,
        *,
        clock: ServerClock,
        counters: WorkerCounters,
        telemetry: CommitTelemetry,
        on_refused: Callable[[OpenTopic, Refusal, str], None],
    ) -> None:
        self._connection = connection
        self._limits = limits
        self._clock = clock
        self._counters = counters
        self._record_size = telemetry.record_size
        self._spans = telemetry.spans
        self._on_refused = on_refused
        self._deadlines: DeadlineQueue[OpenTopic] = DeadlineQueue()
        self._turns: FairTurns[OpenTopic] = FairTurns(limits.fairness)
        self._woken = asyncio.Event()
        self._turn_ended = asyncio.Event()
        self._is_stopping = False

    def schedule(self, topic: OpenTopic) -> None:
        """Note that the topic's batches changed."""
        due_ms = now_ms() if topic.is_leaving else topic.batches.due_ms()
        if due_ms is None or topic.in_flight is not None or topic.is_closed:
            return
        if self._deadlines.put(topic, due_ms):
            self._woken.set()

    def stop(self) -> None:
        """Let `run` return after the commits that are on their way."""
        self._is_stopping = True
        self._woken.set()

    async def finish(self, topics: Collection[OpenTopic], *, within_ms: float) -> None:
        """Commit what these topics hold, without waiting for windows, as far as time allows."""
        for topic in topics:
            topic.is_leaving = True
            if not topic.is_idle:
                self.schedule(topic)
        try:
            async with asyncio.timeout(within_ms / 1000):
                while any(not topic.is_idle and not topic.is_closed for topic in topics):
                    self._turn_ended.clear()
                    await self._turn_ended.wait()
        except TimeoutError:
            pass

    async def run(self) -> None:
        """Commit until stopped.

        Raises:
            ServerRefused: If an answer is not about a topic but about the server.
        """
        while not self._is_stopping:
            turn = self._prepare_due()
            if not turn:
                await self._wait()
                continue
            try:
                replies = await self._connection.call_all([self._call(p.topic) for p in turn])
                self._accept_replies(turn, replies)
            except BaseException as cause:
                _fail(turn, cause)
                raise
            self._turn_ended.set()

    async def _wait(self) -> None:
        self._woken.clear()
        next_ms = self._deadlines.next_ms()
        try:
            async with asyncio.timeout(None if next_ms is None else (next_ms - now_ms()) / 1000):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _prepare_due(self) -> list[Prepared]:
        at_ms = now_ms()
        for due in self._deadlines.pop_due(now_ms=at_ms):
            self._turns.put(due, org=due.topic.org, tier=due.tier)
        backlog_bytes = sum(waiting.batches.waiting_bytes for waiting in self._turns)
        pruned = pruned_tiers(backlog_bytes, self._limits.pressure)
        turn: list[Prepared] = []
        self._turns.begin()
        while (topic := self._turns.pop_next()) is not None:
            if topic.is_closed or topic.in_flight is not None:
                continue
            batch = _pop_batch(topic, at_ms, is_pruned=topic.tier in pruned)
            if batch is None:
                self.schedule(topic)
                continue
            self._turns.charge(batch.size_bytes)
            turn.append(self._prepare(topic, batch))
        turn.sort(key=lambda prepared: _RANKS[prepared.topic.tier])
        return turn

    def _prepare(self, topic: OpenTopic, batch: Batch) -> Prepared:
        server_ms = self._clock.now_ms()
        if self._spans is None or not batch.events:
            return Prepared(topic, topic.prepare(batch, server_ms=server_ms), None)
        span = self._spans.begin(topic, batch)
        commit = topic.prepare(batch, server_ms=server_ms, traceparent=span.traceparent)
        return Prepared(topic, commit, span)

    def _call(self, topic: OpenTopic) -> Command:
        args = topic.commit_args(dead_letters_max=self._limits.dead_letters_max)
        return script_call(COMMIT_BATCH, topic.keys, args)

    def _accept_replies(self, turn: Sequence[Prepared], replies: Sequence[object]) -> None:
        for (topic, commit, span), reply in zip(turn, replies, strict=True):
            if isinstance(reply, ResponseError):
                refusal = self._refused(topic, reply)
                if span is not None:
                    span.failed(commit, refusal.value)
                continue
            if span is not None:
                span.ended(commit)
            topic.settle()
            self._count(topic, commit)
            self.schedule(topic)

    def _refused(self, topic: OpenTopic, error: ResponseError) -> Refusal:
        text = error_text(error)
        refusal = refusal_of(text)
        if refusal is Refusal.SERVER:
            raise ServerRefused(text)
        if refusal is Refusal.STALE:
            self._counters.stale_commits += 1
        self._on_refused(topic, refusal, text)
        return refusal

    def _count(self, topic: OpenTopic, commit: Commit) -> None:
        self._counters.batches += 1 if commit.batch.events else 0
        self._counters.events += len(commit.batch.events)
        if commit.batch.events:
            of_service = self._counters.of(topic.topic.service)
            of_service.batches += 1
            of_service.events += len(commit.batch.events)
            self._record_size(len(commit.batch.events), topic.topic.service)
        if commit.batch.pruned:
            self._counters.count_pruned(topic.tier, len(commit.batch.pruned))
        if commit.cut is not None:
            for reason, count in commit.cut.event_counts.items():
                self._counters.count_trimmed(topic.tier, reason, count)
        self._counters.input_gaps += commit.batch.gap_count
        for rejected in commit.batch.rejected:
            self._counters.count_dead(topic.topic.service, rejected.reason)


def _fail(turn: Sequence[Prepared], cause: BaseException) -> None:
    for prepared in turn:
        if prepared.span is not None:
            prepared.span.failed(prepared.commit, type(cause).__name__)


def _pop_batch(topic: OpenTopic, at_ms: float, *, is_pruned: bool) -> Batch | None:
    if topic.is_leaving:
        return topic.batches.pop_any(now_ms=at_ms)
    if is_pruned:
        return topic.batches.pop_pruned(now_ms=at_ms)
    return topic.batches.pop_due(now_ms=at_ms)
