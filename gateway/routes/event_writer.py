"""Writes a request's events to Redis: all of them, or none.

A pipeline of XADD, as the SDK sends it, can end in the middle. A caller of HTTP would have to be
told how far it came, and would have to know what to do with that; one script spares both.
"""

from collections.abc import Iterator, Sequence
from typing import Final, cast

from fanwire.core.keys import Keys, Topic
from fanwire.publish.high_water import HighWaterLimits, too_full
from fanwire.publish.new_event import Outgoing
from shared.redis.client import as_int, as_values
from shared.redis.pipelined import PipelinedRedis
from shared.redis.scripts import Argument, Script

_PUBLISH: Final = Script("publish_events")


class EventWriter:
    """Writes to the events streams of one org at a time."""

    def __init__(
        self, redis: PipelinedRedis, keys: Keys, limits: HighWaterLimits | None = None
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._limits = HighWaterLimits() if limits is None else limits

    async def write(self, events: Sequence[Outgoing]) -> list[str]:
        """Write events of one org, in order, and return their entry ids.

        Raises:
            Busy: If a topic holds too many unread events; nothing is written.
            RedisUnavailable: If Redis refuses, or did not answer: then all may be written.
        """
        topics = list(dict.fromkeys(event.topic for event in events))
        reply = await self._redis.run_script(
            _PUBLISH,
            [self._keys.events(topic) for topic in topics],
            [self._limits.unread_count, *script_arguments(events, topics)],
        )
        is_written, values = as_values(reply)
        if not is_written:
            self._refuse(topics, list(map(as_int, as_values(values))))
        return [cast(bytes, entry_id).decode() for entry_id in as_values(values)]

    def _refuse(self, topics: Sequence[Topic], unread_counts: Sequence[int]) -> None:
        fullest = max(range(len(topics)), key=unread_counts.__getitem__)
        raise too_full(topics[fullest], unread_counts[fullest], self._limits)


def script_arguments(events: Sequence[Outgoing], topics: Sequence[Topic]) -> Iterator[Argument]:
    """Yield what the script is given of `events`; `topics` are those of its keys."""
    number_of = {topic: number for number, topic in enumerate(topics, 1)}
    for event in events:
        yield number_of[event.topic]
        yield 2 * len(event.fields)
        for name, value in event.fields.items():
            yield name
            yield value
