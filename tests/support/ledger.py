"""What one topic went through, read back from Redis and checked against what was published.

O1: every accepted event is in exactly one batch, or in the dead letters. O2: batches hold
events in the order in which the events stream took them. And the chain of batches has no
hole: each names its predecessor, within an epoch seqs follow on, and epochs only grow.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson
from redis.asyncio import Redis

from fanwire.core.keys import Keys, Topic
from fanwire.core.position import ZERO, Position, parse_position
from tests.support.redis_reads import read_hash, read_range


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """One batch of the replay log."""

    position: Position
    prev: Position
    first_seq: int
    frame: dict[str, Any]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events as a client gets them."""
        events: list[dict[str, Any]] = self.frame["events"]
        return events


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that Redis holds of one topic."""

    unread_count: int
    batches: Sequence[LedgerBatch]
    dead: Sequence[dict[bytes, bytes]]
    topic: dict[bytes, bytes]

    @classmethod
    async def read(cls, redis: Redis, keys: Keys, topic: Topic) -> Self:
        """Read the topic's three streams and its hash."""
        logged = await read_range(redis, keys.batches(topic))
        return cls(
            unread_count=await redis.xlen(keys.events(topic)),
            batches=[_batch(entry_id, fields) for entry_id, fields in logged],
            dead=[fields for _, fields in await read_range(redis, keys.dead(topic))],
            topic=await read_hash(redis, keys.topic(topic)),
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every delivered event, in order."""
        return [event for batch in self.batches for event in batch.events]

    @property
    def payloads(self) -> list[Any]:
        """What was delivered, in order."""
        return [event["data"] for event in self.events]

    def check(self, accepted: Iterable[Any], *, dead_ids: Iterable[str] = ()) -> None:
        """Fail unless exactly these payloads were delivered in this order, and these are dead."""
        assert self.unread_count == 0, f"{self.unread_count} entries are not committed yet"
        self.check_chain()
        wanted = list(accepted)
        if self.payloads != wanted:
            raise AssertionError(_difference(self.payloads, wanted))
        assert [letter[b"id"].decode() for letter in self.dead] == list(dead_ids)

    def check_chain(self) -> None:
        """Fail unless each batch follows on from the one before."""
        for before, batch in zip(self.batches, self.batches[1:], strict=False):
            assert batch.prev == before.position, f"{batch.prev} does not follow {before.position}"
        for batch in self.batches:
            seqs = [event["seq"] for event in batch.events]
            assert seqs == list(range(batch.first_seq, batch.position.seq + 1))
            is_new_epoch = batch.prev.epoch != batch.position.epoch
            assert batch.first_seq == (1 if is_new_epoch else batch.prev.seq + 1)
            assert batch.frame["position"] == str(batch.position)
            assert batch.frame["prev"] == str(batch.prev)
        if self.batches:
            last = self.batches[-1].position
            assert parse_position(self.topic[b"last"].decode()) == last > ZERO


def _batch(entry_id: bytes, fields: dict[bytes, bytes]) -> LedgerBatch:
    frame = orjson.loads(fields[b"d"])
    assert len(frame["events"]) == int(fields[b"n"])
    return LedgerBatch(
        position=parse_position(entry_id.decode()),
        prev=parse_position(fields[b"p"].decode()),
        first_seq=int(fields[b"f"]),
        frame=frame,
    )


def _difference(found: list[Any], wanted: list[Any]) -> str:
    texts = [orjson.dumps(each) for each in found]
    wanted_texts = [orjson.dumps(each) for each in wanted]
    lost = [text for text in wanted_texts if text not in set(texts)]
    doubled = sorted({text for text in texts if texts.count(text) > wanted_texts.count(text)})
    if not lost and not doubled:
        at = next(
            n for n, pair in enumerate(zip(texts, wanted_texts, strict=True)) if pair[0] != pair[1]
        )
        return f"the order differs from event {at} on"
    return f"{len(lost)} lost: {lost[:5]}; {len(doubled)} doubled or foreign: {doubled[:5]}"
