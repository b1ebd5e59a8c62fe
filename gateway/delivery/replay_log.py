"""Reads the replay log: heads of topics, and the batches after a position.

Always a plain XREAD from an explicit position. Its reply names the stream, so a reply that
belongs to another question is noticed; `$` would lose what comes between two calls.

A topic whose keys somebody else has written to is an alert in the log, and no more than that:
the topics that are read together with it must not suffer.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from fanwire.core.ids import Org
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import Position, parse_position
from fanwire.errors import InvalidPosition
from gateway.delivery.log_entry import LogEntry
from shared.logs import logger
from shared.redis.client import Entry, as_streams, as_values
from shared.redis.pipelined import PipelinedRedis, RedisUnavailable, WrongType

log = logger()

ENTRIES_PER_READ: Final = 64
"""Full batches of 64 KiB make 4 MiB, well within the timeout of a call."""


class TopicHead(NamedTuple):
    """How far a topic is committed, and in which epoch the next batch will be."""

    last: Position
    epoch: int


class UnreadableTopic(RedisUnavailable):
    """A topic's hash was not written by a worker."""


class ReplayLog:
    """The batches of all topics, as the fanout workers commit them."""

    def __init__(self, redis: PipelinedRedis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    async def head(self, topic: Topic) -> TopicHead | None:
        """Return the head of a topic, None if there is no such topic (yet).

        Raises UnreadableTopic, and RedisUnavailable where no topic can be read.
        """
        try:
            reply = await self._redis.call("HMGET", self._keys.topic(topic), "last", "epoch")
            last, epoch = as_values(reply)
            if last is None or epoch is None:
                return None
            return TopicHead(parse_position(last.decode()), int(epoch))
        except (WrongType, InvalidPosition, ValueError) as error:
            log.error("topic.unreadable", topic=str(topic), cause=str(error))
            raise UnreadableTopic(error) from error

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
        try:
            reply = await self._redis.call(
                "XREAD", "COUNT", count, "STREAMS", *by_key, *map(str, positions.values())
            )
        except WrongType as error:
            return await self._after_one_by_one(org, positions, count, error)
        # Redis answers null when there is nothing new in any of the streams.
        streams = as_streams(reply or {})
        if not streams.keys() <= by_key.keys():
            raise RedisUnavailable(f"a reply about {[*streams]} came to a read of {org}")
        return {by_key[key]: _log_entries(key, entries) for key, entries in streams.items()}

    async def _after_one_by_one(
        self, org: Org, positions: Mapping[Topic, Position], count: int, error: WrongType
    ) -> dict[Topic, list[LogEntry]]:
        # Redis refuses the whole read for one bad key, without saying which.
        if len(positions) == 1:
            log.error("topic.unreadable", topic=str(*positions), cause=str(error))
            return {}
        found: dict[Topic, list[LogEntry]] = {}
        for topic, position in positions.items():
            found |= await self.after_each(org, {topic: position}, count=count)
        return found


def _log_entries(key: bytes, entries: list[Entry]) -> list[LogEntry]:
    # What is no batch is left out. Should it have stood for one, the chain has a hole now, and
    # the next read says so.
    return [batch for entry in entries if (batch := _log_entry(key, entry)) is not None]


def _log_entry(key: bytes, entry: Entry) -> LogEntry | None:
    entry_id, fields = entry
    try:
        return LogEntry(
            position=parse_position(entry_id.decode()),
            prev=parse_position(fields[b"p"].decode()),
            event_count=int(fields[b"n"]),
            body=fields[b"d"],
            index=fields.get(b"x") or None,
            trace=_text(fields.get(b"t")),
        )
    except (KeyError, ValueError, InvalidPosition) as error:
        log.error("batch.unreadable", key=key.decode(), entry=entry_id.decode(), cause=repr(error))
        return None


def _text(raw: bytes | None) -> str | None:
    return raw.decode(errors="replace") if raw else None
