"""Values that the worker's tests are made of."""

from dataclasses import replace
from typing import Final

from fanout.topic.batch_window import WindowLimits
from fanout.topic.batches import BatchLimits
from fanout.topic.dedup import Dedup
from fanout.topic.limits import TopicLimits
from fanout.topic.open_topic import CommittedState, OpenTopic, topic_keys
from fanout.topic.retention import RetentionLimits
from fanwire.core.entries.rejected import Fault, Reason, Rejected, rejected
from fanwire.core.events import Event, parse_entry
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import ZERO
from fanwire.core.tiers import Tiers

BATCHES: Final = BatchLimits(max_events=200, max_bytes=65_536, window=WindowLimits(30, 150))
RETENTION: Final = RetentionLimits(age_ms=300_000, event_count=1_000, size_bytes=16 * 1024 * 1024)
TOPIC_LIMITS: Final = TopicLimits(
    Tiers(), BATCHES, RETENTION, dedup_max_ids=10_000, dedup_window_ms=300_000
)


def a_dedup(*, max_ids: int = 10_000, window_ms: float = 300_000) -> Dedup:
    """Return the memory of a topic that has seen nothing."""
    return Dedup(max_ids=max_ids, window_ms=window_ms)


def an_event(
    number: int = 1,
    *,
    event_id: str | None = None,
    payload: bytes = b"{}",
    property_id: str | None = None,
    entity_id: str | None = None,
    ts_ms: int = 1_000,
    traceparent: str | None = None,
) -> Event:
    """Return the event of entry `<ts_ms>-<number>`."""
    texts = {
        b"eventId": event_id,
        b"propertyId": property_id,
        b"entityId": entity_id,
        b"traceparent": traceparent,
    }
    fields = {name: text.encode() for name, text in texts.items() if text is not None}
    event = parse_entry(f"{ts_ms}-{number}", fields | {b"data": payload}, org="acme")
    assert isinstance(event, Event)
    return event


def a_reject(number: int = 1, *, ts_ms: int = 1_000) -> Rejected:
    """Return the entry `<ts_ms>-<number>`, which has no data."""
    return rejected(f"{ts_ms}-{number}", Fault(Reason.SCHEMA, "data", "data is missing"), b"")


def an_open_topic(
    service: str = "tasks",
    *,
    org: str = "acme",
    limits: BatchLimits = BATCHES,
    retention: RetentionLimits = RETENTION,
) -> OpenTopic:
    """Return a topic at cursor 0-0 in epoch 7."""
    topic = Topic(Org(org), Service(service))
    standing = CommittedState(epoch=7, seq=0, cursor="0-0", last=ZERO, window_ms=None)
    bounds = replace(TOPIC_LIMITS, batches=limits, retention=retention)
    return OpenTopic(topic, topic_keys(Keys(), topic), standing, bounds)
