"""A topic that this worker fans out: what is committed, what waits, what is known of both.

Everything here was read from Redis or follows from commits that Redis accepted. When a
commit is refused, the whole object is dropped and the topic opened anew; nothing is mended.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from fanout.policy.batches import Batch, TopicBatches
from fanout.policy.dedup import Dedup
from fanout.policy.retention import Cut, LogEntry, Retention
from fanwire.keys import Keys, Topic
from fanwire.position import Position
from fanwire.tiers import Tier, tier_of
from fanwire.wire import encode_batch
from shared.scripts import Argument

_RANKS = {tier: rank for rank, tier in enumerate(Tier)}
_LOG_ENTRY_OVERHEAD_BYTES = 128


class TopicKeys(NamedTuple):
    """The keys of a topic, in the order in which commit_batch takes them."""

    topic: str
    batches: str
    events: str
    dead: str
    bell: str


def topic_keys(keys: Keys, topic: Topic) -> TopicKeys:
    """Return the keys of `topic`."""
    return TopicKeys(
        keys.topic(topic),
        keys.batches(topic),
        keys.events(topic),
        keys.dead(topic),
        keys.bell(topic.org),
    )


class Standing(NamedTuple):
    """Where a topic stands by its hash."""

    epoch: int
    seq: int
    cursor: str
    last: Position
    window_ms: float | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A batch with its place in the log, ready to be sent."""

    batch: Batch
    cursor: str
    position: Position
    logged: LogEntry | None
    cut: Cut | None
    args: tuple[Argument, ...]


@dataclass(slots=True, eq=False)
class OpenTopic:
    """One topic while its partition is held. Compared by identity: a reopened one differs."""

    topic: Topic
    keys: TopicKeys
    standing: Standing
    batches: TopicBatches
    dedup: Dedup
    retention: Retention
    read_cursor: str = ""
    in_flight: Commit | None = None
    is_leaving: bool = False
    is_closed: bool = False
    tier_rank: int = field(init=False)

    def __post_init__(self) -> None:
        self.read_cursor = self.standing.cursor
        self.tier_rank = _RANKS[tier_of(self.topic.service)]

    @property
    def uncommitted_bytes(self) -> int:
        """What is held in memory of this topic."""
        flying = self.in_flight.batch.size_bytes if self.in_flight else 0
        return self.batches.waiting_bytes + flying

    @property
    def is_idle(self) -> bool:
        """Whether everything that was read is committed."""
        return self.in_flight is None and self.batches.due_ms() is None

    def prepare(self, batch: Batch, *, server_ms: float, dead_letters_max: int) -> Commit:
        """Give `batch` its place behind the last one; it is in flight from now on."""
        assert self.in_flight is None
        standing = self.standing
        count = len(batch.events)
        position = Position(standing.epoch, standing.seq + count) if count else standing.last
        body, index, trace = b"", b"", ""
        logged = cut = None
        if count:
            trace = next((e.traceparent for e in batch.events if e.traceparent), "")
            encoded = encode_batch(
                service=self.topic.service,
                prev=standing.last,
                position=position,
                sent_at_ms=int(server_ms),
                traceparent=trace or None,
                events=batch.events,
            )
            body, index = encoded.body, encoded.index or b""
            size_bytes = len(body) + len(index) + _LOG_ENTRY_OVERHEAD_BYTES
            logged = LogEntry(position, count, size_bytes, server_ms)
            cut = self.retention.plan(logged, now_ms=server_ms)
        self.in_flight = Commit(
            batch=batch,
            cursor=batch.last_entry_id,
            position=position,
            logged=logged,
            cut=cut,
            args=(
                standing.cursor,
                batch.last_entry_id,
                standing.epoch,
                str(position) if count else "",
                str(standing.last),
                standing.seq + 1,
                count,
                body,
                index,
                trace,
                id_after(batch.last_entry_id),
                str(cut.oldest_kept) if cut else "",
                self.topic.service,
                round(self.batches.window_ms),
                dead_letters_max,
                *(part for r in batch.rejected for part in (r.reason, r.entry_id, r.head)),
            ),
        )
        return self.in_flight

    def settle(self) -> None:
        """Note that Redis accepted the commit in flight."""
        commit = self.in_flight
        assert commit is not None
        self.in_flight = None
        self.standing = self.standing._replace(
            cursor=commit.cursor,
            last=commit.position,
            seq=self.standing.seq + len(commit.batch.events),
        )
        if commit.logged is not None:
            self.retention.record(commit.logged, commit.cut)
            self.dedup.remember(e.dedup_key for e in commit.batch.events if e.dedup_key)
            self.dedup.forget_until(commit.batch.events[-1].ts_ms)


def id_after(entry_id: str) -> str:
    """Return the smallest stream id that is greater than `entry_id`."""
    ms, _, seq = entry_id.partition("-")
    if int(seq) == 2**64 - 1:
        return f"{int(ms) + 1}-0"
    return f"{ms}-{int(seq) + 1}"
