"""What a topic's replay log tells its next owner: which ids were seen, and how much is kept.

The log is read from its end backwards, since the newest ids matter most and an id table is
bounded; of a log that holds more, the rest is only counted.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from fanout.topic.dedup import DedupKey, Sighting
from fanout.topic.open_topic import OpenTopic, logged_bytes
from fanout.topic.retention import KeptBatch
from fanwire.core.position import Position, parse_position
from shared.logs import logger
from shared.redis.owned_connection import OwnedConnection

log = logger()

FIRST_PAGE: Final = 8
"""All there is of a quiet topic's log, and little enough to ask of 128 topics at once."""

NEXT_PAGES: Final = 64
"""Full batches of 64 KiB make 4 MiB, well within the timeout of a call."""

RawEntry = tuple[bytes, list[bytes]]


class LoggedBatch(NamedTuple):
    """One entry of the log, and the ids of its events."""

    entry: KeptBatch
    sightings: list[tuple[DedupKey, Sighting]]


async def restore(connection: OwnedConnection, topics: Sequence[OpenTopic]) -> None:
    """Fill dedup and retention of freshly opened topics from their logs."""
    if not topics:
        return
    # Most logs are short, so one round trip for all of them does nearly everything.
    firsts = await connection.call_all(
        [("XREVRANGE", t.keys.batches, "+", "-", "COUNT", FIRST_PAGE) for t in topics]
    )
    for topic, first in zip(topics, firsts, strict=True):
        if isinstance(first, Exception):
            raise first
        await _restore_one(connection, topic, first)


async def _restore_one(connection: OwnedConnection, topic: OpenTopic, page: list[RawEntry]) -> None:
    batches: list[LoggedBatch] = []
    size = FIRST_PAGE
    while True:
        batches += [_read_batch(topic, raw_id, flat) for raw_id, flat in page]
        if len(page) < size:
            break
        size = NEXT_PAGES
        before = b"(" + page[-1][0]
        page = await connection.call("XREVRANGE", topic.keys.batches, before, "-", "COUNT", size)
        await asyncio.sleep(0)  # a long log must not hold up the leases
    batches.reverse()
    for batch in batches:
        topic.retention.record(batch.entry)
    topic.dedup.restore(seen for batch in batches for seen in batch.sightings)
    topic.dedup.forget_until(int(topic.standing.cursor.partition("-")[0]))


def _read_batch(topic: OpenTopic, raw_id: bytes, flat: list[bytes]) -> LoggedBatch:
    pairs = iter(flat)
    fields = dict(zip(pairs, pairs, strict=True))
    position = parse_position(raw_id.decode())
    body = fields.get(b"d", b"")
    try:
        frame = orjson.loads(body)
        sightings = [seen for event in frame["events"] if (seen := _sighting(event))]
        return LoggedBatch(_log_entry(position, fields, frame["sentAt"]), sightings)
    except (ValueError, KeyError, TypeError):
        # Another program wrote it: it cannot hold our ids, but it takes up room.
        log.warning("log.illegible", topic=str(topic.topic), position=str(position))
        return LoggedBatch(_log_entry(position, fields, 0.0), [])


def _log_entry(position: Position, fields: dict[bytes, bytes], at_ms: float) -> KeptBatch:
    size_bytes = logged_bytes(fields.get(b"d", b""), fields.get(b"x"))
    count = fields.get(b"n", b"0")
    return KeptBatch(position, int(count) if count.isdigit() else 0, size_bytes, at_ms)


def _sighting(event: dict[str, Any]) -> tuple[DedupKey, Sighting] | None:
    event_id = event.get("eventId")
    if event_id is None:
        return None
    # The payload's digest is unknown: digests are salted per process.
    return (event.get("entityType", ""), event_id), Sighting(event["ts"], None)
