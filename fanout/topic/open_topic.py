"""A topic that this worker fans out: what is committed, what waits, what is known of both.

Everything here was read from Redis or follows from commits that Redis accepted. When a
commit is refused, the whole object is dropped and the topic opened again; nothing is mended.
"""

from dataclasses import InitVar, dataclass, field
from itertools import chain
from typing import Final, NamedTuple

from fanout.topic.batches import Batch, TopicBatches
from fanout.topic.dedup import Dedup
from fanout.topic.limits import TopicLimits
from fanout.topic.retention import KeptBatch, LogTrim, Retention
from fanwire.core.entries.rejected import Rejected
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import Position
from fanwire.core.tiers import Tier
from fanwire.wire.encode import EncodedBatch, encode_batch
from shared.redis.scripts import Argument

_LOG_ENTRY_OVERHEAD_BYTES: Final = 128
"""An estimate of an entry's id, field names and share of a stream's node, so that many small
ones count."""

QUIET_MS: Final = 60_000
"""Longer than any wait between an entry and its reading that is no backlog."""


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


class CommittedState(NamedTuple):
    """Where a topic stands by its hash."""

    epoch: int
    seq: int
    cursor: str
    last: Position
    window_ms: float | None
    passed: int = 0
    """How many entries commits have passed, of all that were ever added to its events stream."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A batch with its place behind the last one."""

    batch: Batch
    position: Position
    prev: Position
    trace: str = ""
    encoded: EncodedBatch | None = None
    logged: KeptBatch | None = None
    cut: LogTrim | None = None


@dataclass(slots=True, eq=False)
class OpenTopic:
    """One topic while its partition is held. Compared by identity: a reopened one differs."""

    topic: Topic
    keys: TopicKeys
    standing: CommittedState
    limits: InitVar[TopicLimits]
    taken_at_ms: float = float("-inf")
    tier: Tier = field(init=False)
    batches: TopicBatches = field(init=False)
    dedup: Dedup = field(init=False)
    retention: Retention = field(init=False)
    read_cursor: str = field(init=False)
    in_flight: Commit | None = field(init=False, default=None)
    backlog_count: int = field(init=False, default=0)
    """How many entries of its events stream were not committed when it was last looked at."""
    is_leaving: bool = field(init=False, default=False)
    is_closed: bool = field(init=False, default=False)

    def __post_init__(self, limits: TopicLimits) -> None:
        self.tier = limits.tiers.of(self.topic.service)
        self.batches = TopicBatches(limits.batches, window_ms=self.standing.window_ms)
        self.dedup = Dedup(max_ids=limits.dedup_max_ids, window_ms=limits.dedup_window_ms)
        self.retention = Retention(limits.retention, self.tier)
        self.read_cursor = self.standing.cursor

    @property
    def uncommitted_bytes(self) -> int:
        """What is held in memory of this topic."""
        flying = self.in_flight.batch.size_bytes if self.in_flight else 0
        return self.batches.waiting_bytes + flying

    @property
    def oldest_ts_ms(self) -> int | None:
        """When Redis took the oldest event that is read and not committed; None without one."""
        flying = self.in_flight.batch.events if self.in_flight else ()
        return flying[0].ts_ms if flying else self.batches.oldest_ts_ms()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was read is committed."""
        return self.in_flight is None and self.batches.due_ms() is None

    def prepare(self, batch: Batch, *, server_ms: float, traceparent: str | None = None) -> Commit:
        """Give `batch` its place behind the last one; it is in flight from now on.

        `traceparent` is the context of its span; without one it carries its first event's.
        """
        assert self.in_flight is None, "the next place is known when the last commit is settled"
        if batch.events or batch.gap_count:
            self.in_flight = self._placed(
                batch, server_ms, traceparent or _first_traceparent(batch)
            )
        else:
            self.in_flight = Commit(batch, self.standing.last, self.standing.last)
        return self.in_flight

    def _placed(self, batch: Batch, server_ms: float, trace: str | None) -> Commit:
        standing = self.standing
        position = Position(standing.epoch, standing.seq + (len(batch.events) or 1))
        # A gap names itself as predecessor: no reader stands there, so each reader finds a hole
        # between its position and the gap, and none after it.
        prev = position if batch.gap_count else standing.last
        encoded = encode_batch(
            service=self.topic.service,
            prev=prev,
            position=position,
            sent_at_ms=int(server_ms),
            traceparent=trace,
            events=batch.events,
            conflated=len(batch.pruned),
        )
        logged = KeptBatch(
            position, len(batch.events), logged_bytes(encoded.body, encoded.index), server_ms
        )
        cut = self.retention.plan(logged, now_ms=server_ms)
        return Commit(batch, position, prev, trace or "", encoded, logged, cut)

    def commit_args(self, *, dead_letters_max: int) -> tuple[Argument, ...]:
        """Return the arguments of commit_batch for the commit in flight."""
        commit, standing = self.in_flight, self.standing
        assert commit is not None
        batch, encoded = commit.batch, commit.encoded
        return (
            standing.cursor,
            batch.last_entry_id,
            standing.epoch,
            str(commit.position) if encoded else "",
            str(commit.prev),
            commit.position.seq - len(batch.events) + 1,
            len(batch.events),
            encoded.body if encoded else "",
            (encoded.index or "") if encoded else "",
            commit.trace,
            id_after(batch.last_entry_id),
            str(commit.cut.oldest_kept) if commit.cut else "",
            self.topic.service,
            round(self.batches.window_ms),
            dead_letters_max,
            standing.passed + batch.entry_count,
            *chain.from_iterable(map(_letter, batch.rejected)),
        )

    def settle(self) -> None:
        """Note that Redis accepted the commit in flight."""
        commit = self.in_flight
        assert commit is not None
        self.in_flight = None
        self.standing = self.standing._replace(
            cursor=commit.batch.last_entry_id,
            last=commit.position,
            seq=commit.position.seq if commit.encoded else self.standing.seq,
            passed=self.standing.passed + commit.batch.entry_count,
        )
        if commit.logged is not None:
            self.retention.record(commit.logged, commit.cut)
            # A pruned event that is published again must not come after the later one. A takeover
            # forgets its id: it is in no log; see fanout/commit/pressure.py.
            batch = commit.batch
            sent = chain(batch.pruned, batch.events)
            self.dedup.remember(e.dedup_key for e in sent if e.dedup_key)
            if batch.events:
                self.dedup.forget_until(batch.events[-1].ts_ms)

    def forget_if_quiet(self, *, now_ms: float, server_ms: float) -> None:
        """Drop ids that no future event can repeat, if nothing came for a while.

        While a backlog drains, what is read next may be much older than now, and its repeats
        as well; so only a topic that is known to be drained goes by the clock.
        """
        if now_ms - self.taken_at_ms > QUIET_MS:
            self.dedup.forget_until(server_ms - QUIET_MS)


def _first_traceparent(batch: Batch) -> str | None:
    return next((event.traceparent for event in batch.events if event.traceparent), None)


def _letter(rejected: Rejected) -> tuple[Argument, ...]:
    fault = rejected.fault
    return (
        fault.reason,
        rejected.entry_id,
        fault.field,
        fault.why,
        rejected.data_bytes,
        rejected.head,
    )


def logged_bytes(body: bytes, index: bytes | None) -> int:
    """Return what a batch takes up in the replay log, roughly."""
    return len(body) + len(index or b"") + _LOG_ENTRY_OVERHEAD_BYTES


def id_after(entry_id: str) -> str:
    """Return the smallest stream id that is greater than `entry_id`."""
    ms, _, seq = entry_id.partition("-")
    if int(seq) == 2**64 - 1:
        return f"{int(ms) + 1}-0"
    return f"{ms}-{int(seq) + 1}"
