"""Who gets what: the topics that this gateway holds, and their sockets.

Everything here is synchronous. Between the moment a position is read and the moment a socket
is added nothing else can run, and that is what makes a join without a hole possible.
"""

from collections.abc import Iterator, Sequence

from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.core.property_filter import PropertyFilter
from fanwire.core.tiers import Tier
from fanwire.wire.encode import encode_reset
from gateway.connection.connection import Connection
from gateway.delivery.audience import Audience
from gateway.delivery.chain import ChainLink, ResetReason, link, reset_reason
from gateway.delivery.cutting import BatchRun, FilteredFrames, cut, uncut
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.stats import DeliveryStats, Written, wall_ns
from gateway.delivery.tail import Tail
from gateway.websocket.writer import text_frame


class HeldTopic:
    """A topic that is followed live: its position, its latest batches, its audiences."""

    __slots__ = (
        "arriving_count", "audiences", "epoch", "furthest", "moved_ms", "position", "stats", "tail",
        "tier", "topic",
    )  # fmt: skip

    def __init__(
        self,
        topic: Topic,
        tier: Tier,
        *,
        position: Position,
        epoch: int,
        now_ms: float,
        stats: DeliveryStats | None = None,
    ) -> None:
        self.topic = topic
        self.tier = tier
        self.position = position
        self.furthest = position
        """The highest position that a client here may rightly know, also after a reset."""
        self.epoch = epoch
        self.tail = Tail()
        self.moved_ms = now_ms
        self.stats = stats or DeliveryStats()
        self.audiences: dict[PropertyFilter, Audience] = {}
        self.arriving_count = 0
        """Sockets that are being brought to `position`, and join an audience then."""

    @property
    def is_needed(self) -> bool:
        """Tell whether a socket is here or on its way."""
        return bool(self.audiences) or self.arriving_count > 0

    @property
    def socket_count(self) -> int:
        """How many sockets get what follows."""
        return sum(map(len, self.audiences.values()))

    def join(self, connection: Connection, wanted: PropertyFilter) -> None:
        """Deliver to `connection` whatever follows `position`."""
        if not connection.is_open:
            # It left for good. Its descriptor may soon be another client's.
            return
        audience = self.audiences.get(wanted)
        if audience is None:
            audience = Audience(self.topic.service, self.tier, wanted, self.position)
            self.audiences[wanted] = audience
        audience.add(connection)
        connection.groups += (audience,)

    def leave(self, connection: Connection) -> None:
        """Deliver no more to `connection`."""
        for group in connection.groups:
            audience = self.audiences.get(group.wanted)
            if audience is not None and audience is group:
                self._remove(audience, connection)

    def deliver(self, entries: Sequence[LogEntry], *, now_ms: float) -> int:
        """Write what follows `position` to every socket; return how many events that was.

        Sockets are told with a reset where the entries do not continue the chain.
        """
        run: list[LogEntry] = []
        event_count = 0
        for entry in entries:
            verdict = link(self.position, entry)
            if verdict is ChainLink.SEEN:
                continue
            if verdict is not ChainLink.NEXT:
                self._broadcast(run, now_ms)
                run = []
                self.reset(reset_reason(self.position, entry), entry.prev)
            run.append(entry)
            event_count += entry.event_count
            self._advance(entry, now_ms)
        self._broadcast(run, now_ms)
        return event_count

    def reset(self, reason: ResetReason, position: Position) -> None:
        """Tell every socket to fetch its state again, and to go on from `position`."""
        self.position = position
        self.stats.resets[reason] += 1
        self.tail.clear()
        frame = text_frame(
            encode_reset(service=self.topic.service, reason=reason, position=position)
        )
        # A copy: a socket that is evicted on the way may take its audience with it.
        for audience in list(self.audiences.values()):
            audience.reset(frame, position)

    def _advance(self, entry: LogEntry, now_ms: float) -> None:
        self.position = entry.position
        self.furthest = max(self.furthest, entry.position)
        self.epoch = entry.position.epoch
        self.moved_ms = now_ms
        self.tail.append(entry)

    def _broadcast(self, entries: Sequence[LogEntry], now_ms: float) -> None:
        if not entries:
            return
        begun_ns, written = wall_ns(), Written()
        # Sorted out first: a socket that is evicted on the way may take its audience with it.
        everyone = self.audiences.get(None)
        filtered = [audience for audience in self.audiences.values() if audience is not everyone]
        if everyone is not None:
            whole = uncut(entries)
            _broadcast(everyone, whole, entries[0].prev, written)
            everyone.served_up_to(whole.served, now_ms=now_ms)
        if filtered:
            run = BatchRun.of(self.topic.service, entries)
            for audience in filtered:
                _broadcast_cut(audience, run, now_ms, written)
        self.stats.record(self.topic, entries, written, begun_ns=begun_ns)

    def _remove(self, audience: Audience, connection: Connection) -> None:
        audience.discard(connection)
        connection.groups = tuple(group for group in connection.groups if group is not audience)
        if not audience:
            del self.audiences[audience.wanted]


class Hub:
    """The held topics."""

    def __init__(self) -> None:
        self._topics: dict[Topic, HeldTopic] = {}

    def __iter__(self) -> Iterator[HeldTopic]:
        return iter(list(self._topics.values()))

    def __len__(self) -> int:
        return len(self._topics)

    def get(self, topic: Topic) -> HeldTopic | None:
        """Return the held topic, None if it is not held."""
        return self._topics.get(topic)

    def hold(self, held: HeldTopic) -> None:
        """Take charge of a topic."""
        self._topics[held.topic] = held

    def release(self, topic: Topic) -> None:
        """Drop a topic that has no sockets."""
        self._topics.pop(topic, None)

    def leave_all(self, connection: Connection) -> None:
        """Deliver nothing more to `connection`."""
        for group in connection.groups:
            held = self._topics.get(Topic(connection.claims.org, group.service))
            if held is not None:
                held.leave(connection)


def _broadcast(audience: Audience, given: FilteredFrames, at: Position, written: Written) -> None:
    count = len(audience)
    audience.broadcast(given.frames, at=at)
    written.recipients += count
    written.dropped += count - len(audience)
    written.frames += count * given.frame_count
    written.size_bytes += count * len(given.frames)


def _broadcast_cut(audience: Audience, run: BatchRun, now_ms: float, written: Written) -> None:
    result = cut(run, audience.wanted, served=audience.served)
    written.filtered += len(audience) * (run.event_count - result.event_count)
    if result.frames:
        _broadcast(audience, result, run.entries[0].prev, written)
        audience.served_up_to(result.served, now_ms=now_ms)
