"""What this gateway has delivered, and how fast: counted once per batch, never per socket.

A broadcast tells its size and its audience, and the rest is multiplication. The latency runs from
the entry time of a batch's oldest event, which is Redis' clock, to this gateway's clock after the
last write: it is as good as the two agree, and never below zero.
"""

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fanwire.core.ids import Org
from fanwire.core.keys import CANARY, Topic
from gateway.delivery.chain import ResetReason
from gateway.delivery.log_entry import LogEntry, oldest_event_ms

RECENT_COUNT: Final = 512
"""Enough for a p99 with five above it."""

MAX_ORGS: Final = 10_000
"""More than a gateway's sockets are of; the rest is counted together."""

OTHER_ORGS: Final = Org("_other")


@dataclass(slots=True)
class Written:
    """What one broadcast of a run of batches came to, over all audiences of a topic."""

    recipients: int = 0
    """Sockets that something of it was for."""
    dropped: int = 0
    """Those of them that were lost, or shed it, while it was written."""
    frames: int = 0
    """Counted for each socket, as are the next two."""
    size_bytes: int = 0
    filtered: int = 0
    """Events that filters kept from sockets."""


@dataclass(slots=True)
class ServiceSums:
    """Sums of one service."""

    events: int = 0
    frames: int = 0
    size_bytes: int = 0
    filtered: int = 0


class BatchWatch(Protocol):
    """What records each batch as well: a histogram, a tracer."""

    def delivered(
        self, topic: Topic, entry: LogEntry, written: Written, *, begun_ns: int, age_ms: float
    ) -> None:
        """Take note of one batch that was written to all sockets."""


class DeliveryStats:
    """The sums of this process, and its latest latencies."""

    def __init__(self, watches: Sequence[BatchWatch] = ()) -> None:
        self._watches = watches
        self._recent_ms: deque[float] = deque(maxlen=RECENT_COUNT)
        self.services: dict[str, ServiceSums] = {}
        self.org_events: Counter[Org] = Counter()
        self.resets: Counter[ResetReason] = Counter()

    def p99_ms(self) -> float | None:
        """Return the 99th percentile of the latest batches' latencies, None before the first."""
        recent = sorted(self._recent_ms)
        return recent[int(0.99 * (len(recent) - 1))] if recent else None

    def record(
        self, topic: Topic, entries: Sequence[LogEntry], written: Written, *, begun_ns: int
    ) -> None:
        """Add a run of batches that was written to all sockets of a topic."""
        if topic == CANARY:
            return  # the canary's, not a user's
        event_count = sum(entry.event_count for entry in entries)
        sums = self.services.setdefault(topic.service, ServiceSums())
        sums.events += event_count
        sums.frames += written.frames
        sums.size_bytes += written.size_bytes
        sums.filtered += written.filtered
        self._count_org(topic.org, event_count)
        if written.recipients:
            for entry in entries:
                self._time(topic, entry, written, begun_ns)

    def _count_org(self, org: Org, event_count: int) -> None:
        is_known = org in self.org_events or len(self.org_events) < MAX_ORGS
        self.org_events[org if is_known else OTHER_ORGS] += event_count

    def _time(self, topic: Topic, entry: LogEntry, written: Written, begun_ns: int) -> None:
        oldest_ms = oldest_event_ms(entry.body)
        if oldest_ms is None:
            return
        age_ms = max(wall_ns() / 1e6 - oldest_ms, 0.0)
        self._recent_ms.append(age_ms)
        for watch in self._watches:
            watch.delivered(topic, entry, written, begun_ns=begun_ns, age_ms=age_ms)


def wall_ns() -> int:
    """Return the wall clock: entry times and spans are wall-clock times."""
    return time.time_ns()
