"""Notices entries that somebody else removed before they were fanned out.

Only the worker may trim an events stream, and only what is committed. A publisher that bounds
its stream (`XADD … MAXLEN`) takes away what is unread, silently. The server counts all
entries ever added, so what is gone can be counted too; each commit passes and trims a known
number of them, and what is gone beyond that was never delivered. It is logged, counted, and
told in a dead letter.

Looked at when a topic is opened and with every search for topics; what is removed while the
topic has no owner goes unnoticed. Rejected: the stream's `max-deleted-entry-id`, which trimming
leaves as it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fanout.counters import WorkerCounters
from fanout.topic.open_topic import OpenTopic
from shared.logs import logger
from shared.redis.owned_connection import Command, OwnedConnection

log = logger()

REASON: Final = "input_gap"

LOOKED_AT_TOGETHER: Final = 256
"""Bounds one pipelined call, whose replies are a few numbers each."""


class InputGaps:
    """Compares what left the events streams with what was committed."""

    def __init__(
        self, connection: OwnedConnection, *, counters: WorkerCounters, dead_letters_max: int
    ) -> None:
        self._connection = connection
        self._counters = counters
        self._dead_letters_max = dead_letters_max

    async def look(self, topics: Sequence[OpenTopic]) -> None:
        """Compare each topic once; the first time only notes where it starts."""
        for start in range(0, len(topics), LOOKED_AT_TOGETHER):
            await self._look(topics[start : start + LOOKED_AT_TOGETHER])

    async def _look(self, topics: Sequence[OpenTopic]) -> None:
        passed_before = [topic.passed_count for topic in topics]
        replies = await self._connection.call_all(
            [("XINFO", "STREAM", topic.keys.events) for topic in topics]
        )
        letters: list[Command] = []
        for topic, before, reply in zip(topics, passed_before, replies, strict=True):
            if isinstance(reply, Exception) or topic.is_closed:
                continue  # no stream of events: its reader says so
            facts = _by_name(reply)
            topic.backlog_count = int(facts[b"length"])
            if gap := gap_of(topic, removed_count(facts), passed_before=before):
                letters.append(self._letter(topic, gap))
        if letters:
            await self._connection.call_all(letters)

    def _letter(self, topic: OpenTopic, gap: int) -> Command:
        cursor = topic.standing.cursor
        self._counters.input_gaps += gap
        self._counters.count_dead(topic.topic.service, REASON)
        log.error("topic.input_gap", topic=str(topic.topic), entries=gap, cursor=cursor)
        limit = ("MAXLEN", "~", self._dead_letters_max)
        fields = ("reason", REASON, "id", cursor, "head", f"{gap} entries after this id are gone")
        return ("XADD", topic.keys.dead, *limit, "*", *fields)


def gap_of(topic: OpenTopic, removed: int, *, passed_before: int) -> int:
    """Return how many entries are newly missing from the topic's input; note that they are.

    `passed_before` is what was committed before the server was asked. Commits go on meanwhile,
    so the most is assumed of them: a gap may be told in two parts, but none is made up.
    """
    if topic.removed_before is None or removed < topic.removed_before:
        # The first look, or a stream that was deleted and made again.
        topic.removed_before = removed - passed_before
        return 0
    flying = topic.in_flight.batch.entry_count if topic.in_flight else 0
    gap = max(removed - topic.removed_before - topic.passed_count - flying, 0)
    topic.removed_before += gap
    return gap


def removed_count(facts: Any) -> int:
    """Return how many entries have left a stream, by its XINFO."""
    by_name = _by_name(facts)
    return int(by_name[b"entries-added"]) - int(by_name[b"length"])


def _by_name(facts: Any) -> Mapping[bytes, Any]:
    return facts if isinstance(facts, dict) else dict(zip(facts[::2], facts[1::2], strict=True))
