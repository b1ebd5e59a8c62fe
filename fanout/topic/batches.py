"""When the events of one topic leave, and together with which others.

An event that finds its topic idle for a whole window leaves at once; then the window runs,
and what arrives meanwhile leaves together at its end. A batch that is full leaves without
waiting, so a backlog drains in full batches. Entries that will not be delivered (repeats,
dead letters) travel in a batch as well, since only a commit moves the cursor past them.

A batch stays open until it is taken: while Redis is slow, events join it instead of
queueing as many small ones.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from fanout.topic.batch_window import WindowLimits, next_window_ms
from fanwire.core.entries.rejected import Rejected
from fanwire.core.events import Event

_ENTRY_OVERHEAD_BYTES = 32
"""What an entry costs beside its payload: its seq and comma in the frame, its id here."""

MERGED_AT_MOST: Final = 64
"""How many batches become one under pressure: it bounds the work of a turn."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one batch holds at most, and how long it waits."""

    max_events: int
    max_bytes: int
    window: WindowLimits


@dataclass(slots=True)
class Batch:
    """Entries of one topic that are committed together."""

    due_ms: float
    events: list[Event] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    last_entry_id: str = ""
    size_bytes: int = 0
    pruned: list[Event] = field(default_factory=list)
    """Events that gave way to later ones of the same entity."""
    entry_count: int = 0
    """How many entries of the events stream it passes, whatever became of them."""
    gap_count: int = 0
    """How many entries somebody else removed unread, at least; it has no events then."""


class TopicBatches:
    """The batches of one topic that are not taken yet, oldest first."""

    def __init__(self, limits: BatchLimits, *, window_ms: float | None = None) -> None:
        self._limits = limits
        self._full: deque[Batch] = deque()
        self._open: Batch | None = None
        self._free_from_ms = float("-inf")
        self.window_ms = limits.window.shortest_ms if window_ms is None else window_ms
        self.waiting_bytes = 0

    def add(self, event: Event, *, now_ms: float) -> None:
        """Append an event that is to be delivered."""
        size_bytes = _size_bytes(event)
        batch = self._batch_for(size_bytes, now_ms)
        batch.events.append(event)
        self._count(batch, event.entry_id, size_bytes)
        # At its bounds it leaves now; one byte more and a small event would wait for nothing.
        if len(batch.events) >= self._limits.max_events or (
            batch.size_bytes >= self._limits.max_bytes
        ):
            self._close(batch, now_ms)

    def add_rejected(self, rejected: Rejected, *, now_ms: float) -> None:
        """Append an entry that becomes a dead letter."""
        size_bytes = rejected.size_bytes + _ENTRY_OVERHEAD_BYTES
        batch = self._batch_for(size_bytes, now_ms)
        batch.rejected.append(rejected)
        self._count(batch, rejected.entry_id, size_bytes)
        if len(batch.rejected) >= self._limits.max_events:
            self._close(batch, now_ms)

    def mark_gap(self, letter: Rejected, *, count: int, now_ms: float) -> None:
        """Tell first of all, in a batch of its own, that entries were removed unread.

        Nothing may have been added yet: who reads on from the cursor does not meet them.
        """
        assert self.due_ms() is None
        gap = Batch(now_ms, rejected=[letter], last_entry_id=letter.entry_id, gap_count=count)
        gap.size_bytes = letter.size_bytes + _ENTRY_OVERHEAD_BYTES
        self.waiting_bytes += gap.size_bytes
        self._full.append(gap)

    def pass_over(self, entry_id: str, *, now_ms: float) -> None:
        """Append an entry of which nothing is kept but that it was read."""
        self._count(self._batch_for(0, now_ms), entry_id, 0)

    def due_ms(self) -> float | None:
        """Return the moment from which `pop_due` yields, or None while nothing waits."""
        if self._full:
            return self._full[0].due_ms
        return None if self._open is None else self._open.due_ms

    def oldest_ts_ms(self) -> int | None:
        """Return the entry time of the first event that waits, or None while none does."""
        waiting = [*self._full, self._open] if self._open else [*self._full]
        return next((batch.events[0].ts_ms for batch in waiting if batch.events), None)

    def pop_due(self, *, now_ms: float) -> Batch | None:
        """Remove and return the oldest batch if its time has come."""
        due_ms = self.due_ms()
        if due_ms is None or due_ms > now_ms:
            return None
        return self._pop_now(now_ms)

    def pop_any(self, *, now_ms: float) -> Batch | None:
        """Remove and return the oldest batch, due or not: the topic is to be left."""
        return None if self.due_ms() is None else self._pop_now(now_ms)

    def pop_pruned(self, *, now_ms: float) -> Batch | None:
        """Remove the due batches and return them as one, as far as it stays within the bounds.

        Of each entity only the latest event is left. The number of batches is bounded as well:
        others wait for their turn.
        """
        if self._full and self._full[0].gap_count:
            return self.pop_due(now_ms=now_ms)
        merged = self._pop_due(now_ms)
        for _ in range(MERGED_AT_MOST):
            if merged is None or not self._full:
                break
            longer = merge(merged, self._full[0])
            if len(longer.events) > self._limits.max_events or (
                longer.size_bytes > self._limits.max_bytes
            ):
                break
            gone = self._full.popleft()
            self.waiting_bytes -= gone.size_bytes
            merged = longer
        return None if merged is None else self._settled(merged, now_ms)

    def _pop_due(self, now_ms: float) -> Batch | None:
        due_ms = self.due_ms()
        if due_ms is None or due_ms > now_ms:
            return None
        first = self._pop()
        return merge(first, Batch(due_ms=first.due_ms, last_entry_id=first.last_entry_id))

    def _pop_now(self, now_ms: float) -> Batch:
        return self._settled(self._pop(), now_ms)

    def _pop(self) -> Batch:
        if self._full:
            batch = self._full.popleft()
        else:
            assert self._open is not None
            batch, self._open = self._open, None
        self.waiting_bytes -= batch.size_bytes
        return batch

    def _settled(self, batch: Batch, now_ms: float) -> Batch:
        self._adapt(batch)
        self._free_from_ms = max(self._free_from_ms, now_ms + self.window_ms)
        return batch

    def _adapt(self, batch: Batch) -> None:
        if not batch.events:
            return  # dead letters and repeats cost no socket write
        fill = max(
            len(batch.events) / self._limits.max_events,
            batch.size_bytes / self._limits.max_bytes,
        )
        self.window_ms = next_window_ms(self.window_ms, fill=fill, limits=self._limits.window)

    def _batch_for(self, size_bytes: int, now_ms: float) -> Batch:
        batch = self._open
        if batch is not None and batch.size_bytes + size_bytes > self._limits.max_bytes:
            self._close(batch, now_ms)
            batch = None
        if batch is None:
            batch = self._open = Batch(due_ms=max(now_ms, self._free_from_ms))
        return batch

    def _count(self, batch: Batch, entry_id: str, size_bytes: int) -> None:
        batch.last_entry_id = entry_id
        batch.entry_count += 1
        batch.size_bytes += size_bytes
        self.waiting_bytes += size_bytes

    def _close(self, batch: Batch, now_ms: float) -> None:
        batch.due_ms = now_ms
        self._full.append(batch)
        self._open = None
        # What follows a full batch waits for company: it is seldom alone.
        self._free_from_ms = now_ms + self.window_ms


def merge(first: Batch, then: Batch) -> Batch:
    """Return one batch for two that follow each other, with the latest event of each entity."""
    latest: dict[object, Event] = {}
    pruned = first.pruned + then.pruned
    for event in (*first.events, *then.events):
        key = event.entity or event.entry_id
        if older := latest.pop(key, None):
            pruned.append(older)
        latest[key] = event  # the later one takes the later place
    rejected = first.rejected + then.rejected
    return Batch(
        due_ms=first.due_ms,
        events=list(latest.values()),
        rejected=rejected,
        last_entry_id=then.last_entry_id,
        size_bytes=sum(map(_size_bytes, latest.values()))
        + sum(r.size_bytes + _ENTRY_OVERHEAD_BYTES for r in rejected),
        pruned=pruned,
        entry_count=first.entry_count + then.entry_count,
    )


def _size_bytes(event: Event) -> int:
    return len(event.tail) + _ENTRY_OVERHEAD_BYTES
