"""Notices entries that somebody else removed before they were fanned out.

Only the worker may trim an events stream, and only what is committed. A publisher that bounds
its stream (`XADD … MAXLEN`) takes away what is unread, silently. The server counts all entries
ever added, so what has left the stream can be counted too; each commit passes and trims a known
number of them, which is kept in the topic's hash. Where the two numbers differ, entries are gone.

They are compared when a topic is opened, so also for the time without an owner, and with every
search for topics. An open topic may hold entries that are gone from the stream: so what it holds
is committed first, and then it is opened again, where the numbers are exact. There the gap becomes
a batch without events that follows no reader's position: every reader is told to reset.

Rejected: the stream's `max-deleted-entry-id`, which trimming leaves as it is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from fanout.topic.open_topic import OpenTopic
from fanwire.core.entries.rejected import Fault, Reason, Rejected, rejected
from shared.redis.owned_connection import OwnedConnection

LOOKED_AT_TOGETHER: Final = 256
"""Bounds one pipelined call, whose replies are a few numbers each."""


class InputGaps:
    """Compares what left the events streams with what was committed."""

    def __init__(
        self,
        connection: OwnedConnection,
        *,
        on_suspected: Callable[[Sequence[OpenTopic]], Awaitable[None]],
    ) -> None:
        self._connection = connection
        self._on_suspected = on_suspected

    async def look(self, topics: Sequence[OpenTopic]) -> None:
        """Compare each topic once, and report those of which something may be gone."""
        for start in range(0, len(topics), LOOKED_AT_TOGETHER):
            await self._look(topics[start : start + LOOKED_AT_TOGETHER])

    async def _look(self, topics: Sequence[OpenTopic]) -> None:
        passed_before = [topic.standing.passed for topic in topics]
        replies = await self._connection.call_all(
            [("XINFO", "STREAM", topic.keys.events) for topic in topics]
        )
        suspected: list[OpenTopic] = []
        for topic, before, reply in zip(topics, passed_before, replies, strict=True):
            if isinstance(reply, Exception) or topic.is_closed:
                continue  # no stream of events: its reader says so
            facts = _by_name(reply)
            topic.backlog_count = int(facts[b"length"])
            if is_suspect(topic, removed_count(facts), passed_before=before):
                suspected.append(topic)
        if suspected:
            await self._on_suspected(suspected)


def is_suspect(topic: OpenTopic, removed: int, *, passed_before: int) -> bool:
    """Tell whether another number of entries is gone than its commits can have passed.

    `passed_before` is what was committed before the server was asked. Commits go on meanwhile, so
    anything up to what may be committed by now is no wonder.
    """
    flying = topic.in_flight.batch.entry_count if topic.in_flight else 0
    return not passed_before <= removed <= topic.standing.passed + flying


def gap_letter(cursor: str, *, passed: int, removed: int) -> Rejected:
    """Return the dead letter of entries after `cursor` that are gone."""
    gone = f"{removed - passed} entries" if removed > passed else "unknown many entries"
    why = f"{gone} after {cursor} were removed unread: publish without MAXLEN, XTRIM, XDEL and DEL"
    head = f"{gone} after this id are gone".encode()
    return rejected(cursor, Fault(Reason.INPUT_GAP, "", why), head)


def removed_count(facts: Any) -> int:
    """Return how many entries have left a stream, by its XINFO."""
    by_name = _by_name(facts)
    return int(by_name[b"entries-added"]) - int(by_name[b"length"])


def _by_name(facts: Any) -> Mapping[bytes, Any]:
    return facts if isinstance(facts, dict) else dict(zip(facts[::2], facts[1::2], strict=True))
