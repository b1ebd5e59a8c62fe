"""Keeps the replay logs of a worker within their share of the server's memory.

Once a second the logs are weighed and each is told what it may hold. A log that grows is cut
with its next commit; one that is idle has no next commit, so it is trimmed from here.

Only replay logs are ever trimmed here. Events that are not read yet belong to the publishers.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from redis.exceptions import ResponseError

from fanout.counters import WorkerCounters
from fanout.replay.budget import LogLoad, ServerMemory, allowances, worker_budget
from fanout.topic.open_topic import OpenTopic
from fanout.topic.refusals import Refusal, refusal_of
from fanout.topic.retention import LogTrim
from fanout.topic.topic_table import TopicTable
from shared.redis.error_reply import error_text
from shared.redis.owned_connection import OwnedConnection
from shared.redis.server_clock import ServerClock

LOOK_MS: Final = 1_000
"""A flood writes some 12 MB in a second (measured), little beside a budget of 1 GiB."""


class ReplayKeeper:
    """Weighs the logs of all open topics; `run` must be running."""

    def __init__(
        self,
        connection: OwnedConnection,
        *,
        topic_table: TopicTable,
        clock: ServerClock,
        counters: WorkerCounters,
        budget_bytes: int | None,
    ) -> None:
        self._connection = connection
        self._topic_table = topic_table
        self._clock = clock
        self._counters = counters
        self._budget_bytes = budget_bytes

    async def run(self) -> None:
        """Look after the logs until cancelled."""
        while True:
            await asyncio.sleep(LOOK_MS / 1000)
            await self.tend()

    async def tend(self) -> None:
        """Weigh all logs once, and trim those that are idle and too large."""
        memory = server_memory(await self._connection.call("INFO", "memory"))
        topics = list(self._topic_table.open.values())
        budget_bytes = worker_budget(
            self._budget_bytes,
            memory,
            held_count=len(self._topic_table.held),
            kept_bytes=sum(topic.retention.size_bytes for topic in topics),
        )
        self._counters.replay_budget_bytes = budget_bytes
        server_ms = self._clock.now_ms()
        logs = [
            LogLoad(
                t.topic.org,
                t.tier,
                t.retention.wanted_bytes(now_ms=server_ms),
                t.retention.promised_bytes(now_ms=server_ms),
            )
            for t in topics
        ]
        for topic, allowed in zip(topics, allowances(logs, budget_bytes), strict=True):
            topic.retention.allow(allowed)
        await self._trim(self._plan_trims(topics, server_ms))

    def _plan_trims(
        self, topics: Sequence[OpenTopic], server_ms: float
    ) -> list[tuple[OpenTopic, LogTrim]]:
        cuts = []
        for topic in topics:
            # A commit on its way has planned its own cut of the same log.
            if topic.in_flight is None and (cut := topic.retention.excess(now_ms=server_ms)):
                topic.retention.remove(cut)
                cuts.append((topic, cut))
        return cuts

    async def _trim(self, cuts: Sequence[tuple[OpenTopic, LogTrim]]) -> None:
        if not cuts:
            return
        replies = await self._connection.call_all(
            [("XTRIM", t.keys.batches, "MINID", str(cut.oldest_kept)) for t, cut in cuts]
        )
        for (topic, cut), reply in zip(cuts, replies, strict=True):
            if isinstance(reply, ResponseError):
                if refusal_of(error_text(reply)) is not Refusal.TOPIC:
                    raise reply
                continue  # its next commit will be refused as well, and tells
            for reason, count in cut.event_counts.items():
                self._counters.count_trimmed(topic.tier, reason, count)


def server_memory(info: bytes) -> ServerMemory:
    """Return what INFO says of the server's memory."""
    lines = dict(line.partition(":")[::2] for line in info.decode().splitlines())
    return ServerMemory(int(lines["used_memory"]), int(lines["maxmemory"]))
