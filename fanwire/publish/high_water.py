"""When publishers are told to wait.

Unread events pile up in Redis while no worker takes them, and Redis' memory is finite.
Asking for the length before every event would double the round trips, so one answer holds
for a moment; the mark may be overshot by what is published within it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fanwire.core.keys import Topic
from fanwire.errors import Busy


@dataclass(frozen=True, slots=True)
class HighWaterLimits:
    """How many unread events a topic may hold, and how long one answer holds."""

    unread_count: int = 100_000
    """Two seconds of one worker, at the 44 000 events/s measured from a backlog."""
    answer_holds_ms: float = 100
    """At 1 000 events/s the mark is overshot by a hundred, and one question serves them all."""
    topic_count: int = 10_000
    """Some megabytes; a publisher of more topics asks again, which costs a round trip."""


class HighWater:
    """The last known length of each topic's events stream."""

    def __init__(self, limits: HighWaterLimits) -> None:
        self._limits = limits
        self._known: dict[Topic, tuple[float, int]] = {}

    def unknown(self, topics: Iterable[Topic], *, now_ms: float) -> list[Topic]:
        """Return the topics whose length has to be asked for, each once."""
        oldest_ms = now_ms - self._limits.answer_holds_ms
        never = (float("-inf"), 0)
        return [t for t in dict.fromkeys(topics) if self._known.get(t, never)[0] <= oldest_ms]

    def learn(self, topic: Topic, unread_count: int, *, now_ms: float) -> None:
        """Record an answer."""
        if len(self._known) >= self._limits.topic_count:
            # Forgetting costs one question per topic, and keeps the memory bounded.
            self._known.clear()
        self._known[topic] = (now_ms, unread_count)

    def check(self, topics: Iterable[Topic]) -> None:
        """Refuse topics that are full.

        Raises:
            Busy: If one of them has reached the mark.
        """
        for topic in dict.fromkeys(topics):
            _, unread_count = self._known.get(topic, (0, 0))
            if unread_count >= self._limits.unread_count:
                raise too_full(topic, unread_count, self._limits)


def too_full(topic: Topic, unread_count: int, limits: HighWaterLimits) -> Busy:
    """Return the refusal of a topic that has reached the mark."""
    return Busy(
        f"{topic} holds {unread_count} unread events, the high-water mark is {limits.unread_count}",
        retry_after_ms=1000,
    )
