"""Sends due batches to Redis and takes in what it answers.

Everything that is due leaves in one round trip, the highest tier first, one batch per topic:
the next one of a topic needs the cursor that this one sets. What is over the bounds of a
turn stays due, so that a burst cannot hold up the lease renewals on the same connection.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Final

from redis.exceptions import ResponseError

from fanout.counters import Counters
from fanout.open_topic import Commit, OpenTopic
from fanout.policy.agenda import Agenda
from fanout.policy.refusals import Refusal, refusal_of
from fanout.server_clock import ServerClock
from shared.owned_connection import Command, OwnedConnection, script_call
from shared.runtime import now_ms
from shared.scripts import Script

COMMIT_BATCH: Final = Script("commit_batch")
TURN_MAX_COMMITS: Final = 256
TURN_MAX_BYTES: Final = 4 * 1024 * 1024


class ServerRefused(Exception):
    """The server cannot be worked with as it is now; the term ends."""


class Committer:
    """Owns the moment at which a topic's batch is committed."""

    def __init__(
        self,
        connection: OwnedConnection,
        *,
        clock: ServerClock,
        counters: Counters,
        dead_letters_max: int,
        on_refused: Callable[[OpenTopic, Refusal, str], None],
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._counters = counters
        self._dead_letters_max = dead_letters_max
        self._on_refused = on_refused
        self._agenda: Agenda[OpenTopic] = Agenda()
        self._woken = asyncio.Event()
        self._turn_ended = asyncio.Event()
        self._is_stopping = False

    def schedule(self, topic: OpenTopic) -> None:
        """Note that the topic's batches changed."""
        due_ms = now_ms() if topic.is_leaving else topic.batches.due_ms()
        if due_ms is None or topic.in_flight is not None or topic.is_closed:
            return
        if self._agenda.put(topic, due_ms):
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
            commits = self._prepare_due()
            if not commits:
                await self._wait()
                continue
            replies = await self._connection.call_all([self._call(topic) for topic, _ in commits])
            self._take_in(commits, replies)
            self._turn_ended.set()

    async def _wait(self) -> None:
        self._woken.clear()
        next_ms = self._agenda.next_ms()
        try:
            async with asyncio.timeout(None if next_ms is None else (next_ms - now_ms()) / 1000):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _prepare_due(self) -> list[tuple[OpenTopic, Commit]]:
        at_ms = now_ms()
        due = self._agenda.take_due(now_ms=at_ms)
        due.sort(key=lambda topic: topic.tier_rank)
        commits: list[tuple[OpenTopic, Commit]] = []
        size_bytes = 0
        for topic in due:
            if topic.is_closed:
                continue
            if len(commits) >= TURN_MAX_COMMITS or size_bytes >= TURN_MAX_BYTES:
                self._agenda.put(topic, at_ms)
                continue
            take = topic.batches.take_any if topic.is_leaving else topic.batches.take_due
            batch = take(now_ms=at_ms)
            if batch is None:
                self.schedule(topic)
                continue
            commits.append((topic, topic.prepare(batch, server_ms=self._clock.now_ms())))
            size_bytes += batch.size_bytes
        return commits

    def _call(self, topic: OpenTopic) -> Command:
        args = topic.commit_args(dead_letters_max=self._dead_letters_max)
        return script_call(COMMIT_BATCH, topic.keys, args)

    def _take_in(
        self, commits: Sequence[tuple[OpenTopic, Commit]], replies: Sequence[object]
    ) -> None:
        for (topic, commit), reply in zip(commits, replies, strict=True):
            if isinstance(reply, ResponseError):
                self._refused(topic, reply)
                continue
            topic.settle()
            self._count(commit)
            self.schedule(topic)

    def _refused(self, topic: OpenTopic, error: ResponseError) -> None:
        text = f"{error.status_code} {error}" if error.status_code else str(error)
        refusal = refusal_of(text)
        if refusal is Refusal.SERVER:
            raise ServerRefused(text)
        if refusal is Refusal.STALE:
            self._counters.stale_commits += 1
        self._on_refused(topic, refusal, text)

    def _count(self, commit: Commit) -> None:
        self._counters.batches += 1 if commit.batch.events else 0
        self._counters.events += len(commit.batch.events)
        for rejected in commit.batch.rejected:
            self._counters.count_dead(rejected.reason)
