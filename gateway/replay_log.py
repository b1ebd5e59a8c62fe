"""Reads the replay log: heads of topics, and the batches after a position.

Always a plain XREAD from an explicit position. Its reply names the stream, so a reply that
belongs to another question is noticed; `$` would lose what comes between two calls.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from fanwire.ids import Org
from fanwire.keys import Keys, Topic
from fanwire.position import Position, parse_position
from gateway.policy.log_entry import LogEntry
from gateway.round_trips import RedisUnavailable, RoundTrips
from shared.redis_io import Entry, as_streams, as_values

ENTRIES_PER_READ: Final = 64


class TopicHead(NamedTuple):
    """How far a topic is committed, and in which epoch the next batch will be."""

    last: Position
    epoch: int


class ReplayLog:
    """The batches of all topics, as the fanout workers commit them."""

    def __init__(self, round_trips: RoundTrips, keys: Keys) -> None:
        self._round_trips = round_trips
        self._keys = keys

    async def head(self, topic: Topic) -> TopicHead | None:
        """Return the head of a topic, None if there is no such topic (yet)."""
        reply = await self._round_trips.call("HMGET", self._keys.topic(topic), "last", "epoch")
        last, epoch = as_values(reply)
        if last is None or epoch is None:
            return None
        return TopicHead(parse_position(last.decode()), int(epoch))

    async def after(
        self, topic: Topic, position: Position, *, count: int = ENTRIES_PER_READ
    ) -> list[LogEntry]:
        """Return the oldest entries after `position`, at most `count`."""
        found = await self.after_each(topic.org, {topic: position}, count=count)
        return found.get(topic, [])

    async def after_each(
        self, org: Org, positions: Mapping[Topic, Position], *, count: int = ENTRIES_PER_READ
    ) -> dict[Topic, list[LogEntry]]:
        """Read several topics of one org at once; those with nothing new are left out."""
        by_key = {self._keys.batches(topic).encode(): topic for topic in positions}
        reply = await self._round_trips.call(
            "XREAD", "COUNT", count, "STREAMS", *by_key, *map(str, positions.values())
        )
        # Redis answers null when there is nothing new in any of the streams.
        streams = as_streams(reply or {})
        if not streams.keys() <= by_key.keys():
            raise RedisUnavailable(f"a reply about {[*streams]} came to a read of {org}")
        return {by_key[key]: list(map(_log_entry, entries)) for key, entries in streams.items()}


def _log_entry(entry: Entry) -> LogEntry:
    entry_id, fields = entry
    return LogEntry(
        position=parse_position(entry_id.decode()),
        prev=parse_position(fields[b"p"].decode()),
        event_count=int(fields[b"n"]),
        body=fields[b"d"],
        index=fields.get(b"x") or None,
    )
